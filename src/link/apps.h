/* SPDX-License-Identifier: ISC */
#ifndef LINK_APPS_H
#define LINK_APPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link/alarm.h"
#include "link/dial.h"
#include "link/hub.h"
#include "link/link.h"
#include "state/place.h"

struct err;
struct transport;

/*
 * All apps: which links each one has, when they dial, what follows a loss.
 * I/O thread only, except where noted; no threads, loops or sockets of its
 * own, so that the tests turn it by hand.
 *
 * An app has one link. When Slack announces the end of it, a second one is
 * dialed and takes its place with hello; only then the old one is drained
 * (make before break).
 */
struct apps;

struct apps_opts {
	struct alarms *alarms;
	struct transport *transport;
	struct dialer *dialer;
	struct link_counts *counts;
	int dials_per_second; /* 0: unpaced */
	/* True: ack it now. */
	bool (*envelope)(const char *app_id, uint32_t gen,
			 const struct envelope *env, const char *text, size_t n,
			 void *arg);
	/* What an app's links are like now, as places_tell() has it; an app
	 * is dialed after apps_hold() only. NULL: all apps are, at once. */
	void (*place)(const char *app_id, enum place_link link, int conns,
		      int told, void *arg);
	/* After apps_close(): no link is left. */
	void (*closed)(void *arg);
	void *arg;
};

struct apps *apps_create(const struct apps_opts *o, struct err *e);
void apps_free(struct apps *as); /* cuts all links off; NULL is allowed */

/* As hub_app_put(), hub_app_remove() and so on. */
void apps_put(struct apps *as, const char *app_id, const char *token);
void apps_remove(struct apps *as, const char *app_id);
void apps_connect(struct apps *as, const char *app_id);
void apps_redial(struct apps *as, const char *app_id);

/*
 * The app is to be linked here, or not (any more): then its link goes, after
 * what it brought is acked. live is how many other nodes have a live link.
 */
void apps_hold(struct apps *as, const char *app_id, bool hold, int live);

/* As hub_dials(). */
void apps_dials(struct apps *as, int per_second);

/* What the dialer has found. */
void apps_ticket(struct apps *as, const char *app_id, uint32_t gen,
		 const struct ticket *t);

/* On the link that brought the envelope, if it still lives; counted. */
void apps_ack(struct apps *as, const char *app_id, uint32_t gen,
	      const char *envelope_id);

/* Dial no more and say goodbye on every link. */
void apps_close(struct apps *as);
/* The same without a word; closed isn't called. */
void apps_cut(struct apps *as);
/* Nothing begins any more. */
void apps_hush(struct apps *as);

/* Any thread. */
void apps_stats(struct apps *as, struct hub_stats *out);
void apps_each(struct apps *as,
	       void (*fn)(const struct link_view *v, void *arg), void *arg);

#endif
