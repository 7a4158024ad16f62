/* SPDX-License-Identifier: ISC */
#ifndef LINK_HUB_H
#define LINK_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf;
struct dialer;
struct engaged;
struct err;
struct journal;
struct loop;
struct places;
struct quarantine;
struct router;
struct tls_trust;
struct transport;
struct way_box;

/* All apps and their links, on the I/O thread. */
struct hub;

struct hub_opts {
	const struct conf *conf;
	struct way_box *way; /* for tickets and tunnels; NULL: as conf says */
	struct loop *io;
	struct loop *dial;
	struct transport *transport; /* NULL: libwebsockets on io */
	struct dialer *dialer;       /* NULL: apps.connections.open on dial */
	struct engaged *engaged;
	struct quarantine *quarantine; /* NULL: none */
	struct journal *journal;
	struct router *router;
	/* Which apps are linked here, of several nodes; NULL: all. */
	struct places *places;
};

/* Before the loops start. */
struct hub *hub_create(const struct hub_opts *o, struct err *e);

/* Any thread. A new app is dialed; a new token redials; the same is nothing
 * new. Strings are copied. */
void hub_app_put(struct hub *h, const char *app_id, const char *token);
void hub_app_remove(struct hub *h, const char *app_id);

/* Any thread. Whatever the app waits for, it is dialed at once unless a link of
 * it lives, or is on its way. */
void hub_app_connect(struct hub *h, const char *app_id);

/* Any thread. Its link lives, and yet nothing seems to come over it: a fresh
 * one takes its place, as when Slack wants to end it. Nothing is done while it
 * doesn't live, or has a successor on its way. */
void hub_app_redial(struct hub *h, const char *app_id);

/* Any thread. Another node has seen a mention: replies that wait for one in
 * that thread (engaged_key()) needn't any more. */
void hub_thread(struct hub *h, const char *key);

/* Any thread. So many links are dialed in a second from now on. */
void hub_dials(struct hub *h, int per_second);

/* Any thread. Takes it: whom links trust that are dialed from now on. */
void hub_trust(struct hub *h, struct tls_trust *trust);

/* Any thread; places_opts.told. */
void hub_app_hold(struct hub *h, const char *app_id, bool hold, int live);

/*
 * Set the soft RLIMIT_NOFILE to what the links of napps apps need, by a proxy
 * or not; warns when it can't. Before hub_create() and admin_create():
 * libwebsockets sizes its tables by the limit that it finds, and takes no
 * descriptor above it.
 */
void hub_raise_files(size_t napps, bool proxied);

/*
 * Say goodbye on every link after its acks are flushed; returns when all are
 * closed or the time is over. From the main thread, loops running.
 */
void hub_close(struct hub *h, int64_t grace_ms);
/* After the loops stopped and the journal is freed; NULL is allowed. */
void hub_free(struct hub *h);

enum link_state {
	LINK_IDLE,
	LINK_TICKET,
	LINK_CONNECT,
	LINK_HELLO,
	LINK_LIVE,
	LINK_DRAIN,
	LINK_BACKOFF,
	LINK_STATES
};
const char *link_state_name(enum link_state s);

struct hub_stats {
	size_t apps;
	size_t live_apps; /* apps with a live link */
	size_t placed;    /* apps that are to be linked here */
	size_t elsewhere; /* apps with a live link of another node */
	size_t links[LINK_STATES];
	uint64_t envelopes, acks, unacked, malformed, binary, oversized;
	uint64_t reconnects;
	size_t held; /* replies that wait for their mention */
};
/* Any thread: as it is now. */
void hub_stats(struct hub *h, struct hub_stats *out);

/* Any thread: each app's link; fn is called under a lock, be quick. */
struct link_view {
	const char *app_id;
	enum link_state state;
	int64_t since_ms; /* wall clock of the last change */
	const char *last; /* why it changed last: "hello", "token rejected" */
	int num_connections; /* as hello told; 0 unknown */
	uint64_t reconnects;
	bool hold;     /* it is to be linked here */
	int elsewhere; /* live links of other nodes, as far as is known */
};
void hub_each(struct hub *h, void (*fn)(const struct link_view *v, void *arg),
	      void *arg);

#endif
