/* SPDX-License-Identifier: ISC */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "store/journal_in.h"
#include "store/spill.h"

/* Expired rows go in steps that nobody notices. */
#define EXPIRE_ROWS      40
#define EXPIRE_ROWS_BUSY 20   /* while somebody waits */
#define EXPIRE_MS        1000 /* between steps when there is little */
#define EXPIRE_BUSY_MS   100  /* while there is more */
#define EXPIRE_FAIL_MS   60000
#define ERASE_MS         250     /* with so few tenants looked at each time */
#define TIDY_MS          3600000 /* of the spill, that has little */

static int expire(struct journal *j, int64_t now_ms)
{
	int max = queue_depth(j->queue) > 0 ? EXPIRE_ROWS_BUSY : EXPIRE_ROWS;
	struct err e = { 0 };
	int n;

	if (now_ms < j->expire_at_ms)
		return 0;
	n = j->db->ops->expire(j->db, clock_expiry_ms(),
			       atomic_load(&j->kept_ms), max, &e);
	if (n < 0) {
		log_warn(LOG_FIELDS({ "reason", e.msg }),
			 "cannot delete expired rows");
		j->expire_at_ms = now_ms + EXPIRE_FAIL_MS;
		return -1;
	}
	j->expire_at_ms = now_ms + (n < max ? EXPIRE_MS : EXPIRE_BUSY_MS);
	return 0;
}

/* As all tenants have it. */
static void keep_of_all(struct journal *j, struct keep *out)
{
	int i;

	for (i = 0; i < KEEP_KINDS; i++)
		out->days[i] = atomic_load(&j->keep[i]);
}

/* What is kept of people has a pace of its own. */
static int erase(struct journal *j, int64_t now_ms)
{
	struct err e = { 0 };
	struct keep all;
	int n;

	if (now_ms < j->erase_at_ms || !atomic_load(&j->keeps))
		return 0;
	keep_of_all(j, &all);
	n = j->db->ops->erase(j->db, &all, clock_expiry_ms(), EXPIRE_ROWS, &e);
	if (n < 0)
		log_warn(LOG_FIELDS({ "reason", e.msg }),
			 "cannot erase what is kept no longer");
	j->erase_at_ms = now_ms + (n < 0   ? EXPIRE_FAIL_MS
				   : n > 0 ? EXPIRE_BUSY_MS
					   : ERASE_MS);
	return n < 0 ? -1 : 0;
}

/* Text of people's may be in it that the store never took. */
static void tidy(struct journal *j, int64_t now_ms)
{
	struct spill *s = atomic_load(&j->spill);

	if (!s || now_ms < j->tidy_at_ms)
		return;
	j->tidy_at_ms = now_ms + TIDY_MS;
	spill_tidy(s, clock_wall_ms());
}

void journal_rest(struct journal *j)
{
	pthread_mutex_lock(&j->db_lock);
	/* One wait for what hangs is enough. */
	if (expire(j, clock_ms()) == 0 && erase(j, clock_ms()) == 0)
		journal_gone(j, clock_ms());
	tidy(j, clock_ms());
	j->db->ops->rest(j->db, queue_depth(j->queue) == 0);
	pthread_mutex_unlock(&j->db_lock);
}
