# SPDX-License-Identifier: ISC
#
# awk -f conf-page.awk conf_keys.c konstructd.conf.5.in: konstructd.conf(5).
#
# The words are those of the .in file, mdoc with three more lines:
#
#	@section NAME ...	begins a section
#	@key NAME		begins what is said of a setting
#	@end			ends the last section
#
# Defaults, ranges and what needs a restart come from the table. Both must have
# the same settings in the same order, or there is no page.

function fail(why) {
	print FILENAME ":" FNR ": " why >"/dev/stderr"
	bad = 1
	exit 1
}

# What .NAME of a row is, without its quotes.
function member(row, name,    v) {
	if (!match(row, "[.]" name " = (\"[^\"]*\"|[^,} ]+)"))
		return ""
	v = substr(row, RSTART + length(name) + 4, RLENGTH - length(name) - 4)
	gsub(/^"|"$/, "", v)
	return v
}

# One row: { "section", "name", CONF_INT, AT(field), .num = 2, .max = 64 }
function take_row(row,    part, what, rest) {
	gsub(/[ \t]+/, " ", row)
	if (row !~ /^\{ ("[a-z]+"|CONF_LLM), "[a-z_]+", CONF_(STR|INT|BOOL), /)
		fail("not understood: " row)
	rest = row
	gsub(/"[^"]*"/, "", rest)
	while (match(rest, /[.][a-z]+ =/)) {
		what = substr(rest, RSTART + 1, RLENGTH - 3)
		if (what !~ /^(str|num|min|max|check|live|hidden)$/)
			fail("unknown: ." what " in " row)
		rest = substr(rest, RSTART + RLENGTH)
	}
	n++
	split(row, part, /, /)
	section[n] = part[1]
	gsub(/[{ "]/, "", section[n])
	if (section[n] == "CONF_LLM")
		section[n] = "llm"
	name[n] = part[2]
	gsub(/"/, "", name[n])
	type[n] = part[3]
	str[n] = member(row, "str")
	num[n] = member(row, "num") + 0
	min[n] = member(row, "min") + 0
	max[n] = member(row, "max") + 0
	live[n] = member(row, "live") == "true"
}

function preset(k) {
	if (type[k] == "CONF_STR")
		return "Qq" (str[k] == "" ? "" : " " str[k])
	if (type[k] == "CONF_BOOL")
		return num[k] ? "true" : "false"
	return num[k]
}

function unit(k) {
	if (name[k] ~ /_s$/)
		return " seconds"
	if (name[k] ~ /_mb$/)
		return " megabytes"
	if (match(name[k], /_(minutes|days|bytes)$/) && name[k] !~ /_per_/)
		return " " substr(name[k], RSTART + 1)
	return ""
}

# Ends what is said of the setting before.
function end_key() {
	if (!open)
		return
	if (!said)
		fail("nothing is said of " section[at] "." name[at])
	if (type[at] == "CONF_INT")
		print "From " min[at] " to " max[at] unit(at) "."
	if (!live[at])
		print "Needs a restart."
	open = 0
}

function end_section() {
	end_key()
	if (list)
		print ".El"
	list = 0
}

FILENAME ~ /[.]c$/ {
	if ($0 ~ /^const struct conf_key conf_keys\[\]/)
		inside = 1
	else if ($0 ~ /^};/)
		inside = 0
	else if (inside)
		text = text " " $0
	while (match(text, /\{[^{}]*\}/)) {
		row = substr(text, RSTART, RLENGTH)
		text = substr(text, RSTART + RLENGTH)
		take_row(row)
	}
	next
}

/^@section / {
	end_section()
	here = $2
	sub(/^@section /, ".Ss ")
	print
	next
}

/^@key / {
	end_key()
	at++
	if (here != section[at] || $2 != name[at])
		fail(here "." $2 " stands where the table has " \
			(at > n ? "nothing" : section[at] "." name[at]))
	if (!list)
		print ".Bl -tag -width Ds"
	list = open = 1
	said = 0
	print ".It Cm " name[at] " = " preset(at)
	next
}

/^@end$/ {
	end_section()
	if (at != n)
		fail("nothing is said of " section[at + 1] "." name[at + 1])
	ended = 1
	next
}

/^@/ { fail("not understood: " $0) }

{
	if (FNR == 1) {
		print
		print ".\\\" Made by conf-page.awk; edit konstructd.conf.5.in."
		next
	}
	said = 1
	print
}

END {
	if (!bad && !ended)
		fail("there is no @end")
	exit bad
}
