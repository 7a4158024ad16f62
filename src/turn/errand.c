/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/suspect.h"
#include "route/job.h"
#include "route/trail.h"
#include "turn/names.h"
#include "turn/turn.h"

#define RETRY_MS 1000

static enum lease lease(const struct errand *n)
{
	const struct entry *en = &n->job->entry;

	return lease_check(n->w->leases, en->part, en->epoch);
}

static void leave_turn(struct errand *n)
{
	struct errand **link;

	if (!n->turn)
		return;
	for (link = &n->turn->errands; *link != n; link = &(*link)->turn_next)
		;
	*link = n->turn_next;
	n->turn = NULL;
}

static void errand_free(struct errand *n)
{
	struct worker *w = n->w;

	leave_turn(n);
	*n->link = n->next;
	if (n->next)
		n->next->link = n->link;
	slack_cancel(n->call);
	loop_timer_free(n->timer);
	job_free(n->job);
	free(n);
	worker_emptied(w);
}

static void submit(struct errand *n)
{
	struct journal_req *r = &n->job->req;

	n->noting = true;
	r->kind = n->write ? JOURNAL_WRITE : JOURNAL_DONE;
	r->write = n->write;
	r->ok = r->lost = false;
	(void)journal_submit(n->w->journal, r);
}

/* As turn_enter(). */
static void enter(const struct errand *n)
{
	suspect_enter(n->job->entry.id, "errand");
}

static void on_timer(void *arg)
{
	struct errand *n = arg;

	enter(n);
	if (n->over || n->write)
		submit(n);
	else
		n->run(n);
}

static void on_noted(struct loop_task *task)
{
	struct errand *n = (struct errand *)((char *)task -
					     offsetof(struct errand, noted));

	n->noting = false;
	enter(n);
	if (n->abandoned) {
		errand_free(n);
	} else if (!n->job->req.ok) {
		loop_timer_set(n->timer, RETRY_MS);
	} else if (n->write) {
		n->write = NULL;
		if (n->over)
			submit(n);
		else
			n->then(n);
	} else {
		errand_free(n);
	}
}

/* On the journal thread. */
static void on_done(struct journal_req *r)
{
	struct errand *n = r->arg;

	loop_post(n->w->loop, &n->noted);
}

static void write_down(struct errand *n)
{
	struct journal_req *r = &n->job->req;

	memcpy(r->entry_id, n->job->entry.id, sizeof(r->entry_id));
	r->epoch = n->job->entry.epoch;
	r->note = (struct note){ .state = ENTRY_DONE };
	r->done = on_done;
	r->arg = n;
	submit(n);
}

/* Who was told no has asked; other errands are about what was answered. */
static void audit(struct errand *n)
{
	struct job *j = n->job;

	if (j->kind != JOB_NOTICE)
		return;
	trail_ask(&j->audit, j->msg, &j->agent, j->entry.verdict, j->why);
	j->req.audits = &j->audit;
	j->req.naudits = 1;
}

void errand_end(struct errand *n)
{
	n->over = true;
	audit(n);
	leave_turn(n);
	write_down(n);
}

void errand_write(struct errand *n,
		  int (*write)(struct store *s, void *arg, struct err *e),
		  void (*then)(struct errand *n))
{
	n->write = write;
	n->then = then;
	write_down(n);
}

void errand_end_with(struct errand *n, struct turn *t)
{
	n->turn = t;
	n->turn_next = t->errands;
	t->errands = n;
}

void errands_of(struct turn *t, bool ended)
{
	struct errand *n;

	while ((n = t->errands)) {
		leave_turn(n);
		if (ended)
			errand_end(n);
	}
}

void errands_move(struct turn *from, struct turn *to)
{
	struct errand *n;

	while ((n = from->errands)) {
		leave_turn(n);
		errand_end_with(n, to);
	}
}

bool errand_may_act(struct errand *n)
{
	if (lease(n) == LEASE_HELD)
		return true;
	loop_timer_set(n->timer, LEASE_WAIT_MS);
	return false;
}

void errand_start(struct worker *w, struct job *job,
		  void (*run)(struct errand *n))
{
	struct errand *n;

	n = calloc(1, sizeof(*n));
	if (n)
		n->timer = loop_timer_create(w->loop, on_timer, n);
	if (!n || !n->timer) {
		/* It stays in the journal, for the next start. */
		log_error(LOG_FIELDS({ "entry", job->entry.id }),
			  "cannot run an errand: no memory");
		free(n);
		job_free(job);
		return;
	}
	n->w = w;
	n->job = job;
	n->run = run;
	n->noted.run = on_noted;
	n->next = w->errands;
	if (n->next)
		n->next->link = &n->next;
	n->link = &w->errands;
	w->errands = n;
	enter(n);
	run(n);
}

const char *errand_name(const struct errand *n, const char *user)
{
	const struct connection *c = &n->job->connection;
	char key[128];

	(void)snprintf(key, sizeof(key), "%s:%s", c->app_id, c->workspace_id);
	return names_get(n->w->names, key, user);
}

bool errand_busy(const struct worker *w)
{
	const struct errand *n;

	for (n = w->errands; n; n = n->next)
		if (!n->turn)
			return true;
	return false;
}

void errand_put_down(struct errand *n)
{
	n->abandoned = true;
	slack_cancel(n->call);
	n->call = NULL;
	if (!n->noting)
		errand_free(n);
}

void errands_abandon(struct worker *w)
{
	struct errand *n, *next;

	for (n = w->errands; n; n = next) {
		next = n->next;
		errand_put_down(n);
	}
}

void errands_lost(struct worker *w)
{
	struct errand *n, *next;

	for (n = w->errands; n; n = next) {
		next = n->next;
		if (lease(n) == LEASE_LOST)
			errand_put_down(n);
	}
}
