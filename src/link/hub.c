/* SPDX-License-Identifier: ISC */
#include "link/hub.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/secret.h"
#include "link/alarm.h"
#include "link/apps.h"
#include "link/dial.h"
#include "link/intake.h"
#include "link/link.h"
#include "link/transport.h"
#include "net/loop.h"
#include "net/tls.h"

/* Beyond the grace of hub_close(), for the loops to do as they are told. */
#define PATIENCE_MS 2000

struct hub {
	struct loop *io;
	struct loop_timer *timer;
	struct alarms alarms;
	struct link_counts counts;
	struct transport *transport;
	struct transport *own_transport; /* made by us */
	struct dialer *dialer;
	struct dialer *own_dialer;
	struct intake *intake;
	struct apps *apps;
	struct places *places;

	/* Closing, on the I/O thread. */
	struct loop_task close_task;
	struct loop_task dials_task;
	atomic_bool dials_posted;
	atomic_int dials_per_second;
	struct loop_task trust_task;
	_Atomic(struct tls_trust *) trust; /* on its way to the transport */
	struct alarm grace;
	int64_t grace_ms;
	bool acks_done, links_done;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool closed;
};

enum change_kind {
	CHANGE_PUT,
	CHANGE_REMOVE,
	CHANGE_HOLD,
	CHANGE_CONNECT,
};

struct change {
	struct loop_task task; /* must be first */
	struct hub *h;
	enum change_kind kind;
	char *app_id;
	char *token; /* to put */
	bool hold;
	int live;
};

static void set_timer(int64_t in_ms, void *arg)
{
	struct hub *h = arg;

	loop_timer_set(h->timer, in_ms);
}

static void on_timer(void *arg)
{
	struct hub *h = arg;

	alarms_run(&h->alarms);
}

static bool on_envelope(const char *app_id, uint32_t gen,
			const struct envelope *env, const char *text, size_t n,
			void *arg)
{
	struct hub *h = arg;

	return intake_envelope(h->intake, app_id, gen, env, text, n);
}

static void on_ack(const char *app_id, uint32_t gen, const char *envelope_id,
		   void *arg)
{
	struct hub *h = arg;

	apps_ack(h->apps, app_id, gen, envelope_id);
}

static void on_place(const char *app_id, enum place_link link, int conns,
		     int told, void *arg)
{
	struct hub *h = arg;

	places_tell(h->places, app_id, link, conns, told);
}

static void on_ticket(const char *app_id, uint32_t gen, const struct ticket *t,
		      void *arg)
{
	struct hub *h = arg;

	apps_ticket(h->apps, app_id, gen, t);
}

/*
 * hub_close() is a chain on the I/O thread: the intake settles, then the
 * links close, then the dialer does. The grace cuts it short.
 */
static void links_closed(void *arg)
{
	struct hub *h = arg;

	if (h->links_done)
		return;
	h->links_done = true;
	alarm_stop(&h->alarms, &h->grace);
	h->dialer->ops->close(h->dialer);
}

static void acks_sent(void *arg)
{
	struct hub *h = arg;

	if (h->acks_done)
		return;
	h->acks_done = true;
	apps_close(h->apps);
}

static void grace_over(void *arg)
{
	struct hub *h = arg;

	log_warn(NULL, "links are cut off: closing them took too long");
	h->acks_done = true;
	apps_cut(h->apps);
	links_closed(h);
}

static void begin_close(struct loop_task *t)
{
	struct hub *h =
		(struct hub *)((char *)t - offsetof(struct hub, close_task));

	alarm_set(&h->alarms, &h->grace, h->grace_ms);
	intake_stop(h->intake);
}

