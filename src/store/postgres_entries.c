/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "store/backend.h"
#include "store/postgres_journal.h"

/* Entries that are in memory at once; a frame is at most some 300 kB. */
#define PAGE 100

/* As for opening a store: who starts would end for nothing when the server is
 * only busy, and a connection that was given up may hold its lock for as long
 * as the server is. */
#define START_MS 20000

/* What nobody had since it came may be the row of a backup all the same, and
 * its answer stand in Slack; but not so soon. */
#define FRESH_MS 60000

int postgres_journal_count(struct journal_db *db, size_t *unfinished,
			   struct err *e)
{
	struct postgres *s = ((struct postgres_journal *)db)->s;
	PGresult *r = postgres_run(s, PQ_COUNT_UNFINISHED, NULL, NULL, e);

	if (!r)
		return -1;
	*unfinished = (size_t)postgres_int(r, 0, 0);
	PQclear(r);
	return 0;
}

/* "0 1700000000.000100,1 " and so on. */
static int read_parts(const char *posts, struct entry *en)
{
	char ts[64];
	unsigned long i;
	size_t n;
	char *end;

	while (posts && *posts) {
		i = strtoul(posts, &end, 10);
		posts = end + (*end == ' ');
		n = strcspn(posts, ",");
		if (n >= sizeof(ts))
			return -1;
		memcpy(ts, posts, n);
		ts[n] = '\0';
		if (entry_set_part(en, i, ts) < 0)
			return -1;
		posts += n + (posts[n] == ',');
	}
	return 0;
}

static char *copy_frame(const PGresult *r, int row, int col, size_t *len)
{
	unsigned char *raw;
	char *copy;

	raw = PQunescapeBytea((unsigned char *)PQgetvalue(r, row, col), len);
	copy = raw ? malloc(*len + 1) : NULL;
	if (copy) {
		memcpy(copy, raw, *len);
		copy[*len] = '\0';
	}
	PQfreemem(raw);
	return copy;
}

static int read_entry(const PGresult *r, int row, struct entry *en,
		      struct err *e)
{
	*en = (struct entry){
		.state = entry_state_parse(postgres_text(r, row, 2)),
		.received_ms = postgres_int(r, row, 3),
		.app_id = postgres_copy(r, row, 4),
		.event_id = postgres_copy(r, row, 5),
		.claim = postgres_copy(r, row, 6),
		.tenant_id = postgres_copy(r, row, 7),
		.verdict = postgres_copy(r, row, 8),
		.attempts = (int)postgres_int(r, row, 9),
		.answer = postgres_copy(r, row, 11),
		.replayed_ms = postgres_int(r, row, 13),
	};
	(void)strncpy(en->id, PQgetvalue(r, row, 1), sizeof(en->id) - 1);
	en->frame = copy_frame(r, row, 10, &en->frame_len);
	if (!en->app_id || !en->frame ||
	    read_parts(postgres_text(r, row, 12), en) < 0)
		return err_set(e, ERR_RETRY, "cannot read entry: no memory");
	return 0;
}

static bool is_covered(const PGresult *r, int row)
{
	return row < PQntuples(r) && !PQgetisnull(r, row, 14);
}

/* The entry at *row and those behind it that it covers; *row is then behind
 * them. */
static int read_group(const PGresult *r, int *row, struct entry *en,
		      struct err *e)
{
	char *frame;
	size_t len;
	int i = *row;

	if (read_entry(r, i, en, e) < 0)
		return -1;
	for (i++; is_covered(r, i); i++) {
		frame = copy_frame(r, i, 10, &len);
		if (!frame ||
		    entry_add_covered(en, PQgetvalue(r, i, 1), frame, len) < 0)
			return err_set(e, ERR_RETRY,
				       "cannot read entry: no memory");
	}
	*row = i;
	return 0;
}

static PGresult *ask_page(struct postgres *s, int64_t after, int64_t until,
			  struct err *e)
{
	static const struct timespec step = { 0, 50 * 1000000L };
	char seq[POSTGRES_NUMBER], most[POSTGRES_NUMBER];
	const char *const params[] = { postgres_number(seq, after),
				       postgres_number(most, PAGE) };
	PGresult *r;

