#!/bin/sh
# SPDX-License-Identifier: ISC
#
# usage: run.sh DIRECTORY-OF-DEBS [TEST...], as root; "./dev deb --test" calls it.
#
# Makes a bare Debian and tries the packages in it: each TEST (all of them
# unless some are named) in a layer of its own above it. It needs a mirror of
# Debian ($DEBIAN_MIRROR, else this machine's) and some minutes.
set -eu
KONSTRUCT_TESTS=$(cd "$(dirname "$0")" && pwd)
KONSTRUCT_DEBS=$(cd "$1" && pwd)
shift
[ $# -gt 0 ] || set -- install boot closing
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' |
	awk '$2 == "bookworm" { print $1; exit }')}
# On a disk: a layer above a tmpfs couldn't be as large.
KONSTRUCT_BARE=$(mktemp -d /var/tmp/konstruct-bare.XXXXXX)
export KONSTRUCT_TESTS KONSTRUCT_DEBS KONSTRUCT_BARE

trap 'rm -rf --one-file-system "$KONSTRUCT_BARE"' EXIT
trap 'exit 1' INT TERM

echo "a bare Debian in $KONSTRUCT_BARE"
chmod 755 "$KONSTRUCT_BARE"
debootstrap --variant=minbase bookworm "$KONSTRUCT_BARE" "$mirror" \
	>"$KONSTRUCT_BARE.out" 2>&1 || {
	tail -n 5 "$KONSTRUCT_BARE.out"
	exit 1
}
rm -f "$KONSTRUCT_BARE.out"
echo '127.0.0.1 localhost' >"$KONSTRUCT_BARE/etc/hosts"
chroot "$KONSTRUCT_BARE" apt-get -qq update
mkdir "$KONSTRUCT_BARE/debs"
cp "$KONSTRUCT_DEBS"/konstructd_*.deb "$KONSTRUCT_DEBS"/konstruct-sim_*.deb \
	"$KONSTRUCT_BARE/debs"
for test in "$@"; do
	echo "== $test"
	sh "$KONSTRUCT_TESTS/$test.sh"
done
echo "all is well"
