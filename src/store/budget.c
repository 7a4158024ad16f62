/* SPDX-License-Identifier: ISC */
#include "store/budget.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "store/store.h"

/* In the order of budget_item(). */
static const char *const names[BUDGET_ITEMS] = {
	"tenant/requests/day",  "tenant/requests/month",
	"tenant/tokens/day",    "tenant/tokens/month",
	"channel/requests/day", "channel/requests/month",
	"channel/tokens/day",   "channel/tokens/month",
	"person/requests/day",  "person/requests/month",
	"person/tokens/day",    "person/tokens/month",
};

struct budget_item budget_item(int i)
{
	return (struct budget_item){
		.scope = (enum usage_scope)(i / (USAGE_KINDS * USAGE_PERIODS)),
		.kind = (enum usage_kind)(i / USAGE_PERIODS % USAGE_KINDS),
		.period = (enum usage_period)(i % USAGE_PERIODS),
	};
}

const char *budget_name(int i)
{
	return names[i];
}

static int64_t used_of(const struct usage_sums *used, int i)
{
	const struct budget_item it = budget_item(i);

	return used->n[it.scope][it.kind][it.period];
}

static int find(const char *s, size_t n)
{
	int i;

	for (i = 0; i < BUDGET_ITEMS; i++)
		if (strlen(names[i]) == n && memcmp(names[i], s, n) == 0)
			return i;
	return -1;
}

/* A number of n bytes; 0 when it is none, or out of bounds. */
static int64_t amount(const char *s, size_t n)
{
	int64_t unit = 1;
	int64_t sum = 0;
	size_t i;

	if (n > 1 && (s[n - 1] == 'k' || s[n - 1] == 'M'))
		unit = s[--n] == 'k' ? 1000 : 1000000;
	for (i = 0; i < n; i++) {
		if (!isdigit((unsigned char)s[i]) || sum > BUDGET_MAX)
			return 0;
		sum = sum * 10 + (s[i] - '0');
	}
	return sum <= BUDGET_MAX / unit ? sum * unit : 0;
}

static int parse_one(struct budget *b, const char *s, size_t n, struct err *e)
{
	size_t name = 0;
	int64_t most;
	int i;

	while (name < n && s[name] != '=')
		name++;
	i = find(s, name);
	if (i < 0)
		return err_set(e, ERR_INPUT,
			       "'%.*s' is no budget, such as"
			       " person/requests/day=50",
			       n < 60 ? (int)n : 60, s);
	most = name < n ? amount(s + name + 1, n - name - 1) : 0;
	if (most == 0)
		return err_set(e, ERR_INPUT,
			       "%s: not a number from 1 to 1000000000M",
			       names[i]);
	if (b->most[i] != 0)
		return err_set(e, ERR_INPUT, "%s is there twice", names[i]);
	b->most[i] = most;
	return 0;
}

int budget_parse(struct budget *b, const char *text, struct err *e)
{
	const char *p = text;
	size_t n;

	*b = (struct budget){ 0 };
	if (text[0] == '\0' || strcmp(text, "none") == 0)
		return 0;
	for (;;) {
		p += strspn(p, " ");
		n = strcspn(p, ", ");
		if (parse_one(b, p, n, e) < 0)
			return -1;
		p += n;
		p += strspn(p, " ");
		if (*p == '\0')
			return 0;
		if (*p != ',')
			return err_set(e, ERR_INPUT,
				       "no comma between two budgets");
		p++;
	}
}

void budget_print(const struct budget *b, char out[BUDGET_TEXT])
{
	size_t len = 0;
	int i, n;

	out[0] = '\0';
	for (i = 0; i < BUDGET_ITEMS; i++) {
		if (b->most[i] == 0)
			continue;
		n = snprintf(out + len, BUDGET_TEXT - len, "%s%s=%" PRId64,
			     len > 0 ? "," : "", names[i], b->most[i]);
		if (n > 0)
			len += (size_t)n;
	}
}