	for (;;) {
		r = postgres_run(s, PQ_UNFINISHED, NULL, params, e);
		if (r || e->kind != ERR_RETRY || clock_ms() >= until)
			return r;
		*e = (struct err){ 0 };
		(void)nanosleep(&step, NULL);
	}
}

/* 0: there may be more; 1: that's all, or fn stopped. */
static int read_page(struct postgres *s, int64_t *after, int64_t until,
		     int (*fn)(struct entry *en, void *arg), void *arg,
		     struct err *e)
{
	PGresult *r = ask_page(s, *after, until, e);
	struct entry en;
	int n = r ? PQntuples(r) : 0;
	int rc = r ? 0 : -1;
	int i = 0;

	while (rc == 0 && i < n) {
		*after = postgres_int(r, i, 0);
		rc = read_group(r, &i, &en, e);
		if (rc == 0)
			rc = fn(&en, arg);
		entry_release(&en);
	}
	PQclear(r);
	return rc == 0 && n < PAGE ? 1 : rc;
}

static int add_entry(struct postgres_journal *p, struct journal_req *r,
		     const PGresult *rows, int *i, struct err *e)
{
	struct entry *en = &r->entries[r->nentries];
	bool fresh = postgres_bool(rows, *i, 15);

	if (read_group(rows, i, en, e) < 0) {
		entry_release(en);
		return -1;
	}
	en->part = r->part;
	en->epoch = r->epoch;
	en->fresh = fresh && clock_wall_ms() - en->received_ms < FRESH_MS;
	r->nentries++;
	return postgres_batch_keep(p, en->id, e);
}

int postgres_claim_take(struct postgres_journal *p, struct journal_req *r,
			const PGresult *rows, struct err *e)
{
	int n = PQntuples(rows);
	int i = 0, rc = 0;

	if (n == 0)
		return 0;
	r->entries = calloc((size_t)n, sizeof(*r->entries));
	if (!r->entries)
		return err_set(e, ERR_RETRY, "no memory for entries");
	while (i < n && rc == 0)
		rc = add_entry(p, r, rows, &i, e);
	return rc;
}

int postgres_journal_claim(struct journal_db *db, struct journal_req *r,
			   struct err *e)
{
	struct postgres_journal *p = (struct postgres_journal *)db;
	const struct postgres_sent kept = { .claimed = r };
	char part[POSTGRES_NUMBER], held[POSTGRES_NUMBER],
		most[POSTGRES_NUMBER];
	const char *const params[] = {
		postgres_number(part, r->part),
		postgres_number(held, r->epoch),
		postgres_number(most, (int64_t)r->most),
	};

	if (postgres_batch_send(p, PQ_WORK_CLAIM, params, NULL, &kept, e) < 0)
		return -1;
	p->claims = true;
	p->request++;
	return 0;
}

int postgres_journal_unfinished(struct journal_db *db,
				int (*fn)(struct entry *en, void *arg),
				void *arg, struct err *e)
{
	struct postgres *s = ((struct postgres_journal *)db)->s;
	int64_t until = clock_ms() + START_MS;
	int64_t after = 0;
	int rc;

	do {
		rc = read_page(s, &after, until, fn, arg, e);
	} while (rc == 0);
	return rc < 0 ? -1 : 0;
}

int postgres_journal_entry(struct journal_db *db, const char *id,
			   int (*fn)(struct entry *en, void *arg), void *arg,
			   struct err *e)
{
	struct postgres *s = ((struct postgres_journal *)db)->s;
	PGresult *r = postgres_run(s, PQ_ONE_UNFINISHED, NULL, &id, e);
	bool there = r && PQntuples(r) > 0;
	struct entry en;
	int rc = r ? 0 : -1;
	int i = 0;

	if (there) {
		rc = read_group(r, &i, &en, e);
		if (rc == 0)
			rc = fn(&en, arg);
		entry_release(&en);
	}
	PQclear(r);
	return rc < 0 ? -1 : there;
}
