/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "ctl/ctl.h"
#include "ctl/plain.h"
#include "ctl/rows.h"
#include "store/keep.h"

static void add_state(struct table *t, const struct json *row, const char *key)
{
	table_add(t, json_bool(row, key, false) ? "paused" : "active");
}

/* The first agent's name, and how many more there are. */
static void add_names(struct table *t, const struct json *row, const char *key)
{
	long long n = rows_int(row, "agents");

	if (n > 1)
		table_addf(t, "%s and %lld more", json_str(row, key), n - 1);
	else
		rows_text(t, row, key);
}

void print_tenants(const struct json *j)
{
	static const struct column columns[] = {
		{ "NAME", "name", rows_text },
		{ "STATE", "paused", add_state },
		{ "CONNECTIONS", "connections", rows_number },
		{ "AGENT", "agent", add_names },
		{ "ID", "id", rows_text },
		{ 0 },
	};

	rows_print(columns, json_at(j, "tenants"), stdout);
}

/* "in 9h 40m", of a bot token that expires. */
static void add_expiry(struct table *t, const struct json *row, const char *key)
{
	char left[TABLE_AGE_SIZE];
	long long at = rows_int(row, key);
	long long now = (long long)clock_wall_ms();

	if (!json_at(row, key)) {
		table_add(t, "never");
	} else if (at == 0) {
		table_add(t, "not known yet");
	} else {
		table_age(left, (at > now ? at - now : now - at) / 1000);
		table_addf(t, at > now ? "in %s" : "%s ago", left);
	}
}

static const struct column connections[] = {
	{ "APP", "app_id", rows_text },
	{ "WORKSPACE", "workspace_id", rows_text },
	{ "BOT USER", "bot_user_id", rows_text },
	{ "BOT", "bot_id", rows_text },
	{ "BOT TOKEN", "bot_token", rows_text },
	{ "EXPIRES", "bot_token_expires_ms", add_expiry },
	{ 0 },
};

/* When what is stored of a workspace goes. */
void print_erasing(struct table *t, const struct json *row, const char *key)
{
	long long left = rows_int(row, key) - (long long)clock_wall_ms();
	char text[TABLE_AGE_SIZE];

	if (rows_int(row, "erased_ms") > 0) {
		table_add(t, "yes");
		return;
	}
	table_age(text, left / 1000);
	if (left > 0)
		table_addf(t, "in %s", text);
	else
		table_add(t, "now");
}

static const struct column uninstalled[] = {
	{ "APP", "app_id", rows_text },
	{ "UNINSTALLED FROM", "workspace_id", rows_text },
	{ "EVENT", "event", rows_text },
	{ "ERASED", "erase_ms", print_erasing },
	{ 0 },
};

/* "C1 C2" */
static void add_ids(struct table *t, const struct json *list)
{
	struct buf text;
	size_t i;

	buf_init(&text, (size_t)64 * 1024);
	for (i = 0; i < json_len(list, ""); i++)
		(void)buf_addf(&text, "%s%s", i ? " " : "",
			       json_str(json_nth(list, "", i), ""));
	table_add(t, text.data);
	buf_release(&text);
}

static void add_places(struct table *t, const struct json *row, const char *key)
{
	if (json_bool(row, "paused", false))
		table_add(t, "(paused)");
	else if (json_bool(row, "default", false))
		table_add(t, "(all others)");
	else
		add_ids(t, json_at(row, key));
}

static const struct column agents[] = {
	{ "AGENT", "name", rows_text },
	{ "ANSWERS IN", "channels", add_places },
	{ "MODEL", "model", rows_text },
	{ "ROLE", "role", rows_text },
	{ 0 },
};

void print_agents(const struct json *j)
{
	rows_print(agents, json_at(j, "agents"), stdout);
}

/* A limit of -1 is the configuration's. */
static void add_limit(struct table *t, const char *name, const struct json *j)
{
	long long n = rows_int(j, name);

	table_add(t, name);
	if (n < 0)
		table_add(t, "(configuration's)");
	else
		table_addf(t, "%lld", n);
}

/* One in a line, as there can be many. */
static void add_budget(struct table *t, const char *budget)
{
	const char *p = budget ? budget : "";
	size_t n = strcspn(p, ",");

	if (n == 0) {
		table_add(t, "budget");
		table_add(t, "(none)");
	}
	for (; n > 0; p += n + (p[n] == ','), n = strcspn(p, ",")) {
		table_add(t, p == budget ? "budget" : "");
		table_addf(t, "%.*s", (int)n, p);
	}
}

static void add_choice(struct table *t, const char *name, const struct json *j)
{
	table_add(t, name);
	rows_yes(t, j, name);
}

