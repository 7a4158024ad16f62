#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Called by run.sh. The units as systemd runs them, as PID 1: start and ready,
# status, reload, watchdog, credentials, an instance, stopping in time, what
# the journal gets, upgrade and removal.
set -eu
. "$KONSTRUCT_TESTS/lib.sh"
lacks=$(machine_lacks)
[ -z "$lacks" ] || {
	echo "skipped: no machine can be booted here:" $lacks
	exit 0
}

new_root office
apt_install systemd dbus "/debs/$(cd "$root/debs" && echo konstructd_*.deb)" \
	"/debs/$(cd "$root/debs" && echo konstruct-sim_*.deb)"
cc -D_GNU_SOURCE -o "$root/usr/local/bin/hold" "$KONSTRUCT_TESTS/hold.c"
conf=$root/etc/konstruct
boot office

here() {
	on office sh -c "$1"
}

# shown UNIT PROPERTY
shown() {
	on office systemctl show "$1" -p "$2" --value
}

is_live() {
	on office konstructctl ${1+--config "$1"} status | grep -q ' live '
}

# say TEXT [LINGER]: to the agent; prints what is seen then.
say() {
	here "echo '$1' | konstruct-sim chat --url https://localhost:8010 \\
		--ca /etc/konstruct/sim-ca.pem --channel general --user alice \\
		--linger ${2-3}"
}

simulator() {
	here "konstruct-sim ctl --url https://localhost:8010 \\
		--ca /etc/konstruct/sim-ca.pem $1 '$2'" >/dev/null
}

# drop_in NAME LINE...: of both units; none without lines.
drop_in() {
	mkdir -p "$root/etc/systemd/system/$1.d"
	dir=$root/etc/systemd/system/$1.d
	shift
	printf '%s\n' '[Service]' "$@" >"$dir/test.conf"
	on office systemctl daemon-reload
}

echo "settings that are wrong aren't tried again"
! on office systemctl start konstructd 2>/dev/null || fail "it starts"
[ "$(shown konstructd ExecMainStatus)" = 78 ] || fail "it isn't 78"
[ "$(shown konstructd NRestarts)" = 0 ] || fail "it is tried again"
here "journalctl -u konstructd -p err -o cat" | grep -q "'url' is empty" ||
	fail "the journal doesn't say what is wrong"

echo "started when it is ready"
here "systemd-run --quiet --unit=slack konstruct-sim --tls \\
	--ca-out /etc/konstruct/sim-ca.pem --set llm_token_ms=5"
await test -s "$conf/sim-ca.pem"
cat >"$conf/conf.d/sim.conf" <<CONF
slack {
	api_url = "https://localhost:8010/api/"
	ca_file = "/etc/konstruct/sim-ca.pem"
}
llm "main" {
	url = "https://localhost:8010/llm/v1"
	ca_file = "/etc/konstruct/sim-ca.pem"
}
CONF
sed -i 's|^\turl = ""|\turl = "https://localhost:8010/llm/v1"|' \
	"$conf/konstructd.conf"
here "systemctl enable --now konstructd" 2>/dev/null
here "konstructctl status" | grep -q ': ok$' || fail "it isn't ready"
here "konstruct-sim apply-file >/tmp/t.json && konstructctl apply /tmp/t.json" \
	>/dev/null
await is_live
await here "systemctl show konstructd -p StatusText | grep -q '2 of 2 apps'"
say '@kim hello' | grep -q 'Kim: Hello' || fail "no answer"

echo "who may"
[ "$(on office stat -c '%a %U:%G' /var/lib/konstruct)" = "700 konstruct:konstruct" ] ||
	fail "the state directory is open"
here "useradd -G konstruct ann && useradd bob"
here "runuser -u ann -- konstructctl tenant list" | grep -q acme ||
	fail "a member of the group may not"
! here "runuser -u bob -- konstructctl tenant list" >/dev/null 2>&1 ||
	fail "anybody may"

echo "the unit is closed"
here "systemd-analyze security konstructd --no-pager" | tail -n 1
here "systemd-analyze security konstructd --threshold=15" >/dev/null ||
	fail "it is too open"
