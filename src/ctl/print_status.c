/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "base/json.h"
#include "ctl/ctl.h"
#include "ctl/plain.h"
#include "ctl/rows.h"

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
	       rows_int(j, "traffic.envelopes"), rows_int(j, "traffic.acks"),
	       rows_int(j, "traffic.unacked"),
	       rows_int(j, "traffic.malformed") +
		       rows_int(j, "traffic.binary") +
		       rows_int(j, "traffic.oversized"));
	printf("journal   %lld queued, %lld unfinished, last commit %lld.%lld"
	       " ms\n",
	       rows_int(j, "journal.queued"), rows_int(j, "journal.unfinished"),
	       rows_int(j, "journal.last_commit_us") / 1000,
	       rows_int(j, "journal.last_commit_us") / 100 % 10);
	if (rows_int(j, "journal.spilled") > 0)
		printf("spilled   %lld, until the store takes them\n",
		       rows_int(j, "journal.spilled"));
	printf("turns     %lld in flight, %lld answers, %lld failures,"
	       " %lld stopped, %lld notices, %lld edits, %lld limited by Slack\n",
	       rows_int(j, "turns.in_flight"), rows_int(j, "turns.answers"),
	       rows_int(j, "turns.failures"), rows_int(j, "turns.stopped"),
	       rows_int(j, "turns.notices"), rows_int(j, "turns.edits"),
	       rows_int(j, "turns.limited"));
}

static void print_keys_in_use(const struct json *j)
{
	const struct json *row;
	size_t i;

	for (i = 0; i < json_len(j, "keys"); i++) {
		row = json_nth(j, "keys", i);
		plain_printf(stdout, "%s%lld secrets under key %s%s",
			     i == 0 ? "keys      " : ", ",
			     rows_int(row, "secrets"), json_str(row, "id"),
			     json_bool(row, "seals", false) ? ", which encrypts"
							    : "");
	}
	if (i > 0)
		putchar('\n');
}

static void add_name(struct table *t, const struct json *row, const char *key)
{
	table_addf(t, "%s%s", json_str(row, key),
		   json_bool(row, "self", false) ? " (this)" : "");
}

static void add_alive(struct table *t, const struct json *row, const char *key)
{
	table_add(t, json_bool(row, key, false) ? "alive" : "gone");
}

/* What the store has measured, by its own clock. */
static void add_span(struct table *t, const struct json *row, const char *key)
{
	char age[TABLE_AGE_SIZE];

	table_age(age, rows_int(row, key) / 1000);
	table_add(t, age);
}

static void add_length(struct table *t, const struct json *row, const char *key)
{
	table_addf(t, "%zu", json_len(row, key));
}

static const struct column nodes[] = {
	{ "NODE", "name", add_name },
	{ "STATE", "alive", add_alive },
	{ "RENEWED", "renewed_ms", add_span },
	{ "LINKS", "links", rows_number },
	{ "LEASES", "leases", rows_number },
	{ "PARTITIONS", "partitions", add_length },
	{ "UNFINISHED", "backlog", rows_number },
	{ "ID", "id", rows_text },
	{ 0 },
};

static const struct column models[] = {
	{ "MODEL", "name", rows_text },
	{ "STATE", "state", rows_text },
	{ "ASKED", "busy", rows_number },
	{ "WAITING", "waiting", rows_number },
	{ 0 },
};

static const struct column apps[] = {
	{ "APP", "app_id", rows_text },
	{ "LINK", "state", rows_text },
	{ "SINCE", "since_ms", rows_age },
	{ "CONNECTIONS", "num_connections", rows_number },
	{ "ELSEWHERE", "elsewhere", rows_number },
	{ "AGAIN", "reconnects", rows_number },
	{ "LAST", "last", rows_text },
	{ 0 },
};

static void add_back(struct table *t, const struct json *row, const char *key)
{
	if (rows_int(row, key) > 0)
		rows_age(t, row, key);
	else
		table_add(t, "never");
}

static void add_trip(struct table *t, const struct json *row, const char *key)
{
	table_addf(t, "%lld ms", rows_int(row, key));
}

