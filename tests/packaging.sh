#!/bin/sh
# SPDX-License-Identifier: ISC
#
# What an admin gets beside the programs keeps its promises: the man pages are
# sound and tell of every setting and option, the unit is as closed as is said.
set -u
cd "${KONSTRUCT_SRCDIR:-.}" || exit 99
ctl=${KONSTRUCT_BUILDDIR:-.}/konstructctl
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

if command -v mandoc >/dev/null; then
	mandoc -Tlint -Wwarning docs/man/*.[158] ||
		complain "man pages have faults"
fi

if command -v systemd-analyze >/dev/null; then
	dir=$(mktemp -d) || exit 99
	trap 'rm -rf "$dir"' EXIT
	sed -e 's,@sbindir@,/usr/sbin,' -e 's,@sysconfdir@,/etc,' \
		systemd/konstructd.service.in >"$dir/konstructd.service"
	systemd-analyze security --offline=true --threshold=20 \
		"$dir/konstructd.service" >"$dir/out" 2>&1 ||
		complain "the unit is too open: $(tail -n 1 "$dir/out")"
fi

exit $bad
