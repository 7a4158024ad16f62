#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Called by run.sh. As a new admin would, from the package in a bare Debian to
# an answered mention, with what README.md, docs/getting-started.md and
# docs/firewall.md say: from a machine that reaches nothing but a proxy, which
# wants a login and reads along. Prints a transcript of it. world.sh is the
# other side.
set -eu
. "$KONSTRUCT_TESTS/lib.sh"
lacks=$(machine_lacks)
[ -z "$lacks" ] || {
	echo "skipped: no machine can be booted here:" $lacks
	exit 0
}

new_root world
apt_install systemd dbus openssl squid-openssl \
	"/debs/$(cd "$root/debs" && echo konstruct-sim_*.deb)"
cp "$KONSTRUCT_TESTS/world.sh" "$root/root"
new_root office
apt_install systemd dbus adduser sudo
cp "$root"/debs/konstructd_*.deb "$root/root"
boot world
boot office
cable world office
on world sh /root/world.sh
cp "$work/world/etc/squid/ca.pem" "$work/office/root/company-ca.pem"

doctor() {
	types office "konstructctl doctor"
}

ask() {
	types world "echo '$1' | konstruct-sim chat --url https://localhost \\
		--ca /run/slack-ca.pem --channel general --user alice"
}

echo "-- nothing is reached but by the proxy"
types office "getent hosts slack.com"
ends 2
types office "bash -c 'exec 3<>/dev/tcp/192.0.2.1/443'"
ends 1 refused

echo "-- install"
echo "office# apt install ./konstructd_*.deb"
online office sh -c 'cd; apt-get install -y --no-install-recommends \
	./konstructd_*.deb 2>&1' >"$work/apt.out" || fail "$(tail "$work/apt.out")"
grep -i konstruct "$work/apt.out"
types office "adduser --quiet --disabled-password --gecos '' ann &&
	adduser --quiet ann konstruct"
ends 0

echo "-- too early"
types office "systemctl enable --now konstructd"
ends 1
types office "journalctl -u konstructd -o cat -p warning"
ends 0 "'url' is empty: which server is it"
types office "systemctl show konstructd -p ExecMainStatus -p NRestarts"
ends 0 ExecMainStatus=78 NRestarts=0

echo "-- where the model is; that there is a proxy was overlooked"
types office "konstructctl init --url https://api.openai.com/v1 \\
	--model gpt-4o-mini --name Kim >manifest.yaml"
ends 0
types office "grep -A1 display_information manifest.yaml"
ends 0 "name: Kim"
types office "systemctl enable --now konstructd && konstructctl status"
ends 0 ": ok" "links     none"
doctor
ends 2 "failure  HTTPS to Slack: Could not resolve host" "set proxy"

echo "-- docs/firewall.md: a proxy"
types office "install -m 0640 -g konstruct /dev/null /etc/konstruct/proxy.password
echo 'correct horse' >/etc/konstruct/proxy.password
konstructctl init --proxy http://192.0.2.1:3128 --proxy-user office \\
	--proxy-password-file /etc/konstruct/proxy.password >/dev/null"
ends 0
types office "konstructctl config check && konstructctl reload"
ends 0 "no mistakes" "in force"
doctor
ends 2 "failure  HTTPS to Slack: SSL certificate" \
	"signed by O = Example Corp, CN = Example Corp Proxy CA" "as ca_file"

echo "-- docs/firewall.md: a proxy that reads along"
types office "install -m 0644 company-ca.pem /etc/konstruct/proxy-ca.pem
konstructctl init --ca-file /etc/konstruct/proxy-ca.pem >/dev/null
systemctl restart konstructd"
ends 0

echo "-- docs/getting-started.md: a tenant and its agent, by a member of the group"
types office "runuser -u ann -- sh -c 'cd; umask 077
echo xapp-1-A0ACME-sim >app.token
echo xoxb-sim-acme >bot.token
konstructctl tenant add acme --app-token-file app.token --bot-token-file bot.token
konstructctl agent set acme --name Kim --role \"assistant of the support team\" \\
	--persona \"Friendly and brief. Says so when unsure.\"
rm app.token bot.token'"
ends 0
doctor
ends 2 "ok       HTTPS to Slack: through the proxy" \
	"failure  WSS for A0ACME: the upgrade to WebSocket was refused" \
	"let WebSockets pass"

echo "-- what docs/firewall.md tells the proxy's keeper"
types world "echo 'http_upgrade_request_protocols websocket allow all' \\
	>>/etc/squid/squid.conf && squid -k reconfigure"
ends 0
types office "systemctl restart konstructd"
await on office sh -c 'konstructctl status | grep -q " live "'
types office "konstructctl status"
ends 0 "1 live"

echo "-- ask"
ask "@kim what do you do?"
ends 0 "Kim: Hello, this is Kim"
types world "echo 'The printer is on floor 3.' >notes.txt"
ask "/file notes.txt @kim what is in it?"
ends 0 "Kim: Hello, this is Kim"
doctor
ends 0 "ok       WSS for A0ACME: through the proxy 192.0.2.1, signed by O = Example" \
	"ok       model \"main\": answers and streams" "ok       sandbox" \
	"ok       events"

echo "-- all of it went through the proxy"
types world "awk '\$6 == \"CONNECT\" && \$8 == \"office\" { print \$7 }' \\
	/var/log/squid/access.log | sort | uniq -c"
ends 0 " slack.com:443" " wss-primary.slack.com:443" " files.slack.com:443" \
	" api.openai.com:443"
types office "journalctl -u konstructd -o cat TENANT=acme"
ends 0
