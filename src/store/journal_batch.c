/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/killpoint.h"
#include "base/log.h"
#include "base/metric.h"
#include "store/journal_in.h"
#include "store/leases.h"

#define BATCH_MAX 512

/* So many notes may each seem to be to blame for a failure; more of them, and
 * none that goes well, are everybody's trouble. */
#define STRANGE_MAX 64

/* What the store didn't take about an entry. */
#define SET_ASIDE "dead:journal"

/* Between tries to commit what must not be lost. */
static const int retry_ms[] = { 250, 500, 1000, 2000 };
#define RETRIES (sizeof(retry_ms) / sizeof(retry_ms[0]))

/* It is taken at once if its partition is ours and those before it are. */
static int append(struct journal *j, struct journal_req *r, struct err *e)
{
	struct entry *en = r->entry;

	if (j->leases) {
		en->part = lease_part(en->app_id);
		en->epoch = lease_ready(j->leases, en->part);
	}
	return j->db->ops->append(j->db, r, e);
}

/* -1: the batch is lost. *finished counts entries that end. */
static int apply(struct journal *j, struct journal_req *r, size_t *finished,
		 struct err *e)
{
	const struct journal_ops *ops = j->db->ops;
	int rc = -1;

	reqs_clear(r);
	r->at_ms = clock_wall_ms();
	switch (r->kind) {
	case JOURNAL_APPEND:
		rc = append(j, r, e);
		break;
	case JOURNAL_NOTE:
		rc = ops->note(j->db, r, e);
		if (r->note.covers)
			killpoint("covering");
		break;
	case JOURNAL_DONE:
		rc = ops->done(j->db, r, r->at_ms, finished, e);
		killpoint("closing");
		break;
	case JOURNAL_WRITE:
		rc = ops->write(j->db, r, e);
		if (rc == 0 && r->err)
			*r->err = *e;
		break;
	case JOURNAL_CLAIM:
		rc = ops->claim(j->db, r, e);
		break;
	}
	r->ok = rc >= 0 && !(r->kind == JOURNAL_WRITE && rc == 0);
	return rc < 0 ? -1 : 0;
}

/* Of another kind a request's owner may be filling this in already. */
static bool has_audit(const struct journal_req *r)
{
	return (r->kind == JOURNAL_DONE || r->kind == JOURNAL_WRITE) &&
	       r->naudits > 0 && r->ok;
}

/* What is done is in the audit trail, in the same transaction. */
static int audit(struct journal *j, const struct reqs *batch, struct err *e)
{
	struct journal_req *r;
	size_t i = 0;
	struct node *n;

	for (n = batch->head; n; n = n->next, i++) {
		r = (struct journal_req *)n;
		if (has_audit(r) && j->db->ops->audit(j->db, r, i, e) < 0)
			return -1;
	}
	return 0;
}

int batch_write(struct journal *j, const struct reqs *batch, size_t *finished,
		struct node **bad, struct err *e)
{
	const struct journal_ops *ops = j->db->ops;
	size_t i = SIZE_MAX;
	struct node *n;

	if (ops->begin(j->db, e) < 0)
		return -1;
	for (n = batch->head; n; n = n->next) {
		if (apply(j, (struct journal_req *)n, finished, e) == 0)
			continue;
		if (e->kind == ERR_INPUT)
			*bad = n;
		goto fail;
	}
	if (audit(j, batch, e) < 0)
		goto fail;
	killpoint("audited");
	if (ops->commit(j->db, &i, e) == 0)
		return 0;
	for (n = batch->head; n && e->kind != ERR_INPUT; n = n->next)
		((struct journal_req *)n)->doubt = true;
	for (n = batch->head; n && i > 0 && i != SIZE_MAX; n = n->next)
		i--;
	if (i == 0)
		*bad = n;
fail:
	ops->rollback(j->db);
	return -1;
}

void batch_succeeded(struct journal *j, size_t rows, size_t finished,
		     int64_t took_us)
{
	if (j->failures > 0)
		log_info(NULL, "journal commits again");
	j->failures = j->strange = 0;
	metric_took_us(METRIC_COMMIT, took_us);
	journal_count_down(j, finished);
	pthread_mutex_lock(&j->stats_lock);
	j->stats.commits++;
	j->stats.rows += rows;
	j->stats.last_commit_us = took_us;
	j->stats.failing = false;
	j->stats.msg[0] = '\0';
	pthread_mutex_unlock(&j->stats_lock);
}

