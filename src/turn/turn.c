/* SPDX-License-Identifier: ISC */
#include "turn/turn.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/live.h"
#include "base/log.h"
#include "base/suspect.h"
#include "net/retry.h"
#include "route/job.h"
#include "route/message.h"
#include "turn/post.h"
#include "turn/read.h"
#include "turn/show.h"

#define TRIES_QUICK 5  /* with retry_call's delays; then */
#define TRIES_SLOW  35 /* every 30 s, for a quarter of an hour; then */
#define SLOW_MS     30000
#define LAZY_MS     120000 /* until Slack answers */

#define TO(s) (1U << TURN_##s)

/* Each state, where it may lead, and what it begins with. */
static const struct {
	const char *name;
	unsigned int next;
	void (*enter)(struct turn *t);
} states[TURN_STATES] = {
	[TURN_NEW] = { "new", TO(WAITING), NULL },
	[TURN_WAITING] = { "waiting",
			   TO(PLACING) | TO(CLEARING) | TO(HEALING) |
				   TO(CLOSING),
			   place_wait },
	[TURN_PLACING] = { "placing",
			   TO(READING) | TO(WRITING) | TO(CLEARING) |
				   TO(HEALING) | TO(CLOSING),
			   place_start },
	[TURN_READING] = { "reading",
			   TO(ASKING) | TO(READING) | TO(WRITING) |
				   TO(HEALING) | TO(CLEARING) | TO(CLOSING),
			   read_start },
	[TURN_ASKING] = { "asking",
			  TO(STREAMING) | TO(WRITING) | TO(READING) |
				  TO(CLEARING) | TO(HEALING) | TO(CLOSING),
			  NULL },
	[TURN_STREAMING] = { "streaming",
			     TO(WRITING) | TO(READING) | TO(CLEARING) |
				     TO(HEALING) | TO(CLOSING),
			     NULL },
	[TURN_CLEARING] = { "clearing", TO(WRITING) | TO(HEALING) | TO(CLOSING),
			    stop_clear },
	[TURN_WRITING] = { "writing", TO(HEALING) | TO(CLOSING), write_start },
	[TURN_HEALING] = { "healing", TO(CLOSING), heal_start },
	[TURN_CLOSING] = { "closing", 0, close_start },
};

void turn_enter(const struct turn *t)
{
	suspect_enter(t->job->entry.id, states[t->state].name);
}

void turn_step(struct turn *t, const char *name, const char *detail)
{
	entry_step(t->steps, sizeof(t->steps), &t->job->entry, clock_wall_ms(),
		   name, detail);
}

void turn_set(struct turn *t, enum turn_state s)
{
	log_debug(LOG_FIELDS({ "entry", t->job->entry.id }), "turn: %s -> %s",
		  states[t->state].name, states[s].name);
	assert(states[t->state].next & 1U << s);
	turn_stop_timer(t);
	t->state = s;
	t->tries = 0;
	turn_enter(t);
	if (states[s].enter)
		states[s].enter(t);
}

static void on_timer(void *arg)
{
	struct turn *t = arg;
	void (*fn)(struct turn * t) = t->on_timer;

	turn_enter(t);
	t->on_timer = NULL;
	if (fn)
		fn(t);
}

void turn_after(struct turn *t, int64_t ms, void (*fn)(struct turn *t))
{
	t->on_timer = fn;
	loop_timer_set(t->timer, ms);
}

void turn_stop_timer(struct turn *t)
{
	t->on_timer = NULL;
	loop_timer_stop(t->timer);
}

size_t turn_nmessages(const struct turn *t)
{
	return t->job->nmore + (t->gone ? 0 : 1);
}

struct message *turn_message(const struct turn *t, size_t i)
{
	if (t->gone)
		i++;
	return i > 0 ? t->job->more[i - 1] : t->job->msg;
}

int64_t turn_retry_ms(struct turn *t, const struct slack_result *r)
{
	if (r->fault == SLACK_RATE)
		return r->retry_ms;
	if (++t->tries > TRIES_SLOW)
		return LAZY_MS;
	if (t->tries > TRIES_QUICK)
		return SLOW_MS;
	return retry_delay_ms(&retry_call, t->tries - 1, r->retry_ms);
}

static void move(struct message *m, const char *channel)
{
	char *copy = strdup(channel);

	if (!copy)
		return;
	free(m->channel.channel_id);
	m->channel.channel_id = copy;
}

