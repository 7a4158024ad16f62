/* SPDX-License-Identifier: ISC */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"

struct buf;
struct err;
struct store;

/*
 * The audit trail: who asked which agent where, and what an admin changed; no
 * text of anybody's. A row is written in the transaction of what it tells of
 * (journal_req.audits), so there is none without the other.
 *
 * Rows are a chain: each has the hash of the one before, and its own over
 *
 *   before "\n" seq "\n" at_ms "\n" tenant_id "\n" digest
 *
 * where hashes are SHA-256 in hex, numbers are decimal, and digest is that of
 * the body. So a body can be erased when its time is over, and the chain still
 * holds. The store remembers where it begins and ends, so that the first and
 * the last row can't go unnoticed either. There is one chain a store, whatever
 * number of nodes writes to it. With PostgreSQL the end of an entry takes its
 * place in it within a second, or when a journal is opened again.
 */

/* What becomes of a body, in this order; NULL and 0 are left out. Borrowed. */
struct audit_new {
	const char *tenant_id; /* NULL: none, or not known by id */
	const char *what;      /* "ask" or "admin" */

	const char *entry;
	const char *app, *workspace, *channel, *thread;
	const char *user;
	const char *agent; /* its name */
	const char *model;
	int64_t prompt_tokens, completion_tokens;
	const char *with;     /* entry whose answer is this one's, too */
	const char *decision; /* "answered", "refuse:access", ... */
	const char *why;

	const char *by; /* "uid 0" */
	const char *command;
	const char *tenants; /* names, commas between */
	const char *changed; /* the names of settings, likewise */
};
/* 0, or -1: no memory, or it is too long. */
int audit_body(const struct audit_new *a, struct buf *out);
#define AUDIT_BODY_MAX ((size_t)8192)

/* Strings are borrowed. */
struct audit_row {
	int64_t seq; /* without gaps */
	int64_t at_ms;
	const char *tenant_id; /* "": none */
	const char *body;      /* JSON; NULL: erased */
	const char *digest;
	const char *before; /* hash of the row before */
	const char *hash;
};
void audit_hash(const struct audit_row *r, char out[DIGEST_HEX]);

/* Where the chain begins and ends, as the store has it. */
struct audit_chain {
	int64_t first;           /* seq of the first row that is kept */
	char before[DIGEST_HEX]; /* hash of the row before that one */
	int64_t last;            /* 0: there was never one */
	char hash[DIGEST_HEX];   /* of the last one */
};
/* That before the first row of all. */
#define AUDIT_BEFORE                       \
	"00000000000000000000000000000000" \
	"00000000000000000000000000000000"

/* As store_ops. */
struct audit_ops {
	/* At most so many rows behind one, not older than since_ms, and the
	 * chain as it was in that moment. */
	int (*rows)(struct store *s, int64_t after, int64_t since_ms, int most,
		    struct audit_chain *chain,
		    int (*fn)(const struct audit_row *r, void *arg), void *arg,
		    struct err *e);
};
extern const struct audit_ops audit_sqlite;
extern const struct audit_ops audit_postgres;

/*
 * Looking through a chain, row by row from its beginning. tell is called for
 * each fault; it names the row.
 */
struct audit_check {
	int64_t next;          /* seq that is expected */
	char hash[DIGEST_HEX]; /* of the row before; "": not known */
	int64_t rows, erased, faults;
	void (*tell)(const char *fault, void *arg);
	void *arg;
};
void audit_check_begin(struct audit_check *c, const struct audit_chain *from);
/* The beginning has moved meanwhile, since old rows went. */
void audit_check_moved(struct audit_check *c, const struct audit_chain *now);
void audit_check_row(struct audit_check *c, const struct audit_row *r);
/* All rows of a chain that was as in end were seen. */
void audit_check_end(struct audit_check *c, const struct audit_chain *end);

#endif
