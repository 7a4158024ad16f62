/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/act.h"
#include "sim/core.h"
#include "sim/interact.h"
#include "sim/pane.h"

static void copy_pane(struct sim_view *to, const struct pane *v)
{
	struct jwrite w;
	struct buf b;

	memcpy(to->id, v->id, sizeof(to->id));
	memcpy(to->root, v->root, sizeof(to->root));
	memcpy(to->previous, v->previous, sizeof(to->previous));
	to->app_id = must_dup(v->install->app->id);
	to->user = must_dup(v->user->id);
	to->errors = must_dup(v->errors);
	to->home = v->home;
	to->open = v->open;
	buf_init(&b, SIM_BODY_MAX);
	jw_init(&w, &b);
	pane_write(&w, NULL, v, NULL);
	to->json = must_take(&b);
}

struct sim_view *sim_views(struct sim *s, size_t *n)
{
	struct sim_view *out;
	size_t i;

	sim_lock(s);
	*n = s->interact->views.n;
	out = must_alloc((*n + 1) * sizeof(*out));
	for (i = 0; i < *n; i++)
		copy_pane(&out[i], s->interact->views.v[i]);
	sim_unlock(s);
	return out;
}

void sim_views_free(struct sim_view *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free(v[i].app_id);
		free(v[i].user);
		free(v[i].json);
		free(v[i].errors);
	}
	free(v);
}

struct want {
	const char *user;
	const char *words;
	char id[24];
};

static bool is_there(struct sim *s, void *arg)
{
	struct want *want = arg;
	struct pane *v;
	size_t i;

	for (i = s->interact->views.n; i > 0; i--) {
		v = s->interact->views.v[i - 1];
		if (!v->open || strcmp(v->user->id, want->user) != 0 ||
		    !strstr(v->given, want->words))
			continue;
		memcpy(want->id, v->id, sizeof(want->id));
		return true;
	}
	return false;
}

int sim_wait_view(struct sim *s, const char *user, const char *words,
		  char id[24], int timeout_ms)
{
	struct want want = { .user = user, .words = words };
	int rc = sim_wait(s, is_there, &want, timeout_ms);

	if (id)
		memcpy(id, want.id, sizeof(want.id));
	return rc;
}
