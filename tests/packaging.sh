#!/bin/sh
# SPDX-License-Identifier: ISC
#
# What an admin gets beside the programs keeps its promises: the man pages are
# sound and tell of every setting and option, the unit is as closed as is said,
# and --check-config finds what a start would stumble over.
set -u
cd "${KONSTRUCT_SRCDIR:-.}" || exit 99
ctl=${KONSTRUCT_BUILDDIR:-.}/konstructctl
daemon=${KONSTRUCT_BUILDDIR:-.}/konstructd
page=${KONSTRUCT_BUILDDIR:-.}/docs/man/konstructd.conf.5
bad=0

complain() {
	echo "$1"
	bad=1
}

for option in $("$ctl" --help | grep -oe '--[a-z-]*' | sort -u); do
	grep -qE "(Fl |, )-${option#--}\b" docs/man/konstructctl.1 ||
		complain "konstructctl(1) does not know '$option'"
done

dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT

# The sample, with one line that is wrong, and what is said of it.
sed -e 's|^\turl = ""|\turl = "http://127.0.0.1:1/v1"|' \
	etc/konstructd.conf >"$dir/good"
"$daemon" --check-config --config "$dir/good" ||
	complain "the sample is not good"
while read -r line value words; do
	sed -e "s|#$line = .*|$line = \"$value\"|" "$dir/good" >"$dir/bad"
	"$daemon" --check-config --config "$dir/bad" 2>"$dir/out" &&
		complain "$line = $value is taken"
	grep -q "bad:[0-9][0-9]*: .*$words" "$dir/out" ||
		complain "$line = $value: $(cat "$dir/out")"
done <<LIST
listen localhost:8001 not a numeric address
key_file /nowhere/key '/nowhere/key': No such file
api_key_file /nowhere/llm.key llm "main": cannot open '/nowhere/llm.key'
ca_file /nowhere/ca.pem '/nowhere/ca.pem': No such file
ca_file $dir/good no certificate
url nothing://here no s[a-z]* for 'nothing'
LIST

