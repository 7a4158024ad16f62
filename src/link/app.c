/* SPDX-License-Identifier: ISC */
#include "link/app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/secret.h"
#include "net/retry.h"
#include "route/envelope.h"

/* A link that lived less long has proved nothing (protocol notes, 1.9). */
#define STABLE_MS 60000

/* Slack documents tier 3 for apps.connections.open and behaves like tier 1. */
#define DIALS_PER_MINUTE 1
#define DIAL_BURST       5

#define LIMIT_DEFAULT_MS 30000

static const unsigned int park_ms[] = { 30 * 60 * 1000 };
static const struct retry_table retry_park = { park_ms, 1 };

static bool is_live(const struct app *a)
{
	return (a->link && a->link->state == LINK_LIVE) ||
	       (a->next && a->next->state == LINK_LIVE);
}

/* The lock is held. */
static void set_view(struct app *a, const char *why)
{
	a->view.state = a->link->state;
	a->view.since_ms = clock_wall_ms();
	a->view.num_connections = a->link->num_connections;
	a->view.hold = a->hold;
	a->view.elsewhere = a->elsewhere;
	(void)snprintf(a->last, sizeof(a->last), "%s", why);
}

static void show(struct app *a, const char *why)
{
	pthread_mutex_lock(&a->all->lock);
	set_view(a, why);
	pthread_mutex_unlock(&a->all->lock);
}

static int count_open(const struct app *a)
{
	return (a->link && link_open(a->link)) +
	       (a->next && link_open(a->next)) + (a->old && link_open(a->old));
}

/* What other nodes are to know; told is the hello's, or 0. */
static void tell_place(struct app *a, int told)
{
	struct apps *as = a->all;
	enum place_link link = PLACE_DIALING;
	int conns = count_open(a);

	if (!as->o.place || a->removed || as->closing)
		return;
	if (is_live(a))
		link = PLACE_LIVE;
	else if (a->stuck)
		link = PLACE_STUCK;
	if (told == 0 && (int)link == a->told_link && conns == a->told_conns)
		return;
	a->told_link = (int)link;
	a->told_conns = conns;
	as->o.place(a->id, link, conns, told, as->o.arg);
}

static void on_changed(struct link *l, enum link_state from, const char *why)
{
	struct app *a = l->owner;
	struct apps *as = a->all;
	bool was = a->live;

	pthread_mutex_lock(&as->lock);
	as->links[from]--;
	as->links[l->state]++;
	a->live = is_live(a);
	if (a->live && !was)
		as->nlive++;
	else if (was && !a->live)
		as->nlive--;
	if (l == a->link)
		set_view(a, why);
	pthread_mutex_unlock(&as->lock);
	tell_place(a, 0);
}

static struct link *make_link(struct app *a)
{
	struct apps *as = a->all;
	struct link *l = link_create(&as->env, a->id, a);

	if (!l)
		return NULL;
	pthread_mutex_lock(&as->lock);
	as->nlinks++;
	as->links[LINK_IDLE]++;
	pthread_mutex_unlock(&as->lock);
	return l;
}

/* slot is the app's link, next or old. */
static void free_link(struct app *a, struct link **slot)
{
	struct apps *as = a->all;

	if (!*slot)
		return;
	dialq_remove(&as->queue, *slot);
	link_free(*slot);
	*slot = NULL;
	pthread_mutex_lock(&as->lock);
	as->nlinks--;
	as->links[LINK_IDLE]--;
	pthread_mutex_unlock(&as->lock);
}

static void want_dial(struct link *l)
{
	struct app *a = l->owner;
	struct apps *as = a->all;
	int64_t wait;

	if (l->queued || as->closing || !a->hold)
		return;
	wait = pace_take(&a->pace, as->o.alarms->now());
	if (wait > 0)
		link_wait(l, wait, "dialed too often");
	else
		dialq_push(&as->queue, l);
}

void app_dial(struct link *l)
{
	struct app *a = l->owner;

	link_dial(l, ++a->gen);
}

static void on_ask(struct link *l)
{
	struct app *a = l->owner;
	struct dialer *d = a->all->o.dialer;

	d->ops->ask(d, a->id, l->gen, a->token, a->failures);
}

