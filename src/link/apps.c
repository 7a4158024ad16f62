/* SPDX-License-Identifier: ISC */
#include "link/apps.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "link/app.h"
#include "route/envelope.h"

#define APPS_MAX 100000
#define ACK_MAX  1024

/* So that a hundred links come up at once after a restart. */
#define DIAL_BURST 100

static int init(struct apps *as, const struct apps_opts *o)
{
	as->o = *o;
	as->env = (struct link_env){ o->alarms, o->transport, &app_host,
				     o->counts };
	buf_init(&as->ack, ACK_MAX);
	as->by_id = map_create(APPS_MAX);
	if (!as->by_id)
		return -1;
	if (pthread_mutex_init(&as->lock, NULL) != 0)
		goto fail_map;
	if (dialq_init(&as->queue, o->alarms, o->dials_per_second, DIAL_BURST,
		       app_dial) < 0)
		goto fail_lock;
	return 0;

fail_lock:
	pthread_mutex_destroy(&as->lock);
fail_map:
	map_free(as->by_id, NULL);
	return -1;
}

struct apps *apps_create(const struct apps_opts *o, struct err *e)
{
	struct apps *as = calloc(1, sizeof(*as));

	if (!as || init(as, o) < 0) {
		err_set(e, ERR_RETRY, "cannot allocate the apps");
		free(as);
		return NULL;
	}
	return as;
}

static void list_add(struct apps *as, struct app *a)
{
	pthread_mutex_lock(&as->lock);
	a->after = as->head;
	if (a->after)
		a->after->before = a;
	as->head = a;
	as->napps++;
	pthread_mutex_unlock(&as->lock);
}

static void list_remove(struct apps *as, struct app *a)
{
	pthread_mutex_lock(&as->lock);
	if (a->before)
		a->before->after = a->after;
	else
		as->head = a->after;
	if (a->after)
		a->after->before = a->before;
	as->napps--;
	app_set_hold(a, false, 0);
	pthread_mutex_unlock(&as->lock);
}

void apps_free(struct apps *as)
{
	struct app *a;

	if (!as)
		return;
	while (as->head) {
		a = as->head;
		list_remove(as, a);
		app_free(a);
	}
	dialq_release(&as->queue);
	map_free(as->by_id, NULL);
	buf_release(&as->ack);
	pthread_mutex_destroy(&as->lock);
	free(as);
}

static void add(struct apps *as, const char *app_id, const char *token)
{
	struct app *a = app_create(as, app_id, token);

	if (!a || map_put(as->by_id, app_id, a) < 0) {
		log_error(LOG_FIELDS({ "app", app_id }),
			  "no room for another app");
		if (a)
			app_free(a);
		return;
	}
	list_add(as, a);
	if (as->o.place)
		return;
	apps_hold(as, app_id, true, 0);
}

void apps_dials(struct apps *as, int per_second)
{
	dialq_rate(&as->queue, per_second);
}

void apps_hold(struct apps *as, const char *app_id, bool hold, int live)
{
	struct app *a = map_get(as->by_id, app_id);
	bool was;

	if (!a || as->closing)
		return;
	was = a->hold;
	pthread_mutex_lock(&as->lock);
	app_set_hold(a, hold, live);
	pthread_mutex_unlock(&as->lock);
	if (hold && !was)
		app_start(a);
	else if (was && !hold)
		app_part(a);
}

void apps_put(struct apps *as, const char *app_id, const char *token)
{
	struct app *a = map_get(as->by_id, app_id);
	char *copy;

	if (as->closing)
		return;
	if (!a) {
		add(as, app_id, token);
		return;
	}
	if (strcmp(a->token, token) == 0)
		return;
	copy = strdup(token);
	if (copy)
		app_renew(a, copy);
}

void apps_connect(struct apps *as, const char *app_id)
{
	struct app *a = map_get(as->by_id, app_id);

	if (a && !as->closing)
		app_connect(a);
}

void apps_redial(struct apps *as, const char *app_id)
{
	struct app *a = map_get(as->by_id, app_id);

	if (a && !as->closing)
		app_redial(a);
}

void apps_remove(struct apps *as, const char *app_id)
{
	struct app *a = map_take(as->by_id, app_id);

	if (!a)
		return;
	/* An ack for one of its links must not reach a later app's. */
	if (a->gen > as->first_gen)
		as->first_gen = a->gen;
	a->removed = true;
	app_close(a);
	apps_settle(a);
}

void apps_settle(struct app *a)
{
	struct apps *as = a->all;

	if (a->link || a->next || a->old)
		return;
	if (a->removed) {
		list_remove(as, a);
		app_free(a);
	}
	if (as->closing && as->nlinks == 0)
		as->o.closed(as->o.arg);
}

static struct link *find_link(struct apps *as, const char *app_id, uint32_t gen)
{
	struct app *a = map_get(as->by_id, app_id);

	return a ? app_link(a, gen) : NULL;
}

void apps_ticket(struct apps *as, const char *app_id, uint32_t gen,
		 const struct ticket *t)
{
	struct link *l = find_link(as, app_id, gen);
	enum link_loss how = LOSS_RETRY;

	if (!l || l->state != LINK_TICKET)
		return;
	if (t->e.kind == ERR_NONE) {
		link_connect(l, t->url, t->addr);
		return;
	}
	if (t->e.kind == ERR_FATAL)
		how = LOSS_PARK;
	else if (t->e.kind == ERR_LIMIT)
		how = LOSS_LIMIT;
	link_fail(l, how, t->e.retry_ms, t->e.msg);
}

void apps_ack(struct apps *as, const char *app_id, uint32_t gen,
	      const char *envelope_id)
{
	struct link *l = find_link(as, app_id, gen);

	buf_reset(&as->ack);
	if (l && envelope_ack(envelope_id, &as->ack) == 0 &&
	    link_send(l, as->ack.data, as->ack.len) == 0)
		as->o.counts->acks++;
	else
		as->o.counts->unacked++;
	if (l)
		link_acked(l);
}

void apps_close(struct apps *as)
{
	struct app *a;

	as->closing = true;
	for (a = as->head; a; a = a->after)
		app_close(a);
	if (as->nlinks == 0)
		as->o.closed(as->o.arg);
}

void apps_hush(struct apps *as)
{
	as->closing = true;
}

void apps_cut(struct apps *as)
{
	struct app *a;

	as->closing = true;
	for (a = as->head; a; a = a->after)
		app_cut(a);
}

void apps_stats(struct apps *as, struct hub_stats *out)
{
	const struct link_counts *c = as->o.counts;

	pthread_mutex_lock(&as->lock);
	out->apps = as->napps;
	out->live_apps = as->nlive;
	out->placed = as->nhold;
	out->elsewhere = as->nelsewhere;
	memcpy(out->links, as->links, sizeof(out->links));
	pthread_mutex_unlock(&as->lock);
	out->envelopes = c->envelopes;
	out->acks = c->acks;
	out->unacked = c->unacked;
	out->malformed = c->malformed;
	out->binary = c->binary;
	out->oversized = c->oversized;
	out->reconnects = c->reconnects;
}

void apps_each(struct apps *as,
	       void (*fn)(const struct link_view *v, void *arg), void *arg)
{
	const struct app *a;

	pthread_mutex_lock(&as->lock);
	for (a = as->head; a; a = a->after)
		fn(&a->view, arg);
	pthread_mutex_unlock(&as->lock);
}
