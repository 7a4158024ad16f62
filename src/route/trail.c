/* SPDX-License-Identifier: ISC */
#include "route/trail.h"

#include "route/message.h"
#include "store/store.h"

void trail_ask(struct audit_new *a, const struct message *m,
	       const struct agent *agent, const char *decision, const char *why)
{
	*a = (struct audit_new){
		.tenant_id = m->tenant_id,
		.what = "ask",
		.entry = m->id,
		.app = m->channel.app_id,
		.workspace = m->channel.workspace_id,
		.channel = m->channel.channel_id,
		.thread = m->thread_id,
		.user = m->sender.user_id,
		.agent = agent->name,
		.decision = decision,
		.why = why,
	};
}
