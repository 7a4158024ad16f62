/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "ctl/ctl.h"
#include "ctl/table.h"

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

static void print_connections(const struct json *list)
{
	static const char *const heads[] = { "APP", "WORKSPACE", "BOT USER",
					     "BOT", "BOT TOKEN" };
	const struct json *row;
	struct table t;
	size_t i;

	if (json_len(list, "") == 0)
		return;
	putchar('\n');
	table_init(&t, 5, heads);
	for (i = 0; i < json_len(list, ""); i++) {
		row = element(list, i);
		table_add(&t, json_str(row, "app_id"));
		table_add(&t, json_str(row, "workspace_id"));
		table_add(&t, json_str(row, "bot_user_id"));
		table_add(&t, json_str(row, "bot_id"));
		table_add(&t, json_str(row, "bot_token"));
	}
	table_print(&t, stdout);
	table_release(&t);
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
	table_add(&t, "agent");
	table_add(&t, json_str(j, "agent.name"));
	table_print(&t, stdout);
	table_release(&t);
	print_connections(json_at(j, "connections"));
}

/* A persona has lines of its own; a terminal gets no other control. */
static void print_text(const char *s)
{
	for (; *s; s++)
		putchar((unsigned char)*s < ' ' && *s != '\n' && *s != '\t'
				? '?'
				: *s);
	putchar('\n');
}

void print_agent(const struct json *j)
{
	static const char *const keys[] = { "role", "model", "placeholder" };
	const char *const heads[] = { "name", json_str(j, "name") };
	const char *persona = json_str(j, "persona");
	struct table t;
	size_t i;

	table_init(&t, 2, heads);
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		table_add(&t, keys[i]);
		table_add(&t, json_str(j, keys[i]));
	}
	table_print(&t, stdout);
	table_release(&t);
	if (persona && persona[0] != '\0') {
		putchar('\n');
		print_text(persona);
	}
}

static bool print_member(const char *key, const struct json *value, void *arg)
{
	const char *s = json_str(value, "");

	(void)arg;
	if (s)
		printf("%s %s\n", key, s);
	else
		printf("%s %lld\n", key, number(value, ""));
	return true;
}

void print_done(const struct json *j)
{
	json_each(j, print_member, NULL);
}

static bool add_state(const char *key, const struct json *value, void *arg)
{
	bool *any = arg;
	long long n = (long long)json_int(value, "", 0);

	if (n > 0) {
		printf("%s %lld %s", *any ? "," : "", n, key);
		*any = true;
	}
	return true;
}

static void print_links(const struct json *j)
{
	bool any = false;

	printf("links    ");
	json_each(json_at(j, "links"), add_state, &any);
	puts(any ? "" : " none");
}

static void print_figures(const struct json *j)
{
	print_links(j);
	printf("traffic   %lld envelopes, %lld acks, %lld not acked,"
	       " %lld unusable\n",
	       number(j, "traffic.envelopes"), number(j, "traffic.acks"),
	       number(j, "traffic.unacked"),
	       number(j, "traffic.malformed") + number(j, "traffic.binary") +
		       number(j, "traffic.oversized"));
	printf("journal   %lld queued, %lld unfinished, last commit %lld.%lld"
	       " ms\n",
	       number(j, "journal.queued"), number(j, "journal.unfinished"),
	       number(j, "journal.last_commit_us") / 1000,
	       number(j, "journal.last_commit_us") / 100 % 10);
	if (number(j, "journal.spilled") > 0)
		printf("spilled   %lld, until the store takes them\n",
		       number(j, "journal.spilled"));
	printf("turns     %lld in flight, %lld answers, %lld failures,"
	       " %lld notices, %lld edits, %lld limited by Slack\n",
	       number(j, "turns.in_flight"), number(j, "turns.answers"),
	       number(j, "turns.failures"), number(j, "turns.notices"),
	       number(j, "turns.edits"), number(j, "turns.limited"));
}

static void add_node(struct table *t, const struct json *row)
{
	bool alive = json_bool(row, "alive", false);
	char age[TABLE_AGE_SIZE];

	table_age(age, number(row, "renewed_ms") / 1000);
	table_addf(t, "%s%s", json_str(row, "name"),
		   json_bool(row, "self", false) ? " (this)" : "");
	table_add(t, alive ? "alive" : "gone");
	table_add(t, age);
	table_addf(t, "%lld", number(row, "links"));
	table_addf(t, "%lld", number(row, "leases"));
	table_addf(t, "%zu", json_len(row, "partitions"));
	table_addf(t, "%lld", number(row, "backlog"));
	table_add(t, json_str(row, "id"));
}

