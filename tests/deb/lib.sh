# SPDX-License-Identifier: ISC
#
# Sourced by the tests of the packages: bare Debians to try them in.
#
# $KONSTRUCT_DEBS	directory of the packages
# $KONSTRUCT_BARE	a bare Debian with apt, made by run.sh
#
# shellcheck shell=sh
me=${0##*/}
work=$(mktemp -d /var/tmp/konstruct-deb.XXXXXX)
chmod 755 "$work"
pids=
mounts=

clean_up() {
	for pid in $pids; do
		kill "$pid" 2>/dev/null || true
	done
	machines_end
	for dir in $mounts; do
		! mountpoint -q "$dir" || umount "$dir" || umount -l "$dir"
	done
	rm -rf --one-file-system "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

fail() {
	echo "$me: $1" >&2
	exit 1
}

# await COMMAND...: until it succeeds, for 30 s.
await() {
	tries=300
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || fail "in vain: $*"
		sleep 0.1
	done
}

# new_root NAME: sets root to a bare Debian of its own, above the common one.
new_root() {
	root=$work/$1
	mkdir -p "$root" "$work/layers/$1/up" "$work/layers/$1/work"
	mount -t overlay -o "lowerdir=$KONSTRUCT_BARE,upperdir=$work/layers/$1/up,workdir=$work/layers/$1/work" \
		konstruct "$root"
	mounts="$root $mounts"
}

# Without a service manager; systemd-tmpfiles and the doctor want /proc.
bare_proc() {
	mount -t proc proc "$1/proc"
	mounts="$1/proc $mounts"
}

# inside COMMAND...: in $root, which isn't booted.
inside() {
	chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"
}

as_konstruct() {
	inside runuser -u konstruct -- "$@"
}

apt_install() {
	inside apt-get -qq install -y --no-install-recommends "$@" \
		>"$work/apt.out" 2>&1 || fail "$(tail -n 5 "$work/apt.out")"
}

. "$KONSTRUCT_TESTS/machine.sh"
