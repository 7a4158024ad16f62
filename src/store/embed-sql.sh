#!/bin/sh
# SPDX-License-Identifier: ISC
#
# embed-sql.sh BACKEND FILE...: the migrations of one backend as a C file on
# standard output. They are named NNNN_name.sql and come in order; that NNNN
# counts from 1 without a gap is checked here, so that the daemon needn't. What
# runs behind all of them is after.sql, if there is one.
set -eu

backend=$1
shift
cat <<TEXT
/* Made by embed-sql.sh; edit the .sql files. */
#include "store/migration.h"

const struct migration ${backend}_migrations[] = {
TEXT

embed() {
	printf '\t%s "%s",\n' "$1" "${2##*/}"
	awk '{
		gsub(/\\/, "&&")
		gsub(/"/, "\\\"")
		printf "\t  \"%s\\n\"\n", $0
	}' "$2"
}

n=0
after=
for f in "$@"; do
	name=${f##*/}
	if [ "$name" = after.sql ]; then
		after=$f
		continue
	fi
	n=$((n + 1))
	if [ "${name%%_*}" != "$(printf '%04d' "$n")" ]; then
		echo "embed-sql.sh: $name is not number $n" >&2
		exit 1
	fi
	embed '{' "$f"
	printf '\t},\n'
done
cat <<TEXT
};
const int ${backend}_nmigrations =
	sizeof(${backend}_migrations) / sizeof(${backend}_migrations[0]);
TEXT
if [ -n "$after" ]; then
	echo "const struct migration ${backend}_after = {"
	embed '' "$after"
	echo '};'
fi
