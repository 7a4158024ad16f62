/* SPDX-License-Identifier: ISC */
#include "link/intake.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/container.h"
#include "base/err.h"
#include "base/killpoint.h"
#include "base/log.h"
#include "base/metric.h"
#include "link/held.h"
#include "link/link.h"
#include "net/loop.h"
#include "route/chirp.h"
#include "route/envelope.h"
#include "route/inhand.h"
#include "route/leave.h"
#include "route/message.h"
#include "route/moved.h"
#include "route/router.h"
#include "route/screen.h"
#include "state/engaged.h"
#include "store/journal.h"

/* An envelope on its way to the journal and back. */
struct arrival {
	struct journal_req req; /* must be first */
	struct arrival *next;   /* of those that came back */
	struct intake *in;
	struct entry entry;
	struct message *msg; /* NULL: one of the next three is there */
	struct chirp *chirp;
	struct moved *moved;
	struct leave *leave;
	const char *stage; /* held: of the screen */
	uint32_t gen;
	int64_t came_us;
	const char *app_id; /* these stand behind the struct */
	const char *envelope_id;
	const char *key; /* of its thread */
	char strings[];
};

struct intake {
	struct intake_opts o;
	struct held *held;
	_Atomic size_t nheld;
	size_t under_way; /* with the journal, or on the way back */
	bool stopping;
	_Atomic bool cut;

	struct loop_task task; /* collect() */
	pthread_mutex_t lock;  /* of what follows */
	struct arrival *back;  /* the newest first */
	bool posted;
};

static void arrival_free(struct arrival *a)
{
	entry_release(&a->entry);
	message_free(a->msg);
	free(a->chirp);
	free(a->moved);
	free(a->leave);
	free(a);
}

static void drop_arrival(void *item)
{
	arrival_free(item);
}

/* With the strings that outlive the link's frame. */
static struct arrival *arrival_alloc(const char *app_id, const char *id,
				     const char *key)
{
	size_t na = strlen(app_id) + 1;
	size_t ni = strlen(id) + 1;
	size_t nk = strlen(key) + 1;
	struct arrival *a = calloc(1, sizeof(*a) + na + ni + nk);

	if (!a)
		return NULL;
	a->came_us = clock_us();
	memcpy(a->strings, app_id, na);
	memcpy(a->strings + na, id, ni);
	memcpy(a->strings + na + ni, key, nk);
	a->app_id = a->strings;
	a->envelope_id = a->strings + na;
	a->key = a->strings + na + ni;
	return a;
}

/* Takes the message. NULL: no memory. */
static struct arrival *arrival_create(struct intake *in, struct screening *s,
				      const char *app_id, const char *text,
				      size_t n)
{
	struct message *msg = s->msg;
	struct arrival *a = arrival_alloc(app_id, s->env->id, s->key);

	if (!a) {
		message_free(msg);
		return NULL;
	}
	a->in = in;
	a->msg = msg;
	if (entry_fill(&a->entry, app_id, msg->event_id, text, n) < 0) {
		arrival_free(a);
		return NULL;
	}
	id_make(a->entry.id);
	memcpy(msg->id, a->entry.id, sizeof(msg->id));
	return a;
}

static void ack(struct intake *in, const struct arrival *a)
{
	in->o.ack(a->app_id, a->gen, a->envelope_id, in->o.arg);
	metric_took_us(METRIC_ACK, clock_us() - a->came_us);
}

static void finish(struct intake *in, struct arrival *a)
{
	if (a->req.ok)
		ack(in, a);
	else
		in->o.counts->unacked++;
	in->under_way--;
	arrival_free(a);
}

static struct arrival *reverse(struct arrival *a)
{
	struct arrival *out = NULL;
	struct arrival *next;

	for (; a; a = next) {
		next = a->next;
		a->next = out;
		out = a;
	}
	return out;
}

/* All that has come back since the last time; the acks of one commit. */
static void collect(struct loop_task *t)
{
	struct intake *in = container_of(t, struct intake, task);
	struct arrival *a, *next;

	pthread_mutex_lock(&in->lock);
	a = in->back;
	in->back = NULL;
	in->posted = false;
	pthread_mutex_unlock(&in->lock);

	for (a = reverse(a); a; a = next) {
		next = a->next;
		finish(in, a);
	}
	if (in->stopping && in->under_way == 0)
		in->o.settled(in->o.arg);
}

