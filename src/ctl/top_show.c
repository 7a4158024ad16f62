/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "ctl/plain.h"
#include "ctl/rows.h"
#include "ctl/top.h"

#define TENANTS_SHOWN 20
#define TENANTS_MAX   256
#define TIME_SIZE     40

static int64_t number(const struct json *j, const char *path)
{
	return json_int(j, path, 0);
}

/* Of a daemon that was started again the counters began again. */
static int64_t since(const struct json *now, const struct json *before,
		     const char *path)
{
	int64_t n = number(now, path);
	int64_t was = before ? number(before, path) : 0;

	return n >= was ? n - was : n;
}

/* " (3.2/s)" behind a counter; nothing without an answer before. */
static void print_rate(const struct json *now, const struct json *before,
		       const char *path, FILE *out)
{
	int64_t ms = number(now, "now_ms") - number(before, "now_ms");
	int64_t tenths;

	if (!before || ms <= 0)
		return;
	tenths = since(now, before, path) * 10000 / ms;
	fprintf(out, " (%" PRId64 ".%" PRId64 "/s)", tenths / 10, tenths % 10);
}

static void print_counter(const struct json *now, const struct json *before,
			  const char *path, const char *name, FILE *out)
{
	fprintf(out, "%s%" PRId64, name, number(now, path));
	print_rate(now, before, path, out);
}

static void print_head(const struct json *j, FILE *out)
{
	const char *version = json_str(j, "version");
	const char *reason = json_str(j, "reason");
	char age[TABLE_AGE_SIZE];

	if (!reason)
		reason = json_bool(j, "stopping", false) ? "stopping" : "ok";
	table_age(age, number(j, "uptime_s"));
	plain_printf(out, "konstructd %s, up %s: %s\n\n",
		     version ? version : "?", age, reason);
}

static void print_figures(const struct json *j, const struct json *before,
			  FILE *out)
{
	fprintf(out,
		"links    %" PRId64 " of %" PRId64 " apps live, %" PRId64
		" waiting to dial again",
		number(j, "live_apps"), number(j, "placed"),
		number(j, "links.backoff"));
	print_counter(j, before, "traffic.reconnects", ", reconnects ", out);
	if (json_at(j, "canary_states"))
		fprintf(out,
			"\ncanaries %" PRId64 " back, %" PRId64
			" overdue, %" PRId64 " deaf, %" PRId64 " can't be sent",
			number(j, "canary_states.ok"),
			number(j, "canary_states.overdue"),
			number(j, "canary_states.deaf"),
			number(j, "canary_states.blocked"));
	print_counter(j, before, "traffic.envelopes", "\ntraffic  envelopes ",
		      out);
	print_counter(j, before, "traffic.unacked", ", not acked ", out);
	fprintf(out, "\njournal  %" PRId64 " unfinished, %" PRId64 " queued",
		number(j, "journal.unfinished"), number(j, "journal.queued"));
	if (number(j, "journal.spilled") > 0)
		fprintf(out, ", %" PRId64 " spilled",
			number(j, "journal.spilled"));
	print_counter(j, before, "journal.commits", ", commits ", out);
	fprintf(out, "\nturns    %" PRId64 " in flight",
		number(j, "turns.in_flight"));
	print_counter(j, before, "turns.answers", ", answers ", out);
	print_counter(j, before, "turns.failures", ", failures ", out);
	print_counter(j, before, "turns.stopped", ", stopped ", out);
	print_counter(j, before, "turns.edits", ", edits ", out);
	print_counter(j, before, "turns.limited", ", limited by Slack ", out);
	fputs("\n\n", out);
}

static void print_us(char out[TIME_SIZE], const char *sign, int64_t us)
{
	if (us < 1000)
		(void)snprintf(out, TIME_SIZE, "%s %" PRId64 " us", sign, us);
	else if (us < 1000000)
		(void)snprintf(out, TIME_SIZE, "%s %" PRId64 " ms", sign,
			       us / 1000);
	else
		(void)snprintf(out, TIME_SIZE, "%s %" PRId64 ".%" PRId64 " s",
			       sign, us / 1000000, us / 100000 % 10);
}

