#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Each alert has a test, and promtool finds that it holds: $PROMTOOL, the one
# that ./dev put aside, or one on the path. Without one the tests aren't run.
set -u
cd "${KONSTRUCT_SRCDIR:-.}" || exit 99
rules=etc/prometheus/konstruct-alerts.yml

for alert in $(sed -n 's/^ *- alert: //p' $rules); do
	if ! grep -q "name: $alert fires" tests/alerts.yml; then
		echo "tests/alerts.yml has nothing on $alert"
		exit 1
	fi
done

promtool=${PROMTOOL:-build/promtool/usr/bin/promtool}
[ -x "$promtool" ] || promtool=$(command -v promtool) || {
	echo "skipped: no promtool; it is in Debian's package prometheus"
	exit 77
}
"$promtool" check rules $rules && "$promtool" test rules tests/alerts.yml
