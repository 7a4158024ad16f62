/* SPDX-License-Identifier: ISC */
#include "route/takeup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/queue.h"
#include "base/suspect.h"
#include "route/router.h"
#include "store/journal.h"
#include "store/record.h"

struct blame {
	const struct suspects *left;
	char (*ids)[ID_SIZE]; /* of all, when the crash was in nobody's hands */
	size_t nids, size;
	struct journal_req req;
	struct err err;
	struct queue *written;
};

static int blame_one(struct store *s, const char *id, const char *stage,
		     struct err *e)
{
	char step[sizeof("crashed:") + SUSPECT_STAGE];

	(void)snprintf(step, sizeof(step), "crashed:%s", stage);
	return s->ops->records->blame(s, id, step, clock_wall_ms(), e);
}

/* On the journal thread. */
static int write_blame(struct store *s, void *arg, struct err *e)
{
	const struct blame *b = arg;
	size_t i;

	for (i = 0; i < b->left->n; i++) {
		if (blame_one(s, b->left->who[i].id, b->left->who[i].stage, e) <
		    0)
			return -1;
	}
	for (i = 0; i < b->nids; i++) {
		if (blame_one(s, b->ids[i], "unknown", e) < 0)
			return -1;
	}
	return 0;
}

static void on_written(struct journal_req *r)
{
	struct blame *b = r->arg;

	queue_push(b->written, &r->node);
}

/* A journal that can't be written to must not keep us from starting. */
static void count_crashes(struct journal *j, struct blame *b)
{
	size_t i;

	for (i = 0; i < b->left->n; i++)
		log_warn(LOG_FIELDS({ "entry", b->left->who[i].id },
				    { "stage", b->left->who[i].stage }),
			 b->left->signal ? "the daemon crashed at this entry"
					 : "the daemon was killed at this"
					   " entry");
	b->req.kind = JOURNAL_WRITE;
	b->req.write = write_blame;
	b->req.done = on_written;
	b->req.arg = b;
	b->req.err = &b->err;
	(void)journal_submit(j, &b->req);
	(void)queue_pop(b->written, -1);
	if (!b->req.ok)
		log_error(NULL, "cannot count crashes: %s", b->err.msg);
}

static int keep_id(struct entry *en, void *arg)
{
	struct blame *b = arg;
	char(*bigger)[ID_SIZE];

	if (b->nids == b->size) {
		b->size = b->size > 0 ? 2 * b->size : 64;
		bigger = reallocarray(b->ids, b->size, sizeof(*bigger));
		if (!bigger)
			return -1;
		b->ids = bigger;
	}
	(void)snprintf(b->ids[b->nids++], ID_SIZE, "%s", en->id);
	return 0;
}

static int find_guilty(struct journal *j, struct blame *b, struct err *e)
{
	if (b->left->n > 0 || b->left->signal == 0)
		return 0;
	log_warn(NULL, "the daemon crashed, signal %d, at nobody's work",
		 b->left->signal);
	return journal_unfinished(j, keep_id, b, e);
}

static int resubmit(struct entry *en, void *arg)
{
	router_submit(arg, en, NULL);
	return 0;
}

int takeup_blame(struct journal *j, const struct suspects *left, struct err *e)
{
	struct blame b = { .left = left };

	if (left->n == 0)
		return 0;
	b.written = queue_create();
	if (!b.written)
		return err_set(e, ERR_RETRY, "no memory to take entries up");
	count_crashes(j, &b);
	queue_free(b.written);
	return 0;
}

int takeup_run(struct journal *j, struct router *r, const struct suspects *left,
	       struct err *e)
{
	struct blame b = { .left = left };
	int rc;

	b.written = queue_create();
	if (!b.written)
		return err_set(e, ERR_RETRY, "no memory to take entries up");
	rc = find_guilty(j, &b, e);
	if (rc == 0 && left->n + b.nids > 0)
		count_crashes(j, &b);
	if (rc == 0)
		rc = journal_unfinished(j, resubmit, r, e);
	queue_free(b.written);
	free(b.ids);
	return rc;
}
