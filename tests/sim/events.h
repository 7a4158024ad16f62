/* SPDX-License-Identifier: ISC */
#ifndef SIM_EVENTS_H
#define SIM_EVENTS_H

#include <stddef.h>

#include "sim/world.h"

struct app;

/*
 * What Slack tells the apps in a channel about a message. kinds: as
 * sim_say.events, NULL: what Slack would send; again: each twice.
 */
void tell_new(struct sim *s, const struct msg *m, const char *kinds,
	      bool again);
/* before: the text as it was. */
void tell_changed(struct sim *s, const struct msg *m, const char *before);
/* A root with replies becomes a tombstone; before: it was one, and its last
 * reply is gone. */
void tell_deleted(struct sim *s, const struct msg *m, bool before);
/* A root whose replies were counted up. */
void tell_root(struct sim *s, const struct msg *root);

/* The members of a message event, as JSON text; type "message" or
 * "app_mention". The caller frees it. */
char *event_json(const struct msg *m, const char *type);
/* An event_callback around it for one install; flooded as event_send(). */
struct event *tell(struct sim *s, struct install *i, const struct channel *ch,
		   const char *type, const char *inner, size_t flooded);

/*
 * An event that isn't a message's, as JSON text, to one install or to all in
 * a channel, as far as they subscribed to name and have its scope. ch may be
 * NULL for one install.
 */
struct event *tell_install(struct sim *s, struct install *i,
			   const struct channel *ch, const char *name,
			   const char *inner);
void tell_channel(struct sim *s, const struct channel *ch, const char *name,
		  const char *inner);

#endif
