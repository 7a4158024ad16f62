/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/map.h"
#include "sim/flood.h"
#include "sim/socket.h"
#include "sim/ws.h"

#define MS     INT64_C(1000)
#define RECENT 2000

void event_free(void *p)
{
	struct event *ev = p;

	free(ev->envelope_type);
	free(ev->type);
	free(ev->payload);
	free(ev->arg);
	free(ev);
}

void delivery_free(void *p)
{
	struct delivery *d = p;

	free(d->type);
	free(d->ack_payload);
	free(d);
}

/* Kept for a while, so that it can be delivered again on command. */
static void event_done(struct sim *s, struct event *ev, bool acked,
		       const char *payload)
{
	struct socket_mode *m = s->socket;
	size_t i;

	timer_cancel(s, &ev->timer);
	if (ev->done)
		return;
	ev->done = true;
	s->stats.unacked--;
	if (ev->over)
		ev->over(s, ev, acked, payload);
	sim_changed(s);
	vec_push(&m->recent, ev);
	if (m->recent.n <= RECENT)
		return;
	for (i = 0; i <= RECENT / 4; i++)
		map_take(m->events, ((struct event *)m->recent.v[i])->id);
	vec_trim(&m->recent, RECENT, event_free);
}

static void write_envelope(struct link *l, const struct event *ev,
			   const char *envelope_id, const char *why)
{
	char head[128];
	char tail[192];
	int nh, nt;

	nh = snprintf(head, sizeof(head),
		      "{\"envelope_id\":\"%s\",\"payload\":", envelope_id);
	nt = snprintf(tail, sizeof(tail),
		      ",\"type\":\"%.40s\",\"accepts_response_payload\":%s",
		      ev->envelope_type, ev->accepts ? "true" : "false");
	if (strcmp(ev->envelope_type, "events_api") == 0)
		nt += snprintf(tail + nt, sizeof(tail) - (size_t)nt,
			       ",\"retry_attempt\":%d,\"retry_reason\":\"%s\"",
			       ev->attempt, why);
	tail[nt++] = '}';
	ws_head(l->c, WS_TEXT, (size_t)nh + ev->len + (size_t)nt);
	conn_send(l->c, head, (size_t)nh);
	conn_send(l->c, ev->payload, ev->len);
	conn_send(l->c, tail, (size_t)nt);
}

static void log_delivery(struct sim *s, const struct event *ev,
			 const char *envelope_id, const struct link *l)
{
	struct socket_mode *m = s->socket;
	struct delivery *d = must_alloc(sizeof(*d));
	size_t i;

	snprintf(d->envelope_id, sizeof(d->envelope_id), "%s", envelope_id);
	snprintf(d->event_id, sizeof(d->event_id), "%s", ev->id);
	d->app = ev->app;
	d->type = must_dup(ev->type);
	d->attempt = ev->attempt;
	d->link = l ? l->id : 0;
	d->sent_us = l ? sim_clock_us() : 0;
	if (m->log.n > s->keep) {
		for (i = 0; i <= s->keep / 4; i++) {
			struct delivery *old = m->log.v[i];

			if (map_get(m->sent, old->envelope_id) == old)
				map_take(m->sent, old->envelope_id);
		}
		vec_trim(&m->log, s->keep, delivery_free);
	}
	vec_push(&m->log, d);
	if (ev->flooded)
		flood_sent(s, ev->flooded, ev->attempt, l);
	if (!l)
		return;
	map_take(m->sent, envelope_id); /* the same id once more */
	if (map_put(m->sent, envelope_id, d) < 0)
		abort();
	s->stats.envelopes++;
}

static void retry_fire(struct sim *s, void *arg);

static void timeout_fire(struct sim *s, void *arg)
{
	struct event *ev = arg;
	int wait_ms = ev->attempt < SIM_RETRIES ? s->set.retry_ms[ev->attempt]
						: 0;

	/* Slack documents no retry of commands and interactions. */
	if (wait_ms == 0 || strcmp(ev->envelope_type, "events_api") != 0) {
		s->stats.given_up++;
		event_done(s, ev, false, NULL);
		return;
	}
	timer_arm(s, &ev->timer, wait_ms * MS, retry_fire, ev);
}

