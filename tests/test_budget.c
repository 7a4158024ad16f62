/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/budget.h"

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

static struct err e;

static struct budget parsed(const char *text)
{
	struct budget b;

	e = (struct err){ 0 };
	ck_assert_msg(budget_parse(&b, text, &e) == 0, "%s", e.msg);
	return b;
}

static const struct {
	const char *text, *printed;
} good[] = {
	{ "", "" },
	{ "none", "" },
	{ "person/requests/day=50", "person/requests/day=50" },
	{ "person/tokens/day=1k,tenant/tokens/month=2M",
	  "tenant/tokens/month=2000000,person/tokens/day=1000" },
	{ " channel/requests/month=7 , channel/requests/day=1 ",
	  "channel/requests/day=1,channel/requests/month=7" },
	{ "tenant/requests/day=1000000000000000",
	  "tenant/requests/day=1000000000000000" },
	{ "tenant/requests/day=1000000000M",
	  "tenant/requests/day=1000000000000000" },
};

START_TEST(text_has_one_form)
{
	struct budget b = parsed(good[_i].text);
	char out[BUDGET_TEXT];

	budget_print(&b, out);
	ck_assert_str_eq(out, good[_i].printed);
	b = parsed(out);
	budget_print(&b, out);
	ck_assert_str_eq(out, good[_i].printed);
}
END_TEST

static const struct {
	const char *text, *why;
} bad[] = {
	{ "all", "no budget" },
	{ "person/requests=5", "no budget" },
	{ "person/requests/week=5", "no budget" },
	{ "person/requests/day ", "not a number" },
	{ "person/requests/day=", "not a number" },
	{ "person/requests/day=0", "not a number" },
	{ "person/requests/day=-1", "not a number" },
	{ "person/requests/day=k", "not a number" },
	{ "person/requests/day=1.5k", "not a number" },
	{ "person/requests/day=1000000000000001", "not a number" },
	{ "person/requests/day=1000000001M", "not a number" },
	{ "person/requests/day=99999999999999999999999", "not a number" },
	{ "person/requests/day=5,", "no budget" },
	{ ",", "no budget" },
	{ "person/requests/day=5 person/tokens/day=5", "no comma" },
	{ "person/requests/day=5,person/requests/day=6", "twice" },
	{ "none,person/requests/day=6", "no budget" },
};

START_TEST(other_text_is_refused_with_a_reason)
{
	struct budget b;

	e = (struct err){ 0 };
	ck_assert_int_eq(budget_parse(&b, bad[_i].text, &e), -1);
	ck_assert_int_eq(e.kind, ERR_INPUT);
	ck_assert_msg(strstr(e.msg, bad[_i].why) != NULL, "%s", e.msg);
}
END_TEST

START_TEST(all_of_them_have_room)
{
	char out[BUDGET_TEXT];
	struct budget b;
	int i;

	for (i = 0; i < BUDGET_ITEMS; i++)
		b.most[i] = BUDGET_MAX;
	budget_print(&b, out);
	b = parsed(out);
	for (i = 0; i < BUDGET_ITEMS; i++)
		ck_assert_int_eq(b.most[i], BUDGET_MAX);
}
END_TEST

START_TEST(names_are_those_of_the_items)
{
	static const char *const scopes[] = { "tenant/", "channel/",
					      "person/" };
	struct budget_item it = budget_item(_i);

	ck_assert_int_eq(strncmp(budget_name(_i), scopes[it.scope],
				 strlen(scopes[it.scope])),
			 0);
	ck_assert_int_eq(strstr(budget_name(_i), "/tokens/") != NULL,
			 it.kind == USAGE_TOKENS);
	ck_assert_int_eq(strstr(budget_name(_i), "/month") != NULL,
			 it.period == USAGE_MONTH);
}
END_TEST

