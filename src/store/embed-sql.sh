#!/bin/sh
# SPDX-License-Identifier: ISC
#
# embed-sql.sh BACKEND FILE...: the migrations of one backend as a C file on
# standard output. They are named NNNN_name.sql and come in order; that NNNN
# counts from 1 without a gap is checked here, so that the daemon needn't.
set -eu

backend=$1
shift
cat <<TEXT
/* Made by embed-sql.sh; edit the .sql files. */
#include "store/migration.h"

const struct migration ${backend}_migrations[] = {
TEXT
n=0
for f in "$@"; do
	n=$((n + 1))
	name=${f##*/}
	if [ "${name%%_*}" != "$(printf '%04d' "$n")" ]; then
		echo "embed-sql.sh: $name is not number $n" >&2
		exit 1
	fi
	printf '\t{ "%s",\n' "$name"
	awk '{
		gsub(/\\/, "&&")
		gsub(/"/, "\\\"")
		printf "\t  \"%s\\n\"\n", $0
	}' "$f"
	printf '\t},\n'
done
cat <<TEXT
};
const int ${backend}_nmigrations =
	sizeof(${backend}_migrations) / sizeof(${backend}_migrations[0]);
TEXT