/* On the journal thread. */
static void come_back(struct journal_req *r)
{
	struct arrival *a = (struct arrival *)r;
	struct intake *in = a->in;
	bool post;

	if (a->msg && r->ok && !r->duplicate)
		killpoint("appended");
	if (a->msg && r->ok && !r->duplicate && !r->elsewhere && !in->cut) {
		router_submit(in->o.router, &a->entry, a->msg);
		memset(&a->entry, 0, sizeof(a->entry));
		a->msg = NULL;
	}
	if (a->chirp && r->ok)
		chirp_tell(a->chirp);
	pthread_mutex_lock(&in->lock);
	a->next = in->back;
	in->back = a;
	post = !in->posted;
	in->posted = true;
	pthread_mutex_unlock(&in->lock);
	if (post)
		loop_post(in->o.io, &in->task);
}

/* One app's flood mustn't fill the journal for all. */
static bool has_room(const char *app_id)
{
	return inhand_of(app_id) < INTAKE_APP_ROOM;
}

/* Takes a. */
static void submit(struct intake *in, struct arrival *a)
{
	a->req.kind = JOURNAL_APPEND;
	a->req.entry = &a->entry;
	/* Other nodes' screens must let its replies through. */
	a->req.news = message_engages(a->msg) ? a->key : NULL;
	a->req.done = come_back;
	in->under_way++;
	if (has_room(a->app_id) && journal_submit(in->o.journal, &a->req))
		return;
	in->under_way--;
	in->o.counts->unacked++;
	arrival_free(a);
}

/* Its thread was mentioned, or it has waited long enough. */
static void held_done(void *item, const char *key, void *arg)
{
	struct intake *in = arg;
	struct arrival *a = item;

	in->nheld--;
	if (engaged_maybe(in->o.engaged, key) ||
	    engaged_is_deaf(in->o.engaged)) {
		verdict_count(a->stage, V_ACCEPT);
		submit(in, a);
		return;
	}
	verdict_count(a->stage, V_DROP);
	log_debug(LOG_FIELDS({ "envelope", a->envelope_id },
			     { "event", a->entry.event_id },
			     { "app", a->app_id },
			     { "channel", a->msg->channel.channel_id },
			     { "ts", a->msg->channel.ts },
			     { "stage", a->stage }, { "verdict", "drop" },
			     { "why", "thread is not engaged" }),
		  "screened out");
	ack(in, a);
	arrival_free(a);
}

static void hold(struct intake *in, struct arrival *a, const char *key)
{
	if (held_add(in->held, key, a, sizeof(*a) + 2 * a->entry.frame_len) <
	    0) {
		in->o.counts->unacked++;
		arrival_free(a);
		return;
	}
	in->nheld++;
}

struct intake *intake_create(const struct intake_opts *o, struct err *e)
{
	struct intake *in = calloc(1, sizeof(*in));
	int rc;

	if (!in)
		goto fail;
	in->o = *o;
	in->task.run = collect;
	in->held = held_create(o->alarms, SCREEN_HOLD_MS, held_done, in);
	if (!in->held)
		goto fail;
	rc = pthread_mutex_init(&in->lock, NULL);
	if (rc != 0) {
		err_set(e, ERR_FATAL, "mutex: %s", strerror(rc));
		held_free(in->held, drop_arrival);
		free(in);
		return NULL;
	}
	return in;
fail:
	err_set(e, ERR_RETRY, "cannot allocate the intake");
	free(in);
	return NULL;
}

void intake_free(struct intake *in)
{
	struct arrival *a, *next;

	if (!in)
		return;
	for (a = in->back; a; a = next) {
		next = a->next;
		arrival_free(a);
	}
	held_free(in->held, drop_arrival);
	pthread_mutex_destroy(&in->lock);
	free(in);
}

static bool take(struct intake *in, struct screening *s, enum verdict v,
		 const char *stage, const char *app_id, uint32_t gen,
		 const char *text, size_t n)
{
	bool engages = message_engages(s->msg);
	struct arrival *a;

	a = arrival_create(in, s, app_id, text, n);
	if (!a) {
		in->o.counts->unacked++;
		return false;
	}
	a->gen = gen;
	a->stage = stage;
	if (v == V_HOLD) {
		hold(in, a, s->key);
		return false;
	}
	submit(in, a);
	/* Behind it, so that the mention comes first in the journal. */
	if (engages)
		held_wake(in->held, s->key);
	return false;
}