/* The bound under which percent of the times are. */
static void print_percentile(const struct json *j, const struct json *now,
			     const struct json *before, int percent,
			     char out[TIME_SIZE])
{
	size_t last = json_len(now, "upto") - 1;
	char at[32];
	int64_t all;
	size_t i;

	(void)snprintf(at, sizeof(at), "upto.%zu", last);
	all = since(now, before, at);
	for (i = 0; i < last; i++) {
		(void)snprintf(at, sizeof(at), "upto.%zu", i);
		if (since(now, before, at) * 100 >= all * percent)
			break;
	}
	(void)snprintf(at, sizeof(at), "bounds_us.%zu", i < last ? i : i - 1);
	print_us(out, i < last ? "<" : ">", number(j, at));
}

static void add_time(struct table *t, const struct json *j,
		     const struct json *now, const struct json *before)
{
	static const int percents[] = { 50, 95, 99 };
	size_t n = json_len(now, "upto");
	char at[32], text[TIME_SIZE];
	int64_t all;
	size_t i;

	if (n < 2)
		return;
	(void)snprintf(at, sizeof(at), "upto.%zu", n - 1);
	all = since(now, before, at);
	table_add(t, json_str(now, "name"));
	table_addf(t, "%" PRId64, all);
	for (i = 0; i < 3; i++) {
		if (all > 0)
			print_percentile(j, now, before, percents[i], text);
		table_add(t, all > 0 ? text : NULL);
	}
}

static void print_times(const struct json *j, const struct json *before,
			FILE *out)
{
	static const char *const heads[] = { "TIME", "COUNT", "50 %", "95 %",
					     "99 %" };
	struct table t;
	size_t i;

	table_init(&t, 5, heads);
	for (i = 0; i < json_len(j, "times"); i++)
		add_time(&t, j, json_nth(j, "times", i),
			 json_nth(before, "times", i));
	table_print(&t, out);
	table_release(&t);
	fputc('\n', out);
}

static const struct column models[] = {
	{ "MODEL", "name", rows_text },
	{ "STATE", "state", rows_text },
	{ "ASKED", "busy", rows_number },
	{ "WAITING", "waiting", rows_number },
	{ 0 },
};

struct tenant {
	const struct json *row;
	int64_t answers, failures, tokens; /* since the answer before */
};

/* Who has the most to do is the first. */
static int by_answers(const void *a, const void *b)
{
	const struct tenant *x = a;
	const struct tenant *y = b;
	int64_t nx = x->answers + x->failures;
	int64_t ny = y->answers + y->failures;

	if (nx != ny)
		return nx < ny ? 1 : -1;
	nx = number(x->row, "answers");
	ny = number(y->row, "answers");
	return nx < ny ? 1 : nx > ny ? -1 : 0;
}

static bool same_name(const struct json *a, const struct json *b)
{
	const char *x = json_str(a, "name");
	const char *y = json_str(b, "name");

	return x && y && strcmp(x, y) == 0;
}

/* Names come in an order that stays, and new ones last. */
static size_t take_tenants(const struct json *j, const struct json *before,
			   struct tenant list[TENANTS_MAX])
{
	const struct json *was;
	struct tenant *t;
	size_t i, n = json_len(j, "tenants");

	if (n > TENANTS_MAX)
		n = TENANTS_MAX;
	for (i = 0; i < n; i++) {
		t = &list[i];
		t->row = json_nth(j, "tenants", i);
		was = json_nth(before, "tenants", i);
		if (!same_name(was, t->row))
			was = NULL;
		t->answers = since(t->row, was, "answers");
		t->failures = since(t->row, was, "failures");
		t->tokens = since(t->row, was, "tokens_in") +
			    since(t->row, was, "tokens_out");
	}
	return n;
}

