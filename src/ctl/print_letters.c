/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "ctl/ctl.h"
#include "ctl/table.h"

#define TIME_SIZE 40

static void print_time(char out[TIME_SIZE], int64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;

	if (!gmtime_r(&s, &tm) ||
	    strftime(out, TIME_SIZE, "%Y-%m-%d %H:%M:%SZ", &tm) == 0)
		(void)snprintf(out, TIME_SIZE, "?");
}

static const struct json *element(const struct json *array, size_t i)
{
	char at[24];

	(void)snprintf(at, sizeof(at), "%zu", i);
	return json_at(array, at);
}

/* And how many others were to have the same answer. */
static void add_message(struct table *t, const struct json *row)
{
	const char *message = json_str(row, "message");
	size_t n = json_len(row, "covers");

	if (n > 0)
		table_addf(t, "%s +%zu", message ? message : "", n);
	else
		table_add(t, message);
}

void print_letters(const struct json *j)
{
	static const char *const heads[] = { "ENTRY",   "TENANT", "RECEIVED",
					     "REASON",  "STAGE",  "TRIES",
					     "CRASHES", "MESSAGE" };
	const struct json *list = json_at(j, "dead");
	const struct json *row;
	char at[TIME_SIZE];
	struct table t;
	size_t i;

	table_init(&t, 8, heads);
	for (i = 0; i < json_len(list, ""); i++) {
		row = element(list, i);
		print_time(at, json_int(row, "received_ms", 0));
		table_add(&t, json_str(row, "entry"));
		table_add(&t, json_str(row, "tenant"));
		table_add(&t, at);
		table_add(&t, json_str(row, "reason"));
		table_add(&t, json_str(row, "stage"));
		table_addf(&t, "%lld", (long long)json_int(row, "tries", 0));
		table_addf(&t, "%lld", (long long)json_int(row, "crashes", 0));
		add_message(&t, row);
	}
	table_print(&t, stdout);
	table_release(&t);
}

/* Seconds behind the arrival, and what happened then. */
static void print_steps(const struct json *row)
{
	static const char *const heads[] = { "AFTER", "STEP", "" };
	const struct json *list = json_at(row, "steps");
	const struct json *step;
	const char *detail;
	struct table t;
	size_t i;

	table_init(&t, 3, heads);
	table_add(&t, "0.000s");
	table_add(&t, "received");
	table_add(&t, "");
	for (i = 0; i < json_len(list, ""); i++) {
		step = element(list, i);
		detail = json_str(step, "detail");
		table_addf(&t, "%.3fs", (double)json_int(step, "ms", 0) / 1000);
		table_add(&t, json_str(step, "step"));
		table_add(&t, detail ? detail : "");
	}
	putchar('\n');
	table_print(&t, stdout);
	table_release(&t);
}

/* Each value under the first one's name. */
static void print_list(struct table *t, const struct json *row, const char *key,
		       const char *name)
{
	const struct json *list = json_at(row, key);
	char at[24];
	size_t i;

	for (i = 0; i < json_len(list, ""); i++) {
		(void)snprintf(at, sizeof(at), "%zu", i);
		table_add(t, i == 0 ? name : "");
		table_add(t, json_str(list, at));
	}
}

static void print_record(const struct json *row)
{
	static const char *const keys[] = { "event",   "app",   "tenant",
					    "message", "state", "reason",
					    "stage" };
	const char *const heads[] = { "entry", json_str(row, "entry") };
	char at[TIME_SIZE];
	struct table t;
	size_t i;

	table_init(&t, 2, heads);
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		table_add(&t, keys[i]);
		table_add(&t, json_str(row, keys[i]));
	}
	print_time(at, json_int(row, "received_ms", 0));
	table_add(&t, "received");
	table_add(&t, at);
	table_add(&t, "tries");
	table_addf(&t, "%lld", (long long)json_int(row, "tries", 0));
	table_add(&t, "crashes");
	table_addf(&t, "%lld", (long long)json_int(row, "crashes", 0));
	if (json_str(row, "covered_by")) {
		table_add(&t, "covered by");
		table_add(&t, json_str(row, "covered_by"));
	}
	print_list(&t, row, "covers", "covers");
	print_list(&t, row, "replies", "reply");
	table_print(&t, stdout);
	table_release(&t);
	print_steps(row);
}

void print_explained(const struct json *j)
{
	const struct json *list = json_at(j, "entries");
	size_t i;

	if (!list)
		list = json_at(j, "dead");
	for (i = 0; i < json_len(list, ""); i++) {
		if (i > 0)
			putchar('\n');
		print_record(element(list, i));
	}
}
