/* SPDX-License-Identifier: ISC */
#include "store/audit.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "store/backend.h"
#include "store/sqlite_journal.h"

static void take_text(sqlite3_stmt *st, int col, char out[DIGEST_HEX])
{
	const char *text = sqlite_text(st, col);

	(void)snprintf(out, DIGEST_HEX, "%s", text ? text : "");
}

static void take_chain(sqlite3_stmt *st, struct audit_chain *c)
{
	c->first = sqlite3_column_int64(st, 0);
	take_text(st, 1, c->before);
	c->last = sqlite3_column_int64(st, 2);
	take_text(st, 3, c->hash);
}

/* The statement gives at least the chain. */
static int sqlite_audit_rows(struct store *store, int64_t after,
			     int64_t since_ms, int most,
			     struct audit_chain *chain,
			     int (*fn)(const struct audit_row *r, void *arg),
			     void *arg, struct err *e)
{
	struct sqlite *s = (struct sqlite *)store;
	sqlite3_stmt *st = sqlite_query(s, Q_AUDIT_ROWS, e);
	struct audit_row r;
	int rc = st ? 1 : -1;

	if (st) {
		(void)sqlite3_bind_int64(st, 1, after);
		(void)sqlite3_bind_int64(st, 2, since_ms);
		(void)sqlite3_bind_int(st, 3, most);
	}
	while (rc > 0) {
		rc = sqlite_row(s, st, e);
		if (rc <= 0)
			break;
		take_chain(st, chain);
		r = (struct audit_row){
			.seq = sqlite3_column_int64(st, 4),
			.at_ms = sqlite3_column_int64(st, 5),
			.tenant_id = text_or_empty(sqlite_text(st, 6)),
			.body = sqlite_text(st, 7),
			.digest = text_or_empty(sqlite_text(st, 8)),
			.before = text_or_empty(sqlite_text(st, 9)),
			.hash = text_or_empty(sqlite_text(st, 10)),
		};
		rc = sqlite_go_on(st, r.seq > 0 ? fn(&r, arg) : 0);
	}
	return rc;
}

const struct audit_ops audit_sqlite = {
	.rows = sqlite_audit_rows,
};

static int read_chain(struct sqlite *s, struct audit_chain *c, struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, Q_AUDIT_CHAIN, e);
	int rc = st ? sqlite_row(s, st, e) : -1;

	if (rc == 0)
		return err_set(e, ERR_FATAL, "the audit trail has no end");
	if (rc < 0)
		return -1;
	take_chain(st, c);
	sqlite_finish(st);
	return 0;
}

static int put_row(struct sqlite *s, const struct audit_row *r, struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, Q_AUDIT_PUT, e);

	if (!st)
		return -1;
	(void)sqlite3_bind_int64(st, 1, r->seq);
	(void)sqlite3_bind_int64(st, 2, r->at_ms);
	sqlite_bind(st, 3, r->tenant_id);
	sqlite_bind(st, 4, r->body);
	sqlite_bind(st, 5, r->digest);
	sqlite_bind(st, 6, r->before);
	sqlite_bind(st, 7, r->hash);
	return sqlite_run(s, st, e);
}

static int end_chain(struct sqlite *s, const struct audit_chain *c,
		     struct err *e)
{
	sqlite3_stmt *st = sqlite_query(s, Q_AUDIT_END, e);

	if (!st)
		return -1;
	(void)sqlite3_bind_int64(st, 1, c->last);
	sqlite_bind(st, 2, c->hash);
	return sqlite_run(s, st, e);
}

/* Behind the end of the chain, which is there from then on. */
static int add(struct sqlite *s, struct audit_chain *c,
	       const struct audit_new *a, int64_t at_ms, const struct buf *body,
	       struct err *e)
{
	char sum[DIGEST_HEX], hash[DIGEST_HEX];
	struct audit_row r = { .seq = c->last + 1,
			       .at_ms = at_ms,
			       .tenant_id = text_or_empty(a->tenant_id),
			       .body = body->data,
			       .digest = sum,
			       .before = c->hash,
			       .hash = hash };

	digest_hex(body->data, body->len, sum);
	audit_hash(&r, hash);
	if (put_row(s, &r, e) < 0)
		return -1;
	c->last = r.seq;
	memcpy(c->hash, hash, sizeof(c->hash));
	return 0;
}

static int add_new(struct sqlite *s, struct audit_chain *c,
		   const struct audit_new *a, int64_t at_ms, struct err *e)
{
	struct buf body;
	int rc;

	buf_init(&body, AUDIT_BODY_MAX);
	if (audit_body(a, &body) < 0)
		rc = err_set(e, ERR_RETRY, "no memory for an audit row");
	else
		rc = add(s, c, a, at_ms, &body, e);
	buf_release(&body);
	return rc;
}

int sqlite_audit_add(struct sqlite *s, const struct audit_new *a, int64_t at_ms,
		     struct err *e)
{
	struct audit_chain c;

	if (read_chain(s, &c, e) < 0 || add_new(s, &c, a, at_ms, e) < 0)
		return -1;
	return end_chain(s, &c, e);
}

int sqlite_journal_audit(struct journal_db *db, struct journal_req *r,
			 size_t number, struct err *e)
{
	struct sqlite_journal *j = (struct sqlite_journal *)db;
	size_t i;

	(void)number;
	if (r->kind == JOURNAL_DONE && !r->ended)
		return 0;
	if (!j->audited && read_chain(j->s, &j->chain, e) < 0)
		return -1;
	j->audited = true;
	for (i = 0; i < r->naudits; i++) {
		if (add_new(j->s, &j->chain, &r->audits[i], r->at_ms, e) < 0)
			return -1;
	}
	return 0;
}

int sqlite_journal_audit_end(struct sqlite_journal *j, struct err *e)
{
	return j->audited ? end_chain(j->s, &j->chain, e) : 0;
}