static void attempt(struct sim *s, struct event *ev, const char *envelope_id)
{
	struct link *l = link_pick(s, ev->app);
	char fresh[UUID_SIZE];

	if (!envelope_id) {
		sim_uuid(s, fresh);
		envelope_id = fresh;
	}
	if (l) {
		if (!l->deaf && !s->set.deaf)
			write_envelope(l, ev, envelope_id,
				       ev->attempt ? "timeout" : "");
		ev->sent = true;
	}
	log_delivery(s, ev, envelope_id, l);
	sim_changed(s);
	if (!ev->done)
		timer_arm(s, &ev->timer, l ? s->set.ack_timeout_ms * MS : 0,
			  timeout_fire, ev);
}

static void retry_fire(struct sim *s, void *arg)
{
	struct event *ev = arg;

	ev->attempt++;
	attempt(s, ev, NULL);
}

struct event *event_send(struct sim *s, struct app *a, const char *id,
			 const char *envelope_type, const char *type,
			 char *payload, bool accepts, size_t flooded)
{
	struct event *ev = must_alloc(sizeof(*ev));

	if (id && !map_get(s->socket->events, id))
		snprintf(ev->id, sizeof(ev->id), "%s", id);
	else
		sim_id(s, "-", ev->id, sizeof(ev->id));
	ev->app = a;
	ev->envelope_type = must_dup(envelope_type);
	ev->type = must_dup(type);
	ev->payload = payload;
	ev->len = strlen(payload);
	ev->accepts = accepts;
	ev->flooded = flooded;
	if (map_put(s->socket->events, ev->id, ev) < 0)
		abort();
	s->stats.unacked++;
	attempt(s, ev, NULL);
	return ev;
}

void event_again(struct sim *s, struct event *ev, const char *envelope_id)
{
	ev->attempt++;
	attempt(s, ev, envelope_id);
}

static void take_ack(struct sim *s, const struct link *l, struct delivery *d,
		     const struct json *j)
{
	int64_t now = sim_clock_us();
	struct buf b;
	struct event *ev;

	d->ack_us = now;
	s->stats.acks++;
	if (json_at(j, "payload")) {
		buf_init(&b, SIM_BODY_MAX);
		json_copy(json_at(j, "payload"), &b);
		d->ack_payload = must_take(&b);
	}
	sim_changed(s);
	if (now - d->sent_us > s->set.ack_timeout_ms * MS ||
	    (d->link != l->id && !s->set.ack_any_link)) {
		s->stats.acks_late++;
		return;
	}
	ev = map_get(s->socket->events, d->event_id);
	if (!ev)
		return;
	if (ev->flooded)
		flood_acked(s, ev->flooded, now - d->sent_us);
	event_done(s, ev, true, ev->accepts ? d->ack_payload : NULL);
}

void envelope_acked(struct sim *s, struct link *l, const struct ws_frame *f)
{
	struct err e = { 0 };
	struct json *j = json_parse(f->data, f->len, f->len, &e);
	const char *id = j ? json_str(j, "envelope_id") : NULL;
	struct delivery *d = id ? map_take(s->socket->sent, id) : NULL;

	if (d)
		take_ack(s, l, d, j);
	else
		s->stats.acks_ignored++;
	json_free(j);
}

int sim_redeliver_last(struct sim *s, const char *app_id, const char *type,
		       bool same_envelope_id)
{
	struct delivery *d, *last = NULL;
	struct event *ev = NULL;
	char envelope_id[UUID_SIZE];
	size_t i;

	sim_lock(s);
	for (i = s->socket->log.n; i > 0 && !last; i--) {
		d = s->socket->log.v[i - 1];
		if (str_eq(d->app->id, app_id) && str_eq(d->type, type))
			last = d;
	}
	if (last) {
		ev = map_get(s->socket->events, last->event_id);
		memcpy(envelope_id, last->envelope_id, sizeof(envelope_id));
	}
	if (ev)
		event_again(s, ev, same_envelope_id ? envelope_id : NULL);
	sim_unlock(s);
	return ev ? 0 : -1;
}

int sim_redeliver(struct sim *s, const char *event_id, bool same_envelope_id)
{
	struct socket_mode *m = s->socket;
	const char *envelope_id = NULL;
	struct delivery *d;
	struct event *ev;
	size_t i;

	sim_lock(s);
	ev = map_get(m->events, event_id);
	for (i = m->log.n; same_envelope_id && i > 0; i--) {
		d = m->log.v[i - 1];
		if (str_eq(d->event_id, event_id)) {
			envelope_id = d->envelope_id;
			break;
		}
	}
	if (ev)
		event_again(s, ev, envelope_id);
	sim_unlock(s);
	return ev ? 0 : -1;
}
