/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "ctl/ctl.h"
#include "ctl/plain.h"
#include "ctl/table.h"
#include "store/keep.h"

static const struct json *element(const struct json *array, size_t i)
{
	char at[24];

	(void)snprintf(at, sizeof(at), "%zu", i);
	return json_at(array, at);
}

static long long number(const struct json *j, const char *path)
{
	return (long long)json_int(j, path, 0);
}

void print_tenants(const struct json *j)
{
	static const char *const heads[] = { "NAME", "STATE", "CONNECTIONS",
					     "AGENT", "ID" };
	const struct json *list = json_at(j, "tenants");
	const struct json *row;
	struct table t;
	size_t i;

	table_init(&t, 5, heads);
	for (i = 0; i < json_len(list, ""); i++) {
		row = element(list, i);
		table_add(&t, json_str(row, "name"));
		table_add(&t, json_bool(row, "paused", false) ? "paused"
							      : "active");
		table_addf(&t, "%lld", number(row, "connections"));
		if (number(row, "agents") > 1)
			table_addf(&t, "%s and %lld more",
				   json_str(row, "agent"),
				   number(row, "agents") - 1);
		else
			table_add(&t, json_str(row, "agent"));
		table_add(&t, json_str(row, "id"));
	}
	table_print(&t, stdout);
	table_release(&t);
}

/* A limit of -1 is the configuration's. */
static void add_limit(struct table *t, const char *name, const struct json *j)
{
	long long n = number(j, name);

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
	table_add(t, json_bool(j, name, false) ? "yes" : "no");
}

/* "in 9h 40m", of a bot token that expires. */
static void add_expiry(struct table *t, const struct json *row)
{
	char left[TABLE_AGE_SIZE];
	long long at = number(row, "bot_token_expires_ms");
	long long now = (long long)clock_wall_ms();

	if (!json_at(row, "bot_token_expires_ms")) {
		table_add(t, "never");
	} else if (at == 0) {
		table_add(t, "not known yet");
	} else {
		table_age(left, (at > now ? at - now : now - at) / 1000);
		table_addf(t, at > now ? "in %s" : "%s ago", left);
	}
}

/* Of what isn't so nothing is said. */
static void add_text_time(struct table *t, const struct json *j)
{
	long long left =
		number(j, "text_until_ms") - (long long)clock_wall_ms();
	char text[TABLE_AGE_SIZE];

	if (left <= 0)
		return;
	table_age(text, left / 1000);
	table_add(t, "debug_text");
	table_addf(t, "in the log for %s", text);
}

static void print_connections(const struct json *list)
{
	static const char *const heads[] = { "APP", "WORKSPACE", "BOT USER",
					     "BOT", "BOT TOKEN", "EXPIRES" };
	const struct json *row;
	struct table t;
	size_t i;

	if (json_len(list, "") == 0)
		return;
	putchar('\n');
	table_init(&t, 6, heads);
	for (i = 0; i < json_len(list, ""); i++) {
		row = element(list, i);
		table_add(&t, json_str(row, "app_id"));
		table_add(&t, json_str(row, "workspace_id"));
		table_add(&t, json_str(row, "bot_user_id"));
		table_add(&t, json_str(row, "bot_id"));
		table_add(&t, json_str(row, "bot_token"));
		add_expiry(&t, row);
	}
	table_print(&t, stdout);
	table_release(&t);
}

/* When what is stored of a workspace goes. */
void print_erasing(struct table *t, const struct json *row)
{
	long long left = number(row, "erase_ms") - (long long)clock_wall_ms();
	char text[TABLE_AGE_SIZE];

	if (number(row, "erased_ms") > 0) {
		table_add(t, "yes");
		return;
	}
	table_age(text, left / 1000);
	if (left > 0)
		table_addf(t, "in %s", text);
	else
		table_add(t, "now");
}

static void print_uninstalled(const struct json *list)
{
	static const char *const heads[] = { "APP", "UNINSTALLED FROM", "EVENT",
					     "ERASED" };
	const struct json *row;
	struct table t;
	size_t i;

	if (json_len(list, "") == 0)
		return;
	putchar('\n');
	table_init(&t, 4, heads);
	for (i = 0; i < json_len(list, ""); i++) {
		row = element(list, i);
		table_add(&t, json_str(row, "app_id"));
		table_add(&t, json_str(row, "workspace_id"));
		table_add(&t, json_str(row, "event"));
		print_erasing(&t, row);
	}
	table_print(&t, stdout);
	table_release(&t);
}

