#!/bin/sh
# SPDX-License-Identifier: ISC
#
# What happens when memory is short: unit tests, linked so that one allocation
# of our own code fails, the first, the second, and so on. A test may fail then;
# it must not crash, and under ASan not leak either. Allocations of other
# people's libraries aren't failed.
#
# The daemon too: it starts, or it says why it can't and ends in good order.
#
# In "make check" some numbers are tried, for as long as $ALLOC_SECONDS (15);
# "alloc.sh --all [TEST...]" tries every one, as "./dev alloc" does.
set -eu

tests="konstructd test_buf test_conf test_json test_map test_sse test_url test_text
	test_attach test_content test_rich
	test_envelope test_message test_screen test_swept test_stages
	test_engaged test_lane test_markdown test_prompt test_reply test_link
	test_apps"
numbers="1 2 3 5 8 13 21 34 55 89 144 233 377"
seconds=${ALLOC_SECONDS:-15}

cd "${KONSTRUCT_BUILDDIR:-.}"
src=${KONSTRUCT_SRCDIR:-$PWD}
export KONSTRUCT_SRCDIR="$src" KONSTRUCT_BUILDDIR="$PWD" CK_FORK=yes
out=tests/alloc
all=
if [ "${1-}" = --all ]; then
	all=yes
	shift
	[ $# -eq 0 ] || tests=$*
fi
if ! command -v objcopy >/dev/null; then
	echo "alloc.sh: there is no objcopy"
	exit 77
fi

# Our libraries, with an allocator of the test's.
make_libraries() {
	mkdir -p "$out"
	for f in malloc calloc realloc reallocarray strdup strndup; do
		echo "$f alloc_$f"
	done >"$out/names"
	for lib in src/*/lib*.a; do
		mkdir -p "$out/${lib%/*}"
		[ "$out/$lib" -nt "$lib" ] ||
			objcopy --redefine-syms="$out/names" "$lib" "$out/$lib"
	done
}

# As make would link the program from its object, whatever its flags are.
link() {
	name=${1##*/}
	[ "$out/$name" -ot "$1" ] || [ ! -x "$out/$name" ] || return 0
	command=$(env -u MAKEFLAGS -u MFLAGS make -n -W "$2" "$1" |
		sed -n "s,^.*;\(.* -o $1 \),\1,p")
	compile=${command%% -o *}
	$compile -D_GNU_SOURCE -c -o "$out/alloc.o" "$src/tests/alloc/alloc.c"
	eval "$(echo "$command" | sed -e "s, \(src/[a-z]*/lib\), $out/\1,g" \
		-e "s, -o $1 , -o $out/$name $out/alloc.o ,")"
}

# One number; false when there are less allocations than that.
try() {
	if [ "$1" = konstructd ]; then
		try_daemon "$2"
	else
		try_test "$1" "$2"
	fi
}

try_test() {
	rm -f "$out/$1.hit"
	ALLOC_FAIL_AT=$2 ALLOC_HIT=$out/$1.hit timeout 120 "$out/$1" \
		>"$out/$1.log" 2>&1 || true
	if grep -E 'Received signal|Sanitizer|runtime error' "$out/$1.log"; then
		echo "$1: allocation $2 failed; \$ALLOC_FAIL_AT repeats it"
		failed=yes
	fi
	[ -e "$out/$1.hit" ]
}

daemon_config() {
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	mkfifo "$dir/log"
	cat >"$dir/conf" <<TEXT
daemon {
	listen = ""
	workers = 1
	state_dir = "$dir/state"
	admin_socket = "$dir/admin.sock"
}
store { url = "sqlite:$dir/state/konstruct.db" }
llm "main" {
	url = "http://127.0.0.1:1/v1"
	model = "none"
}
TEXT
}

# The same for a start of the daemon, which is stopped when it is ready.
try_daemon() {
	rm -f "$out/daemon.hit"
	said=
	rc=0
	ALLOC_FAIL_AT=$1 ALLOC_HIT=$out/daemon.hit timeout 60 \
		"$out/konstructd" --config "$dir/conf" 2>"$dir/log" &
	pid=$!
	while IFS= read -r line; do
		case $line in
		*"msg=ready"*)
			said="$said
$line"
			kill "$pid"
			;;
		*)
			said="$said
$line"
			;;
		esac
	done <"$dir/log"
	wait "$pid" || rc=$?
	case $rc:$said in
	0:*) ;;
	69:*"cannot start: "[a-z\']*) ;;
	*)
		echo "konstructd: allocation $1 failed, exit $rc:$said"
		failed=yes
		;;
	esac
	[ -e "$out/daemon.hit" ]
}

try_all() {
	for t in $tests; do
		n=1
		while try "$t" "$n"; do
			n=$((n + 1))
		done
		echo "$t: $((n - 1)) allocations failed, one at a time"
	done
}

try_some() {
	end=$(($(date +%s) + seconds))
	tried=0
	for n in $numbers; do
		left=
		for t in $tests; do
			[ "$(date +%s)" -lt "$end" ] || break 2
			tried=$((tried + 1))
			! try "$t" "$n" || left="$left $t"
		done
		tests=$left
	done
	echo "$tried runs with an allocation that failed"
}

failed=
daemon_config
make_libraries
for t in $tests; do
	case $t in
	konstructd) link konstructd src/konstructd.o ;;
	*) link "tests/$t" "tests/$t.o" ;;
	esac
done
if [ -n "$all" ]; then
	try_all
else
	try_some
fi
[ -z "$failed" ]