/* Not while the router has its strings, or the journal, with the end. */
void turn_move(struct turn *t, const char *channel)
{
	struct job *j = t->job;
	char where[sizeof(t->where)];
	size_t i;

	if (t->reading || t->state >= TURN_CLOSING ||
	    snprintf(where, sizeof(where), "%s", channel) >= (int)sizeof(where))
		return;
	memcpy(t->where, where, sizeof(where));
	move(j->msg, channel);
	for (i = 0; i < j->nmore; i++)
		move(j->more[i], channel);
	(void)message_thread_key(j->msg, t->key, sizeof(t->key));
}

int64_t turn_doubt_left(const struct turn *t)
{
	int64_t most = t->conf->slack_timeout_s * INT64_C(1000);
	int64_t left;

	/* What is in doubt may have been sent before a reload. */
	if (slack_longest_ms() > most)
		most = slack_longest_ms();
	left = t->doubt_ms + most - clock_ms();

	return t->doubt_ms > 0 && left > 0 ? left : 0;
}

static void unlink_turn(struct turn *t)
{
	if (!t->link)
		return;
	*t->link = t->next;
	if (t->next)
		t->next->link = t->link;
	atomic_fetch_sub(&t->w->count->turns, 1);
}

void turn_free(struct turn *t)
{
	struct worker *w = t->w;
	struct lane_seat *head = lane_leave(w->lanes, &t->seat);

	if (t->conn)
		eyes_leave(t);
	if (t->conn)
		flow_release(t);
	session_leave(t);
	errands_of(t, false);
	unlink_turn(t);
	channel_put(t->channel);
	conn_put(t->conn);
	loop_timer_free(t->timer);
	loop_timer_free(t->note_timer);
	shape_release(&t->post_shape);
	free(t->parts);
	transcript_release(&t->history);
	files_release(t);
	read_forget(t);
	free(t->people);
	free(t->written);
	free(t->covers);
	buf_release(&t->answer);
	reply_release(&t->reply);
	free(t->lines);
	job_free(t->job);
	live_drop(w->live, t->conf);
	free(t);
	if (head)
		turn_go(head->who);
	worker_emptied(w);
}

static void link_turn(struct turn *t)
{
	struct worker *w = t->w;

	t->next = w->turns;
	if (t->next)
		t->next->link = &t->next;
	t->link = &w->turns;
	w->turns = t;
	atomic_fetch_add(&w->count->turns, 1);
}

static int set_up(struct turn *t)
{
	struct worker *w = t->w;
	const struct message *m = t->job->msg;
	size_t cap = (size_t)t->conf->answer_max_bytes + TURN_REMARK_MAX;

	/* An answer of a run with a larger limit is kept whole. */
	if (t->job->entry.answer)
		cap += strlen(t->job->entry.answer);
	buf_init(&t->answer, cap);
	t->began_ms = clock_ms();
	t->placed_ms = t->first_ms = -1;
	t->end_state = ENTRY_DONE;
	sentence_ref(t->job->entry.id, t->ref);
	if (message_thread_key(m, t->key, sizeof(t->key)) < 0 ||
	    snprintf(t->where, sizeof(t->where), "%s", m->channel.channel_id) >=
		    (int)sizeof(t->where))
		return -1;
	t->timer = loop_timer_create(w->loop, on_timer, t);
	t->conn = conn_get(w, t->job);
	if (!t->timer || !t->conn)
		return -1;
	t->controls = t->conn->controls;
	t->channel = channel_get(t->conn, t->where);
	if (!t->channel || resume_take_up(t) < 0 || gather_name(t) < 0)
		return -1;
	return lane_join(w->lanes, t->key, &t->seat);
}

void turn_start(struct worker *w, struct job *job)
{
	struct turn *t;

	/* The frame has been read, and may be large. */
	free(job->entry.frame);
	job->entry.frame = NULL;
	t = calloc(1, sizeof(*t));
	if (!t) {
		log_error(LOG_FIELDS({ "entry", job->entry.id }),
			  "cannot begin a turn: no memory");
		job_free(job);
		return;
	}
	t->w = w;
	t->conf = live_take(w->live, w->conf);
	t->job = job;
	t->seat.who = t;
	link_turn(t);
	turn_enter(t);
	if (set_up(t) < 0) {
		/* It stays in the journal, for the next start. */
		log_error(LOG_FIELDS({ "entry", job->entry.id }),
			  "cannot begin a turn: no memory");
		turn_free(t);
		return;
	}
	turn_set(t, TURN_WAITING);
}
