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
#include "ctl/table.h"
#include "store/budget.h"

#define DAY_MS   INT64_C(86400000)
#define DAYS_MAX 3660

static long long number(const struct json *j, const char *path)
{
	return (long long)json_int(j, path, 0);
}

static const struct json *element(const struct json *array, size_t i)
{
	char at[24];

	(void)snprintf(at, sizeof(at), "%zu", i);
	return json_at(array, at);
}

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
static void add_cost(struct table *t, const struct json *row)
{
	const char *cost = json_str(row, "cost");

	if (cost)
		table_addf(t, "%s%s", cost,
			   json_bool(row, "unpriced", false) ? " and more"
							     : "");
	else
		table_add(t, NULL);
}

static void add_row(struct table *t, const struct json *row, const char *by,
		    bool priced)
{
	table_add(t, json_str(row, "tenant"));
	if (strcmp(by, "tenant") != 0)
		table_add(t, json_str(row, by));
	table_addf(t, "%lld", number(row, "answers"));
	table_addf(t, "%lld", number(row, "prompt_tokens"));
	table_addf(t, "%lld", number(row, "completion_tokens"));
	if (priced)
		add_cost(t, row);
}

static void print_rows(const struct json *j)
{
	const struct json *list = json_at(j, "usage");
	bool priced = json_bool(j, "priced", false);
	const char *by = json_str(j, "by");
	const char *heads[6] = { "TENANT" };
	char upper[16] = "";
	struct table t;
	size_t i, n = 1;

	if (!by)
		return;
	for (i = 0; by[i] && i + 1 < sizeof(upper); i++)
		upper[i] = (char)(by[i] - 'a' + 'A');
	if (strcmp(by, "tenant") != 0)
		heads[n++] = upper;
	heads[n++] = "ANSWERS";
	heads[n++] = "PROMPT TOKENS";
	heads[n++] = "ANSWER TOKENS";
	if (priced)
		heads[n++] = "COST";
	table_init(&t, n, heads);
	for (i = 0; i < json_len(list, ""); i++)
		add_row(&t, element(list, i), by, priced);
	table_print(&t, stdout);
	table_release(&t);
	if (!priced)
		puts("no costs: the configuration has no prices of a model");
}

static const char *state_of(const struct json *row)
{
	long long used = number(row, "used");
	long long most = number(row, "most");

	if (used >= most)
		return "used up";
	return budget_near(used, most) ? "nearly used up" : "ok";
}

static void print_budgets(const struct json *list)
{
	static const char *const heads[] = { "TENANT", "BUDGET", "WHOSE",
					     "USED",   "MOST",   "STATE",
					     "FULL IN" };
	const struct json *row;
	char left[TABLE_AGE_SIZE];
	struct table t;
	size_t i;

	if (json_len(list, "") == 0)
		return;
	putchar('\n');
	table_init(&t, 7, heads);
	for (i = 0; i < json_len(list, ""); i++) {
		row = element(list, i);
		table_age(left, (number(row, "full_ms") -
				 (long long)clock_wall_ms()) /
					1000);
		table_add(&t, json_str(row, "tenant"));
		table_add(&t, json_str(row, "budget"));
		table_add(&t, json_str(row, "who"));
		table_addf(&t, "%lld (%lld %%)", number(row, "used"),
			   number(row, "percent"));
		table_addf(&t, "%lld", number(row, "most"));
		table_add(&t, state_of(row));
		table_add(&t, left);
	}
	table_print(&t, stdout);
	table_release(&t);
}

/* What was set but isn't listed shall not seem to be lost. */
static void print_unlisted(const struct json *j)
{
	const struct json *list = json_at(j, "budgets");
	const char *who;
	size_t i;

	if (number(j, "budgets_of_each") == 0)
		return;
	for (i = 0; i < json_len(list, ""); i++) {
		who = json_str(element(list, i), "who");
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
	print_budgets(json_at(j, "budgets"));
	print_unlisted(j);
}