mandoc -Tlint -Wwarning docs/man/*.[158] "$page" ||
	complain "man pages have faults"

# The page of the settings: a table that has a setting of which nothing is said,
# or words about none, make none.
make_page() {
	awk -f docs/man/conf-page.awk "$dir/keys.c" "$dir/page.in" \
		>/dev/null 2>"$dir/out"
}
cp src/base/conf_keys.c "$dir/keys.c"
while IFS='|' read -r edit words; do
	sed -e "$edit" docs/man/konstructd.conf.5.in >"$dir/page.in"
	make_page && complain "conf-page.awk takes: $edit"
	grep -q "$words" "$dir/out" || complain "$edit: $(cat "$dir/out")"
done <<'LIST'
/^@key burst/d|page.in:[0-9]*: limits.engaged_minutes stands where
s/^@key burst/@key bursts/|page.in:[0-9]*: limits.bursts stands where
/^@key log_level/,/^@key log_format/{/^[^@]/d}|nothing is said of daemon.log_level
s/^@end$/@key more/|llm.more stands where the table has nothing
s/^@end$//|there is no @end
LIST
cp docs/man/konstructd.conf.5.in "$dir/page.in"
make_page || complain "conf-page.awk: $(cat "$dir/out")"
sed -i -e 's/{ "limits", "burst", CONF_INT/{ "limits", "burst", CONF_REAL/' \
	"$dir/keys.c"
make_page && complain "conf-page.awk takes a type that it doesn't know"

# Both units: of the one daemon, and of an instance.
units=${KONSTRUCT_BUILDDIR:-.}/systemd
for unit in konstructd.service konstructd@.service; do
	systemd-analyze security --offline=true --threshold=15 \
		"$units/$unit" >"$dir/out" 2>&1 ||
		complain "$unit is too open: $(tail -n 1 "$dir/out")"
	grep -q '@[a-z]*@' "$units/$unit" && complain "$unit: unfilled"
	for line in Type=notify WatchdogSec=30 MemoryMax= TasksMax= \
		Restart=on-failure; do
		grep -q "^$line" "$units/$unit" || complain "$unit: no $line"
	done
done
grep -q '^StateDirectory=konstruct-%i$' "$units/konstructd@.service" ||
	complain "an instance has no directory of its own"

# The manifest that is printed is the one that is installed.
"$ctl" manifest | cmp - etc/slack-app-manifest.yaml ||
	complain "konstructctl prints another manifest"
"$ctl" manifest --agent-view --name 'Kim (2)' >"$dir/out"
for line in '  name: Kim (2) ' '    display_name: kim-2 ' '  agent_view:' \
	'      - assistant:write' '      - agent_session_stopped'; do
	grep -qF "$line" "$dir/out" || complain "manifest: no '$line'"
done
"$ctl" manifest --name 'a "b"' >/dev/null 2>&1 && complain "quotes in a name"
"$ctl" --json manifest | grep -q '^{.*"socket_mode_enabled":true.*}$' ||
	complain "the manifest is no JSON"

# init fills in the sample, or writes a file that will do.
cp etc/konstructd.conf "$dir/filled"
for file in filled written; do
	"$ctl" --config "$dir/$file" init --url http://127.0.0.1:1/v1 \
		--model m1 </dev/null >/dev/null 2>&1
	"$daemon" --config "$dir/$file" --show-config >"$dir/out" ||
		complain "init writes settings that are wrong"
	grep -q 'model = "m1"' "$dir/out" || complain "init: no model"
done
[ "$(wc -l <"$dir/filled")" -eq "$(wc -l <etc/konstructd.conf)" ] ||
	complain "init does not keep the sample"
"$ctl" --config "$dir/filled" init --proxy http://proxy.test:1 </dev/null \
	>/dev/null 2>&1
"$daemon" --config "$dir/filled" --show-config >"$dir/out"
grep -q 'url = "http://127.0.0.1:1/v1"' "$dir/out" &&
	grep -q 'proxy = "http://proxy.test:1"' "$dir/out" ||
	complain "init does not fill in what isn't set yet"
cp "$dir/filled" "$dir/before"
"$ctl" --config "$dir/filled" init --proxy http://proxy.test:2 </dev/null \
	>/dev/null 2>&1
[ $? -eq 65 ] && cmp -s "$dir/filled" "$dir/before" ||
	complain "init passes over a proxy that is set otherwise"
cp etc/konstructd.conf "$dir/behind"
for file in behind short; do
	"$ctl" --config "$dir/$file" init --url https://model.test/v1 \
		--model m1 --proxy http://proxy.test:3128 --proxy-user mara \
		--proxy-password-file "$dir/no" --ca-file "$dir/ca" \
		</dev/null >/dev/null 2>&1
	"$daemon" --config "$dir/$file" --show-config >"$dir/out" ||
		complain "init writes a proxy that is wrong"
	for line in 'proxy = "http://proxy.test:3128"' 'proxy_user = "mara"' \
		"proxy_password_file = \"$dir/no\"" "ca_file = \"$dir/ca\""; do
		[ "$(grep -cF "	$line" "$dir/out")" -eq 2 ] ||
			complain "init, $file: not twice: $line"
	done
done
"$ctl" --config "$dir/none" init --url 'http://127.0.0.1/"' </dev/null \
	>/dev/null 2>&1
[ ! -e "$dir/none" ] || complain "init writes a quote"

# One daemon a pid file.
sed -e "s|^\t#state_dir = .*|\tstate_dir = \"$dir/state\"|" \
	-e "s|^\t#admin_socket = .*|\tadmin_socket = \"$dir/sock\"|" \
	-e "s|sqlite:/var/lib/konstruct|sqlite:$dir|" \
	-e 's|^\t#url = "sqlite|\turl = "sqlite|' \
	-e 's|^\t#listen = .*|\tlisten = ""|' "$dir/good" >"$dir/runs"
"$daemon" --config "$dir/runs" --pid-file "$dir/pid" >"$dir/log" 2>&1 &
pid=$!
until grep -q 'msg=ready' "$dir/log" || ! kill -0 $pid; do sleep 0.05; done
[ "$(cat "$dir/pid")" = $pid ] || complain "the pid file is wrong"
"$daemon" --config "$dir/runs" --pid-file "$dir/pid" 2>"$dir/out"
[ $? -eq 69 ] || complain "a second daemon is let in"

# What can't be had at a start is told with the place of its setting.
sed -e "s|$dir/state|/proc/nowhere|" "$dir/runs" >"$dir/bad"
"$daemon" --config "$dir/bad" 2>&1 |
	grep -q "bad:[0-9][0-9]*: cannot make directory '/proc/nowhere'" ||
	complain "a directory that can't be made: $("$daemon" --config "$dir/bad" 2>&1)"
kill $pid
wait $pid || complain "the daemon ends with $?"
[ ! -e "$dir/pid" ] || complain "the pid file is left behind"

# What bash offers.
completes() {
	want=$1
	shift
	"$ctl" --complete "$@" | grep -qx -e "$want" ||
		complain "no '$want' is offered after: $*"
}
completes tenant ''
completes doctor ''
completes remove tenant ''
completes --app-token-file tenant add x -
completes --json status -
completes FILE apply ''
completes FILE tenant add x --app-token-file ''
completes add --config /etc/x tenant ''
"$ctl" --complete status - | grep -q app-token &&
	complain "status is offered a token"
if command -v bash >/dev/null; then
	PATH=${ctl%/*}:$PATH bash -c '. etc/konstructctl.bash
		COMP_WORDS=(konstructctl tenant re) COMP_CWORD=2
		_konstructctl; echo "${COMPREPLY[*]}"' >"$dir/out"
	grep -q 'remove.*resume' "$dir/out" ||
		complain "bash offers: $(cat "$dir/out")"
fi

exit $bad
