/* SPDX-License-Identifier: ISC */
#ifndef SIM_SESSION_H
#define SIM_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/world.h"

/* An agent's work in one thread, and what is shown of it there. */
struct session {
	char status[12]; /* active, processing, suspended, closed */
	int64_t processing_until_us;
	char *title;
	char *text; /* "is thinking...", or NULL */
	char *loading;
	int64_t text_until_us;
	char *prompts;
	char *prompts_title;
};

/* thread_ts "": what is pinned above all threads. make: if there is none;
 * else NULL then. */
struct session *session_get(struct sim *s, const struct install *i,
			    const struct channel *ch, const char *thread_ts,
			    bool make);
void session_free(void *session);
void session_set(struct sim *s, struct session *se, const char *status);
/* Both as they are now, since Slack ends them after a while. */
const char *session_status(const struct session *se);
const char *session_text(const struct session *se);
/* text and loading are taken over; NULL clears. */
void session_show(struct sim *s, struct session *se, char *text, char *loading);
/* A message of the bot's takes away what was shown in its thread. */
void session_said(struct sim *s, const struct install *i, const struct msg *m);

#endif
