/* SPDX-License-Identifier: ISC */
#ifndef LINK_LINK_H
#define LINK_LINK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link/alarm.h"
#include "link/hub.h"

struct envelope;
struct link;
struct transport;
struct wire;

/* What ends an attempt or a live link tells how soon to try again. */
enum link_loss {
	LOSS_RETRY, /* soon, and then less and less often */
	LOSS_LIMIT, /* the same, but not before Slack's Retry-After */
	LOSS_SLOW,  /* Slack or we have a reason to keep off for a while */
	LOSS_PARK,  /* not without an operator; look again now and then */
};

/*
 * Who owns the links: makes them, answers what they ask, and decides what
 * follows when one is lost. The host may free the link in lost and in
 * envelope, nowhere else.
 */
struct link_host {
	/* In ticket: call link_connect() or link_fail() when it is there. */
	void (*ask)(struct link *l);
	/* The wait in backoff is over; call link_dial() or link_wait(). */
	void (*ready)(struct link *l);
	/* hello came. */
	void (*live)(struct link *l);
	/* Slack will end this one soon; another is wanted, at once or after
	 * the usual wait. Told once in a link's life. */
	void (*leaving)(struct link *l, bool at_once);
	/* The wire has gone. Call link_wait(), or link_free(). */
	void (*lost)(struct link *l, enum link_loss how, unsigned int floor_ms,
		     const char *why);
	void (*envelope)(struct link *l, const struct envelope *env,
			 const char *text, size_t n);
	/* Called by the one function that changes a state. */
	void (*changed)(struct link *l, enum link_state from, const char *why);
};

/* Written by the I/O thread, read by any. */
struct link_counts {
	_Atomic uint64_t envelopes, acks, unacked, malformed, binary, oversized;
	_Atomic uint64_t reconnects;
};

/* What all links of a hub have in common. */
struct link_env {
	struct alarms *alarms;
	struct transport *transport;
	const struct link_host *host;
	struct link_counts *counts;
};

/*
 * One Socket Mode link, and the one after it when it failed: a link that is
 * lost backs off and dials again, under the next generation number. Pure: it
 * moves by what the wire, the host and the alarm tell it. I/O thread only;
 * fields are for reading.
 */
struct link {
	const struct link_env *env;
	void *owner;        /* the host's */
	const char *app_id; /* borrowed from the owner */
	uint32_t gen;       /* of its wire; 0: never dialed */
	enum link_state state;

	struct wire *wire; /* from connect to the end */
	struct alarm alarm;
	int64_t live_ms;  /* when hello came; 0: not yet */
	int64_t rx_ms;    /* when anything was last received */
	int64_t ping_ms;  /* the next is due */
	int64_t asked_ms; /* of the oldest ping that nothing followed */
	bool asking;
	bool leaving;         /* Slack said that it is going to end it */
	bool closing;         /* we said goodbye */
	bool complained;      /* about garbage, once a generation */
	bool parting;         /* say goodbye as soon as all is acked */
	unsigned int unacked; /* envelopes that the host keeps */
	int num_connections;  /* as hello told */

	struct link *queue_next; /* the owner's */
	bool queued;
};

/* In idle. NULL: no memory. */
struct link *link_create(const struct link_env *env, const char *app_id,
			 void *owner);
/* Cuts off what there is, without a report. NULL is allowed. */
void link_free(struct link *l);

/* From idle or backoff: gen is the new wire's. The host is asked for a
 * ticket. */
void link_dial(struct link *l, uint32_t gen);

/* The answer to ask, in ticket only. */
void link_connect(struct link *l, const char *url, const char *addr);
void link_fail(struct link *l, enum link_loss how, unsigned int floor_ms,
	       const char *why);

/* Into backoff for that long; what is connected is cut off. */
void link_wait(struct link *l, int64_t ms, const char *why);

/* From live: its successor is live. It goes on being read and acked until
 * Slack ends it, or for ten seconds; then it is lost. */
void link_drain(struct link *l);

/* The same, but as soon as no envelope of it is unacked any more. */
void link_part(struct link *l);

/* The host acks later what envelope brought; it has done so. */
void link_kept(struct link *l);
void link_acked(struct link *l);

/* Cut off and back to idle, without a report. */
void link_idle(struct link *l, const char *why);

/*
 * Say goodbye, at most a second long; lost follows. False when there is
 * nobody to say goodbye to: then nothing follows, and link_free() is next.
 */
bool link_close(struct link *l);

/* One text frame, or -1: the link can't take it. */
int link_send(struct link *l, const char *p, size_t n);

/* Does it have a connection that envelopes come from? */
bool link_open(const struct link *l);

#endif