/* Of what isn't so nothing is said. */
static void add_text_time(struct table *t, const struct json *j)
{
	long long left =
		rows_int(j, "text_until_ms") - (long long)clock_wall_ms();
	char text[TABLE_AGE_SIZE];

	if (left <= 0)
		return;
	table_age(text, left / 1000);
	table_add(t, "debug_text");
	table_addf(t, "in the log for %s", text);
}

static const char *canary_place(const struct json *j)
{
	return json_str(j, "canary_channel");
}

static void add_canary(struct table *t, const struct json *j)
{
	const char *state = json_str(j, "canary.state");
	const char *problem = json_str(j, "canary.problem");
	long long heard = rows_int(j, "canary.heard_ms");
	char age[TABLE_AGE_SIZE];

	if (!canary_place(j))
		return;
	table_add(t, "canary");
	if (!state) {
		table_addf(t,
			   "in %s every %lld min: not sent, as the app was"
			   " taken out of the workspace",
			   canary_place(j), rows_int(j, "canary_minutes"));
		return;
	}
	table_age(age, ((long long)clock_wall_ms() - heard) / 1000);
	table_addf(t, "in %s every %lld min: %s, %s%s%s", canary_place(j),
		   rows_int(j, "canary_minutes"), state,
		   heard > 0 ? "came back " : "never came back",
		   heard > 0 ? age : "", heard > 0 ? " ago" : "");
	if (!problem || problem[0] == '\0')
		return;
	table_add(t, "");
	table_add(t, problem);
}

/* A row for what is set. */
static bool print_setting(const char *key, const struct json *value, void *arg)
{
	struct table *t = arg;

	table_add(t, key);
	if (json_is_array(value, "") && json_len(value, "") == 0)
		table_add(t, strstr(key, "channels_allowed") ||
					     strstr(key, "people_allowed") ||
					     strstr(key, "groups_allowed")
				     ? "(all)"
				     : "(none)");
	else if (json_is_array(value, ""))
		add_ids(t, value);
	else if (json_int(value, "", -1) >= 0)
		table_addf(t, "%lld", rows_int(value, ""));
	else
		rows_yes(t, value, "");
	return true;
}

static void print_access(struct table *t, const struct json *access)
{
	json_each(access, print_setting, t);
}

/* What the tenant has set. */
static void print_keep(struct table *t, const struct json *j)
{
	char key[32];
	int64_t n;
	int i;

	for (i = 0; i < KEEP_KINDS; i++) {
		(void)snprintf(key, sizeof(key), "keep_%s", keep_names[i]);
		n = json_int(j, key, KEEP_DEFAULT);
		if (n == KEEP_DEFAULT)
			continue;
		table_add(t, key);
		if (n == 0)
			table_add(t, "as long as it is there");
		else
			table_addf(t, "%lld days", (long long)n);
	}
}

void print_tenant(const struct json *j)
{
	const char *const heads[] = { "name", json_str(j, "name") };
	struct table t;

	table_init(&t, 2, heads);
	rows_pair(&t, j, "id");
	table_add(&t, "state");
	add_state(&t, j, "paused");
	add_limit(&t, "rate_per_minute", j);
	add_limit(&t, "burst", j);
	add_budget(&t, json_str(j, "budget"));
	add_choice(&t, "agent_sessions", j);
	add_choice(&t, "streaming", j);
	add_text_time(&t, j);
	add_canary(&t, j);
	print_keep(&t, j);
	print_access(&t, json_at(j, "access"));
	table_print(&t, stdout);
	table_release(&t);
	rows_section(connections, json_at(j, "connections"), stdout);
	rows_section(uninstalled, json_at(j, "uninstalled"), stdout);
	rows_section(agents, json_at(j, "agents"), stdout);
}

/* A persona has lines of its own. */
static void print_text(const char *s)
{
	plain_put(s, true, stdout);
	putchar('\n');
}

void print_agent(const struct json *j)
{
	static const char *const keys[] = { "role", "model", "placeholder",
					    "locale" };
	const char *const heads[] = { "name", json_str(j, "name") };
	const char *persona = json_str(j, "persona");
	struct table t;
	size_t i;

	table_init(&t, 2, heads);
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		rows_pair(&t, j, keys[i]);
	add_choice(&t, "default", j);
	add_choice(&t, "paused", j);
	table_add(&t, "channels");
	add_ids(&t, json_at(j, "channels"));
	print_access(&t, json_at(j, "access"));
	table_print(&t, stdout);
	table_release(&t);
	if (persona && persona[0] != '\0') {
		putchar('\n');
		print_text(persona);
	}
}
