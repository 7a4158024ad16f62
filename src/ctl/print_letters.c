/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "ctl/ctl.h"
#include "ctl/rows.h"

#define TIME_SIZE 40

static void print_time(char out[TIME_SIZE], int64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;

	if (!gmtime_r(&s, &tm) ||
	    strftime(out, TIME_SIZE, "%Y-%m-%d %H:%M:%SZ", &tm) == 0)
		(void)snprintf(out, TIME_SIZE, "?");
}

static void add_time(struct table *t, const struct json *row, const char *key)
{
	char text[TIME_SIZE];

	print_time(text, json_int(row, key, 0));
	table_add(t, text);
}

/* And how many others were to have the same answer. */
static void add_message(struct table *t, const struct json *row,
			const char *key)
{
	const char *message = json_str(row, key);
	size_t n = json_len(row, "covers");

	if (n > 0)
		table_addf(t, "%s +%zu", message ? message : "", n);
	else
		table_add(t, message);
}

void print_letters(const struct json *j)
{
	static const struct column columns[] = {
		{ "ENTRY", "entry", rows_text },
		{ "TENANT", "tenant", rows_text },
		{ "RECEIVED", "received_ms", add_time },
		{ "REASON", "reason", rows_text },
		{ "STAGE", "stage", rows_text },
		{ "TRIES", "tries", rows_number },
		{ "CRASHES", "crashes", rows_number },
		{ "MESSAGE", "message", add_message },
		{ 0 },
	};

	rows_print(columns, json_at(j, "dead"), stdout);
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
		step = json_nth(list, "", i);
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
	size_t i;

	for (i = 0; i < json_len(list, ""); i++) {
		table_add(t, i == 0 ? name : "");
		table_add(t, json_str(json_nth(list, "", i), ""));
	}
}

static void print_record(const struct json *row)
{
	static const char *const keys[] = { "event",   "app",   "tenant",
					    "message", "state", "reason",
					    "stage" };
	const char *const heads[] = { "entry", json_str(row, "entry") };
	struct table t;
	size_t i;

	table_init(&t, 2, heads);
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		rows_pair(&t, row, keys[i]);
	table_add(&t, "received");
	add_time(&t, row, "received_ms");
	table_add(&t, "tries");
	rows_number(&t, row, "tries");
	table_add(&t, "crashes");
	rows_number(&t, row, "crashes");
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
		print_record(json_nth(list, "", i));
	}
}
