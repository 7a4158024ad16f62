/* SPDX-License-Identifier: ISC */
#include "base/map.h"
#include "sim/socket.h"
#include "sim/ws.h"

#define MS INT64_C(1000)

struct each {
	const char *reason;
	int close_ms;
	enum sim_cut how;
	int n;
};

static void close_fire(struct sim *s, void *arg)
{
	(void)s;
	link_end(arg, SIM_CUT_CLOSE);
}

static void disconnect_app(struct sim *s, struct app *a, struct each *e)
{
	struct link *l;
	size_t i;

	/* From the end, since a link that is cut leaves the list. */
	for (i = a->links.n; i > 0; i--) {
		l = a->links.v[i - 1];
		if (l->closing)
			continue;
		e->n++;
		if (!e->reason) {
			link_end(l, e->how);
			continue;
		}
		link_disconnect(l, e->reason);
		if (e->close_ms >= 0)
			timer_arm(s, &l->life, e->close_ms * MS, close_fire, l);
	}
}

struct all {
	struct sim *s;
	struct each *e;
};

static bool disconnect_one(const char *key, void *value, void *arg)
{
	struct all *all = arg;

	(void)key;
	disconnect_app(all->s, value, all->e);
	return true;
}

static int each_link(struct sim *s, const char *app_id, struct each *e)
{
	struct all all = { s, e };
	struct app *a;

	sim_lock(s);
	a = world_app(s->world, app_id);
	if (a)
		disconnect_app(s, a, e);
	else if (!app_id)
		map_sweep(s->world->apps, disconnect_one, &all);
	sim_wake(s);
	sim_unlock(s);
	return e->n;
}

int sim_disconnect(struct sim *s, const char *app_id, const char *why,
		   int close_ms)
{
	struct each e = { .reason = why, .close_ms = close_ms };

	return each_link(s, app_id, &e);
}

int sim_cut(struct sim *s, const char *app_id, enum sim_cut how)
{
	struct each e = { .how = how };

	return each_link(s, app_id, &e);
}

static bool count_live(const char *key, void *value, void *arg)
{
	struct app *a = value;
	struct link *l;
	size_t i;

	(void)key;
	for (i = 0; i < a->links.n; i++) {
		l = a->links.v[i];
		*(size_t *)arg += l->live;
	}
	return true;
}

size_t sim_links(struct sim *s, const char *app_id)
{
	struct app *a;
	size_t n = 0;

	sim_lock(s);
	a = world_app(s->world, app_id);
	if (a)
		count_live(app_id, a, &n);
	else if (!app_id)
		n = s->stats.links_live;
	sim_unlock(s);
	return n;
}

static int frame(struct sim *s, const char *app_id, enum ws_op op,
		 const void *p, size_t n)
{
	struct link *l = NULL;
	struct app *a;

	sim_lock(s);
	a = world_app(s->world, app_id);
	if (a)
		l = link_pick(s, a);
	if (l)
		ws_send(l->c, op, p, n);
	sim_unlock(s);
	return l ? 0 : -1;
}

int sim_frame(struct sim *s, const char *app_id, const void *p, size_t n)
{
	return frame(s, app_id, WS_TEXT, p, n);
}

int sim_frame_binary(struct sim *s, const char *app_id, const void *p, size_t n)
{
	return frame(s, app_id, WS_BINARY, p, n);
}
