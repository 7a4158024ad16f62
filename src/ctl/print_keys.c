/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "base/json.h"
#include "ctl/ctl.h"
#include "ctl/plain.h"
#include "ctl/table.h"

static const char *say(const struct json *row)
{
	if (json_bool(row, "seals", false))
		return "encrypts";
	if (!json_bool(row, "here", true))
		return "missing";
	return json_int(row, "secrets", 0) > 0 ? "decrypts" : "unused";
}

void print_keys(const struct json *j)
{
	static const char *const heads[] = { "KEY", "SECRETS", "STATE" };
	const struct json *row;
	struct table t;
	char at[64];
	size_t i;

	table_init(&t, 3, heads);
	for (i = 0; i < json_len(j, "keys"); i++) {
		(void)snprintf(at, sizeof(at), "keys.%zu", i);
		row = json_at(j, at);
		table_add(&t, json_str(row, "id"));
		table_addf(&t, "%lld", (long long)json_int(row, "secrets", 0));
		table_add(&t, say(row));
	}
	table_print(&t, stdout);
	table_release(&t);
}

void print_rotated(const struct json *j)
{
	const char *key = json_str(j, "key");

	plain_printf(
		stdout,
		"%lld secrets are encrypted under key %s; 'konstructctl key"
		" list' shows which others can be removed\n",
		(long long)json_int(j, "secrets", 0), key ? key : "?");
}

void print_secrets(const struct json *j)
{
	const char *name;
	char at[64];
	size_t i;

	for (i = 0; i < json_len(j, "secrets"); i++) {
		(void)snprintf(at, sizeof(at), "secrets.%zu", i);
		name = json_str(j, at);
		plain_printf(stdout, "%s\n", name ? name : "?");
	}
}
