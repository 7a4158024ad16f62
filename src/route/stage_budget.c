/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/err.h"
#include "base/log.h"
#include "base/metric.h"
#include "route/ledger.h"
#include "route/message.h"
#include "route/routing.h"
#include "state/gate.h"

#define HOUR_MS (60 * 60 * 1000)

static const enum words owners[USAGE_SCOPES] = {
	[USAGE_TENANT] = WORDS_BUDGET_OF_TENANT,
	[USAGE_CHANNEL] = WORDS_BUDGET_OF_CHANNEL,
	[USAGE_PERSON] = WORDS_BUDGET_OF_PERSON,
};
static const enum words kinds[USAGE_KINDS] = {
	[USAGE_REQUESTS] = WORDS_REQUESTS,
	[USAGE_TOKENS] = WORDS_TOKENS,
};
static const enum words periods[USAGE_PERIODS] = {
	[USAGE_DAY] = WORDS_TODAY,
	[USAGE_MONTH] = WORDS_THIS_MONTH,
};

/* Slack shows the time in the reader's zone. */
static void print_when(char *out, size_t size, int64_t full_ms)
{
	time_t at = (time_t)(full_ms / 1000);
	char plain[64];
	struct tm tm;

	(void)strftime(plain, sizeof(plain), "%Y-%m-%d %H:%M UTC",
		       gmtime_r(&at, &tm));
	(void)snprintf(out, size,
		       "<!date^%" PRId64 "^{date_short_pretty}, {time}|%s>",
		       (int64_t)at, plain);
}

static void say(struct routing *r, const struct ledger_finding *f)
{
	const struct budget_item it = budget_item(f->over);
	const char *locale = routing_locale(r);
	char when[128];
	const struct words_fill fill[] = {
		{ "whose", words_get(owners[it.scope], locale) },
		{ "what", words_get(kinds[it.kind], locale) },
		{ "period", words_get(periods[it.period], locale) },
		{ "when", when },
		{ NULL, NULL },
	};

	print_when(when, sizeof(when), f->full_ms);
	routing_say(r, WORDS_OVER_BUDGET, fill);
}

/* One person is told once an hour in each channel, whatever else is used up
 * meanwhile. */
static bool is_to_be_told(struct routing *r)
{
	const struct message *m = r->msg;
	char key[160];

	(void)snprintf(key, sizeof(key), "budget:%s:%s:%s", m->tenant_id,
		       m->channel.channel_id, m->sender.user_id);
	return routing_once(r, key, HOUR_MS);
}

static enum verdict refuse(struct routing *r, const struct ledger_finding *f)
{
	r->why = budget_name(f->over);
	r->wait_s = (unsigned int)((f->full_ms - r->now_ms) / 1000 + 1);
	metric_add(METRIC_TENANTS, r->connection.tenant.name,
		   METRIC_OVER_BUDGET, 1);
	if (is_to_be_told(r))
		say(r, f);
	return V_REFUSE;
}

/* An entry that was accepted before isn't judged again. */
enum verdict stage_budget(struct routing *r, struct err *e)
{
	const struct message *m = r->msg;
	const struct tenant *t = &r->connection.tenant;
	const struct ledger_who w = {
		.tenant_id = m->tenant_id,
		.tenant = t->name,
		.budget = t->budget,
		/* Direct messages are their person's alone. */
		.channel = m->channel.conversation == CONVERSATION_IM
				   ? ""
				   : m->channel.channel_id,
		.user = m->sender.user_id,
	};
	struct ledger_finding found;

	if (!t->budget || t->budget[0] == '\0') {
		ledger_forget(r->ledger, t->name);
		return V_NEXT;
	}
	if (ledger_look(r->ledger, r->store, &w, r->now_ms, &found, e) < 0)
		return V_FAIL;
	return found.over >= 0 ? refuse(r, &found) : V_NEXT;
}