static const struct {
	const char *budget;
	/* Of tenant, channel, person: requests of day and month, tokens. */
	int64_t used[USAGE_SCOPES][USAGE_KINDS][USAGE_PERIODS];
	const char *over; /* NULL: none */
	const char *near; /* "name name " */
} judged[] = {
	{ "", { { { 99, 99 }, { 99, 99 } } }, NULL, "" },
	{ "person/requests/day=10", { { { 99, 99 }, { 99, 99 } } }, NULL, "" },
	{ "person/requests/day=10",
	  { [USAGE_PERSON] = { { 7, 99 }, { 99, 99 } } },
	  NULL,
	  "" },
	{ "person/requests/day=10",
	  { [USAGE_PERSON] = { { 8, 8 } } },
	  NULL,
	  "person/requests/day " },
	{ "person/requests/day=10",
	  { [USAGE_PERSON] = { { 9, 9 } } },
	  NULL,
	  "person/requests/day " },
	{ "person/requests/day=10",
	  { [USAGE_PERSON] = { { 10, 10 } } },
	  "person/requests/day",
	  "person/requests/day " },
	{ "person/requests/day=10",
	  { [USAGE_PERSON] = { { INT64_MAX, INT64_MAX } } },
	  "person/requests/day",
	  "person/requests/day " },
	/* A budget of one is warned of when it is used up, not before. */
	{ "tenant/requests/day=1", { { { 0, 0 } } }, NULL, "" },
	{ "tenant/requests/day=1",
	  { { { 1, 1 } } },
	  "tenant/requests/day",
	  "tenant/requests/day " },
	{ "channel/tokens/month=1000",
	  { [USAGE_CHANNEL] = { { 0, 0 }, { 0, 799 } } },
	  NULL,
	  "" },
	{ "channel/tokens/month=1000",
	  { [USAGE_CHANNEL] = { { 0, 0 }, { 0, 1200 } } },
	  "channel/tokens/month",
	  "channel/tokens/month " },
	/* The one that is full again last; of equals the wider one. */
	{ "person/requests/month=5,tenant/requests/day=5",
	  { { { 5, 5 } }, { { 0, 0 } }, { { 5, 5 } } },
	  "person/requests/month",
	  "tenant/requests/day person/requests/month " },
	{ "person/requests/day=5,tenant/requests/day=5",
	  { { { 5, 5 } }, { { 0, 0 } }, { { 5, 5 } } },
	  "tenant/requests/day",
	  "tenant/requests/day person/requests/day " },
};

START_TEST(judged_by_what_is_used)
{
	struct budget b = parsed(judged[_i].budget);
	struct budget_finding f;
	struct usage_sums used;
	char near[400] = "";
	int i;

	memcpy(used.n, judged[_i].used, sizeof(used.n));
	budget_judge(&b, &used, &f);
	for (i = 0; i < BUDGET_ITEMS; i++) {
		if (!(f.near & (1U << i)))
			continue;
		strcat(near, budget_name(i));
		strcat(near, " ");
	}
	ck_assert_str_eq(near, judged[_i].near);
	if (judged[_i].over)
		ck_assert_str_eq(budget_name(f.over), judged[_i].over);
	else
		ck_assert_int_eq(f.over, -1);
}
END_TEST

static const struct {
	int64_t now_s;
	const char *today, *month;
	int64_t day_s, month_s;
} days[] = {
	/* 2026-11-29 07:48:17 */
	{ 1795938497, "2026-11-29", "2026-11-01", 1795996800, 1796083200 },
	/* The last second of a year, and the one after it. */
	{ 1798761599, "2026-12-31", "2026-12-01", 1798761600, 1798761600 },
	{ 1798761600, "2027-01-01", "2027-01-01", 1798848000, 1801440000 },
	/* 2028-02-29, and noon of a 31st: a month later isn't "32 days". */
	{ 1835438400, "2028-02-29", "2028-02-01", 1835481600, 1835481600 },
	{ 1801396800, "2027-01-31", "2027-01-01", 1801440000, 1801440000 },
};

