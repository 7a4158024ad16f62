/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/killpoint.h"
#include "base/log.h"
#include "base/metric.h"
#include "route/job.h"
#include "route/message.h"
#include "turn/post.h"
#include "turn/read.h"
#include "turn/turn.h"

/*
 * What waits in a lane when a turn comes to its head is answered with it. The
 * journal knows before anything of that is to be seen, so after a restart they
 * come back together. What an earlier process had may have been posted, or
 * answered with another one, without our knowing: Slack is asked before.
 */

#define GATHER_MAX   20         /* messages of one answer */
#define GATHER_BYTES (16 << 10) /* of their text */
#define RETRY_MS     2000

static struct turn *behind(const struct turn *t)
{
	struct lane_seat *s = lane_behind(&t->seat);

	return s ? s->who : NULL;
}

/* Nothing of it is to be seen, and it has crashed nobody. The frame of one that
 * is asked again is that of a button, without its words. */
static bool is_plain(const struct turn *t)
{
	const struct entry *en = &t->job->entry;

	return t->job->hope == JOB_HOPE && !t->resumed && !t->abandoned &&
	       !t->stopped && !t->withdrawn && !whisper_is(t) &&
	       !t->job->msg->content.unseen && t->parts[0][0] == '\0' &&
	       !t->reposted && en->state == ENTRY_ACCEPTED &&
	       en->replayed_ms == 0 && en->attempts == 0 && en->ncovered == 0 &&
	       !again_is_another(t);
}

static bool same_agent(const struct agent *a, const struct agent *b)
{
	return a->id && b->id ? strcmp(a->id, b->id) == 0 : a->id == b->id;
}

static bool may_join(const struct turn *t, const struct turn *other)
{
	const struct job *a = t->job, *b = other->job;

	return is_plain(other) && other->state == TURN_WAITING &&
	       (!b->again || other->unposted) &&
	       a->entry.epoch == b->entry.epoch &&
	       same_agent(&a->agent, &b->agent);
}

static size_t size_of(const struct job *j)
{
	return strlen(j->msg->content.text);
}

/* Those right behind it, up to the first that can't. */
static void take_in(struct turn *t)
{
	size_t room = GATHER_BYTES, n = 1;
	struct turn *other;

	if (size_of(t->job) >= room)
		return;
	room -= size_of(t->job);
	while (n < GATHER_MAX) {
		other = behind(t);
		if (!other || !may_join(t, other) || size_of(other->job) > room)
			return;
		room -= size_of(other->job);
		if (other->job->intended)
			t->doubt_ms = clock_ms(); /* its post may still come */
		if (job_cover(t->job, other->job) < 0)
			return;
		other->job = NULL;
		errands_move(other, t);
		turn_free(other);
		n++;
	}
}

int gather_name(struct turn *t)
{
	const struct entry *en = &t->job->entry;
	struct buf ids;
	size_t i;

	if (en->ncovered == 0)
		return 0;
	buf_init(&ids, en->ncovered * (ID_SIZE + 1) + 1);
	for (i = 0; i < en->ncovered; i++)
		(void)buf_addf(&ids, "%s%s", i > 0 ? " " : "",
			       en->covered[i].id);
	free(t->covers);
	t->covers = buf_take(&ids);
	return t->covers ? 0 : -1;
}

static void place(struct turn *t)
{
	if (!t->w->draining)
		turn_set(t, TURN_PLACING);
}

static void noted(struct turn *t)
{
	killpoint("covered");
	place(t);
}

static void tell_journal(struct turn *t)
{
	char n[16];

	if (gather_name(t) < 0) {
		turn_after(t, RETRY_MS, tell_journal);
		return;
	}
	(void)snprintf(n, sizeof(n), "%zu", t->job->entry.ncovered);
	turn_step(t, "covers", n);
	log_info(LOG_FIELDS({ "entry", t->job->entry.id }, { "covers", n }),
		 "answers several messages together");
	note_covers(t, noted);
}

static void gather(struct turn *t)
{
	if (is_plain(t))
		take_in(t);
	if (t->job->entry.ncovered > 0 && !t->covers)
		tell_journal(t);
	else
		place(t);
}

static void look(struct turn *t);

/* What Slack has of one that an earlier process had; true when it was
 * answered with another one. */
static bool judge(struct turn *t, const struct json *body)
{
	const struct connection *c = &t->job->connection;
	const char *id = t->job->entry.id;

	if (look_find(body, c, id, 0, NULL))
		t->unposted = false;
	return look_covered(body, c, id);
}

/* Nothing is ever found; all pages are looked at. */
static const char *match(struct turn *t, const struct json *body)
{
	struct turn *other;

	if (judge(t, body))
		t->before = true;
	for (other = behind(t); other; other = behind(other))
		if (other->job->again && judge(other, body))
			other->unposted = false; /* ends in its own turn */
	return NULL;
}

static void answered_before(struct turn *t)
{
	log_info(LOG_FIELDS({ "entry", t->job->entry.id }),
		 "answered before with another one, says Slack");
	turn_step(t, "answered_before", NULL);
	(void)snprintf(t->verdict, sizeof(t->verdict), "answered before");
	turn_set(t, TURN_CLOSING);
}

static void on_look(struct turn *t, const struct slack_result *r,
		    const char *ts)
{
	(void)ts;
	if (r->fault == SLACK_TRANSIENT || r->fault == SLACK_RATE) {
		turn_after(t, turn_retry_ms(t, r), look);
		return;
	}
	/* With another token it is looked for again, as a dead letter. */
	if (r->fault == SLACK_DEAD) {
		turn_refused(t, r);
		return;
	}
	t->tries = 0;
	if (r->fault == SLACK_OK)
		t->doubt_ms = clock_ms();
	else
		log_warn(LOG_FIELDS({ "entry", t->job->entry.id },
				    { "error", r->error }),
			 "cannot look for what was posted before");
	if (t->before)
		answered_before(t);
	else if (t->unposted)
		gather(t);
	else
		place(t);
}

/* Before the first page: what is in none was posted by nobody. */
static void look(struct turn *t)
{
	struct turn *other;

	if (t->w->draining)
		return;
	t->before = false;
	t->unposted = true;
	for (other = behind(t); other; other = behind(other))
		other->unposted = is_plain(other);
	if (look_start(t, match, on_look) < 0)
		turn_after(t, RETRY_MS, look);
}

void gather_start(struct turn *t)
{
	/* Of what an earlier process had the wait was not in a queue. */
	if (!t->job->again)
		metric_took_us(METRIC_WAIT,
			       (clock_wall_ms() - t->job->entry.received_ms) *
				       1000);
	if (!t->job->again || !is_plain(t))
		gather(t);
	else
		turn_after(t, post_settle_ms(t), look);
}