static const struct column canaries[] = {
	{ "CANARY OF", "tenant", rows_text }, { "APP", "app_id", rows_text },
	{ "CHANNEL", "channel", rows_text },  { "STATE", "state", rows_text },
	{ "BACK", "heard_ms", add_back },     { "TOOK", "trip_ms", add_trip },
	{ "PROBLEM", "problem", rows_text },  { 0 },
};

static const struct column quarantined[] = {
	{ "QUARANTINED", "app_id", rows_text },
	{ "WORKSPACE", "workspace_id", rows_text },
	{ "SINCE", "since_ms", rows_age },
	{ "ERROR", "error", rows_text },
	{ 0 },
};

static const struct column silent[] = {
	{ "ANSWERS NOBODY", "tenant", rows_text },
	{ "WHY", "why", rows_text },
	{ 0 },
};

/* Nothing where it couldn't be counted. */
static void add_count(struct table *t, const struct json *row, const char *key)
{
	if (json_int(row, key, -1) < 0)
		table_add(t, NULL);
	else
		rows_number(t, row, key);
}

static const struct column uninstalled[] = {
	{ "TENANT", "tenant", rows_text },
	{ "APP", "app_id", rows_text },
	{ "UNINSTALLED FROM", "workspace_id", rows_text },
	{ "SINCE", "since_ms", rows_age },
	{ "ERASED", "erase_ms", print_erasing },
	{ "STILL IN", "app_workspaces", add_count },
	{ 0 },
};

static const struct column texts[] = {
	{ "TEXT IN THE LOG OF", "tenant", rows_text },
	{ "FOR", "until_ms", rows_left },
	{ 0 },
};

static void add_used(struct table *t, const struct json *row, const char *key)
{
	table_addf(t, "%lld of %lld", rows_int(row, key),
		   rows_int(row, "most"));
}

static void add_fullness(struct table *t, const struct json *row,
			 const char *key)
{
	table_add(t, rows_int(row, key) >= rows_int(row, "most")
			     ? "used up"
			     : "nearly used up");
}

static const struct column budgets[] = {
	{ "TENANT", "tenant", rows_text },
	{ "BUDGET", "budget", rows_text },
	{ "OF", "who", rows_text },
	{ "USED", "used", add_used },
	{ "STATE", "used", add_fullness },
	{ "FULL IN", "full_ms", rows_left },
	{ 0 },
};

static const struct column decisions[] = {
	{ "STAGE", "stage", rows_text },
	{ "VERDICT", "verdict", rows_text },
	{ "COUNT", "count", rows_number },
	{ 0 },
};

/* In this order; one without rows is left out. */
static const struct section {
	const char *path;
	const struct column *columns;
	const char *below;
} sections[] = {
	{ "cluster.nodes", nodes, NULL },
	{ "models", models, NULL },
	{ "app_links", apps, NULL },
	{ "canaries", canaries, NULL },
	{ "quarantined", quarantined,
	  "Slack refuses these bot tokens: set others, then dead replay" },
	{ "silent", silent,
	  "paused: tenant resume; no agent: agent add; uninstalled: install "
	  "the app again; no workspace: tenant set" },
	{ "uninstalled", uninstalled,
	  "An app that is in no workspace keeps its link, which tells when it "
	  "is installed again; tenant remove ends it" },
	{ "text_in_log", texts, "To end it: tenant set NAME --debug-text off" },
	{ "budgets", budgets, NULL },
	{ "decisions", decisions, NULL },
};

static void print_section(const struct section *s, const struct json *j)
{
	const struct json *list = json_at(j, s->path);

	rows_section(s->columns, list, stdout);
	if (s->below && json_len(list, "") > 0)
		puts(s->below);
}

/* What is wrong with the nodes, if anything. */
static void print_trouble(const struct json *j)
{
	const char *stay = json_str(j, "cluster.links_stay");

	if (stay)
		plain_printf(stdout, "links stay where they are: %s\n", stay);
	if (rows_int(j, "cluster.unheld_backlog") > 0)
		printf("%lld unfinished in partitions that no node holds\n",
		       rows_int(j, "cluster.unheld_backlog"));
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
	table_age(age, rows_int(j, "uptime_s"));
	plain_printf(stdout, "konstructd %s, up %s: %s\n",
		     version ? version : "?", age, reason);
	print_figures(j);
	print_keys_in_use(j);
	print_trouble(j);
	for (i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		print_section(&sections[i], j);
}
