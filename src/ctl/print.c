/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "base/json.h"
#include "ctl/ctl.h"
#include "ctl/plain.h"
#include "ctl/rows.h"

void print_purged(const struct json *j)
{
	printf("%lld rows of '%s' are erased\n", rows_int(j, "rows"),
	       json_str(j, "purged"));
}

static bool print_level(const char *key, const struct json *value, void *arg)
{
	table_add(arg, key);
	table_add(arg, value ? json_str(value, "") : "as all");
	return true;
}

void print_levels(const struct json *j)
{
	const char *const heads[] = { "level", json_str(j, "level") };
	struct table t;

	table_init(&t, 2, heads);
	json_each(json_at(j, "parts"), print_level, &t);
	table_print(&t, stdout);
	table_release(&t);
}

static void add_applied(struct table *t, const struct json *row,
			const char *key)
{
	table_add(t,
		  json_bool(row, key, false) ? "in force" : "needs a restart");
}

static void add_expected(struct table *t, const struct json *row,
			 const char *key)
{
	table_add(t,
		  json_bool(row, key, false) ? "by reload" : "needs a restart");
}

/* What a reload did, or what it would do. */
void print_changes(const struct json *j)
{
	const struct column columns[] = {
		{ "SETTING", "setting", rows_text },
		{ "RUNNING", "running", rows_text },
		{ "FILE", "new", rows_text },
		{ "WHERE", "at", rows_text },
		{ "EFFECT", "live",
		  json_bool(j, "applied", false) ? add_applied : add_expected },
		{ 0 },
	};

	if (json_len(j, "changes") == 0)
		puts("the file says what runs");
	else
		rows_print(columns, json_at(j, "changes"), stdout);
}

static bool print_member(const char *key, const struct json *value, void *arg)
{
	const char *s = json_str(value, "");

	(void)arg;
	if (s)
		plain_printf(stdout, "%s %s\n", key, s);
	else
		plain_printf(stdout, "%s %lld\n", key, rows_int(value, ""));
	return true;
}

void print_done(const struct json *j)
{
	json_each(j, print_member, NULL);
}
