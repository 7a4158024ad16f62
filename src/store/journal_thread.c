/* SPDX-License-Identifier: ISC */
#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "store/journal_in.h"

/*
 * With so many entries at work their notes come one by one: waiting a little
 * for the next ones makes one write to the disk of many. Below it an ack waits
 * for nobody.
 */
#define CROWD    500
#define CROWD_NS 5000000

/* The thread shows a sign of life at least so often. */
#define IDLE_MS 500

void journal_beat(struct journal *j)
{
	atomic_store(&j->beat_ms, clock_ms());
}

/* Take on what has come; waits for it when there is nothing else to do. */
static void gather(struct journal *j, int timeout_ms)
{
	struct node *n, *next;

	for (n = queue_pop_all(j->queue, timeout_ms); n; n = next) {
		next = n->next;
		reqs_add(&j->todo, n);
	}
	journal_beat(j);
}

/* After a failure nothing is tried until its time has come. */
static void wait_to_retry(struct journal *j)
{
	static const struct err away = { ERR_RETRY, 0, "the store is away" };
	int64_t left;

	while (j->failures > 0 && !queue_closed(j->queue)) {
		away_spill(j, &away);
		left = j->retry_at_ms - clock_ms();
		if (left <= 0)
			return;
		gather(j, (int)left);
	}
}

static void let_gather(struct journal *j)
{
	static const struct timespec pause = { 0, CROWD_NS };

	if (atomic_load(&j->unfinished) < CROWD || queue_closed(j->queue))
		return;
	(void)nanosleep(&pause, NULL);
	gather(j, 0);
}

void *journal_run(void *arg)
{
	struct journal *j = arg;

	(void)pthread_setname_np(pthread_self(), "journal");
	for (;;) {
		wait_to_retry(j);
		gather(j, j->todo.head || away_to_move(j) ? 0 : IDLE_MS);
		if (away_to_move(j)) {
			away_move(j);
			if (j->failures > 0)
				continue;
		}
		if (j->todo.head)
			let_gather(j);
		if (j->todo.head)
			batch_commit(j);
		else if (queue_closed(j->queue))
			return NULL;
		if (j->failures == 0)
			journal_rest(j);
	}
}
