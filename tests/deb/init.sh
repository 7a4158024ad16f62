#!/bin/sh
# SPDX-License-Identifier: ISC
#
# usage: init.sh ROOT NAME, as PID 1 of new namespaces, by machine.sh.
#        init.sh --end NAME
#
# Lays out ROOT as a container's manager would, in a control group NAME of its
# own, and becomes its systemd.
set -eu

# Where the control groups of version 2 are, mounted here or elsewhere.
groups=$(mktemp -d /var/tmp/konstruct-cgroup.XXXXXX)
mount -t cgroup2 cgroup2 "$groups"
own=$groups$(sed -n 's/^0:://p' /proc/self/cgroup)
own=${own%/}/konstruct-$(echo "$2" | tr -c 'a-zA-Z0-9.\n' _)

if [ "$1" = --end ]; then
	# Those below first.
	tries=50
	while [ -d "$own" ] && [ $tries -gt 0 ]; do
		find "$own" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.1
		tries=$((tries - 1))
	done
	umount "$groups"
	rmdir "$groups"
	exit 0
fi

root=$1
mount --make-rprivate /
mkdir -p "$own"
echo 0 >"$own/cgroup.procs"
umount "$groups"
rmdir "$groups"

mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts \
	"$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for device in null zero full random urandom tty; do
	: >"$root/dev/$device"
	mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s null "$root/dev/console"

cd "$root"
echo "${2%%.*}" >"$root/etc/hostname"
# There is no terminal.
ln -sf /dev/null "$root/etc/systemd/system/console-getty.service"
# In a namespace of its own the group of above is the root. Mounts are shared
# with those that systemd makes for its services, as credentials want it.
exec unshare --cgroup sh -c 'mount -t cgroup2 cgroup2 sys/fs/cgroup
	pivot_root . . && umount -l . && cd / && mount --make-rshared / &&
	exec env -i container=konstruct-test TERM=dumb \
		/lib/systemd/systemd --log-level=warning'
