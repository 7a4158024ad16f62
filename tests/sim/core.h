/* SPDX-License-Identifier: ISC */
#ifndef SIM_CORE_H
#define SIM_CORE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "base/buf.h"
#include "sim/sim.h"
#include "sim/util.h"

#define SIM_BODY_MAX ((size_t)8 << 20)
#define SIM_OUT_MAX  ((size_t)64 << 20)

/* Fires once on the loop's thread, under the lock. */
struct timer {
	int64_t at_us;
	size_t slot; /* place in the heap, from 1; 0: not armed */
	void (*fire)(struct sim *s, void *arg);
	void *arg;
};

struct timers {
	struct timer **heap; /* [0] isn't used */
	size_t n;
	size_t size;
};

void timer_arm(struct sim *s, struct timer *t, int64_t in_us,
	       void (*fire)(struct sim *s, void *arg), void *arg);
void timer_cancel(struct sim *s, struct timer *t);
void timers_run(struct sim *s, int64_t now_us);
int timers_wait_ms(const struct sim *s, int64_t now_us); /* -1: for ever */

enum conn_mode {
	CONN_HTTP, /* between two requests, or in one */
	CONN_BUSY, /* a request's answer is under way or withheld */
	CONN_LINK, /* a WebSocket */
};

struct conn {
	struct sim *s;
	int fd;
	SSL *ssl; /* NULL: plain */
	enum conn_mode mode;
	bool accepted;    /* the TLS handshake is over */
	bool want_out;    /* EPOLLOUT is asked for */
	bool end_flushed; /* close when out is empty */
	bool frozen;
	bool dead;
	bool keep; /* alive after the request at hand */
	struct buf in;
	struct buf out;
	size_t sent;             /* of out */
	struct request *request; /* whose body is still to come */
	bool serving;
	struct timer timer;
	struct buf held; /* an answer that the timer releases */
	/* Told when the connection ends for whatever reason. */
	void (*gone)(struct conn *c, void *user);
	void *user;
	bool dirty;
	struct conn *next_dirty;
	struct conn *next_dead;
	struct conn *prev;
	struct conn *next;
};

/* Queues bytes; they leave at the end of this turn of the loop. */
void conn_send(struct conn *c, const void *p, size_t n);
void conn_dirty(struct conn *c);
void conn_flush_all(struct sim *s);
/* The connection is gone for its owner at once, freed by conn_bury(). */
void conn_kill(struct conn *c, bool reset);
void conn_freeze(struct conn *c);
void conn_accept(struct sim *s);
void conn_event(struct conn *c, unsigned int events);
void conn_bury(struct sim *s);

/*
 * Owner and size of everything. One lock for all; the loop's thread holds it
 * except while it waits for events.
 */
struct sim {
	pthread_mutex_t lock;
	pthread_mutex_t turn; /* so that the loop can't starve the others */
	pthread_mutex_t change_lock;
	pthread_cond_t change;
	uint64_t changes; /* under change_lock */
	bool changed;

	pthread_t thread;
	bool running;
	bool stopping;
	int epoll;
	int wakeup;
	int listener;
	int port;
	char *addr;
	char *hosts; /* "" without */
	char *api_url;
	char *llm_url;
	char *ctl_url;
	char *ca_file;
	SSL_CTX *tls;
	int64_t (*now)(void *arg);
	void *now_arg;
	uint64_t rng;
	size_t keep;

	struct timers timers;
	struct conn *conns;
	struct conn *dirty;
	struct conn *dead;
	char *scratch; /* SCRATCH bytes to read into */
	uint64_t seq;  /* grows with every change that a reader may see */
	struct sim_settings set;
	struct sim_stats stats;

	struct world *world;
	struct socket_mode *socket;
	struct api *api;
	struct model *model;
	struct control *control;
	struct files *files;
	struct flood *flood;
	struct interact *interact;
};

#define SCRATCH ((size_t)64 << 10)

/* Recursive. */
void sim_lock(struct sim *s);
void sim_unlock(struct sim *s);
/* Something that a waiting reader may be waiting for. */
void sim_changed(struct sim *s);
/* Make the loop look at what was queued or armed from another thread. */
void sim_wake(struct sim *s);
int64_t sim_wall_ms(const struct sim *s);

/* All but thread and sockets: what "apply-file" needs. */
struct sim *sim_create(const struct sim_opts *o, struct err *e);

int tls_setup(struct sim *s, struct err *e);

/* Parts of struct sim; each create may not fail. */
struct world *world_create(void);
void world_free(struct world *w);
struct socket_mode *socket_create(void);
void socket_free(struct sim *s);
struct api *api_create(void);
void api_free(struct sim *s);
struct model *model_create(void);
void model_free(struct sim *s);
struct control *control_create(void);
void control_free(struct sim *s);
void control_wake(struct sim *s); /* answers those who wait for a change */
struct files *files_create(void);
void files_free(struct sim *s);
struct flood *flood_create(void);
void flood_free(struct sim *s);
struct interact *interact_create(void);
void interact_free(struct sim *s);

/*
 * Host and port of our URLs; of IPv6 in brackets. Where the host has a name of
 * its own, sub and a dot stand before it; NULL is nothing.
 */
#define SIM_HOST 128
const char *sim_host(const struct sim *s, const char *sub, char out[SIM_HOST]);
/* https://HOST:PORT/PATH, on the heap. */
char *sim_make_url(const struct sim *s, const char *sub, const char *path);

#endif
