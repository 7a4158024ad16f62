/* SPDX-License-Identifier: ISC */
#include "pen.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/journal_ops.h"
#include "store/record.h"

void pen_finish(struct journal_req *r)
{
	struct pen *p = (struct pen *)r;

	pthread_mutex_lock(&p->lock);
	p->finished = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
}

void pen_start(struct pen *p)
{
	p->finished = false;
	p->r.err = &p->err;
	p->r.done = pen_finish;
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_cond_init(&p->wake, NULL);
	ck_assert(journal_submit(books.j, &p->r));
}

void pen_await(struct pen *p)
{
	pthread_mutex_lock(&p->lock);
	while (!p->finished)
		pthread_cond_wait(&p->wake, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

void pen_run(struct pen *p)
{
	pen_start(p);
	pen_await(p);
}

void pen_set_append(struct pen *p, const char *id, const char *event)
{
	memset(p, 0, sizeof(*p));
	p->r.kind = JOURNAL_APPEND;
	p->r.entry = &p->entry;
	(void)snprintf(p->entry.id, sizeof(p->entry.id), "%s", id);
	p->entry.app_id = (char *)"A1";
	p->entry.event_id = (char *)event;
	p->entry.received_ms = PEN_NOW;
	p->entry.frame = (char *)"{\"type\":\"events_api\"}";
	p->entry.frame_len = strlen(p->entry.frame);
}

void pen_append(const char *id, const char *event)
{
	struct pen p;

	pen_set_append(&p, id, event);
	pen_run(&p);
	ck_assert_msg(p.r.ok && !p.r.duplicate, "%s", p.err.msg);
}

bool pen_is_duplicate(const char *id, const char *event)
{
	struct pen p;

	pen_set_append(&p, id, event);
	pen_run(&p);
	ck_assert(p.r.ok);
	return p.r.duplicate;
}

struct pen *pen_set_note(struct pen *p, enum journal_kind kind, const char *id)
{
	memset(p, 0, sizeof(*p));
	p->r.kind = kind;
	(void)snprintf(p->r.entry_id, sizeof(p->r.entry_id), "%s", id);
	return p;
}

void pen_note(const char *id, struct note n)
{
	struct pen p;

	pen_set_note(&p, JOURNAL_NOTE, id)->r.note = n;
	pen_run(&p);
	ck_assert_msg(p.r.ok, "%s", p.err.msg);
}

void pen_done(const char *id, struct note n)
{
	struct pen p;

	pen_set_note(&p, JOURNAL_DONE, id)->r.note = n;
	pen_run(&p);
	ck_assert_msg(p.r.ok, "%s", p.err.msg);
}

int pen_collect(struct entry *en, void *arg)
{
	struct pen_left *u = arg;

	strncat(u->ids, en->id, ID_SIZE);
	strncat(u->ids, " ", 2);
	entry_release(&u->last);
	u->last = *en;
	*en = (struct entry){ 0 };
	return 0;
}

struct pen_left pen_left(void)
{
	struct pen_left u = { .ids = "" };

	ck_assert_int_eq(journal_unfinished(books.j, pen_collect, &u, &books.e),
			 0);
	return u;
}

void pen_leaves(const char *ids)
{
	struct pen_left u = pen_left();

	ck_assert_str_eq(u.ids, ids);
	entry_release(&u.last);
}

static int write_blame(struct store *s, void *arg, struct err *err)
{
	return s->ops->records->blame(s, arg, "crashed:asking", PEN_NOW + 5000,
				      err);
}

void pen_set_write(struct pen *p,
		   int (*fn)(struct store *, void *, struct err *), void *arg)
{
	memset(p, 0, sizeof(*p));
	p->r.kind = JOURNAL_WRITE;
	p->r.write = fn;
	p->r.arg = arg;
}

void pen_blame(const char *id)
{
	struct pen p;

	pen_set_write(&p, write_blame, (void *)id);
	pen_run(&p);
	ck_assert_msg(p.r.ok, "%s", p.err.msg);
}

struct line_new pen_line(const char *ts, const char *text, bool ours)
{
	return (struct line_new){
		.tenant_id = books.acme,
		.channel = "C1",
		.thread = "1.0",
		.line = { .ours = ours,
			  .user_id = ours ? NULL : (char *)"U1",
			  .name = ours ? NULL : (char *)"Ann",
			  .ts = (char *)ts,
			  .text = (char *)text },
	};
}

/* A turn: question and answer, and what it cost. */
void pen_answer(const char *id, const struct line_new *lines, size_t n)
{
	struct usage_new u = { books.acme, "C1", "U1", "main", 10, 5 };
	struct pen p;

	pen_append(id, id);
	pen_set_note(&p, JOURNAL_DONE, id);
	p.r.lines = lines;
	p.r.nlines = n;
	p.r.usage = &u;
	pen_run(&p);
	ck_assert_msg(p.r.ok, "%s", p.err.msg);
}

void pen_history(size_t max_bytes, struct transcript *t)
{
	struct store *st = scratch_open(&books.scratch, false);

	ck_assert_int_ge(st->ops->history(st, books.acme, "C1", "1.0",
					  max_bytes, t, &books.e),
			 0);
	st->ops->close(st);
}

int pen_list_claim(const char *key, const char *entry, const char *verdict,
		   void *arg)
{
	char *list = arg;
	size_t n = strlen(list);

	(void)snprintf(list + n, 300 - n, "%s=%s:%s ", key, entry, verdict);
	return 0;
}

struct journal_db *pen_db(void)
{
	const char *url = books.scratch.url;
	const struct keyring *k = books.scratch.keyring;
	struct journal_db *db;

	journal_free(books.j);
	books.j = NULL;
	db = books_are_on_postgres()
		     ? journal_postgres.open(url, k, NULL, &books.e)
		     : journal_sqlite.open(url, k, NULL, &books.e);
	ck_assert_msg(db != NULL, "%s", books.e.msg);
	return db;
}
