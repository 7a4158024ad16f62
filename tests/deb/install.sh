#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Called by run.sh. Installs the packages, has a mention answered, upgrades over
# a changed configuration, removes, purges: without a service manager, what
# systemd would do is done by hand.
set -eu
. "$KONSTRUCT_TESTS/lib.sh"
new_root bare
bare_proc "$root"

wait_for() {
	await grep -q "$1" "$root/tmp/$2"
}

start_daemon() {
	: >"$root/tmp/log"
	inside install -d -o konstruct -g konstruct /run/konstruct
	as_konstruct konstructd --pid-file /run/konstruct/pid \
		>"$root/tmp/log" 2>&1 &
	wait_for msg=ready log
	daemon_pid=$(cat "$root/run/konstruct/pid")
	pids="$pids $daemon_pid"
}

stop_daemon() {
	kill "$daemon_pid"
	await test ! -e "$root/run/konstruct/pid"
}

echo "install"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
apt_install "/debs/$(cd "$root/debs" && echo konstructd_*.deb)" \
	"/debs/$(cd "$root/debs" && echo konstruct-sim_*.deb)"
inside getent passwd konstruct >/dev/null || fail "no user konstruct"
inside getent group konstruct-read >/dev/null || fail "no group konstruct-read"
[ "$(inside stat -c '%a %U' /var/lib/konstruct)" = "700 konstruct" ] ||
	fail "/var/lib/konstruct is not the daemon's"
[ ! -e "$root/etc/systemd/system/multi-user.target.wants/konstructd.service" ] ||
	fail "it is enabled before it is configured"
inside konstructd --check-config 2>"$root/tmp/said" &&
	fail "the settings as they come are taken"
grep -q 'konstructd.conf:[0-9]*: .*url.* is empty' "$root/tmp/said" ||
	fail "$(cat "$root/tmp/said")"
dpkg-query --admindir="$root/var/lib/dpkg" -W -f '${Conffiles}\n' konstructd |
	grep -q ' /etc/konstruct/konstructd.conf ' || fail "no conffile"

echo "what a document links to is there, but what only developers have"
docs=$root/usr/share/doc/konstructd
for doc in "$docs"/*.md "$docs"/docs/*.md; do
	for link in $(grep -o '](\([a-zA-Z./-]*\.md\)' "$doc" | cut -c 3- |
		grep -v tests/); do
		[ -e "${doc%/*}/$link" ] || fail "${doc#"$root"}: no $link"
	done
done

echo "a mention is answered"
# No function: its process id is wanted, not that of a shell around it.
chroot "$root" /usr/bin/konstruct-sim --listen 127.0.0.1:8010 --tls \
	--ca-out /tmp/ca.pem >"$root/tmp/sim" 2>&1 &
pids="$pids $!"
wait_for llm sim
chmod 644 "$root/tmp/ca.pem"
sed -i -e 's|^\turl = ""|\turl = "https://localhost:8010/llm/v1"|' \
	-e 's|^\t#api_url = .*|\tapi_url = "https://localhost:8010/api/"|' \
	-e 's|^\t#ca_file = ""|\tca_file = "/tmp/ca.pem"|' \
	"$root/etc/konstruct/konstructd.conf"
as_konstruct konstructd --check-config
start_daemon
inside sh -c 'konstruct-sim apply-file >/tmp/tenants.json'
as_konstruct konstructctl apply /tmp/tenants.json >/dev/null
echo '@kim hello' | inside konstruct-sim chat \
	--url https://localhost:8010 --ca /tmp/ca.pem \
	--channel general --user alice \
	>"$root/tmp/chat" 2>&1 || fail "$(cat "$root/tmp/chat")"
cat "$root/tmp/chat"
inside konstructctl doctor || [ $? -eq 1 ] || fail "the doctor finds a failure"

echo "upgrade with changed settings"
mkdir "$root/next"
dpkg-deb -R "$root"/debs/konstructd_*.deb "$root/next/d"
sed -i 's/^Version: .*/Version: 9.0/' "$root/next/d/DEBIAN/control"
echo '# of the next version' >>"$root/next/d/etc/konstruct/konstructd.conf"
dpkg-deb -b "$root/next/d" "$root/next/next.deb" >/dev/null
stop_daemon
inside dpkg --force-confdef --force-confold -i /next/next.deb \
	>"$root/tmp/dpkg.out" 2>&1 || fail "$(cat "$root/tmp/dpkg.out")"
grep -q localhost:8010 "$root/etc/konstruct/konstructd.conf" ||
	fail "the admin's settings are gone"
grep -q 'of the next' "$root/etc/konstruct/konstructd.conf.dpkg-dist" ||
	fail "the new settings are nowhere"
start_daemon
as_konstruct konstructctl tenant list | grep -q acme || fail "no tenants"
stop_daemon

echo "remove and purge"
inside dpkg -r konstructd >/dev/null
[ -e "$root/etc/konstruct/konstructd.conf" ] || fail "removing took settings"
[ -e "$root/var/lib/konstruct/key" ] || fail "removing took the key"
inside dpkg -P konstructd >/dev/null
for left in etc/konstruct var/lib/konstruct run/konstruct; do
	[ ! -e "$root/$left" ] || fail "purging leaves /$left"
done
