/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/utf8.h"
#include "store/postgres_journal.h"

#define BINARY 1

/* Slack waits 3 s for its ack: what isn't committed by then is spilled. */
#define BATCH_MS 2000

static int no_memory(struct err *e)
{
	return err_set(e, ERR_RETRY, "cannot write to the journal: no memory");
}

/* Offset of the first byte that is no UTF-8, or of the end. */
static size_t clean_until(const char *s, size_t n)
{
	size_t i = 0;
	size_t len;

	while (i < n) {
		len = utf8_len(s + i, n - i);
		if (len == 0)
			break;
		i += len;
	}
	return i;
}

/*
 * The server takes nothing but UTF-8, and one byte of a model must not keep
 * a whole batch from its commit. NULL when there is nothing to clean; *failed
 * when memory is short.
 */
static char *clean(const char *s, bool *failed)
{
	size_t n = s ? strlen(s) : 0;
	size_t i = clean_until(s, n);
	char *copy;

	if (i == n)
		return NULL;
	copy = strdup(s);
	if (!copy) {
		*failed = true;
		return NULL;
	}
	for (; i < n; i += clean_until(copy + i, n - i))
		copy[i] = '?';
	return copy;
}

static int remember(struct postgres_journal *p,
		    const struct postgres_sent *kept, struct err *e)
{
	struct postgres_sent *bigger;
	size_t size;

	if (p->nsent == p->size) {
		size = p->size ? p->size * 2 : 64;
		bigger = reallocarray(p->sent, size, sizeof(*bigger));
		if (!bigger)
			return no_memory(e);
		p->sent = bigger;
		p->size = size;
	}
	p->sent[p->nsent] = kept ? *kept : (struct postgres_sent){ 0 };
	p->sent[p->nsent++].request = p->request;
	return 0;
}

static int send_clean(struct postgres_journal *p, enum postgres_query q,
		      const char *const *params, const struct entry *frame,
		      struct err *e)
{
	const char *values[POSTGRES_PARAMS];
	int lengths[POSTGRES_PARAMS] = { 0 };
	int formats[POSTGRES_PARAMS] = { 0 };
	int n = postgres_sql[q].params;
	int texts = frame ? n - 1 : n;
	int i;

	for (i = 0; i < texts; i++)
		values[i] = params[i];
	if (frame) {
		/* A NULL pointer would be SQL's NULL. */
		values[texts] = frame->frame ? frame->frame : "";
		lengths[texts] = (int)frame->frame_len;
		formats[texts] = BINARY;
	}
	if (PQsendQueryPrepared(p->s->c, postgres_sql[q].name, n, values,
				lengths, formats, 0) != 1)
		return postgres_fail(p->s, NULL, e);
	return 0;
}

int postgres_batch_send(struct postgres_journal *p, enum postgres_query q,
			const char *const *params, const struct entry *frame,
			const struct postgres_sent *kept, struct err *e)
{
	const char *values[POSTGRES_PARAMS];
	char *cleaned[POSTGRES_PARAMS] = { NULL };
	int texts = postgres_sql[q].params - (frame != NULL);
	bool failed = false;
	int i, rc;

	for (i = 0; i < texts; i++) {
		cleaned[i] = clean(params[i], &failed);
		values[i] = cleaned[i] ? cleaned[i] : params[i];
	}
	rc = failed ? no_memory(e) : remember(p, kept, e);
	if (rc == 0)
		rc = send_clean(p, q, values, frame, e);
	for (i = 0; i < texts; i++)
		free(cleaned[i]);
	return rc;
}

int postgres_batch_begin(struct postgres_journal *p, struct err *e)
{
	struct postgres *s = p->s;
	bool several = s->node[0] != '\0';
	int last = several ? PQ_WORK_CLAIM : PQ_FORGET;
	int q;

	/* Has the server hung up since? Better to know now than at commit. It
	 * may have said farewell first. */
	if (s->c && PQconsumeInput(s->c) == 1)
		(void)PQconsumeInput(s->c);
	/* The journal has a pace of its own for trying again. */
	s->retry_at_ms = 0;
	if (postgres_ready(s, e) < 0)
		return -1;
	for (q = PQ_BEGIN; q <= last; q++) {
		if (q == PQ_APPEND && several)
			q = PQ_WORK_APPEND;
		if (postgres_prepare(s, (enum postgres_query)q, e) < 0)
			return -1;
	}
	if (postgres_prepare(s, PQ_TENANT, e) < 0)
		return -1;
	p->nsent = 0;
	p->request = SIZE_MAX; /* nobody's */
	s->in_batch = true;
	if (PQenterPipelineMode(s->c) != 1) {
		s->in_batch = false;
		return postgres_fail(s, NULL, e);
	}
	/* Sending mustn't wait either. */
	(void)PQsetnonblocking(s->c, 1);
	return postgres_batch_send(p, PQ_BEGIN, NULL, NULL, NULL, e);
}