static void judge_life(struct app *a, const struct link *l)
{
	int64_t now = a->all->o.alarms->now();

	if (l->live_ms > 0 && now - l->live_ms >= STABLE_MS)
		a->failures = 0;
}

static void back_off(struct link *l, enum link_loss how, unsigned int floor_ms,
		     const char *why)
{
	static const struct retry_table *const tables[] = {
		[LOSS_RETRY] = &retry_link,
		[LOSS_LIMIT] = &retry_link,
		[LOSS_SLOW] = &retry_slow,
		[LOSS_PARK] = &retry_park,
	};
	struct app *a = l->owner;

	if (how == LOSS_LIMIT && floor_ms == 0)
		floor_ms = LIMIT_DEFAULT_MS;
	judge_life(a, l);
	a->stuck = how == LOSS_PARK || how == LOSS_SLOW;
	if (how == LOSS_PARK)
		log_error(LOG_FIELDS({ "app", a->id }, { "why", why }),
			  "the app stays offline until an operator helps");
	link_wait(l, retry_delay_ms(tables[how], a->failures, floor_ms), why);
	a->failures++;
}

static void rotate(struct app *a, bool at_once)
{
	free_link(a, &a->old); /* two links of an app at most */
	judge_life(a, a->link);
	a->next = make_link(a);
	if (!a->next)
		return; /* when the link ends it comes back by itself */
	if (at_once)
		want_dial(a->next);
	else
		back_off(a->next, LOSS_RETRY, 0, "asked to reconnect");
}

static void on_leaving(struct link *l, bool at_once)
{
	struct app *a = l->owner;

	if (l == a->link && !a->next && !a->removed && !a->all->closing)
		rotate(a, at_once);
}

/* More than ours: a process that died, or somebody else has the token. Either
 * takes a share of the events (protocol notes, 1.3). Of several nodes none
 * knows alone what is ours. */
static void warn_ghosts(struct app *a, int n)
{
	int ours = 1 + (a->old && link_open(a->old));
	char told[12];

	if (a->all->o.place) {
		tell_place(a, n);
		return;
	}
	if (n <= ours)
		return;
	(void)snprintf(told, sizeof(told), "%d", n);
	log_warn(LOG_FIELDS({ "app", a->id }, { "connections", told }),
		 "the app has connections that aren't ours");
}

static void count_hello(struct app *a)
{
	struct apps *as = a->all;

	pthread_mutex_lock(&as->lock);
	set_view(a, "hello");
	if (a->was_live) {
		a->view.reconnects++;
		as->o.counts->reconnects++;
	}
	a->was_live = true;
	pthread_mutex_unlock(&as->lock);
}

static void on_live(struct link *l)
{
	struct app *a = l->owner;

	if (l == a->next) {
		a->old = a->link;
		a->link = l;
		a->next = NULL;
		link_drain(a->old);
	}
	a->stuck = false;
	count_hello(a);
	warn_ghosts(a, l->num_connections);
}

static struct link **slot_of(struct app *a, const struct link *l)
{
	if (l == a->link)
		return &a->link;
	return l == a->next ? &a->next : &a->old;
}

static void on_lost(struct link *l, enum link_loss how, unsigned int floor_ms,
		    const char *why)
{
	struct app *a = l->owner;

	if (a->removed || a->all->closing || l == a->old) {
		free_link(a, slot_of(a, l));
		apps_settle(a);
		return;
	}
	if (l == a->link && a->next) {
		judge_life(a, l);
		free_link(a, &a->link);
		a->link = a->next;
		a->next = NULL;
		show(a, why);
		return;
	}
	back_off(l, how, floor_ms, why);
}

static void on_envelope(struct link *l, const struct envelope *env,
			const char *text, size_t n)
{
	struct app *a = l->owner;
	struct apps *as = a->all;
	int64_t came_us = clock_us();

	link_kept(l);
	if (!as->o.envelope(a->id, l->gen, env, text, n, as->o.arg))
		return;
	apps_ack(as, a->id, l->gen, env->id);
	metric_took_us(METRIC_ACK, clock_us() - came_us);
}

