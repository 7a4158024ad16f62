/* SPDX-License-Identifier: ISC */
#ifndef SIM_SOCKET_H
#define SIM_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/core.h"
#include "sim/sim.h"
#include "sim/world.h"

struct map;
struct request;
struct ws_frame;

/* One WebSocket of an app (link.c). */
struct link {
	uint64_t id;
	struct conn *c;
	struct app *app;
	bool live;    /* has had its hello */
	bool closing; /* our Close is out, or theirs came */
	bool deaf;    /* Slack thinks that it sends envelopes over it */
	bool in_fragments;
	int64_t heard_us;
	struct timer hello;
	struct timer ping;
	struct timer life; /* warning, refresh_requested, end: one by one */
	int stage;
};

struct socket_mode {
	struct map *tickets; /* of struct ticket */
	struct map *events;  /* by id, of struct event */
	struct map *sent;    /* by envelope id, of struct delivery, not acked */
	struct vec recent;   /* of struct event: done, for a redelivery */
	struct vec log;      /* of struct delivery */
	uint64_t links;      /* so far */
};

/* link.c */
void socket_upgrade(struct conn *c, const struct request *r);
void link_readable(struct conn *c);
/* A link that takes envelopes, by chance; NULL when there is none. */
struct link *link_pick(struct sim *s, const struct app *a);
void link_end(struct link *l, enum sim_cut how);
void link_disconnect(struct link *l, const char *why);
/* A URL with a fresh ticket appended to out, its slashes escaped as Slack
 * does. */
void socket_url(struct sim *s, struct app *a, struct buf *out);

/* What an app gets until it acks it (deliver.c). */
struct event {
	char id[24];
	struct app *app;
	char *envelope_type;
	char *type;
	char *payload;
	size_t len;
	bool accepts;
	bool done; /* acked, or given up */
	int attempt;
	struct timer timer;
	size_t flooded; /* 1 + number in the flood; 0: none */
	bool sent;      /* there was a link */
	/* Told once, when it is acked in time (with its payload as JSON text,
	 * or NULL) or given up. */
	void (*over)(struct sim *s, struct event *ev, bool acked,
		     const char *payload);
	void *arg; /* freed with the event */
};

struct delivery {
	char envelope_id[UUID_SIZE];
	char event_id[24];
	struct app *app;
	char *type;
	int attempt;
	int64_t sent_us;
	int64_t ack_us;
	uint64_t link;
	char *ack_payload;
};

/*
 * Takes payload, a JSON object; id is that of its event or NULL. flooded is
 * passed on to flood_acked().
 */
struct event *event_send(struct sim *s, struct app *a, const char *id,
			 const char *envelope_type, const char *type,
			 char *payload, bool accepts, size_t flooded);
/* Once more; envelope_id NULL: a new one. */
void event_again(struct sim *s, struct event *ev, const char *envelope_id);
/* A text frame from a client. */
void envelope_acked(struct sim *s, struct link *l, const struct ws_frame *f);
void delivery_free(void *d);
void event_free(void *ev);

#endif