/* As work_append() gives it. */
static void take_place(struct journal_req *r, int place)
{
	r->duplicate = place == 0;
	r->elsewhere = place == 2;
	if (place != 1)
		r->entry->epoch = 0;
}

static void take_finished(const PGresult *r, const struct postgres_sent *sent)
{
	size_t n = (size_t)postgres_int(r, 0, 0);

	*sent->finished += n == 0 ? sent->expected : n;
}

static int take_in(struct postgres_journal *p, const struct postgres_sent *sent,
		   const PGresult *r, struct err *e)
{
	bool yes;

	if (sent->claimed)
		return postgres_claim_take(p, sent->claimed, r, e);
	if (sent->placed) {
		take_place(sent->placed, (int)postgres_int(r, 0, 0));
		return 0;
	}
	if (sent->finished) {
		take_finished(r, sent);
		return 0;
	}
	if (!sent->duplicate && !sent->lost)
		return 0;
	yes = postgres_bool(r, 0, 0);
	if (sent->duplicate)
		*sent->duplicate = !yes;
	if (sent->lost)
		*sent->lost = !yes;
	return 0;
}

/* One statement's result; the server skips what follows a failure. */
static int take_result(struct postgres_journal *p, size_t i, const PGresult *r,
		       size_t *bad, struct err *e)
{
	switch (PQresultStatus(r)) {
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK:
		return i < p->nsent ? take_in(p, &p->sent[i], r, e) : 0;
	case PGRES_PIPELINE_ABORTED:
		return 0;
	default:
		postgres_fail(p->s, r, e);
		if (e->kind != ERR_RETRY && bad && i < p->nsent)
			*bad = p->sent[i].request;
		return -1;
	}
}

static int too_late(struct postgres_journal *p, struct err *e)
{
	postgres_hang_up(p->s);
	p->nsent = 0;
	return err_set(e, ERR_RETRY, "cannot use the store: no answer in %d ms",
		       BATCH_MS);
}

int postgres_batch_sync(struct postgres_journal *p, size_t *bad, struct err *e)
{
	int64_t until = postgres_until(BATCH_MS);
	PGconn *c = p->s->c;
	PGresult *r;
	size_t i = 0;
	int rc = 0;

	if (PQpipelineSync(c) != 1)
		return postgres_fail(p->s, NULL, e);
	if (postgres_flush(c, until) < 0)
		return too_late(p, e);
	for (r = postgres_next(c, until); r; r = postgres_next(c, until)) {
		/* Each may bring a lot. */
		if (i < p->nsent && p->sent[i].claimed)
			until = postgres_until(BATCH_MS);
		if (take_result(p, i++, r, bad, e) < 0)
			rc = -1;
		PQclear(r);
	}
	if (clock_ms() >= until && PQisBusy(c))
		return too_late(p, e);
	(void)PQsetnonblocking(c, 0);
	if (PQexitPipelineMode(c) != 1 && rc == 0)
		rc = clock_ms() >= until ? too_late(p, e)
					 : postgres_fail(p->s, NULL, e);
	p->nsent = 0;
	return rc;
}

int postgres_batch_pause(struct postgres_journal *p, struct err *e)
{
	/* A request before this one may be to blame; its commit will tell. */
	if (postgres_batch_sync(p, NULL, e) == 0)
		return 0;
	e->kind = ERR_RETRY;
	return -1;
}

int postgres_batch_resume(struct postgres_journal *p, struct err *e)
{
	if (PQenterPipelineMode(p->s->c) != 1)
		return postgres_fail(p->s, NULL, e);
	(void)PQsetnonblocking(p->s->c, 1);
	return 0;
}

void postgres_batch_abandon(struct postgres_journal *p)
{
	struct postgres *s = p->s;
	struct err e = { 0 };

	if (s->c && PQpipelineStatus(s->c) != PQ_PIPELINE_OFF)
		(void)postgres_batch_sync(p, NULL, &e);
	if (s->c && PQtransactionStatus(s->c) != PQTRANS_IDLE &&
	    PQstatus(s->c) == CONNECTION_OK)
		(void)postgres_do(s, PQ_ROLLBACK, NULL, NULL, &e);
	/* What can't be brought to rest is dialed anew. */
	if (s->c && (PQpipelineStatus(s->c) != PQ_PIPELINE_OFF ||
		     PQtransactionStatus(s->c) != PQTRANS_IDLE))
		postgres_hang_up(s);
	s->in_batch = false;
}