static void dialer_closed(void *arg)
{
	struct hub *h = arg;

	pthread_mutex_lock(&h->lock);
	h->closed = true;
	pthread_cond_signal(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

static int init_lock(struct hub *h)
{
	pthread_condattr_t attr;

	if (pthread_mutex_init(&h->lock, NULL) != 0)
		return -1;
	if (pthread_condattr_init(&attr) != 0)
		goto fail_lock;
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (pthread_cond_init(&h->changed, &attr) != 0)
		goto fail_attr;
	pthread_condattr_destroy(&attr);
	return 0;

fail_attr:
	pthread_condattr_destroy(&attr);
fail_lock:
	pthread_mutex_destroy(&h->lock);
	return -1;
}

static void set_dials(struct loop_task *t)
{
	struct hub *h =
		(struct hub *)((char *)t - offsetof(struct hub, dials_task));

	atomic_store(&h->dials_posted, false);
	apps_dials(h->apps, atomic_load(&h->dials_per_second));
}

static void set_trust(struct loop_task *t)
{
	struct hub *h =
		(struct hub *)((char *)t - offsetof(struct hub, trust_task));
	struct tls_trust *trust = atomic_exchange(&h->trust, NULL);

	if (h->own_transport)
		lws_transport_trust(h->own_transport, trust);
	else
		tls_trust_free(trust);
}

/* What hub_free() takes for granted. */
static struct hub *create_bare(const struct hub_opts *o)
{
	struct hub *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->io = o->io;
	h->dials_task.run = set_dials;
	h->trust_task.run = set_trust;
	h->places = o->places;
	h->alarms.now = clock_ms;
	h->alarms.wake = set_timer;
	h->alarms.arg = h;
	alarms_init(&h->alarms);
	if (alarm_init(&h->alarms, &h->grace, grace_over, h) < 0)
		goto fail;
	if (init_lock(h) == 0)
		return h;
	alarm_release(&h->alarms, &h->grace);
	alarms_release(&h->alarms);
fail:
	free(h);
	return NULL;
}

static int create_ways(struct hub *h, const struct hub_opts *o, struct err *e)
{
	h->transport = o->transport;
	if (!h->transport) {
		h->own_transport =
			lws_transport_create(o->io, &o->conf->slack_way, e);
		h->transport = h->own_transport;
	}
	if (!h->transport)
		return -1;
	h->dialer = o->dialer;
	if (!h->dialer) {
		h->own_dialer = dial_create(o->conf, o->way, o->io, o->dial, e);
		h->dialer = h->own_dialer;
	}
	if (!h->dialer)
		return -1;
	h->dialer->done = on_ticket;
	h->dialer->closed = dialer_closed;
	h->dialer->arg = h;
	return 0;
}

static int create_parts(struct hub *h, const struct hub_opts *o, struct err *e)
{
	const struct intake_opts io = {
		.alarms = &h->alarms,
		.io = o->io,
		.engaged = o->engaged,
		.quarantine = o->quarantine,
		.journal = o->journal,
		.router = o->router,
		.counts = &h->counts,
		.ack = on_ack,
		.settled = acks_sent,
		.arg = h,
	};
	struct apps_opts ao = {
		.alarms = &h->alarms,
		.counts = &h->counts,
		.dials_per_second = o->conf->dials_per_second,
		.envelope = on_envelope,
		.place = o->places ? on_place : NULL,
		.closed = links_closed,
		.arg = h,
	};

	h->timer = loop_timer_create(o->io, on_timer, h);
	if (!h->timer)
		return err_set(e, ERR_RETRY, "cannot allocate the hub");
	if (create_ways(h, o, e) < 0)
		return -1;
	h->intake = intake_create(&io, e);
	if (!h->intake)
		return -1;
	ao.transport = h->transport;
	ao.dialer = h->dialer;
	h->apps = apps_create(&ao, e);
	return h->apps ? 0 : -1;
}

struct hub *hub_create(const struct hub_opts *o, struct err *e)
{
	struct hub *h = create_bare(o);

	if (!h) {
		err_set(e, ERR_RETRY, "cannot allocate the hub");
		return NULL;
	}
	if (create_parts(h, o, e) < 0) {
		hub_free(h);
		return NULL;
	}
	return h;
}

void hub_free(struct hub *h)
{
	if (!h)
		return;
	apps_free(h->apps);
	intake_free(h->intake);
	dial_free(h->own_dialer);
	lws_transport_free(h->own_transport);
	tls_trust_free(atomic_load(&h->trust));
	loop_timer_free(h->timer);
	alarm_release(&h->alarms, &h->grace);
	alarms_release(&h->alarms);
	pthread_cond_destroy(&h->changed);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

static void change_free(struct change *c)
{
	secret_free(c->token);
	free(c->app_id);
	free(c);
}

static void apply(struct loop_task *t)
{
	struct change *c = (struct change *)t;
	struct hub *h = c->h;

	switch (c->kind) {
	case CHANGE_PUT:
		apps_put(h->apps, c->app_id, c->token);
		if (h->places)
			places_put(h->places, c->app_id);
		break;
	case CHANGE_REMOVE:
		if (h->places)
			places_remove(h->places, c->app_id);
		apps_remove(h->apps, c->app_id);
		break;
	case CHANGE_HOLD:
		apps_hold(h->apps, c->app_id, c->hold, c->live);
		break;
	case CHANGE_CONNECT:
		apps_connect(h->apps, c->app_id);
		break;
	}
	change_free(c);
}

static void post_change(struct hub *h, enum change_kind kind,
			const char *app_id, const char *token, bool hold,
			int live)
{
	struct change *c = calloc(1, sizeof(*c));

	if (!c)
		goto fail;
	c->task.run = apply;
	c->h = h;
	c->kind = kind;
	c->hold = hold;
	c->live = live;
	c->app_id = strdup(app_id);
	c->token = token ? strdup(token) : NULL;
	if (!c->app_id || (token && !c->token))
		goto fail;
	loop_post(h->io, &c->task);
	return;
fail:
	log_error(LOG_FIELDS({ "app", app_id }),
		  "cannot change the app's links: no memory");
	if (c)
		change_free(c);
}

void hub_app_put(struct hub *h, const char *app_id, const char *token)
{
	post_change(h, CHANGE_PUT, app_id, token, false, 0);
}

void hub_app_remove(struct hub *h, const char *app_id)
{
	post_change(h, CHANGE_REMOVE, app_id, NULL, false, 0);
}

void hub_app_hold(struct hub *h, const char *app_id, bool hold, int live)
{
	post_change(h, CHANGE_HOLD, app_id, NULL, hold, live);
}

void hub_app_connect(struct hub *h, const char *app_id)
{
	post_change(h, CHANGE_CONNECT, app_id, NULL, false, 0);
}

void hub_dials(struct hub *h, int per_second)
{
	atomic_store(&h->dials_per_second, per_second);
	if (!atomic_exchange(&h->dials_posted, true))
		loop_post(h->io, &h->dials_task);
}

/* The task is posted as long as there is one to be taken. */
void hub_trust(struct hub *h, struct tls_trust *trust)
{
	struct tls_trust *before = atomic_exchange(&h->trust, trust);

	if (before)
		tls_trust_free(before);
	else
		loop_post(h->io, &h->trust_task);
}

struct waking {
	struct loop_task task; /* must be first */
	struct hub *h;
	char key[];
};

static void wake(struct loop_task *t)
{
	struct waking *w = (struct waking *)t;

	intake_wake(w->h->intake, w->key);
	free(w);
}

void hub_thread(struct hub *h, const char *key)
{
	size_t n = strlen(key) + 1;
	struct waking *w;

	if (intake_held(h->intake) == 0)
		return;
	/* Without memory they wait for their time to be over. */
	w = malloc(sizeof(*w) + n);
	if (!w)
		return;
	w->task.run = wake;
	w->h = h;
	memcpy(w->key, key, n);
	loop_post(h->io, &w->task);
}

static struct timespec deadline(int64_t ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += ms / 1000;
	ts.tv_nsec += (ms % 1000) * 1000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	return ts;
}

void hub_close(struct hub *h, int64_t grace_ms)
{
	struct timespec end = deadline(grace_ms + PATIENCE_MS);
	int rc = 0;

	h->grace_ms = grace_ms;
	h->close_task.run = begin_close;
	loop_post(h->io, &h->close_task);

	pthread_mutex_lock(&h->lock);
	while (!h->closed && rc == 0)
		rc = pthread_cond_timedwait(&h->changed, &h->lock, &end);
	pthread_mutex_unlock(&h->lock);
	intake_cut(h->intake);
	if (rc != 0)
		log_error(NULL, "the links' threads don't answer");
}

void hub_stats(struct hub *h, struct hub_stats *out)
{
	apps_stats(h->apps, out);
	out->held = intake_held(h->intake);
}

void hub_each(struct hub *h, void (*fn)(const struct link_view *v, void *arg),
	      void *arg)
{
	apps_each(h->apps, fn, arg);
}
