/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/conf.h"
#include "base/metric.h"
#include "llm/tokens.h"
#include "route/job.h"
#include "route/ledger.h"
#include "route/message.h"
#include "turn/read.h"
#include "turn/turn.h"

/* What a turn has used, for the journal, budgets and metrics. */

/* Millionths of a millionth are below what is counted here. */
#define NANO 1e9

/* A server that tells no tokens, and an answer that we ended before it could:
 * about as many as there were. */
static void estimate(struct turn *t)
{
	if (t->usage_known)
		return;
	t->usage.prompt_tokens = (int64_t)t->told;
	t->usage.completion_tokens =
		t->answer.len > 0
			? (int64_t)llm_tokens(t->answer.data, t->answer.len)
			: 0;
}

/* Of an answer that an earlier process got, only the text is left. */
static void take_up_model(struct turn *t)
{
	const char *model = t->job->agent.model;
	size_t i;

	if (t->model[0] != '\0' || !t->resumed || !t->answered)
		return;
	(void)snprintf(t->model, sizeof(t->model), "%s",
		       conf_model(t->conf, model)->name);
	t->said = true;
	if (read_asked(t) < 0)
		return;
	for (i = 0; i < t->nasked; i++)
		t->told +=
			llm_tokens(t->asked[i].text, strlen(t->asked[i].text));
}

const struct usage_new *usage_settle(struct turn *t)
{
	take_up_model(t);
	/* What no model has begun to answer costs nobody anything. */
	if (!t->said && !t->usage_known)
		return NULL;
	estimate(t);
	t->usage.tenant_id = t->job->msg->tenant_id;
	t->usage.channel = t->job->msg->channel.channel_id;
	t->usage.user = t->job->msg->sender.user_id;
	t->usage.model = t->model;
	return &t->usage;
}

const char *usage_tenant(const struct turn *t)
{
	const char *name = t->job->connection.tenant.name;

	return name ? name : t->job->msg->tenant_id;
}

/* The tenant's budget may be near its end now. */
static void look_at_budget(const struct turn *t)
{
	const struct message *m = t->job->msg;
	const struct ledger_who w = {
		.tenant_id = m->tenant_id,
		.tenant = usage_tenant(t),
		.budget = t->job->connection.tenant.budget,
		.channel = m->channel.conversation == CONVERSATION_IM
				   ? ""
				   : m->channel.channel_id,
		.user = m->sender.user_id,
	};

	ledger_look_later(t->w->ledger, t->w->router, &w);
}

void usage_count(const struct turn *t)
{
	const struct usage_new *u = t->job->req.usage;
	const char *tenant = usage_tenant(t);
	uint64_t in, out;
	double cost;

	if (!u)
		return;
	in = (uint64_t)u->prompt_tokens;
	out = (uint64_t)u->completion_tokens;
	metric_add(METRIC_TENANTS, tenant, METRIC_TOKENS_IN, in);
	metric_add(METRIC_TENANTS, tenant, METRIC_TOKENS_OUT, out);
	metric_add(METRIC_TOKENS, u->model, METRIC_MODEL_IN, in);
	metric_add(METRIC_TOKENS, u->model, METRIC_MODEL_OUT, out);
	cost = conf_cost(t->conf, u->model, u->prompt_tokens,
			 u->completion_tokens);
	if (cost > 0) {
		metric_add(METRIC_TENANTS, tenant, METRIC_NANO_COST,
			   (uint64_t)(cost * NANO));
		metric_add(METRIC_TOKENS, u->model, METRIC_MODEL_NANO_COST,
			   (uint64_t)(cost * NANO));
	}
	look_at_budget(t);
}