void batch_failed(struct journal *j, const struct err *e)
{
	size_t i = j->failures < RETRIES ? j->failures : RETRIES - 1;

	if (j->failures == 0)
		log_error(LOG_FIELDS({ "reason", e->msg }),
			  "journal cannot commit");
	j->failures++;
	j->retry_at_ms = clock_ms() + retry_ms[i];
	pthread_mutex_lock(&j->stats_lock);
	j->stats.failing = true;
	(void)snprintf(j->stats.msg, sizeof(j->stats.msg), "%s", e->msg);
	pthread_mutex_unlock(&j->stats_lock);
}

static bool is_note(const struct journal_req *r)
{
	return r->kind == JOURNAL_NOTE || r->kind == JOURNAL_DONE;
}

/*
 * An entry of which something can never be written down would be tried for
 * ever, and its thread with it: it is a dead letter, by itself.
 */
static bool set_aside(struct journal *j, struct journal_req *r)
{
	struct journal_req d = { .kind = JOURNAL_DONE,
				 .epoch = r->epoch,
				 .ncovered = r->ncovered,
				 .note = { .state = ENTRY_DEAD,
					   .verdict = SET_ASIDE,
					   .steps = SET_ASIDE "+0 " } };
	struct node *bad = NULL;
	struct err e = { 0 };
	struct reqs one;
	size_t finished = 0;
	int rc;

	memcpy(d.entry_id, r->entry_id, sizeof(d.entry_id));
	reqs_init(&one);
	reqs_add(&one, &d.node);
	pthread_mutex_lock(&j->db_lock);
	rc = batch_write(j, &one, &finished, &bad, &e);
	pthread_mutex_unlock(&j->db_lock);
	if (rc == 0)
		journal_count_down(j, finished);
	return rc == 0;
}

/* Its owner hears of it. */
static void turn_away(struct journal *j, struct journal_req *r,
		      const struct err *e)
{
	log_error(LOG_FIELDS({ "reason", e->msg },
			     { "entry", is_note(r) ? r->entry_id : NULL }),
		  "journal cannot write a row");
	if (!is_note(r) || e->kind != ERR_INPUT || !set_aside(j, r)) {
		reqs_fail(j, r, e);
		return;
	}
	reqs_clear(r);
	r->ok = r->lost = r->refused = true;
	reqs_answer(j, r);
}

/*
 * A row that the store will never take must not keep the others from theirs:
 * they are tried again at once.
 */
static void sort_out(struct journal *j, struct reqs *batch,
		     const struct node *bad, const struct err *e)
{
	struct reqs rest;
	struct node *n;

	reqs_init(&rest);
	while (batch->head) {
		n = reqs_take(batch);
		if (n == bad)
			turn_away(j, (struct journal_req *)n, e);
		else
			reqs_add(&rest, n);
	}
	if (!rest.head)
		return;
	*rest.tail = j->todo.head;
	if (!j->todo.head)
		j->todo.tail = rest.tail;
	j->todo.head = rest.head;
}

/* Is it that one's own fault? Whoever notes something tries again by himself;
 * what is appended is better spilled. */
static bool is_own(struct journal *j, const struct node *bad,
		   const struct err *e)
{
	if (!bad || e->kind == ERR_INPUT)
		return bad;
	return is_note((const struct journal_req *)bad) &&
	       j->strange++ < STRANGE_MAX;
}

void batch_commit(struct journal *j)
{
	struct reqs batch;
	struct node *bad = NULL;
	struct err e = { 0 };
	size_t n, finished = 0;
	int64_t start;
	int rc;

	reqs_init(&batch);
	for (n = 0; n < BATCH_MAX && j->todo.head; n++)
		reqs_add(&batch, reqs_take(&j->todo));
	start = clock_us();
	pthread_mutex_lock(&j->db_lock);
	rc = batch_write(j, &batch, &finished, &bad, &e);
	pthread_mutex_unlock(&j->db_lock);
	if (rc < 0 && is_own(j, bad, &e)) {
		sort_out(j, &batch, bad, &e);
		if (!j->todo.head)
			j->strange = 0;
		return;
	}
	if (rc < 0) {
		batch_failed(j, &e);
		away_give_up(j, &batch, &e);
		return;
	}
	batch_succeeded(j, n, finished, clock_us() - start);
	while (batch.head)
		reqs_answer(j, (struct journal_req *)reqs_take(&batch));
}
