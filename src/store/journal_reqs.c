/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "base/err.h"
#include "store/journal_in.h"

void reqs_init(struct reqs *l)
{
	l->head = NULL;
	l->tail = &l->head;
}

void reqs_add(struct reqs *l, struct node *n)
{
	n->next = NULL;
	*l->tail = n;
	l->tail = &n->next;
}

struct node *reqs_take(struct reqs *l)
{
	struct node *n = l->head;

	if (!n)
		return NULL;
	l->head = n->next;
	if (!l->head)
		l->tail = &l->head;
	return n;
}

/* With those that they cover. */
static size_t count_entries(const struct entry *entries, size_t n)
{
	size_t i, all = n;

	for (i = 0; i < n; i++)
		all += entries[i].ncovered;
	return all;
}

static void drop_entries(struct entry *entries, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		entry_release(&entries[i]);
	free(entries);
}

void reqs_answer(struct journal *j, struct journal_req *r)
{
	struct entry *entries = r->entries;
	size_t n = r->nentries;

	if (r->kind == JOURNAL_APPEND &&
	    (!r->ok || r->duplicate || r->elsewhere))
		journal_count_down(j, 1);
	if (r->kind == JOURNAL_CLAIM)
		atomic_fetch_add(&j->unfinished, count_entries(entries, n));
	atomic_fetch_sub(&j->queued, 1);
	r->done(r);
	drop_entries(entries, n);
}

void reqs_clear(struct journal_req *r)
{
	r->duplicate = r->elsewhere = r->lost = r->ended = false;
	r->refused = false;
	drop_entries(r->entries, r->nentries);
	r->entries = NULL;
	r->nentries = 0;
}

void reqs_fail(struct journal *j, struct journal_req *r, const struct err *why)
{
	r->ok = false;
	reqs_clear(r);
	if (r->err)
		*r->err = *why;
	reqs_answer(j, r);
}