/* "C1 C2" */
static void add_ids(struct table *t, const struct json *list)
{
	struct buf text;
	size_t i;

	buf_init(&text, (size_t)64 * 1024);
	for (i = 0; i < json_len(list, ""); i++)
		(void)buf_addf(&text, "%s%s", i ? " " : "",
			       json_str(element(list, i), ""));
	table_add(t, text.data);
	buf_release(&text);
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
		table_addf(t, "%lld", number(value, ""));
	else
		table_add(t, json_bool(value, "", false) ? "yes" : "no");
	return true;
}

static void print_access(struct table *t, const struct json *access)
{
	json_each(access, print_setting, t);
}

void print_purged(const struct json *j)
{
	printf("%lld rows of '%s' are erased\n", number(j, "rows"),
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
	table_add(&t, "id");
	table_add(&t, json_str(j, "id"));
	table_add(&t, "state");
	table_add(&t, json_bool(j, "paused", false) ? "paused" : "active");
	add_limit(&t, "rate_per_minute", j);
	add_limit(&t, "burst", j);
	add_budget(&t, json_str(j, "budget"));
	add_choice(&t, "agent_sessions", j);
	add_choice(&t, "streaming", j);
	add_text_time(&t, j);
	print_keep(&t, j);
	print_access(&t, json_at(j, "access"));
	table_print(&t, stdout);
	table_release(&t);
	print_connections(json_at(j, "connections"));
	print_uninstalled(json_at(j, "uninstalled"));
	if (json_len(j, "agents") > 0) {
		putchar('\n');
		print_agents(j);
	}
}

void print_agents(const struct json *j)
{
	static const char *const heads[] = { "AGENT", "ANSWERS IN", "MODEL",
					     "ROLE" };
	const struct json *list = json_at(j, "agents");
	const struct json *row;
	struct table t;
	size_t i;

	table_init(&t, 4, heads);
	for (i = 0; i < json_len(list, ""); i++) {
		row = element(list, i);
		table_add(&t, json_str(row, "name"));
		if (json_bool(row, "default", false))
			table_add(&t, "(all others)");
		else
			add_ids(&t, json_at(row, "channels"));
		table_add(&t, json_str(row, "model"));
		table_add(&t, json_str(row, "role"));
	}
	table_print(&t, stdout);
	table_release(&t);
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
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		table_add(&t, keys[i]);
		table_add(&t, json_str(j, keys[i]));
	}
	table_add(&t, "default");
	table_add(&t, json_bool(j, "default", false) ? "yes" : "no");
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

/* What a reload did, or what it would do. */
void print_changes(const struct json *j)
{
	static const char *const heads[] = { "SETTING", "RUNNING", "FILE",
					     "WHERE", "EFFECT" };
	const struct json *list = json_at(j, "changes");
	bool applied = json_bool(j, "applied", false);
	const struct json *row;
	struct table t;
	size_t i;

	if (json_len(list, "") == 0) {
		puts("the file says what runs");
		return;
	}
	table_init(&t, 5, heads);
	for (i = 0; i < json_len(list, ""); i++) {
		row = element(list, i);
		table_add(&t, json_str(row, "setting"));
		table_add(&t, json_str(row, "running"));
		table_add(&t, json_str(row, "new"));
		table_add(&t, json_str(row, "at"));
		if (!json_bool(row, "live", false))
			table_add(&t, "needs a restart");
		else
			table_add(&t, applied ? "in force" : "by reload");
	}
	table_print(&t, stdout);
	table_release(&t);
}

static bool print_member(const char *key, const struct json *value, void *arg)
{
	const char *s = json_str(value, "");

	(void)arg;
	if (s)
		plain_printf(stdout, "%s %s\n", key, s);
	else
		plain_printf(stdout, "%s %lld\n", key, number(value, ""));
	return true;
}

void print_done(const struct json *j)
{
	json_each(j, print_member, NULL);
}
