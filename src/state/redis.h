/* SPDX-License-Identifier: ISC */
#ifndef STATE_REDIS_H
#define STATE_REDIS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/gate.h"
#include "state/redis_conn.h"

struct claims;
struct keeper;
struct map;

/* As many as there may be router threads. */
#define REDIS_IDLE_MAX 64

/* Holds the run id of the server that was filled; gone with its memory. */
#define REDIS_MEMORY_KEY "konstruct:memory"

/* What redis.c and redis_keeper.c share. */
struct redis {
	struct gate base; /* must be first */
	struct gate_opts o;
	struct redis_server server;
	struct keeper *keeper;

	pthread_mutex_t lock; /* for all below; nobody waits under it */
	struct redis_conn *idle[REDIS_IDLE_MAX];
	size_t nidle;
	int64_t retry_at; /* clock_ms(); before it nobody dials */
	unsigned int failures;
	bool down, lost;
	char why[240];
	/* What was claimed here. Its verdict may not be journaled yet, and so
	 * not come back by a refill. */
	struct claims *mine;
};

/* Dials, unless it has just failed. NULL with e. */
struct redis_conn *redis_open(struct redis *t, struct err *e);

/* It answered as it should; it failed, and is left alone for a while. */
void redis_up(struct redis *t);
void redis_down(struct redis *t, const struct err *e);

/* The memory is gone, or there again. */
void redis_set_lost(struct redis *t, bool lost);

#define REDIS_KEY_SIZE 700
/* "tenant:what:name"; -1 when it is too long. */
int redis_key(char out[REDIS_KEY_SIZE], const char *tenant_id, const char *what,
	      const char *name, struct err *e);

/*
 * The thread that looks after the memory: it tries every second whether the
 * server is there and still the one that was filled, refills it, and brings
 * it the threads that answers have renewed.
 */
struct keeper *keeper_create(struct redis *t, struct err *e);
void keeper_free(struct keeper *k); /* brings what is left; NULL is allowed */
int keeper_start(struct keeper *k, struct err *e);
void keeper_wake(struct keeper *k);
/* A renewal of that thread that Redis doesn't know yet is forgotten. */
void keeper_disengage(struct keeper *k, const char *thread);

/* In refill(), on the keeper's thread. */
int keeper_claim(struct keeper *k, const char *tenant_id, const char *claim,
		 const char *value, struct err *e);
int keeper_engage(struct keeper *k, const char *tenant_id, const char *thread,
		  int64_t since_ms, int64_t at_ms, struct err *e);

#endif
