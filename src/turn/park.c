/* SPDX-License-Identifier: ISC */
#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/killpoint.h"
#include "base/log.h"
#include "net/http.h"
#include "route/job.h"
#include "slack/words.h"
#include "turn/post.h"
#include "turn/read.h"
#include "turn/show.h"
#include "turn/turn.h"

/*
 * We are told to stop, and the answer can't be finished: it stays in the
 * journal, and its placeholder says that it will come. An edit may be
 * repeated, so it needs no note, and one that fails costs nothing but that
 * sentence.
 */

#define TEXT_MAX (256 * 1024)

/* A reply that may stand already is left as it is. */
static bool may_park(const struct turn *t)
{
	return !t->parked && !t->resumed && !t->abandoned && !whisper_is(t) &&
	       turn_lease(t) == LEASE_HELD && t->parts[0][0] != '\0' &&
	       t->state >= TURN_WAITING && t->state <= TURN_STREAMING;
}

static void on_parked(const struct slack_result *r, void *arg)
{
	struct turn *t = arg;

	t->call = NULL;
	if (r->fault != SLACK_OK)
		log_info(LOG_FIELDS({ "entry", t->job->entry.id },
				    { "error", r->error }),
			 "cannot say that the answer will come");
	if (t->flow.state == FLOW_OPEN)
		(void)flow_discard(t, NULL);
}

static int write_text(const struct turn *t, struct buf *out)
{
	const char *parked = words_get(WORDS_PARKED, t->job->agent.locale);

	if (t->answer.len == 0)
		return buf_adds(out, parked);
	if (people_interim(t, out) < 0)
		return -1;
	return buf_addf(out, "%s_%s_", out->len > 0 ? "\n\n" : "", parked);
}

static int make(const struct turn *t, struct shape *s)
{
	struct buf md;
	int rc;

	buf_init(&md, TEXT_MAX);
	rc = write_text(t, &md);
	if (rc == 0)
		rc = shape_make(s, md.data, md.len,
				t->conn->no_blocks ? SHAPE_TEXT : SHAPE_BLOCKS);
	buf_release(&md);
	return rc;
}

static void show(struct turn *t)
{
	struct err e = { 0 };
	struct shape s;
	struct buf form;

	buf_init(&form, SHAPE_FORM_MAX);
	if (make(t, &s) == 0) {
		http_form(&form, "channel", t->where);
		http_form(&form, "ts", t->parts[0]);
		shape_form(&s, &form);
		post_metadata(&form, t, 0, false);
		shape_release(&s);
		t->call = worker_call(t->w, t->job, "chat.update", &form,
				      on_parked, t, &e);
	}
	buf_release(&form);
}

void park_start(struct turn *t)
{
	if (!may_park(t))
		return;
	t->parked = true;
	turn_stop(t);
	session_end(t);
	killpoint("parking");
	/* While Slack keeps us from editing there is no time to wait. */
	if (pace_force(&t->conn->edits, clock_ms()) == 0)
		show(t);
}

bool park_busy(const struct turn *t)
{
	return (t->call && (t->parked || t->posting)) ||
	       (t->flow.call && t->parked);
}
