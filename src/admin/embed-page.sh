#!/bin/sh
# SPDX-License-Identifier: ISC
#
# embed-page.sh FILE: the status page as a C file on standard output.
set -eu

cat <<TEXT
/* Made by embed-page.sh; edit page.html. */
#include "admin/page_html.h"

const char page_html_text[] =
TEXT
awk '{
	gsub(/\\/, "&&")
	gsub(/"/, "\\\"")
	printf "\t\"%s\\n\"\n", $0
}' "$1"
echo '	"";'
