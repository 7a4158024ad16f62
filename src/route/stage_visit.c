/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "route/message.h"
#include "route/routing.h"
#include "slack/words.h"
#include "state/gate.h"
#include "store/budget.h"

#define HOUR_MS  (60 * 60 * 1000)
#define LEFT_MAX 2000
#define HOME_MS  (10 * 1000) /* what it shows is so for a while */

static bool is_home(const struct message *m)
{
	return m->signal.kind == SIGNAL_HOME &&
	       strcmp(m->signal.value, "home") == 0;
}

static const char *where(const struct message *m)
{
	if (is_home(m))
		return "home";
	return m->signal.kind == SIGNAL_PANE ? m->channel.ts
					     : m->channel.channel_id;
}

/* Slack tells every visit. */
enum verdict stage_visit(struct routing *r, struct err *e)
{
	const struct message *m = r->msg;
	char key[160];
	int first;

	if (m->signal.kind == SIGNAL_SHORTCUT)
		return V_NEXT;
	if (m->signal.kind == SIGNAL_PANE &&
	    !r->connection.tenant.agent_sessions) {
		r->why = "no agent sessions";
		return V_DROP;
	}
	(void)snprintf(key, sizeof(key), "visit:%s:%s:%s", m->tenant_id,
		       where(m), m->sender.user_id);
	first = r->gate->ops->once(r->gate, key, r->entry.id,
				   is_home(m) ? HOME_MS : HOUR_MS, r->now_ms,
				   e);
	if (first != 0)
		return first < 0 ? V_FAIL : V_NEXT;
	r->why = "seen just now";
	return V_DROP;
}

/* Slack shows the time in the reader's zone. */
static void say_left(struct routing *r, const struct budget_left *left)
{
	static const enum words kinds[USAGE_KINDS] = {
		[USAGE_REQUESTS] = WORDS_REQUESTS,
		[USAGE_TOKENS] = WORDS_TOKENS,
	};
	char n[24], when[96];
	struct words_fill fill[] = {
		{ "n", n },
		{ "what", NULL },
		{ "when", when },
		{ NULL, NULL },
	};
	struct buf text;
	int i;

	buf_init(&text, LEFT_MAX);
	for (i = 0; i < USAGE_KINDS; i++) {
		if (left->n[i] < 0)
			continue;
		(void)snprintf(n, sizeof(n), "%" PRId64, left->n[i]);
		(void)snprintf(when, sizeof(when),
			       "<!date^%" PRId64
			       "^{date_short_pretty}, {time}|?>",
			       left->full_ms[i] / 1000);
		fill[1].value = words_get(kinds[i], r->agent.locale);
		if (text.len > 0)
			(void)buf_addc(&text, '\n');
		(void)words_add(&text, WORDS_HOME_LEFT, r->agent.locale, fill);
	}
	free(r->notice);
	r->notice = buf_take(&text);
}

/* What the home says about the person's budget. */
enum verdict stage_allowance(struct routing *r, struct err *e)
{
	const struct message *m = r->msg;
	const char *budget = r->connection.tenant.budget;
	struct budget_left left;

	if (!is_home(m) || !budget || budget[0] == '\0')
		return V_NEXT;
	if (budget_left_of(r->store, budget, m->tenant_id, m->sender.user_id,
			   r->now_ms, &left, e) < 0)
		return V_FAIL;
	say_left(r, &left);
	return V_NEXT;
}
