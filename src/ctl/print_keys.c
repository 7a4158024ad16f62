/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "base/json.h"
#include "ctl/ctl.h"
#include "ctl/plain.h"
#include "ctl/rows.h"

static void add_state(struct table *t, const struct json *row, const char *key)
{
	if (json_bool(row, key, false))
		table_add(t, "encrypts");
	else if (!json_bool(row, "here", true))
		table_add(t, "missing");
	else
		table_add(t,
			  rows_int(row, "secrets") > 0 ? "decrypts" : "unused");
}

void print_keys(const struct json *j)
{
	static const struct column columns[] = {
		{ "KEY", "id", rows_text },
		{ "SECRETS", "secrets", rows_number },
		{ "STATE", "seals", add_state },
		{ 0 },
	};

	rows_print(columns, json_at(j, "keys"), stdout);
}

void print_rotated(const struct json *j)
{
	const char *key = json_str(j, "key");

	plain_printf(
		stdout,
		"%lld secrets are encrypted under key %s; 'konstructctl key"
		" list' shows which others can be removed\n",
		rows_int(j, "secrets"), key ? key : "?");
}

void print_secrets(const struct json *j)
{
	const char *name;
	size_t i;

	for (i = 0; i < json_len(j, "secrets"); i++) {
		name = json_str(json_nth(j, "secrets", i), "");
		plain_printf(stdout, "%s\n", name ? name : "?");
	}
}
