/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "route/message.h"
#include "route/routing.h"
#include "route/signal.h"
#include "slack/ts.h"
#include "state/gate.h"

/*
 * What wasn't acked Slack delivers again after a minute, and once more after
 * five; what is done to that message meanwhile comes at once. So an edit of a
 * question that nobody has heard of is taken for the question, and whoever was
 * deleted isn't answered: the late message is a second one of its post. An edit
 * that names us at last is the same: nobody has claimed that post.
 */

static bool may_be_first(const struct routing *r)
{
	const struct message *m = r->msg;

	return m->timestamp_ms - ts_ms(m->channel.ts) < SIGNAL_EDIT_MS;
}

static bool is_own(const struct routing *r)
{
	const struct message *m = r->msg;

	return m->channel.bot_user_id &&
	       strcmp(m->sender.user_id, m->channel.bot_user_id) == 0;
}

static int name_post(struct routing *r)
{
	const struct message *m = r->msg;

	return message_claim(m, r->claim, sizeof(r->claim));
}

/* As an earlier process has decided; else by what the gate says then. */
enum verdict early_edit(struct routing *r)
{
	struct message *m = r->msg;
	const char *claim = r->entry.claim;

	if (!m->signal.asks || !may_be_first(r) ||
	    (r->resumed && (!claim || claim[0] == '\0')) || name_post(r) < 0)
		return V_ACCEPT;
	(void)snprintf(r->post, sizeof(r->post), "%s:%s", m->channel.channel_id,
		       m->channel.ts);
	m->timestamp_ms = ts_ms(m->channel.ts);
	m->mention = true;
	m->signal.kind = SIGNAL_NONE;
	r->engages = !message_is_direct(m);
	r->early = true;
	return V_NEXT;
}

/* We know what is edited. */
enum verdict early_known(struct routing *r)
{
	r->msg->signal.kind = SIGNAL_EDIT;
	r->claim[0] = r->post[0] = '\0';
	return V_ACCEPT;
}

enum verdict early_delete(struct routing *r, struct err *e)
{
	const struct message *m = r->msg;
	struct admit a = {
		.entry = r->entry.id,
		.tenant_id = m->tenant_id,
		.claim = r->claim,
		.addressed = true,
		.at_ms = m->timestamp_ms,
		.channel = m->channel.channel_id,
		.user = m->sender.user_id,
		.now_ms = r->now_ms,
	};
	enum admission answer;

	if (r->resumed || is_own(r) || !may_be_first(r) || name_post(r) < 0)
		return V_ACCEPT;
	if (r->gate->ops->admit(r->gate, &a, &answer, e) < 0)
		return V_FAIL;
	if (answer != ADMIT_ACCEPT)
		r->claim[0] = '\0';
	return V_ACCEPT;
}
