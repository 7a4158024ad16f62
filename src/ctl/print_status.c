/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "ctl/ctl.h"
#include "ctl/plain.h"
#include "ctl/table.h"

static long long number(const struct json *j, const char *path)
{
	return (long long)json_int(j, path, 0);
}

static void add_number(struct table *t, const struct json *row,
		       const char *path)
{
	table_addf(t, "%lld", number(row, path));
}

/* How long ago a time of the wall clock was. */
static void add_age(struct table *t, const struct json *row, const char *path)
{
	char age[TABLE_AGE_SIZE];

	table_age(age, ((long long)clock_wall_ms() - number(row, path)) / 1000);
	table_add(t, age);
}

static bool add_state(const char *key, const struct json *value, void *arg)
{
	bool *any = arg;
	long long n = (long long)json_int(value, "", 0);

	if (n > 0) {
		plain_printf(stdout, "%s %lld %s", *any ? "," : "", n, key);
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
	       " %lld stopped, %lld notices, %lld edits, %lld limited by Slack\n",
	       number(j, "turns.in_flight"), number(j, "turns.answers"),
	       number(j, "turns.failures"), number(j, "turns.stopped"),
	       number(j, "turns.notices"), number(j, "turns.edits"),
	       number(j, "turns.limited"));
}

static void print_keys_in_use(const struct json *j)
{
	const struct json *row;
	char at[64];
	size_t i;

	for (i = 0; i < json_len(j, "keys"); i++) {
		(void)snprintf(at, sizeof(at), "keys.%zu", i);
		row = json_at(j, at);
		plain_printf(stdout, "%s%lld secrets under key %s%s",
			     i == 0 ? "keys      " : ", ",
			     number(row, "secrets"), json_str(row, "id"),
			     json_bool(row, "seals", false) ? ", which encrypts"
							    : "");
	}
	if (i > 0)
		putchar('\n');
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

static void add_model(struct table *t, const struct json *row)
{
	table_add(t, json_str(row, "name"));
	table_add(t, json_str(row, "state"));
	add_number(t, row, "busy");
	add_number(t, row, "waiting");
}

static void add_app(struct table *t, const struct json *row)
{
	table_add(t, json_str(row, "app_id"));
	table_add(t, json_str(row, "state"));
	add_age(t, row, "since_ms");
	add_number(t, row, "num_connections");
	add_number(t, row, "elsewhere");
	add_number(t, row, "reconnects");
	table_add(t, json_str(row, "last"));
}

static void add_quarantined(struct table *t, const struct json *row)
{
	table_add(t, json_str(row, "app_id"));
	table_add(t, json_str(row, "workspace_id"));
	add_age(t, row, "since_ms");
	table_add(t, json_str(row, "error"));
}

static void add_uninstalled(struct table *t, const struct json *row)
{
	table_add(t, json_str(row, "tenant"));
	table_add(t, json_str(row, "app_id"));
	table_add(t, json_str(row, "workspace_id"));
	add_age(t, row, "since_ms");
	print_erasing(t, row);
}

static void add_text(struct table *t, const struct json *row)
{
	char left[TABLE_AGE_SIZE];

	table_age(left, (number(row, "until_ms") - (long long)clock_wall_ms()) /
				1000);
	table_add(t, json_str(row, "tenant"));
	table_add(t, left);
}

static void add_budget(struct table *t, const struct json *row)
{
	long long used = number(row, "used");
	long long most = number(row, "most");
	char left[TABLE_AGE_SIZE];

	table_age(left,
		  (number(row, "full_ms") - (long long)clock_wall_ms()) / 1000);
	table_add(t, json_str(row, "tenant"));
	table_add(t, json_str(row, "budget"));
	table_add(t, json_str(row, "who"));
	table_addf(t, "%lld of %lld", used, most);
	table_add(t, used >= most ? "used up" : "nearly used up");
	table_add(t, left);
}

static void add_decision(struct table *t, const struct json *row)
{
	table_add(t, json_str(row, "stage"));
	table_add(t, json_str(row, "verdict"));
	add_number(t, row, "count");
}

/* In this order; one without rows is left out. */
static const struct section {
	const char *path;
	void (*add)(struct table *t, const struct json *row);
	size_t columns;
	const char *heads[TABLE_COLUMNS];
	const char *below;
} sections[] = {
	{ .path = "cluster.nodes",
	  .add = add_node,
	  .columns = 8,
	  .heads = { "NODE", "STATE", "RENEWED", "LINKS", "LEASES",
		     "PARTITIONS", "UNFINISHED", "ID" } },
	{ .path = "models",
	  .add = add_model,
	  .columns = 4,
	  .heads = { "MODEL", "STATE", "ASKED", "WAITING" } },
	{ .path = "app_links",
	  .add = add_app,
	  .columns = 7,
	  .heads = { "APP", "LINK", "SINCE", "CONNECTIONS", "ELSEWHERE",
		     "AGAIN", "LAST" } },
	{ .path = "quarantined",
	  .add = add_quarantined,
	  .columns = 4,
	  .heads = { "QUARANTINED", "WORKSPACE", "SINCE", "ERROR" },
	  .below = "Slack refuses these bot tokens: set others, then dead "
		   "replay" },
	{ .path = "uninstalled",
	  .add = add_uninstalled,
	  .columns = 5,
	  .heads = { "TENANT", "APP", "UNINSTALLED FROM", "SINCE", "ERASED" } },
	{ .path = "text_in_log",
	  .add = add_text,
	  .columns = 2,
	  .heads = { "TEXT IN THE LOG OF", "FOR" },
	  .below = "To end it: tenant set NAME --debug-text off" },
	{ .path = "budgets",
	  .add = add_budget,
	  .columns = 6,
	  .heads = { "TENANT", "BUDGET", "OF", "USED", "STATE", "FULL IN" } },
	{ .path = "decisions",
	  .add = add_decision,
	  .columns = 3,
	  .heads = { "STAGE", "VERDICT", "COUNT" } },
};

static void print_section(const struct section *s, const struct json *j)
{
	const struct json *list = json_at(j, s->path);
	struct table t;
	char at[24];
	size_t i;

	if (json_len(list, "") == 0)
		return;
	putchar('\n');
	table_init(&t, s->columns, s->heads);
	for (i = 0; i < json_len(list, ""); i++) {
		(void)snprintf(at, sizeof(at), "%zu", i);
		s->add(&t, json_at(list, at));
	}
	table_print(&t, stdout);
	table_release(&t);
	if (s->below)
		puts(s->below);
}

/* What is wrong with the nodes, if anything. */
static void print_trouble(const struct json *j)
{
	const char *stay = json_str(j, "cluster.links_stay");

	if (stay)
		plain_printf(stdout, "links stay where they are: %s\n", stay);
	if (number(j, "cluster.unheld_backlog") > 0)
		printf("%lld unfinished in partitions that no node holds\n",
		       number(j, "cluster.unheld_backlog"));
}

void print_status(const struct json *j)
{
	const char *version = json_str(j, "version");
	const char *reason = json_str(j, "reason");
	bool stopping = json_bool(j, "stopping", false);
	char age[TABLE_AGE_SIZE];
	size_t i;

	if (!reason)
		reason = stopping ? "stopping" : "ok";
	table_age(age, number(j, "uptime_s"));
	plain_printf(stdout, "konstructd %s, up %s: %s\n",
		     version ? version : "?", age, reason);
	print_figures(j);
	print_keys_in_use(j);
	print_trouble(j);
	for (i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		print_section(&sections[i], j);
}
