/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "route/job.h"
#include "turn/post.h"
#include "turn/read.h"
#include "turn/turn.h"

/*
 * A database that was restored from a backup doesn't know what was answered
 * since. The last edit of a reply says so in its metadata, and an entry that
 * was there before this process asks for it before it asks the model.
 */

#define RETRY_MS 2000

bool again_is_another(const struct turn *t)
{
	const char *claim = t->job->entry.claim;

	return claim && strstr(claim, ":again-");
}

static const char *match(struct turn *t, const struct json *body)
{
	return look_find(body, &t->job->connection, t->job->entry.id, 0, NULL);
}

static void on_look(struct turn *t, const struct slack_result *r,
		    const char *ts)
{
	if (r->fault == SLACK_TRANSIENT || r->fault == SLACK_RATE) {
		turn_after(t, turn_retry_ms(t, r), again_start);
		return;
	}
	t->tries = 0;
	if (!ts || !look_is_final(r->body, ts)) {
		read_history(t);
		return;
	}
	if (turn_doubt_left(t) > 0) {
		turn_after(t, turn_doubt_left(t), again_start);
		return;
	}
	log_info(LOG_FIELDS({ "entry", t->job->entry.id }),
		 "answered before, says Slack");
	turn_step(t, "answered_before", NULL);
	(void)snprintf(t->verdict, sizeof(t->verdict), "answered before");
	(void)snprintf(t->parts[0], TS_SIZE, "%s", ts);
	t->before = true;
	t->stale = false;
	turn_set(t, TURN_HEALING); /* it may have been posted twice */
}

void again_start(struct turn *t)
{
	if (!t->job->again || t->job->entry.replayed_ms > 0)
		read_history(t);
	else if (look_start(t, match, on_look) < 0)
		turn_after(t, RETRY_MS, again_start);
}
