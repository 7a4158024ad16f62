/* SPDX-License-Identifier: ISC */
#ifndef LINK_RENEWAL_H
#define LINK_RENEWAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "link/renew.h"
#include "net/loop.h"
#include "store/grants.h"
#include "store/journal.h"

struct http;
struct map;
struct slack_call;
struct store;

/* What renew.c, the thread, and renewal.c, one connection's token, share. */

enum renewal_stage {
	RENEWAL_WAITING, /* for the next try */
	RENEWAL_ASKING,
	RENEWAL_STORING,
	RENEWAL_DONE,
};

/* One connection's, until it has a new pair. */
struct renewal {
	struct renewer *r;
	struct grant g; /* with the new pair, once there is one */
	enum renewal_stage stage;
	struct slack_call *call;
	int64_t again_ms; /* by clock_ms() */
	unsigned int failures;
	bool refused;
	unsigned int round; /* when the store last had it */

	struct journal_req req;
	struct loop_task stored;
	struct loop_timer *timer;
	struct err err;
	bool replaced; /* another pair was there */
};

struct renewer {
	struct renewer_opts o;
	struct loop *loop;
	struct http *http;
	struct loop_timer *timer;
	struct loop_task begin, halt;
	struct store *store;
	struct map *all; /* struct renewal */
	size_t asking;
	unsigned int round;
	bool halted;

	pthread_mutex_t lock;
	pthread_cond_t change;
	bool looked;    /* under the lock, as the rest */
	size_t expired; /* tokens of ours that are to be renewed first */
	bool stale;     /* stats, of when the next are due */
	struct renew_stats stats;
};

/* For who waits at the start, and for the metrics. */
void renew_tell(struct renewer *r);
enum renew_end {
	RENEW_DONE,
	RENEW_FAILED,
	RENEW_REFUSED
};
void renew_count(struct renewer *r, enum renew_end how);

/* g without a token is as good as any; NULL: no memory. */
struct renewal *renewal_create(struct renewer *r, const struct grant *g);
void renewal_free(struct renewal *n);

/* As the store has it now, unless it is under way: asks Slack when it is time
 * to, and may. */
void renewal_look(struct renewal *n, const struct grant *g);
/* Not to be forgotten now. */
bool renewal_busy(const struct renewal *n);
/* Is its token to be renewed before anybody can work with it? */
bool renewal_blocks(const struct renewal *n);

/* Asks no more, and stores once at most. */
void renewal_stop(struct renewal *n);
/* Logs it, if Slack has given a pair that the store doesn't have. */
void renewal_say_unsaved(const struct renewal *n);

#endif
