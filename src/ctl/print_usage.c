/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "ctl/ctl.h"
#include "ctl/plain.h"
#include "ctl/rows.h"
#include "store/budget.h"

#define DAY_MS   INT64_C(86400000)
#define DAYS_MAX 3660

/* "30d": so many days until today. */
static int days_ago(const char *s, int64_t now_ms, struct budget_days *out)
{
	char *end;
	long n = strtol(s, &end, 10);

	if (end == s || strcmp(end, "d") != 0 || n < 1 || n > DAYS_MAX)
		return -1;
	budget_days(now_ms - (n - 1) * DAY_MS, out);
	return 0;
}

int usage_what(const char *by, const char *since, int64_t now_ms,
	       char out[USAGE_WHAT], struct err *e)
{
	struct budget_days d;
	const char *day = since;

	budget_days(now_ms, &d);
	if (!since)
		day = d.month;
	else if (days_ago(since, now_ms, &d) == 0)
		day = d.today;
	if (strlen(by) > 10 || by[strspn(by, "abcdefghijklmnopqrstuvwxyz")])
		return err_set(e, ERR_INPUT,
			       "by: '%.40s' is none of tenant, model, day,"
			       " channel, person",
			       by);
	if (strlen(day) != 10 || day[strspn(day, "0123456789-")])
		return err_set(e, ERR_INPUT,
			       "since: '%.40s' is neither a day (2026-11-01)"
			       " nor a number of days (30d)",
			       day);
	(void)snprintf(out, USAGE_WHAT, "%s:%s", by, day);
	return 0;
}

/* Two decimals say little of what a thousand tokens cost. */
static void add_cost(struct table *t, const struct json *row, const char *key)
{
	const char *cost = json_str(row, key);

	if (cost)
		table_addf(t, "%s%s", cost,
			   json_bool(row, "unpriced", false) ? " and more"
							     : "");
	else
		table_add(t, NULL);
}

static void print_rows(const struct json *j)
{
	bool priced = json_bool(j, "priced", false);
	const char *by = json_str(j, "by");
	struct column columns[7] = { { "TENANT", "tenant", rows_text } };
	char upper[16] = "";
	size_t i, n = 1;

	if (!by)
		return;
	for (i = 0; by[i] && i + 1 < sizeof(upper); i++)
		upper[i] = (char)(by[i] - 'a' + 'A');
	if (strcmp(by, "tenant") != 0)
		columns[n++] = (struct column){ upper, by, rows_text };
	columns[n++] = (struct column){ "ANSWERS", "answers", rows_number };
	columns[n++] = (struct column){ "PROMPT TOKENS", "prompt_tokens",
					rows_number };
	columns[n++] = (struct column){ "ANSWER TOKENS", "completion_tokens",
					rows_number };
	if (priced)
		columns[n++] = (struct column){ "COST", "cost", add_cost };
	rows_print(columns, json_at(j, "usage"), stdout);
	if (!priced)
		puts("no costs: the configuration has no prices of a model");
}

static void add_used(struct table *t, const struct json *row, const char *key)
{
	table_addf(t, "%lld (%lld %%)", rows_int(row, key),
		   rows_int(row, "percent"));
}

static void add_state(struct table *t, const struct json *row, const char *key)
{
	long long used = rows_int(row, key);
	long long most = rows_int(row, "most");

	if (used >= most)
		table_add(t, "used up");
	else
		table_add(t, budget_near(used, most) ? "nearly used up" : "ok");
}

static const struct column budgets[] = {
	{ "TENANT", "tenant", rows_text },   { "BUDGET", "budget", rows_text },
	{ "WHOSE", "who", rows_text },       { "USED", "used", add_used },
	{ "MOST", "most", rows_number },     { "STATE", "used", add_state },
	{ "FULL IN", "full_ms", rows_left }, { 0 },
};

/* What was set but isn't listed shall not seem to be lost. */
static void print_unlisted(const struct json *j)
{
	const struct json *list = json_at(j, "budgets");
	const char *who;
	size_t i;

	if (rows_int(j, "budgets_of_each") == 0)
		return;
	for (i = 0; i < json_len(list, ""); i++) {
		who = json_str(json_nth(list, "", i), "who");
		if (who && *who)
			return;
	}
	puts("\nno channel or person was warned of a budget of their own");
}

void print_usage(const struct json *j)
{
	const char *since = json_str(j, "since");

	plain_printf(stdout, "since %s (UTC)\n\n", since ? since : "?");
	print_rows(j);
	rows_section(budgets, json_at(j, "budgets"), stdout);
	print_unlisted(j);
}
