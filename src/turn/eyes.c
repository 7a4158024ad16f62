/* SPDX-License-Identifier: ISC */
#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"
#include "net/http.h"
#include "route/job.h"
#include "route/message.h"
#include "turn/show.h"
#include "turn/turn.h"

/*
 * Eyes below a message that waits for the answer before it: it was seen. They
 * stay there, as that stays true. Nothing depends on them: what can't be shown
 * soon, or fails, is left out.
 */

#define FORM_MAX 1024
#define LATE_MS  10000
/* So long nobody asks again where the app may not react. */
#define REFUSED_MS (60 * 60 * 1000)

static void leave_queue(struct turn *t)
{
	struct conn *c = t->conn;
	struct turn **link;

	if (!t->unseen)
		return;
	for (link = &c->unseen; *link != t; link = &(*link)->unseen_next)
		;
	*link = t->unseen_next;
	if (!*link)
		c->unseen_tail = link;
	t->unseen = false;
}

static void forget_all(struct conn *c)
{
	while (c->unseen)
		leave_queue(c->unseen);
}

static void on_shown(const struct slack_result *r, void *arg)
{
	struct turn *t = arg;
	struct conn *c = t->conn;

	t->eyes = NULL;
	if (r->fault == SLACK_RATE) {
		atomic_fetch_add(&t->w->count->limited, 1);
		pace_block(&c->reactions, clock_ms(), r->retry_ms);
	} else if (r->fault == SLACK_CONFIG) {
		pace_block(&c->reactions, clock_ms(), REFUSED_MS);
		log_info(LOG_FIELDS({ "app", t->job->connection.app_id },
				    { "error", r->error }),
			 "cannot show that messages were seen");
	}
}

static void show(struct turn *t)
{
	const struct message *m = t->job->msg;
	struct err e = { 0 };
	struct buf form;

	if (turn_lease(t) != LEASE_HELD)
		return;
	turn_enter(t);
	buf_init(&form, FORM_MAX);
	http_form(&form, "channel", m->channel.channel_id);
	http_form(&form, "timestamp", m->channel.ts);
	http_form(&form, "name", "eyes");
	t->eyes = worker_call(t->w, t->job, "reactions.add", &form, on_shown, t,
			      &e);
	buf_release(&form);
}

void eyes_run(struct conn *c)
{
	struct turn *t;
	int64_t wait;

	while (c->unseen) {
		wait = pace_take(&c->reactions, clock_ms());
		if (wait > LATE_MS) {
			forget_all(c);
			return;
		}
		if (wait > 0) {
			loop_timer_set(c->eyes_timer, wait);
			return;
		}
		t = c->unseen;
		leave_queue(t);
		show(t);
	}
}

void eyes_show(struct turn *t)
{
	struct conn *c = t->conn;

	t->unseen = true;
	t->unseen_next = NULL;
	*c->unseen_tail = t;
	c->unseen_tail = &t->unseen_next;
	eyes_run(c);
}

void eyes_leave(struct turn *t)
{
	leave_queue(t);
	slack_cancel(t->eyes);
	t->eyes = NULL;
}