static int64_t begin_ms(struct tm *tm)
{
	tm->tm_hour = tm->tm_min = tm->tm_sec = 0;
	return (int64_t)timegm(tm) * 1000;
}

void budget_days(int64_t now_ms, struct budget_days *out)
{
	time_t now = (time_t)(now_ms / 1000);
	struct tm tm;

	(void)gmtime_r(&now, &tm);
	(void)strftime(out->today, sizeof(out->today), "%Y-%m-%d", &tm);
	(void)strftime(out->month, sizeof(out->month), "%Y-%m-01", &tm);
	/* timegm() knows what the 32nd of a month is. */
	tm.tm_mday++;
	out->full_ms[USAGE_DAY] = begin_ms(&tm);
	(void)gmtime_r(&now, &tm);
	tm.tm_mday = 1;
	tm.tm_mon++;
	out->full_ms[USAGE_MONTH] = begin_ms(&tm);
}

const char *budget_since(const struct budget_days *d, enum usage_period p)
{
	return p == USAGE_DAY ? d->today : d->month;
}

/* Is there less of it before it is full again than of the other? */
static bool lasts_longer(int i, int other)
{
	return other < 0 || budget_item(i).period > budget_item(other).period;
}

bool budget_near(int64_t used, int64_t most)
{
	return used >= (most * BUDGET_NEAR + 99) / 100;
}

void budget_judge(const struct budget *b, const struct usage_sums *used,
		  struct budget_finding *out)
{
	int64_t most, n;
	int i;

	*out = (struct budget_finding){ .over = -1 };
	for (i = 0; i < BUDGET_ITEMS; i++) {
		most = b->most[i];
		n = used_of(used, i);
		if (most == 0)
			continue;
		if (n >= most && lasts_longer(i, out->over))
			out->over = i;
		if (budget_near(n, most))
			out->near |= 1U << i;
	}
}

int64_t budget_percent(const struct budget *b, const struct usage_sums *used,
		       int i)
{
	int64_t n = used_of(used, i);

	if (b->most[i] == 0)
		return 0;
	if (n > INT64_MAX / 100)
		return INT64_MAX;
	return n * 100 / b->most[i];
}

void budget_left(const struct budget *b, const struct usage_sums *used,
		 const struct budget_days *d, struct budget_left *out)
{
	struct budget_item it;
	int64_t left;
	int i;

	for (i = 0; i < USAGE_KINDS; i++) {
		out->n[i] = -1;
		out->full_ms[i] = 0;
	}
	for (i = 0; i < BUDGET_ITEMS; i++) {
		it = budget_item(i);
		if (b->most[i] == 0 || it.scope == USAGE_CHANNEL)
			continue;
		left = b->most[i] - used_of(used, i);
		if (left < 0)
			left = 0;
		if (out->n[it.kind] >= 0 && out->n[it.kind] < left)
			continue;
		/* Of two that are used up the later one is waited for. */
		if (out->n[it.kind] == left &&
		    out->full_ms[it.kind] > d->full_ms[it.period])
			continue;
		out->n[it.kind] = left;
		out->full_ms[it.kind] = d->full_ms[it.period];
	}
}

int budget_left_of(struct store *s, const char *budget, const char *tenant_id,
		   const char *user, int64_t now_ms, struct budget_left *out,
		   struct err *e)
{
	struct usage_sums used = { 0 };
	struct budget_days d;
	struct usage_ask a = { .tenant_id = tenant_id,
			       .channel = "",
			       .user = user,
			       .today = d.today,
			       .month = d.month };
	struct budget b;

	if (budget_parse(&b, budget, e) < 0)
		return -1;
	budget_days(now_ms, &d);
	if (budget[0] != '\0' && s->ops->usage->sums(s, &a, &used, e) < 0)
		return -1;
	budget_left(&b, &used, &d, out);
	return 0;
}
