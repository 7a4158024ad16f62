/* SPDX-License-Identifier: ISC */
#include "link/hub_in.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/container.h"
#include "base/err.h"
#include "base/log.h"
#include "base/wait.h"
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
	struct hub *h = container_of(t, struct hub, close_task);

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

/* What hub_free() takes for granted. */
static struct hub *create_bare(const struct hub_opts *o)
{
	struct hub *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->io = o->io;
	hub_post_init(h);
	h->places = o->places;
	h->alarms.now = clock_ms;
	h->alarms.wake = set_timer;
	h->alarms.arg = h;
	alarms_init(&h->alarms);
	if (alarm_init(&h->alarms, &h->grace, grace_over, h) < 0)
		goto fail;
	if (wait_init(&h->lock, &h->changed) == 0)
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

/* Other threads have posted until they ended, and what they posted is about
 * the parts. */
static void take_posted(struct hub *h)
{
	if (h->apps)
		apps_hush(h->apps);
	if (h->own_dialer)
		dial_hush(h->own_dialer);
	loop_flush(h->io);
}

void hub_free(struct hub *h)
{
	if (!h)
		return;
	take_posted(h);
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

void hub_close(struct hub *h, int64_t grace_ms)
{
	struct timespec end = wait_until(grace_ms + PATIENCE_MS);
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
