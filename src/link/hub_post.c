/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/log.h"
#include "base/secret.h"
#include "link/apps.h"
#include "link/hub_in.h"
#include "link/intake.h"
#include "link/transport.h"
#include "net/tls.h"
#include "state/place.h"

/* What other threads ask of the hub, and the I/O thread then does. */

enum change_kind {
	CHANGE_PUT,
	CHANGE_REMOVE,
	CHANGE_HOLD,
	CHANGE_CONNECT,
	CHANGE_REDIAL,
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

static void set_dials(struct loop_task *t)
{
	struct hub *h = container_of(t, struct hub, dials_task);

	atomic_store(&h->dials_posted, false);
	apps_dials(h->apps, atomic_load(&h->dials_per_second));
}

static void set_trust(struct loop_task *t)
{
	struct hub *h = container_of(t, struct hub, trust_task);
	struct tls_trust *trust = atomic_exchange(&h->trust, NULL);

	if (h->own_transport)
		lws_transport_trust(h->own_transport, trust);
	else
		tls_trust_free(trust);
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
	case CHANGE_REDIAL:
		apps_redial(h->apps, c->app_id);
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

void hub_app_redial(struct hub *h, const char *app_id)
{
	post_change(h, CHANGE_REDIAL, app_id, NULL, false, 0);
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

void hub_post_init(struct hub *h)
{
	h->dials_task.run = set_dials;
	h->trust_task.run = set_trust;
}