here "konstructctl doctor" | grep -q '^ok *sandbox' || fail "the doctor differs"

echo "the journal has fields"
here "journalctl TENANT=acme CHANNEL=C0GENERAL -o cat" |
	grep -q 'msg="turn finished"' || fail "no turn of acme's in general"
for field in TENANT CHANNEL EVENT_ID ENTRY STAGE LINK; do
	echo "$field: $(here "journalctl -F $field" | head -n 3 | tr '\n' ' ')"
	here "journalctl -F $field" | grep -q . || fail "no line has $field"
done

echo "reload keeps process and links"
pid=$(shown konstructd MainPID)
echo 'limits { rate_per_minute = 7 }' >"$conf/conf.d/limit.conf"
on office systemctl reload konstructd
here "konstructctl config diff" | grep -q rate_per_minute &&
	fail "the new limit isn't in force"
echo 'limits { rate_per_minute = many }' >"$conf/conf.d/limit.conf"
! on office systemctl reload konstructd 2>/dev/null || fail "a bad file is taken"
rm "$conf/conf.d/limit.conf"
on office systemctl reload konstructd
[ "$(shown konstructd MainPID)" = "$pid" ] || fail "it was restarted"
[ "$(shown konstructd ActiveState)" = active ] || fail "it isn't active"
is_live || fail "it has lost the links"

echo "killed, it comes again"
on office systemctl kill -s KILL konstructd
await here "[ \$(systemctl show konstructd -p NRestarts --value) = 1 ]"
await is_live

# One thread of the daemon, as the machine numbers it.
thread() {
	here "grep -l '^$1\$' /proc/$(shown konstructd MainPID)/task/*/comm" |
		cut -d/ -f5
}

echo "a thread that hangs is noticed"
drop_in konstructd.service WatchdogSec=4
on office systemctl restart konstructd
await is_live
on office hold "$(thread io)" &
held=$!
await here "systemctl show konstructd -p Result -p NRestarts | grep -q 'NRestarts=[1-9]'"
wait $held
here "journalctl -u konstructd -o cat" | grep 'Watchdog timeout' ||
	fail "it wasn't the watchdog"
await is_live
drop_in konstructd.service

echo "a stop lets an answer end, and doesn't wait for ever"
on office systemctl restart konstructd
await is_live
simulator llm '{"contains":"slow","text":"one two three four five six seven eight nine ten","token_ms":400,"piece":4}'
say '@kim slow' 20 >"$work/slow" &
await here "konstructctl status | grep -q '^turns *1 in flight'"
began=$(date +%s)
on office systemctl stop konstructd
took=$(($(date +%s) - began))
echo "it took $took s"
[ $took -lt 45 ] || fail "it had to be killed"
[ "$(shown konstructd Result)" = success ] || fail "$(shown konstructd Result)"
wait $!
grep -q 'ten$' "$work/slow" || fail "$(cat "$work/slow")"
on office systemctl start konstructd


simulator llm '{"contains":"forever","mode":"endless","token_ms":100}'
echo 'daemon { drain_timeout_s = 3 }' >"$conf/conf.d/drain.conf"
on office systemctl start konstructd
await is_live
say '@kim forever' 20 >"$work/long" &
talk=$!
await here "konstructctl status | grep -q '^turns *1 in flight'"
on office systemctl stop konstructd
[ "$(shown konstructd Result)" = success ] || fail "$(shown konstructd Result)"
simulator llm '{"contains":"forever","text":"here I end","token_ms":10}'
rm "$conf/conf.d/drain.conf"
on office systemctl start konstructd
await here "konstructctl status | grep -q ' 1 answers'"
kill $talk 2>/dev/null || true
on office systemctl stop konstructd

echo "an instance, with credentials"
sed -e 's|^	#listen = .*|	listen = "127.0.0.1:8002"|' \
	-e 's|^	#state_dir = .*|	state_dir = "/var/lib/konstruct-two"|' \
	-e 's|^	#admin_socket = .*|	admin_socket = "/run/konstruct-two/admin.sock"|' \
	-e 's|^	#url = "sqlite:.*|	url = "sqlite:/var/lib/konstruct-two/konstruct.db"|' \
	-e 's|^	#key_file = .*|	key_file = "credential:key"|' \
	-e 's|^	#api_key_file = .*|	api_key_file = "credential:model"|' \
	"$conf/konstructd.conf" >"$conf/two.conf"
