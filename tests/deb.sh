#!/bin/sh
# SPDX-License-Identifier: ISC
#
# usage: deb.sh DIRECTORY-OF-DEBS, as root; "./dev deb --test" calls it.
#
# Installs the packages in a bare Debian, has a mention answered there,
# upgrades over a changed configuration, removes, purges. Without a service
# manager: what systemd would do is done by hand. It needs a mirror of Debian
# ($DEBIAN_MIRROR, else this machine's) and some minutes.
set -eu
debs=$(cd "$1" && pwd)
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' |
	awk '$2 == "bookworm" { print $1; exit }')}
root=$(mktemp -d /var/tmp/konstruct-root.XXXXXX)
sim_pid=
daemon_pid=

clean_up() {
	# shellcheck disable=SC2086
	kill $sim_pid $daemon_pid 2>/dev/null || true
	! mountpoint -q "$root/proc" || umount "$root/proc"
	rm -rf --one-file-system "$root"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

fail() {
	echo "deb.sh: $1" >&2
	[ ! -e "$root/tmp/log" ] || tail -n 20 "$root/tmp/log" >&2
	exit 1
}

inside() {
	chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"
}

as_konstruct() {
	inside runuser -u konstruct -- "$@"
}

wait_for() {
	tries=200
	until grep -q "$1" "$root/tmp/$2"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || fail "no '$1' in $2"
		sleep 0.1
	done
}

start_daemon() {
	: >"$root/tmp/log"
	inside install -d -o konstruct -g konstruct /run/konstruct
	as_konstruct konstructd --pid-file /run/konstruct/pid \
		>"$root/tmp/log" 2>&1 &
	wait_for msg=ready log
	daemon_pid=$(cat "$root/run/konstruct/pid")
}

stop_daemon() {
	kill "$daemon_pid"
	tries=300
	while [ -e "$root/run/konstruct/pid" ]; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || fail "the daemon does not end"
		sleep 0.1
	done
	daemon_pid=
}

echo "a bare Debian in $root"
chmod 755 "$root"
debootstrap --variant=minbase bookworm "$root" "$mirror" >"$root.out" 2>&1 || {
	tail -n 5 "$root.out"
	exit 1
}
rm -f "$root.out"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
echo '127.0.0.1 localhost' >"$root/etc/hosts"
# systemd-tmpfiles wants it, and the doctor looks into it.
mount -t proc proc "$root/proc"
mkdir "$root/debs"
cp "$debs"/konstructd_*.deb "$debs"/konstruct-sim_*.deb "$root/debs"

echo "install"
inside apt-get -qq update
inside sh -c 'apt-get -qq install -y --no-install-recommends /debs/*.deb \
	>/tmp/apt.out 2>&1' || fail "$(tail -n 5 "$root/tmp/apt.out")"
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

echo "a mention is answered"
# No function: its process id is wanted, not that of a shell around it.
chroot "$root" /usr/bin/konstruct-sim --listen 127.0.0.1:8010 --tls \
	--ca-out /tmp/ca.pem >"$root/tmp/sim" 2>&1 &
sim_pid=$!
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
echo "all is well"
