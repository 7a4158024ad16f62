/* SPDX-License-Identifier: ISC */
#include "store/journal.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "store/journal_in.h"
#include "store/leases.h"
#include "store/spill.h"

#define DAY_MS       (24 * INT64_C(3600000))
#define HISTORY_DAYS 7 /* unless told otherwise */

static const struct journal_ops *const backends[] = { &journal_sqlite,
						      &journal_postgres };
static const size_t nbackends = sizeof(backends) / sizeof(backends[0]);

/* With several nodes it is set to what the store says from time to time, and
 * what was under way then may be counted already. */
void journal_count_down(struct journal *j, size_t n)
{
	size_t now = atomic_load(&j->unfinished);

	while (!atomic_compare_exchange_weak(&j->unfinished, &now,
					     now > n ? now - n : 0))
		;
}

static struct journal_db *open_backend(const char *url, const struct keyring *k,
				       const struct journal_node *node,
				       struct err *e)
{
	const struct store_ops *store = store_find(url, e);
	size_t i;

	for (i = 0; store && i < nbackends; i++) {
		if (strcmp(backends[i]->name, store->name) == 0)
			return backends[i]->open(url, k, node, e);
	}
	if (store)
		err_set(e, ERR_INPUT, "'%s' keeps no journal", store->name);
	return NULL;
}

static int open_journal(struct journal *j, const char *url,
			const struct keyring *k,
			const struct journal_node *node, struct err *e)
{
	size_t n = 0;

	j->queue = queue_create();
	if (!j->queue)
		return err_set(e, ERR_RETRY, "cannot allocate journal");
	j->db = open_backend(url, k, node, e);
	if (!j->db)
		return -1;
	if (node) {
		j->leases = node->leases;
		return 0;
	}
	if (j->db->ops->count(j->db, &n, e) < 0)
		return -1;
	atomic_store(&j->unfinished, n);
	return 0;
}

static void free_parts(struct journal *j)
{
	spill_close(atomic_load(&j->spill));
	journal_gone_free(j);
	if (j->db)
		j->db->ops->close(j->db);
	queue_free(j->queue);
	pthread_mutex_destroy(&j->db_lock);
	pthread_mutex_destroy(&j->stats_lock);
	free(j);
}

struct journal *journal_create(const char *url, const struct keyring *k,
			       size_t room, struct err *e)
{
	return journal_create_node(url, k, room, NULL, e);
}

struct journal *journal_create_node(const char *url, const struct keyring *k,
				    size_t room, const struct journal_node *n,
				    struct err *e)
{
	struct journal *j;
	int rc;

	j = calloc(1, sizeof(*j));
	if (!j) {
		err_set(e, ERR_RETRY, "cannot allocate journal");
		return NULL;
	}
	(void)pthread_mutex_init(&j->db_lock, NULL);
	(void)pthread_mutex_init(&j->stats_lock, NULL);
	reqs_init(&j->todo);
	j->room = room;
	journal_set_history(j, HISTORY_DAYS);
	journal_set_grace(j, -1);
	journal_beat(j);
	if (open_journal(j, url, k, n, e) < 0)
		goto fail;
	rc = pthread_create(&j->thread, NULL, journal_run, j);
	if (rc != 0) {
		err_set(e, ERR_RETRY, "cannot start journal thread: %s",
			strerror(rc));
		goto fail;
	}
	return j;
fail:
	free_parts(j);
	return NULL;
}

void journal_part(struct journal *j)
{
	if (j)
		atomic_store(&j->parting, true);
}

void journal_free(struct journal *j)
{
	if (!j)
		return;
	journal_part(j);
	queue_close(j->queue);
	(void)pthread_join(j->thread, NULL);
	free_parts(j);
}

void journal_set_keep(struct journal *j, const struct keep *all)
{
	int i;

	for (i = 0; i < KEEP_KINDS; i++)
		atomic_store(&j->keep[i], all->days[i]);
	atomic_store(&j->keeps, true);
}

void journal_set_history(struct journal *j, int days)
{
	atomic_store(&j->kept_ms, days * DAY_MS);
}

static size_t spilled(struct journal *j)
{
	struct spill *s = atomic_load(&j->spill);

	return s ? spill_depth(s) : 0;
}

static bool take_room(struct journal *j)
{
	if (atomic_fetch_add(&j->unfinished, 1) + spilled(j) < j->room &&
	    atomic_load(&j->crowd) < j->room)
		return true;
	journal_count_down(j, 1);
	return false;
}

bool journal_submit(struct journal *j, struct journal_req *r)
{
	assert(r->done);
	if (r->kind == JOURNAL_APPEND && !take_room(j))
		return false;
	r->ok = false;
	r->duplicate = r->elsewhere = r->lost = r->refused = false;
	r->doubt = false;
	r->entries = NULL;
	r->nentries = 0;
	atomic_fetch_add(&j->queued, 1);
	queue_push(j->queue, &r->node);
	return true;
}

int journal_unfinished(struct journal *j,
		       int (*fn)(struct entry *en, void *arg), void *arg,
		       struct err *e)
{
	int rc;

	pthread_mutex_lock(&j->db_lock);
	rc = j->db->ops->unfinished(j->db, fn, arg, e);
	pthread_mutex_unlock(&j->db_lock);
	return rc;
}

int journal_entry(struct journal *j, const char *id,
		  int (*fn)(struct entry *en, void *arg), void *arg,
		  struct err *e)
{
	int rc;

	pthread_mutex_lock(&j->db_lock);
	rc = j->db->ops->entry(j->db, id, fn, arg, e);
	pthread_mutex_unlock(&j->db_lock);
	return rc;
}

void journal_reopened(struct journal *j, size_t n)
{
	atomic_fetch_add(&j->unfinished, n);
}

void journal_set_unfinished(struct journal *j, size_t n)
{
	atomic_store(&j->unfinished, n);
}

void journal_set_crowd(struct journal *j, size_t n)
{
	atomic_store(&j->crowd, n);
}

void journal_stats(struct journal *j, struct journal_stats *out)
{
	pthread_mutex_lock(&j->stats_lock);
	*out = j->stats;
	pthread_mutex_unlock(&j->stats_lock);
	out->queued = atomic_load(&j->queued);
	out->spilled = spilled(j);
	out->unfinished = atomic_load(&j->unfinished) + out->spilled;
}

int64_t journal_beat_age(struct journal *j)
{
	return clock_ms() - atomic_load(&j->beat_ms);
}
