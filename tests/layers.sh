#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The layout keeps its promises: no folder of src includes a higher one, a
# third-party header stays in its folder, no source uses what STYLE bans, and
# the documentation names files that are there.
set -u
cd "${KONSTRUCT_SRCDIR:-.}" || exit 99
bad=0

complain() {
	echo "$1"
	bad=1
}

# Each folder with all that it may include: itself and those below.
listed=
may_include() {
	while read -r folder below; do
		listed="$listed $folder "
		allowed=$(echo "$folder $below config.h" | tr ' ' '|')
		found=$(grep -nE '^#include "' src/"$folder"/*.[ch] |
			grep -vE "#include \"($allowed)(/|\")")
		[ -z "$found" ] || complain "$folder includes from above: $found"
	done
}
may_include <<LIST
base
net base
slack net base
llm net base
store net base
state net base
route slack llm store state net base
turn route slack llm store state net base
link turn route slack llm store state net base
admin link turn route slack llm store state net base
ctl admin link turn route slack llm store state net base
LIST
for folder in src/*/; do
	case $listed in
	*" $(basename "$folder") "*) ;;
	*) complain "$folder is not in the list of $0" ;;
	esac
done

# Each third-party header, and where it may stand.
stays_in() {
	while read -r header places; do
		allowed=$(echo "$places" | tr ' ' '|')
		found=$(grep -rnE "^#include <$header" src |
			grep -vE "^src/($allowed)")
		[ -z "$found" ] || complain "<$header> outside $places: $found"
	done
}
stays_in <<LIST
json-c/ base/
confuse base/
openssl/ base/ net/
curl/ net/
uv net/
md4c slack/
sqlite3 store/
libpq store/
hiredis state/
libwebsockets link/ admin/
systemd/ konstructd.c daemon.c reload.c
LIST

banned='\b(sprintf|strcpy|strcat|strtok|atoi|gets|system|popen|localtime)\('
found=$(grep -rnE "$banned" src --include='*.[ch]')
[ -z "$found" ] || complain "banned: $found"

found=$(grep -rLE 'SPDX-License-Identifier: ISC' src tests \
	--include='*.[ch]' --include='*.sh')
[ -z "$found" ] || complain "no licence line: $found"

# What the documentation names in backticks: files as "src/turn/stop.c",
# "turn/flow*.c" or "stop.c", folders as "src/turn", tests as "test_map" or
# "i/test_stream_postgres".
is_there() {
	for path; do
		[ ! -e "$path" ] || return 0
	done
	return 1
}
file='[a-z0-9_/*.-]+\.(c|h|sh|sql|awk)|(src|sql|etc|systemd)/[a-z0-9_/*.-]+'
for doc in README.md STYLE docs/*.md tests/README.md; do
	for name in $(tr '`' '\n' <"$doc" | grep -xE "$file"); do
		is_there $name src/$name src/*/$name tests/$name tests/*/$name ||
			complain "$doc: there is no $name"
	done
	for name in $(tr '`' '\n' <"$doc" | grep -xE '(i/)?test_[a-z_*]+'); do
		name=${name#i/}
		is_there tests/$name.c tests/*/$name.c \
			tests/*/"${name%_postgres}".c ||
			complain "$doc: there is no $name"
	done
done

exit $bad
