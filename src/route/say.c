/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "route/message.h"
#include "route/routing.h"
#include "state/gate.h"

#define NOTICE_MAX 1000

const char *routing_locale(struct routing *r)
{
	const struct message *m = r->msg;
	struct err e = { 0 };

	if (!r->agent.name &&
	    r->store->ops->agent(r->store, m->tenant_id, m->channel.channel_id,
				 m->thread_id, &r->agent, &e) < 0)
		log_debug(LOG_FIELDS({ "entry", r->entry.id }),
			  "language not known: %s", e.msg);
	return r->agent.locale ? r->agent.locale : "";
}

bool routing_once(struct routing *r, const char *key, int64_t window_ms)
{
	struct err e = { 0 };

	return r->gate->ops->once(r->gate, key, r->entry.id, window_ms,
				  r->now_ms, &e) > 0;
}

void routing_say(struct routing *r, enum words w, const struct words_fill *fill)
{
	struct buf text;

	buf_init(&text, NOTICE_MAX);
	(void)words_add(&text, w, routing_locale(r), fill);
	free(r->notice);
	r->notice = buf_take(&text);
}
