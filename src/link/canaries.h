/* SPDX-License-Identifier: ISC */
#ifndef LINK_CANARIES_H
#define LINK_CANARIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/canary.h"

struct conf;
struct err;
struct hub;
struct journal;
struct keyring;
struct leases;
struct way_box;

/*
 * Finds links that are alive and bring nothing, which no ping tells from a
 * quiet workspace: by the canaries of the tenants that have one
 * (store/canary.h). Of several nodes the one that does an app's work sends;
 * route/chirp.h hears on any.
 *
 * One that isn't back in CANARY_BACK_MS is sent again at once. After two in a
 * row each node with a live link of the app dials a fresh one, unless no canary
 * ever came: then it is the app's subscriptions, or that it wasn't installed
 * again. They are dialed again later and less and less often; canaries are sent
 * at their pace, or each ten minutes.
 *
 * A thread of its own, which may wait for the store.
 */
struct canaries;

struct canaries_opts {
	const struct conf *conf;
	struct way_box *way; /* to Slack; NULL: as conf says */
	const struct keyring *keyring;
	struct journal *journal;
	struct hub *hub;
	const struct leases *leases; /* NULL: alone */
};

struct canaries *canaries_create(const struct canaries_opts *o, struct err *e);
int canaries_start(struct canaries *k, struct err *e);

/* As the store had it, some seconds ago at most. */
struct canary_view {
	char tenant[64];
	char app_id[65];
	char workspace_id[65];
	char channel[65];
	int minutes;
	enum canary_state state;
	int64_t heard_ms; /* wall clock; 0: never */
	int64_t trip_ms;
	int missed;
	int64_t gap_from_ms, gap_to_ms; /* as struct canary */
	char problem[128];              /* "": none */
};

/* Of all nodes. Any thread; fn is called under a lock, be quick. */
void canaries_each(struct canaries *k,
		   void (*fn)(const struct canary_view *v, void *arg),
		   void *arg);
/* How many there are in each state. Any thread. */
void canaries_count(struct canaries *k, size_t out[CANARY_STATES]);
/* Of how many apps, if each canary is deaf; else 0. Any thread. */
size_t canaries_deaf(struct canaries *k);
int64_t canaries_beat_age(struct canaries *k);

/* Begins nothing more. NULL is allowed. */
void canaries_stop(struct canaries *k);
/* After canaries_stop() and journal_free(). NULL is allowed. */
void canaries_free(struct canaries *k);

#endif