static void print_tenants(const struct json *j, const struct json *before,
			  FILE *out)
{
	static const char *const heads[] = {
		"TENANT", "ANSWERS", "FAILURES", "TOKENS", "ALL", "ALL FAILED"
	};
	struct tenant list[TENANTS_MAX];
	struct table t;
	size_t i, n = take_tenants(j, before, list);

	if (n == 0)
		return;
	qsort(list, n, sizeof(list[0]), by_answers);
	table_init(&t, 6, heads);
	for (i = 0; i < n && i < TENANTS_SHOWN; i++) {
		table_add(&t, json_str(list[i].row, "name"));
		table_addf(&t, "%" PRId64, list[i].answers);
		table_addf(&t, "%" PRId64, list[i].failures);
		table_addf(&t, "%" PRId64, list[i].tokens);
		table_addf(&t, "%" PRId64, number(list[i].row, "answers"));
		table_addf(&t, "%" PRId64, number(list[i].row, "failures"));
	}
	table_print(&t, out);
	table_release(&t);
	if (n > TENANTS_SHOWN)
		fprintf(out, "and %zu more\n", n - TENANTS_SHOWN);
	fputc('\n', out);
}

static void print_down(const struct json *j, FILE *out)
{
	static const char *const heads[] = { "NOT LIVE", "STATE", "SINCE",
					     "LAST" };
	const struct json *row;
	char age[TABLE_AGE_SIZE];
	struct table t;
	size_t i;

	if (json_len(j, "links_down") == 0)
		return;
	table_init(&t, 4, heads);
	for (i = 0; i < json_len(j, "links_down"); i++) {
		row = json_nth(j, "links_down", i);
		table_age(age, (number(j, "now_ms") - number(row, "since_ms")) /
				       1000);
		table_add(&t, json_str(row, "app_id"));
		table_add(&t, json_str(row, "state"));
		table_add(&t, age);
		table_add(&t, json_str(row, "last"));
	}
	table_print(&t, out);
	table_release(&t);
}

static void print_silent(const struct json *j, FILE *out)
{
	static const char *const heads[] = { "ANSWERS NOBODY", "WHY" };
	size_t i, n = json_len(j, "silent");
	const struct json *row;
	struct table t;

	if (n == 0)
		return;
	table_init(&t, 2, heads);
	for (i = 0; i < n && i < TENANTS_SHOWN; i++) {
		row = json_nth(j, "silent", i);
		table_add(&t, json_str(row, "tenant"));
		table_add(&t, json_str(row, "why"));
	}
	table_print(&t, out);
	table_release(&t);
	if (n > i || json_bool(j, "silent_left_out", false))
		fputs("and more\n", out);
	fputc('\n', out);
}

void top_show(const struct json *now, const struct json *before, FILE *out)
{
	print_head(now, out);
	print_figures(now, before, out);
	print_times(now, before, out);
	rows_print(models, json_at(now, "models"), out);
	fputc('\n', out);
	print_down(now, out);
	print_silent(now, out);
	print_tenants(now, before, out);
}

/* The bytes of the first so many characters. */
static size_t cut(const char *s, size_t n, size_t columns)
{
	size_t i, seen = 0;

	for (i = 0; i < n; i++) {
		if (((unsigned char)s[i] & 0xc0) != 0x80 && seen++ == columns)
			break;
	}
	return i;
}

void top_fit(const char *text, size_t columns, size_t rows, struct buf *out)
{
	size_t row, n;

	(void)buf_adds(out, "\x1b[H");
	for (row = 0; *text && row < rows; row++) {
		n = strcspn(text, "\n");
		/* Wiped first: behind a full line that would take its end. */
		(void)buf_adds(out, row > 0 ? "\n\x1b[2K" : "\x1b[2K");
		(void)buf_add(out, text, cut(text, n, columns));
		text += n + (text[n] == '\n');
	}
	if (row < rows)
		(void)buf_adds(out, "\n\x1b[J");
}
