/* SPDX-License-Identifier: ISC */
#include "store/spill.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "store/journal_ops.h"

#define MOVE_MAX   512
#define MOVE_BYTES (8 << 20)

#define KEPT_MS     (48 * INT64_C(3600000))
#define EXPIRE_ROWS (2 * MOVE_MAX)

struct spill {
	struct journal_db *db;
	atomic_size_t depth;
};

/* One on its way back. */
struct moved {
	struct journal_req req; /* must be first */
	struct entry entry;
};

struct spill *spill_open(const char *path, struct err *e)
{
	struct spill *s = calloc(1, sizeof(*s));
	char url[PATH_MAX + 8];
	size_t n = 0;

	if (!s) {
		err_set(e, ERR_RETRY, "cannot open '%s': no memory", path);
		return NULL;
	}
	(void)snprintf(url, sizeof(url), "sqlite:%s", path);
	s->db = journal_sqlite.open(url, NULL, NULL, e);
	if (!s->db || s->db->ops->count(s->db, &n, e) < 0) {
		spill_close(s);
		return NULL;
	}
	atomic_store(&s->depth, n);
	return s;
}

void spill_close(struct spill *s)
{
	if (!s)
		return;
	if (s->db)
		s->db->ops->close(s->db);
	free(s);
}

size_t spill_depth(const struct spill *s)
{
	return atomic_load(&s->depth);
}

/* The thread that others are to hear of stands where the router's claim would,
 * which these have none of yet. */
static int put_one(struct spill *s, struct journal_req *r, struct err *e)
{
	struct journal_req n = { .note.claim = r->news };

	if (s->db->ops->append(s->db, r, e) < 0)
		return -1;
	if (r->duplicate || !r->news)
		return 0;
	memcpy(n.entry_id, r->entry->id, sizeof(n.entry_id));
	return s->db->ops->note(s->db, &n, e);
}

int spill_put(struct spill *s, struct node *head, struct err *e)
{
	struct journal_req *r;
	struct node *n;
	size_t put = 0, bad = 0;

	if (s->db->ops->begin(s->db, e) < 0)
		return -1;
	for (n = head; n; n = n->next) {
		r = (struct journal_req *)n;
		if (put_one(s, r, e) < 0)
			goto fail;
		put += !r->duplicate;
	}
	if (s->db->ops->commit(s->db, &bad, e) < 0)
		goto fail;
	atomic_fetch_add(&s->depth, put);
	return 0;
fail:
	s->db->ops->rollback(s->db);
	return -1;
}

struct reading {
	struct node *head;
	struct node **tail;
	size_t n, bytes;
};

static int read_one(struct entry *en, void *arg)
{
	struct reading *rd = arg;
	struct moved *m = calloc(1, sizeof(*m));

	if (!m)
		return rd->n > 0 ? 1 : -1;
	m->entry = *en;
	memset(en, 0, sizeof(*en));
	m->entry.fresh = true;
	m->req.kind = JOURNAL_APPEND;
	/* Whoever takes the entry leaves nothing in it. */
	memcpy(m->req.entry_id, m->entry.id, sizeof(m->req.entry_id));
	m->req.entry = &m->entry;
	m->req.news = m->entry.claim;
	*rd->tail = &m->req.node;
	rd->tail = &m->req.node.next;
	rd->n++;
	rd->bytes += m->entry.frame_len;
	return rd->n >= MOVE_MAX || rd->bytes >= MOVE_BYTES;
}

struct node *spill_read(struct spill *s, struct err *e)
{
	struct reading rd = { 0 };

	rd.tail = &rd.head;
	if (s->db->ops->unfinished(s->db, read_one, &rd, e) < 0) {
		spill_free(rd.head);
		return NULL;
	}
	return rd.head;
}

void spill_free(struct node *head)
{
	struct node *next;
	struct moved *m;

	for (; head; head = next) {
		next = head->next;
		m = (struct moved *)head;
		entry_release(&m->entry);
		free(m);
	}
}

static int drop_all(struct spill *s, const struct node *head, bool dead,
		    size_t *finished, struct err *e)
{
	int64_t now = clock_wall_ms();
	struct journal_req r = { 0 };
	const struct moved *m;
	size_t bad = 0;

	r.note.state = dead ? ENTRY_DEAD : ENTRY_DONE;
	for (; head; head = head->next) {
		m = (const struct moved *)head;
		memcpy(r.entry_id, m->req.entry_id, sizeof(r.entry_id));
		if (s->db->ops->done(s->db, &r, now, finished, e) < 0)
			return -1;
	}
	return s->db->ops->commit(s->db, &bad, e);
}

/* The file doesn't grow for ever, and a WAL is copied. */
void spill_tidy(struct spill *s, int64_t now_ms)
{
	struct err e = { 0 };

	if (s->db->ops->expire(s->db, now_ms, KEPT_MS, EXPIRE_ROWS, &e) < 0)
		log_warn(LOG_FIELDS({ "reason", e.msg }),
			 "cannot delete what was moved long ago");
	s->db->ops->rest(s->db, true);
}

int spill_drop(struct spill *s, struct node *head, bool dead, struct err *e)
{
	size_t finished = 0;

	if (s->db->ops->begin(s->db, e) < 0)
		return -1;
	if (drop_all(s, head, dead, &finished, e) < 0) {
		s->db->ops->rollback(s->db);
		return -1;
	}
	atomic_fetch_sub(&s->depth, finished);
	spill_tidy(s, clock_wall_ms());
	return 0;
}
