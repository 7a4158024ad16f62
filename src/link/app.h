/* SPDX-License-Identifier: ISC */
#ifndef LINK_APP_H
#define LINK_APP_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "link/apps.h"
#include "link/dialq.h"
#include "link/hub.h"
#include "link/link.h"
#include "slack/pace.h"

struct map;

/* One app, and what it shares with the others; inside of apps.h. */
struct app {
	struct apps *all;
	struct app *before, *after;
	char *id;
	char *token;
	struct link *link;     /* the one that serves, or is to */
	struct link *next;     /* on its way to take over */
	struct link *old;      /* drained since it did */
	uint32_t gen;          /* of the link dialed last */
	unsigned int failures; /* since a link was stable */
	struct pace pace;
	bool removed;
	bool was_live; /* ever */
	bool stuck;    /* lost for a reason that only an operator mends */
	int told_link; /* enum place_link; -1: nothing yet */
	int told_conns;

	/* Under the lock. */
	bool live;     /* a link of it is, now */
	bool hold;     /* it is to be linked here */
	int elsewhere; /* live links of other nodes */
	struct link_view view;
	char last[96];
};

struct apps {
	struct apps_opts o;
	struct link_env env;
	struct map *by_id;
	struct dialq queue;
	uint32_t first_gen; /* above all of apps that were removed */
	bool closing;
	struct buf ack;

	pthread_mutex_t lock; /* of what follows */
	struct app *head;
	size_t napps, nlive, nhold, nelsewhere, nlinks, links[LINK_STATES];
};

extern const struct link_host app_host;

/* Not in any list yet. NULL: no memory. */
struct app *app_create(struct apps *as, const char *id, const char *token);
void app_free(struct app *a);

void app_start(struct app *a);
/* For dialq: its turn has come. */
void app_dial(struct link *l);
void app_renew(struct app *a, char *token); /* takes it */
void app_connect(struct app *a);            /* no more waiting */
void app_redial(struct app *a);             /* as hub_app_redial() */

/* The lock is held; for the counts of all apps. */
void app_set_hold(struct app *a, bool hold, int elsewhere);
/* It is to have no links here: they go as soon as they may. */
void app_part(struct app *a);

/* Say goodbye; apps_settle() follows for each link that is gone later. */
void app_close(struct app *a);
void app_cut(struct app *a);

/* By its generation; NULL: it is gone. */
struct link *app_link(struct app *a, uint32_t gen);

/* In apps.c. A link of the app is gone and is not to come back; the app may
 * be gone when this returns. */
void apps_settle(struct app *a);

#endif