START_TEST(days_and_months_are_those_of_utc)
{
	struct budget_days d;

	budget_days(days[_i].now_s * 1000 + 999, &d);
	ck_assert_str_eq(d.today, days[_i].today);
	ck_assert_str_eq(d.month, days[_i].month);
	ck_assert_int_eq(d.full_ms[USAGE_DAY], days[_i].day_s * 1000);
	ck_assert_int_eq(d.full_ms[USAGE_MONTH], days[_i].month_s * 1000);
	ck_assert_str_eq(budget_since(&d, USAGE_DAY), days[_i].today);
	ck_assert_str_eq(budget_since(&d, USAGE_MONTH), days[_i].month);
}
END_TEST

static const struct {
	const char *budget;
	int64_t person, tenant; /* requests of day and month */
	int64_t left;
	enum usage_period until;
} lefts[] = {
	{ "person/tokens/day=5", 3, 3, -1, USAGE_DAY },
	{ "person/requests/day=5", 3, 30, 2, USAGE_DAY },
	{ "person/requests/day=5,tenant/requests/month=31", 3, 30, 1,
	  USAGE_MONTH },
	{ "person/requests/day=5,tenant/requests/month=40", 3, 30, 2,
	  USAGE_DAY },
	{ "person/requests/day=5,person/requests/month=5", 6, 30, 0,
	  USAGE_MONTH },
	{ "channel/requests/day=1", 6, 30, -1, USAGE_DAY },
};

START_TEST(what_is_left_to_a_person_is_the_least)
{
	struct budget b = parsed(lefts[_i].budget);
	struct usage_sums used = { 0 };
	struct budget_left left;
	struct budget_days d;
	int p;

	for (p = 0; p < USAGE_PERIODS; p++) {
		used.n[USAGE_PERSON][USAGE_REQUESTS][p] = lefts[_i].person;
		used.n[USAGE_CHANNEL][USAGE_REQUESTS][p] = 99;
		used.n[USAGE_TENANT][USAGE_REQUESTS][p] = lefts[_i].tenant;
	}
	budget_days(1795938497000, &d);
	budget_left(&b, &used, &d, &left);
	ck_assert_int_eq(left.n[USAGE_REQUESTS], lefts[_i].left);
	if (lefts[_i].left >= 0)
		ck_assert_int_eq(left.full_ms[USAGE_REQUESTS],
				 d.full_ms[lefts[_i].until]);
}
END_TEST

START_TEST(percents_are_of_the_budget)
{
	struct budget b = parsed("tenant/requests/day=8");
	struct usage_sums used = { 0 };

	used.n[USAGE_TENANT][USAGE_REQUESTS][USAGE_DAY] = 6;
	ck_assert_int_eq(budget_percent(&b, &used, 0), 75);
	ck_assert_int_eq(budget_percent(&b, &used, 1), 0);
	used.n[USAGE_TENANT][USAGE_REQUESTS][USAGE_DAY] = 9;
	ck_assert_int_eq(budget_percent(&b, &used, 0), 112);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("budget");
	TCase *tc = tcase_create("budget");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, text_has_one_form, 0, COUNT(good));
	tcase_add_loop_test(tc, other_text_is_refused_with_a_reason, 0,
			    COUNT(bad));
	tcase_add_test(tc, all_of_them_have_room);
	tcase_add_loop_test(tc, names_are_those_of_the_items, 0, BUDGET_ITEMS);
	tcase_add_loop_test(tc, judged_by_what_is_used, 0, COUNT(judged));
	tcase_add_loop_test(tc, days_and_months_are_those_of_utc, 0,
			    COUNT(days));
	tcase_add_loop_test(tc, what_is_left_to_a_person_is_the_least, 0,
			    COUNT(lefts));
	tcase_add_test(tc, percents_are_of_the_budget);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