const struct link_host app_host = {
	.ask = on_ask,
	.ready = want_dial,
	.live = on_live,
	.leaving = on_leaving,
	.lost = on_lost,
	.envelope = on_envelope,
	.changed = on_changed,
};

struct app *app_create(struct apps *as, const char *id, const char *token)
{
	struct app *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->all = as;
	a->gen = as->first_gen;
	a->id = strdup(id);
	a->token = strdup(token);
	a->link = a->id && a->token ? make_link(a) : NULL;
	if (!a->link) {
		app_free(a);
		return NULL;
	}
	a->told_link = -1;
	pace_init(&a->pace, DIALS_PER_MINUTE, DIAL_BURST, as->o.alarms->now());
	a->view.app_id = a->id;
	a->view.last = a->last;
	set_view(a, "new");
	return a;
}

void app_free(struct app *a)
{
	app_cut(a);
	secret_free(a->token);
	free(a->id);
	free(a);
}

void app_start(struct app *a)
{
	a->told_link = -1;
	want_dial(a->link);
	tell_place(a, 0);
}

void app_set_hold(struct app *a, bool hold, int elsewhere)
{
	struct apps *as = a->all;

	as->nhold += (size_t)hold - (size_t)a->hold;
	as->nelsewhere += (size_t)(elsewhere > 0) - (size_t)(a->elsewhere > 0);
	a->hold = a->view.hold = hold;
	a->elsewhere = a->view.elsewhere = elsewhere;
}

/* A live link is drained as old; there is always one that serves, or is to. */
static bool set_aside(struct app *a)
{
	struct link *fresh = make_link(a);

	if (!fresh)
		return false;
	free_link(a, &a->old);
	a->old = a->link;
	a->link = fresh;
	show(a, "other nodes have its links");
	link_part(a->old);
	return true;
}

void app_part(struct app *a)
{
	free_link(a, &a->next);
	dialq_remove(&a->all->queue, a->link);
	a->stuck = false;
	if (a->link->state != LINK_LIVE || !set_aside(a))
		link_idle(a->link, "other nodes have its links");
}

/* As if it had never failed. */
static void forgive(struct app *a)
{
	a->failures = 0;
	a->stuck = false;
	pace_init(&a->pace, DIALS_PER_MINUTE, DIAL_BURST,
		  a->all->o.alarms->now());
}

static void hurry(struct link *l)
{
	if (l && l->state == LINK_BACKOFF && !l->queued)
		link_wait(l, 0, "an admin wants it");
}

void app_connect(struct app *a)
{
	forgive(a);
	if (!a->hold)
		return;
	hurry(a->next);
	hurry(a->link);
	tell_place(a, 0);
}

void app_redial(struct app *a)
{
	if (!a->hold || a->removed || a->next || a->link->state != LINK_LIVE)
		return;
	metric_add(METRIC_LOSSES, "deaf", 0, 1);
	log_warn(LOG_FIELDS({ "app", a->id }),
		 "a fresh link is dialed: nothing comes over this one");
	rotate(a, true);
}

/* The old token may be dead: what waits or hangs dials at once, what lives
 * gets a successor. */
void app_renew(struct app *a, char *token)
{
	secret_free(a->token);
	a->token = token;
	forgive(a);
	if (!a->hold)
		return;
	if (a->next)
		link_wait(a->next, 0, "new token");
	if (a->link->state != LINK_LIVE)
		link_wait(a->link, 0, "new token");
	else if (!a->next)
		rotate(a, true);
}

static void close_slot(struct app *a, struct link **slot)
{
	if (*slot && !link_close(*slot))
		free_link(a, slot);
}

void app_close(struct app *a)
{
	close_slot(a, &a->next);
	close_slot(a, &a->old);
	close_slot(a, &a->link);
}

void app_cut(struct app *a)
{
	free_link(a, &a->next);
	free_link(a, &a->old);
	free_link(a, &a->link);
}

struct link *app_link(struct app *a, uint32_t gen)
{
	if (a->link && a->link->gen == gen)
		return a->link;
	if (a->next && a->next->gen == gen)
		return a->next;
	return a->old && a->old->gen == gen ? a->old : NULL;
}
