/* SPDX-License-Identifier: ISC */
#include "store/audit.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "store/backend.h"
#include "store/postgres_journal.h"

/* Rows are taken into the chain a few at a time, since acks wait behind it. */
#define BIND_ROWS    100
#define BIND_MS      250
#define BIND_BUSY_MS 100 /* while there are more */
#define BIND_FAIL_MS 60000

static void take_text(const PGresult *r, int row, int col, char out[DIGEST_HEX])
{
	const char *text = postgres_text(r, row, col);

	(void)snprintf(out, DIGEST_HEX, "%s", text ? text : "");
}

static void take_chain(const PGresult *r, struct audit_chain *c)
{
	c->first = postgres_int(r, 0, 0);
	take_text(r, 0, 1, c->before);
	c->last = postgres_int(r, 0, 2);
	take_text(r, 0, 3, c->hash);
}

/* At least the chain is there. */
static int postgres_audit_rows(struct store *store, int64_t after,
			       int64_t since_ms, int most,
			       struct audit_chain *chain,
			       int (*fn)(const struct audit_row *r, void *arg),
			       void *arg, struct err *e)
{
	char from[POSTGRES_NUMBER], since[POSTGRES_NUMBER], n[POSTGRES_NUMBER];
	const char *const params[] = { postgres_number(from, after),
				       postgres_number(since, since_ms),
				       postgres_number(n, most) };
	PGresult *r = postgres_run((struct postgres *)store, PQ_AUDIT_ROWS,
				   NULL, params, e);
	struct audit_row row;
	int rc = r ? 0 : -1;
	int i;

	if (r && PQntuples(r) > 0)
		take_chain(r, chain);
	for (i = 0; rc == 0 && i < PQntuples(r); i++) {
		row = (struct audit_row){
			.seq = postgres_int(r, i, 4),
			.at_ms = postgres_int(r, i, 5),
			.tenant_id = text_or_empty(postgres_text(r, i, 6)),
			.body = postgres_text(r, i, 7),
			.digest = text_or_empty(postgres_text(r, i, 8)),
			.before = text_or_empty(postgres_text(r, i, 9)),
			.hash = text_or_empty(postgres_text(r, i, 10)),
		};
		if (row.seq > 0)
			rc = fn(&row, arg);
	}
	PQclear(r);
	return rc < 0 ? -1 : 0;
}

const struct audit_ops audit_postgres = {
	.rows = postgres_audit_rows,
};

static int send(struct postgres_journal *p, const struct journal_req *r,
		const struct audit_new *a, const char *body, struct err *e)
{
	char at[POSTGRES_NUMBER], held[POSTGRES_NUMBER];
	const char *const ended[] = {
		r->entry_id,
		postgres_number(at, r->at_ms),
		postgres_number(held, r->epoch),
		text_or_empty(a->tenant_id),
		body,
	};
	const char *const written[] = { ended[1], ended[3], body };

	if (r->kind == JOURNAL_DONE)
		return postgres_batch_send(p, PQ_AUDIT_DONE, ended, NULL, NULL,
					   e);
	return postgres_batch_send(p, PQ_AUDIT_ADD, written, NULL, NULL, e);
}

int postgres_journal_audit(struct journal_db *db, struct journal_req *r,
			   size_t number, struct err *e)
{
	struct postgres_journal *p = (struct postgres_journal *)db;
	struct buf body;
	size_t i;
	int rc = 0;

	p->request = number;
	for (i = 0; rc == 0 && i < r->naudits; i++) {
		buf_init(&body, AUDIT_BODY_MAX);
		if (audit_body(&r->audits[i], &body) < 0)
			rc = err_set(e, ERR_RETRY,
				     "no memory for an audit row");
		else
			rc = send(p, r, &r->audits[i], body.data, e);
		buf_release(&body);
	}
	return rc;
}

void postgres_audit_bind(struct postgres_journal *p)
{
	char most[POSTGRES_NUMBER];
	const char *const params[] = { postgres_number(most, BIND_ROWS) };
	int64_t now_ms = clock_ms();
	struct err e = { 0 };
	PGresult *r;
	int64_t n;

	if (now_ms < p->bind_at_ms)
		return;
	r = postgres_run(p->s, PQ_AUDIT_BIND, NULL, params, &e);
	n = r ? postgres_int(r, 0, 0) : -1;
	PQclear(r);
	if (n < 0)
		log_warn(LOG_FIELDS({ "reason", e.msg }),
			 "cannot take rows into the audit trail");
	p->bind_at_ms = now_ms + (n < 0           ? BIND_FAIL_MS
				  : n < BIND_ROWS ? BIND_MS
						  : BIND_BUSY_MS);
}
