/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/killpoint.h"
#include "base/log.h"
#include "net/http.h"
#include "route/job.h"
#include "slack/undone.h"
#include "turn/post.h"
#include "turn/turn.h"

/*
 * An answer as a new message, and its placeholder deleted: where the older
 * message can't be edited any more, or when the workspace's edits are used up,
 * as posts and deletions are counted apart from them. The journal is told
 * which message doesn't count any more before another is posted. Whatever
 * happens in between, heal.c finds the old one as a twin of the new.
 */

#define FORM_MAX     1024
#define CHANNEL_COST 1000 /* ms for each that waits to post there */

bool swap_may(const struct turn *t, int64_t wait_ms, int64_t now_ms)
{
	struct channel *ch = t->channel;
	const struct turn *other;
	int64_t post_ms;

	if (t->state != TURN_WRITING || t->reposted || t->voided[0] != '\0')
		return false;
	post_ms = pace_wait(&ch->pace, 1, now_ms);
	if (t->conn->posts.blocked_until_ms - now_ms > post_ms)
		post_ms = t->conn->posts.blocked_until_ms - now_ms;
	for (other = ch->waiting; other; other = other->post_next)
		post_ms += CHANNEL_COST;
	return post_ms < wait_ms;
}

void swap_start(struct turn *t, bool uneditable)
{
	t->reposted = true;
	t->uneditable = uneditable;
	t->lost = t->stale = false; /* older edits are of the old one */
	t->doubt_before = t->doubt_ms;
	t->doubt_ms = t->swap_ms = clock_ms();
	memcpy(t->voided, t->parts[0], TS_SIZE);
	t->part = 0;
	t->parts[0][0] = '\0';
	turn_step(t, "swap", NULL);
	note_part(t, PART_VOID, t->voided, write_post);
}

/* No ts; "" would leave in the journal what is there. */
#define NOTHING "0"

bool swap_back(struct turn *t, enum slack_fault fault)
{
	if (t->part > 0 || t->voided[0] == '\0' || t->uneditable ||
	    fault == SLACK_CONTENT || fault == SLACK_DEAD)
		return false;
	memcpy(t->parts[0], t->voided, TS_SIZE);
	t->voided[0] = '\0';
	if (t->doubt_ms == t->swap_ms)
		t->doubt_ms = t->doubt_before;
	t->stale = t->doubt_ms > 0;
	turn_step(t, "swap", "back");
	note_part(t, PART_VOID, NOTHING,
		  t->state == TURN_PLACING ? turn_placed : edit_final);
	return true;
}

static void delete_old(struct turn *t);

/* What can't be deleted now is left to heal.c. */
static void on_deleted(const struct slack_result *r, void *arg)
{
	struct turn *t = arg;
	struct conn *c = t->conn;

	t->call = NULL;
	if (r->fault == SLACK_RATE) {
		atomic_fetch_add(&t->w->count->limited, 1);
		pace_block(&c->deletes, clock_ms(), r->retry_ms);
		delete_old(t);
		return;
	}
	if (r->fault != SLACK_OK && r->fault != SLACK_GONE)
		log_info(LOG_FIELDS({ "entry", t->job->entry.id },
				    { "error", r->error }),
			 "cannot delete a placeholder yet");
	else if (t->doubt_ms == t->swap_ms) /* nothing else since */
		t->doubt_ms = t->doubt_before;
	t->swapped(t);
}

static void delete_now(struct turn *t)
{
	struct err e = { 0 };
	struct buf form;

	killpoint("swapped");
	undone_note(t->where, t->voided);
	buf_init(&form, FORM_MAX);
	http_form(&form, "channel", t->where);
	http_form(&form, "ts", t->voided);
	t->call = worker_call(t->w, t->job, "chat.delete", &form, on_deleted, t,
			      &e);
	buf_release(&form);
	if (!t->call)
		t->swapped(t);
}

static void delete_old(struct turn *t)
{
	int64_t wait;

	if (turn_lease(t) != LEASE_HELD) {
		turn_after(t, LEASE_WAIT_MS, delete_old);
		return;
	}
	wait = pace_take(&t->conn->deletes, clock_ms());
	if (wait > 0)
		turn_after(t, wait, delete_old);
	else
		delete_now(t);
}

void swap_end(struct turn *t, void (*then)(struct turn *t))
{
	t->swapped = then;
	if (t->voided[0] == '\0' || t->parts[0][0] == '\0')
		then(t);
	else
		delete_old(t);
}