static void print_nodes(const struct json *j)
{
	static const char *const heads[] = { "NODE",       "STATE",
					     "RENEWED",    "LINKS",
					     "LEASES",     "PARTITIONS",
					     "UNFINISHED", "ID" };
	const char *stay = json_str(j, "links_stay");
	const struct json *list = json_at(j, "nodes");
	struct table t;
	size_t i;

	if (json_len(list, "") == 0)
		return;
	putchar('\n');
	table_init(&t, 8, heads);
	for (i = 0; i < json_len(list, ""); i++)
		add_node(&t, element(list, i));
	table_print(&t, stdout);
	table_release(&t);
	if (stay)
		printf("links stay where they are: %s\n", stay);
	if (number(j, "unheld_backlog") > 0)
		printf("%lld unfinished in partitions that no node holds\n",
		       number(j, "unheld_backlog"));
}

static void print_models(const struct json *list)
{
	static const char *const heads[] = { "MODEL", "STATE", "ASKED",
					     "WAITING" };
	const struct json *row;
	struct table t;
	size_t i;

	if (json_len(list, "") == 0)
		return;
	putchar('\n');
	table_init(&t, 4, heads);
	for (i = 0; i < json_len(list, ""); i++) {
		row = element(list, i);
		table_add(&t, json_str(row, "name"));
		table_add(&t, json_str(row, "state"));
		table_addf(&t, "%lld", number(row, "busy"));
		table_addf(&t, "%lld", number(row, "waiting"));
	}
	table_print(&t, stdout);
	table_release(&t);
}

static void print_apps(const struct json *list)
{
	static const char *const heads[] = { "APP",       "LINK",
					     "SINCE",     "CONNECTIONS",
					     "ELSEWHERE", "AGAIN",
					     "LAST" };
	long long now = (long long)clock_wall_ms();
	char age[TABLE_AGE_SIZE];
	const struct json *row;
	struct table t;
	size_t i;

	if (json_len(list, "") == 0)
		return;
	putchar('\n');
	table_init(&t, 7, heads);
	for (i = 0; i < json_len(list, ""); i++) {
		row = element(list, i);
		table_age(age, (now - number(row, "since_ms")) / 1000);
		table_add(&t, json_str(row, "app_id"));
		table_add(&t, json_str(row, "state"));
		table_add(&t, age);
		table_addf(&t, "%lld", number(row, "num_connections"));
		table_addf(&t, "%lld", number(row, "elsewhere"));
		table_addf(&t, "%lld", number(row, "reconnects"));
		table_add(&t, json_str(row, "last"));
	}
	table_print(&t, stdout);
	table_release(&t);
}

static void print_quarantined(const struct json *list)
{
	static const char *const heads[] = { "QUARANTINED", "WORKSPACE",
					     "SINCE", "ERROR" };
	long long now = (long long)clock_wall_ms();
	char age[TABLE_AGE_SIZE];
	const struct json *row;
	struct table t;
	size_t i;

	if (json_len(list, "") == 0)
		return;
	putchar('\n');
	table_init(&t, 4, heads);
	for (i = 0; i < json_len(list, ""); i++) {
		row = element(list, i);
		table_age(age, (now - number(row, "since_ms")) / 1000);
		table_add(&t, json_str(row, "app_id"));
		table_add(&t, json_str(row, "workspace_id"));
		table_add(&t, age);
		table_add(&t, json_str(row, "error"));
	}
	table_print(&t, stdout);
	table_release(&t);
	puts("Slack refuses these bot tokens: set others, then dead replay");
}

static void print_decisions(const struct json *list)
{
	static const char *const heads[] = { "STAGE", "VERDICT", "COUNT" };
	const struct json *row;
	struct table t;
	size_t i;

	if (json_len(list, "") == 0)
		return;
	putchar('\n');
	table_init(&t, 3, heads);
	for (i = 0; i < json_len(list, ""); i++) {
		row = element(list, i);
		table_add(&t, json_str(row, "stage"));
		table_add(&t, json_str(row, "verdict"));
		table_addf(&t, "%lld", number(row, "count"));
	}
	table_print(&t, stdout);
	table_release(&t);
}

void print_status(const struct json *j)
{
	const char *version = json_str(j, "version");
	const char *reason = json_str(j, "reason");
	bool stopping = json_bool(j, "stopping", false);
	char age[TABLE_AGE_SIZE];

	if (!reason)
		reason = stopping ? "stopping" : "ok";
	table_age(age, number(j, "uptime_s"));
	printf("konstructd %s, up %s: %s\n", version ? version : "?", age,
	       reason);
	print_figures(j);
	print_nodes(json_at(j, "cluster"));
	print_models(json_at(j, "models"));
	print_apps(json_at(j, "app_links"));
	print_quarantined(json_at(j, "quarantined"));
	print_decisions(json_at(j, "decisions"));
}