here "konstructctl key new | systemd-creds encrypt --name=key - /etc/konstruct/key.cred &&
	echo sk-secret >/etc/konstruct/model.key && chmod 600 /etc/konstruct/model.key" \
	2>/dev/null
simulator llm/key '{"key":"sk-secret"}'
on office systemctl start konstructd@two 2>/dev/null &&
	fail "it starts without its key"
here "journalctl -u konstructd@two -p err -o cat" | grep 'credential:key' ||
	fail "the journal doesn't say which key is missing"
drop_in konstructd@two.service \
	LoadCredentialEncrypted=key:/etc/konstruct/key.cred \
	LoadCredential=model:/etc/konstruct/model.key
on office systemctl reset-failed konstructd@two
on office systemctl start konstructd@two ||
	fail "$(here "journalctl -u konstructd@two -o cat")"
here "konstructctl --config /etc/konstruct/two.conf apply /tmp/t.json" >/dev/null
await is_live /etc/konstruct/two.conf
say '@kim with a key' | grep -q 'Kim: Hello' || fail "no answer"
[ ! -e "$root/var/lib/konstruct-two/key" ] || fail "there is a key on disk"

echo "root's doctor has what the unit is given, and nobody else's"
here "konstructctl --config /etc/konstruct/two.conf doctor" >"$work/doctor" ||
	true
cat "$work/doctor"
! grep -q 'left out' "$work/doctor" || fail "something is left out"
for what in 'key' 'store' 'bot token of acme' 'model "main"'; do
	grep -q "^ok *$what" "$work/doctor" || fail "it isn't well: $what"
done
here "runuser -u ann -- konstructctl --config /etc/konstruct/two.conf doctor" \
	>"$work/doctor" || true
grep -q "left out: they are for uid" "$work/doctor" &&
	grep -q "cannot read 'credential:model'" "$work/doctor" ||
	fail "what ann may not read isn't told: $(cat "$work/doctor")"

echo "a new key, as docs/security.md says"
here "(konstructctl key new; systemd-creds decrypt --name=key /etc/konstruct/key.cred -) |
	systemd-creds encrypt --name=key - /etc/konstruct/key.new &&
	mv /etc/konstruct/key.new /etc/konstruct/key.cred &&
	systemctl restart konstructd@two &&
	konstructctl --config /etc/konstruct/two.conf key rotate" 2>/dev/null
here "konstructctl --config /etc/konstruct/two.conf key list"
await is_live /etc/konstruct/two.conf

echo "an upgrade restarts what runs, and only that"
two=$(shown konstructd@two MainPID)
mkdir "$root/next"
dpkg-deb -R "$root"/debs/konstructd_*.deb "$root/next/d"
sed -i 's/^Version: .*/Version: 9.0/' "$root/next/d/DEBIAN/control"
dpkg-deb -b "$root/next/d" "$root/next/next.deb" >/dev/null
here "dpkg --force-confold -i /next/next.deb" >"$work/dpkg.out" 2>&1 ||
	fail "$(cat "$work/dpkg.out")"
await is_live /etc/konstruct/two.conf
[ "$(shown konstructd@two MainPID)" != "$two" ] || fail "the old one runs on"
[ "$(shown konstructd ActiveState)" = inactive ] || fail "one that was stopped runs"
on office systemctl is-enabled --quiet konstructd || fail "it isn't enabled now"

echo "removing stops it, purging leaves nothing"
here "dpkg -r konstructd" >/dev/null 2>&1
[ "$(shown konstructd@two ActiveState)" != active ] || fail "it runs on"
[ -e "$root/var/lib/konstruct-two/konstruct.db" ] || fail "removing took the store"
here "dpkg -P konstructd" >/dev/null 2>&1
for left in /var/lib/konstruct /var/lib/konstruct-two /run/konstruct \
	/run/konstruct-two; do
	! on office test -e $left || fail "purging leaves $left"
done