/* What is only to be written goes no further; acked when it is committed. */
static void write_down(struct intake *in, struct arrival *a, uint32_t gen,
		       int (*write)(struct store *s, void *arg, struct err *e))
{
	a->in = in;
	a->gen = gen;
	a->req.kind = JOURNAL_WRITE;
	a->req.write = write;
	a->req.arg = a;
	a->req.done = come_back;
	in->under_way++;
	(void)journal_submit(in->o.journal, &a->req);
}

static int write_moved(struct store *s, void *arg, struct err *e)
{
	struct arrival *a = arg;

	return moved_write(a->moved, s, a->in->o.engaged, e);
}

/* Acked when all that we have of the channel is where it belongs. */
static void take_moved(struct intake *in, const struct moved *m,
		       const char *app_id, uint32_t gen, const char *id)
{
	struct arrival *a = arrival_alloc(app_id, id, "");

	if (a)
		a->moved = malloc(sizeof(*m));
	if (!a || !a->moved) {
		in->o.counts->unacked++;
		free(a);
		return;
	}
	*a->moved = *m;
	write_down(in, a, gen, write_moved);
}

static int write_chirp(struct store *s, void *arg, struct err *e)
{
	struct arrival *a = arg;

	return chirp_write(a->chirp, s, e);
}

/* Acked when it is noted, whichever node awaits it. */
static void take_chirp(struct intake *in, const struct chirp *c,
		       const char *app_id, uint32_t gen, const char *id)
{
	struct arrival *a = arrival_alloc(app_id, id, "");

	if (a)
		a->chirp = malloc(sizeof(*c));
	if (!a || !a->chirp) {
		in->o.counts->unacked++;
		free(a);
		return;
	}
	*a->chirp = *c;
	write_down(in, a, gen, write_chirp);
}

static int write_leave(struct store *s, void *arg, struct err *e)
{
	struct arrival *a = arg;
	int rc = leave_write(a->leave, s, e);

	/* Told only if it is news. */
	a->req.naudits = rc > 0;
	return rc < 0 ? -1 : 0;
}

/* Acked when it is noted. */
static void take_leave(struct intake *in, const struct leave *l,
		       const char *app_id, uint32_t gen, const char *id)
{
	struct arrival *a = arrival_alloc(app_id, id, "");

	if (a)
		a->leave = malloc(sizeof(*l));
	if (!a || !a->leave) {
		in->o.counts->unacked++;
		free(a);
		return;
	}
	*a->leave = *l;
	a->req.audits = &a->leave->audit;
	write_down(in, a, gen, write_leave);
}

bool intake_envelope(struct intake *in, const char *app_id, uint32_t gen,
		     const struct envelope *env, const char *text, size_t n)
{
	struct envelope here = *env;
	struct screening s = { .env = &here,
			       .engaged = in->o.engaged,
			       .quarantine = in->o.quarantine };
	struct moved moved;
	struct chirp chirp;
	struct leave leave;
	const char *stage;
	enum verdict v;

	if (in->stopping) {
		in->o.counts->unacked++;
		return false;
	}
	here.app_id = app_id;
	if (moved_read(env, &moved)) {
		take_moved(in, &moved, app_id, gen, env->id);
		return false;
	}
	if (chirp_read(&here, &chirp)) {
		take_chirp(in, &chirp, app_id, gen, env->id);
		return false;
	}
	v = screen_run(&s, &stage);
	switch (v) {
	case V_DROP:
		if (!leave_read(&here, &leave))
			return env->id != NULL;
		take_leave(in, &leave, app_id, gen, env->id);
		return false;
	case V_ACCEPT:
	case V_HOLD:
		return take(in, &s, v, stage, app_id, gen, text, n);
	case V_NEXT:
	case V_REFUSE:
	case V_FAIL:
	case V_COUNT:
		break;
	}
	in->o.counts->unacked++;
	return false;
}

void intake_wake(struct intake *in, const char *key)
{
	held_wake(in->held, key);
}

void intake_stop(struct intake *in)
{
	in->stopping = true;
	held_clear(in->held, drop_arrival);
	in->nheld = 0;
	if (in->under_way == 0)
		in->o.settled(in->o.arg);
}

void intake_cut(struct intake *in)
{
	in->cut = true;
}

size_t intake_held(struct intake *in)
{
	return in->nheld;
}
