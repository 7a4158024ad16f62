/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "base/log_text.h"
#include "route/job.h"
#include "route/message.h"
#include "turn/candid.h"
#include "turn/prompt.h"
#include "turn/shape.h"
#include "turn/turn.h"

/* What stands in the log of tenants that have said so (base/log_text.h): the
 * question, what the model is told and says, and what Slack is sent of that. */

#define MSGS_MAX 12 /* of a prompt: the first, and the last */

static const char *tenant_of(const struct turn *t)
{
	const char *id = t->job->msg->tenant_id;

	return id && log_text_is(id) ? id : NULL;
}

static void tell(const struct turn *t, const char *msg, const char *which,
		 const char *text)
{
	const struct message *m = t->job->msg;

	log_text(m->tenant_id,
		 LOG_FIELDS({ "entry", t->job->entry.id },
			    { "tenant", m->tenant_id },
			    { "channel", m->channel.channel_id },
			    { "ts", m->channel.ts }, { "which", which }),
		 msg, text ? text : "");
}

static const char *role_name(enum llm_role r)
{
	switch (r) {
	case LLM_SYSTEM:
		return "system";
	case LLM_USER:
		return "user";
	case LLM_ASSISTANT:
		return "assistant";
	}
	return "?";
}

void candid_asked(const struct turn *t, const struct prompt *p)
{
	char which[64];
	size_t i;

	if (!tenant_of(t))
		return;
	tell(t, "question", NULL, t->job->msg->content.text);
	for (i = 0; i < p->n; i++) {
		if (i > 0 && i + MSGS_MAX <= p->n)
			continue;
		(void)snprintf(which, sizeof(which), "%zu of %zu, %s", i + 1,
			       p->n, role_name(p->msgs[i].role));
		tell(t, "prompt", which, p->msgs[i].text);
	}
}

void candid_answered(const struct turn *t, const char *end)
{
	if (tenant_of(t))
		tell(t, "answer", end, t->answer.data);
}

void candid_sent(const struct turn *t, const struct shape *s)
{
	if (tenant_of(t))
		tell(t, "sent", s->blocks ? "blocks" : "text",
		     s->blocks ? s->blocks : s->text);
}
