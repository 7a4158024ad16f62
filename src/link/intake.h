/* SPDX-License-Identifier: ISC */
#ifndef LINK_INTAKE_H
#define LINK_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct alarms;
struct engaged;
struct envelope;
struct err;
struct journal;
struct link_counts;
struct loop;
struct quarantine;
struct router;

/*
 * From an envelope to its ack. What the screen drops is acked at once; what
 * it accepts when it is committed to the journal; what can't be committed is
 * not acked, and Slack sends it again.
 */
struct intake;

/* The most entries of one app that this process may have in hand; above it
 * Slack is left to try again. Half of what the journal has room for. */
#define INTAKE_APP_ROOM 10000

struct intake_opts {
	struct alarms *alarms;
	struct loop *io;
	struct engaged *engaged;
	struct quarantine *quarantine; /* NULL: none */
	struct journal *journal;
	struct router *router;
	struct link_counts *counts;
	/* Ack it on the link that brought it. I/O thread. */
	void (*ack)(const char *app_id, uint32_t gen, const char *envelope_id,
		    void *arg);
	/* After intake_stop(): nothing is under way (any more). */
	void (*settled)(void *arg);
	void *arg;
};

struct intake *intake_create(const struct intake_opts *o, struct err *e);

/*
 * The loop has stopped and the journal is freed, or has nothing of ours. NULL
 * is allowed.
 */
void intake_free(struct intake *in);

/* Takes a copy of what it keeps. True: ack it now. I/O thread. */
bool intake_envelope(struct intake *in, const char *app_id, uint32_t gen,
		     const struct envelope *env, const char *text, size_t n);

/* The thread was mentioned, on another node. I/O thread. */
void intake_wake(struct intake *in, const char *key);

/* Take no more; what waits for its mention is forgotten unacked. I/O thread.
 */
void intake_stop(struct intake *in);

/* Hand nothing to the router from now on: it is going away. Any thread. */
void intake_cut(struct intake *in);

size_t intake_held(struct intake *in); /* any thread */

#endif
