# SPDX-License-Identifier: ISC
#
# Sourced by lib.sh: roots that are booted, with systemd as PID 1 in namespaces
# of their own. Only util-linux is needed; the network is a namespace without
# any interface but lo, and cable() ties two together.
#
# shellcheck shell=sh
machines=

# Why none can be booted here; empty when one can.
machine_lacks() {
	[ "$(id -u)" -eq 0 ] || echo "not root"
	unshare --fork --pid --mount --uts --ipc --cgroup --net true \
		2>/dev/null || echo "no namespaces"
	mkdir -p "$work/try"
	if mount -t cgroup2 cgroup2 "$work/try" 2>/dev/null; then
		mkdir "$work/try/konstruct.$$" 2>/dev/null &&
			rmdir "$work/try/konstruct.$$" ||
			echo "cgroups can't be made"
		umount "$work/try"
	else
		echo "no cgroup2"
	fi
}

# boot NAME: boots the root of that name, which has systemd; then on NAME runs
# commands there.
boot() {
	unshare --fork --kill-child --pid --mount --uts --ipc --net \
		sh "$KONSTRUCT_TESTS/init.sh" "$work/$1" "$1.$$" \
		>"$work/$1.boot" 2>&1 &
	outer=$!
	machines="$machines $1:$outer"
	await machine_pid "$1"
	# It has its own root once it is systemd.
	await on "$1" test -S /run/systemd/private
	on "$1" systemctl is-system-running --wait >/dev/null || {
		on "$1" systemctl --failed --no-legend
		fail "$1 is not well"
	}
}

# The process id, here, of a machine's PID 1.
machine_pid() {
	for machine in $machines; do
		[ "${machine%%:*}" != "$1" ] ||
			tr -d ' ' <"/proc/${machine#*:}/task/${machine#*:}/children"
	done | grep .
}

enter() {
	name=$1
	shift
	nsenter -t "$(machine_pid "$name")" "$@"
}

# on NAME COMMAND...: in that machine.
on() {
	machine=$1
	shift
	enter "$machine" -m -u -i -p -n -C env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		HOME=/root LC_ALL=C.UTF-8 "$@"
}

# online NAME COMMAND...: the same with this machine's network, for apt.
online() {
	machine=$1
	shift
	enter "$machine" -m -u -i -p -C env -i \
		PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive "$@"
}

# types NAME LINE: shows a line of shell and what comes of it there, which is
# kept for ends().
types() {
	echo "$1# $2"
	typed=0
	on "$1" sh -c "cd; $2" >"$work/seen" 2>&1 || typed=$?
	cat "$work/seen"
}

# ends STATUS [WORDS...]: what was typed last did, and said each of WORDS.
ends() {
	[ "$typed" -eq "$1" ] || fail "it ended with $typed, not $1"
	shift
	for words in "$@"; do
		grep -q -e "$words" "$work/seen" || fail "it did not say: $words"
	done
}

# cable A B: one between both, 192.0.2.1 and .2; nothing else is reached by it.
cable() {
	enter "$1" -n ip link add eth0 type veth peer name eth0 \
		netns "$(machine_pid "$2")"
	address=1
	for end in "$1" "$2"; do
		enter "$end" -n ip address add 192.0.2.$address/24 dev eth0
		enter "$end" -n ip link set eth0 up
		address=$((address + 1))
	done
}

machines_end() {
	for machine in $machines; do
		# It ignores gentler signals; its PID 1 goes with it.
		kill -KILL "${machine#*:}" 2>/dev/null || true
		wait "${machine#*:}" 2>/dev/null || true
		sh "$KONSTRUCT_TESTS/init.sh" --end "${machine%%:*}.$$"
	done
	machines=
}
