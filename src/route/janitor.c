/* SPDX-License-Identifier: ISC */
#include "route/janitor.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/secret.h"
#include "route/inhand.h"
#include "route/router.h"
#include "store/journal.h"
#include "store/record.h"
#include "store/store.h"

#define EVERY_MS  60000
#define LOOKED_AT 20000 /* as many as may be unfinished */
#define TAKEN_UP  100   /* at once */

struct janitor {
	struct router_read rd;
	struct journal *journal;
	struct router *router;
	atomic_llong longest_ms;
	int64_t next_ms;

	pthread_mutex_t lock;
	pthread_cond_t idle;
	bool busy; /* the router has rd */

	char ids[TAKEN_UP][ID_SIZE];
	size_t n;
};

static int keep_id(const char *id, void *arg)
{
	struct janitor *jan = arg;

	if (jan->n < TAKEN_UP && !inhand_has(id, 0))
		(void)snprintf(jan->ids[jan->n++], ID_SIZE, "%s", id);
	return 0;
}

static int take_up(struct entry *en, void *arg)
{
	router_submit(arg, en, NULL);
	return 0;
}

static void take_all(struct janitor *jan)
{
	struct err e = { 0 };
	size_t i;
	int rc;

	for (i = 0; i < jan->n; i++) {
		rc = journal_entry(jan->journal, jan->ids[i], take_up,
				   jan->router, &e);
		if (rc > 0)
			log_warn(LOG_FIELDS({ "entry", jan->ids[i] }),
				 "nobody was at work on an entry");
		else if (rc < 0)
			log_warn(LOG_FIELDS({ "reason", e.msg }),
				 "cannot take up an entry");
	}
}

/* On a router's thread. */
static void run(struct router_read *rd, struct store *s)
{
	struct janitor *jan = (struct janitor *)rd;
	int64_t before = clock_expiry_ms() - atomic_load(&jan->longest_ms);
	struct err e = { 0 };

	jan->n = 0;
	if (s->ops->records->stale(s, before, LOOKED_AT, keep_id, jan, &e) < 0)
		log_warn(LOG_FIELDS({ "reason", e.msg }),
			 "cannot look for what nobody works on");
	else
		take_all(jan);
	pthread_mutex_lock(&jan->lock);
	jan->busy = false;
	pthread_cond_signal(&jan->idle);
	pthread_mutex_unlock(&jan->lock);
}

struct janitor *janitor_create(struct journal *j, struct router *r,
			       int64_t longest_ms, struct err *e)
{
	struct janitor *jan = calloc(1, sizeof(*jan));

	if (!jan) {
		err_set(e, ERR_RETRY, "cannot make the janitor: no memory");
		return NULL;
	}
	jan->rd.run = run;
	jan->journal = j;
	jan->router = r;
	atomic_store(&jan->longest_ms, longest_ms);
	(void)pthread_mutex_init(&jan->lock, NULL);
	(void)pthread_cond_init(&jan->idle, NULL);
	return jan;
}

void janitor_expect(struct janitor *jan, int64_t longest_ms)
{
	atomic_store(&jan->longest_ms, longest_ms);
}

void janitor_free(struct janitor *jan)
{
	if (!jan)
		return;
	pthread_mutex_lock(&jan->lock);
	while (jan->busy)
		pthread_cond_wait(&jan->idle, &jan->lock);
	pthread_mutex_unlock(&jan->lock);
	pthread_cond_destroy(&jan->idle);
	pthread_mutex_destroy(&jan->lock);
	free(jan);
}

void janitor_tick(struct janitor *jan, int64_t now_ms)
{
	bool begin;

	if (now_ms < jan->next_ms)
		return;
	jan->next_ms = now_ms + EVERY_MS;
	pthread_mutex_lock(&jan->lock);
	begin = !jan->busy;
	jan->busy = true;
	pthread_mutex_unlock(&jan->lock);
	if (begin)
		router_read(jan->router, "janitor", &jan->rd);
}
