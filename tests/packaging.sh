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
bad=0

complain() {
	echo "$1"
	bad=1
}

keys=$(sed -n 's/^[	#]*\([a-z_]*\) = .*/\1/p' etc/konstructd.conf)
for key in $keys; do
	grep -q "^\.It Cm $key\b" docs/man/konstructd.conf.5 ||
		complain "konstructd.conf(5) does not know '$key'"
done

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
	grep -q "$words" "$dir/out" ||
		complain "$line = $value: $(cat "$dir/out")"
done <<LIST
listen localhost:8001 not a numeric address
key_file /nowhere/key '/nowhere/key': No such file
api_key_file /nowhere/llm.key llm "main": cannot open '/nowhere/llm.key'
ca_file /nowhere/ca.pem '/nowhere/ca.pem': No such file
ca_file $dir/good no certificate
url nothing://here no s[a-z]* for 'nothing'
LIST

if command -v mandoc >/dev/null; then
	mandoc -Tlint -Wwarning docs/man/*.[158] ||
		complain "man pages have faults"
fi

if command -v systemd-analyze >/dev/null; then
	sed -e 's,@sbindir@,/usr/sbin,' -e 's,@sysconfdir@,/etc,' \
		systemd/konstructd.service.in >"$dir/konstructd.service"
	systemd-analyze security --offline=true --threshold=20 \
		"$dir/konstructd.service" >"$dir/out" 2>&1 ||
		complain "the unit is too open: $(tail -n 1 "$dir/out")"
fi

exit $bad
