/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "route/job.h"
#include "route/message.h"
#include "slack/mention.h"
#include "slack/text.h"
#include "turn/read.h"
#include "turn/reply.h"
#include "turn/turn.h"

/*
 * Whom an answer may mention: who asked, and who has spoken in the thread. That
 * is written into the answer before the journal gets it (slack/mention.h), so
 * that it looks the same after a restart, when nobody knows the thread.
 */

#define PEOPLE_MAX 32

/* The last one counts: names change. */
static void add(struct turn *t, const char *id, const char *name)
{
	struct mention_person *p = t->people;

	/* Bots are no people. */
	if (!id || (id[0] != 'U' && id[0] != 'W') || strlen(id) >= MENTION_ID)
		return;
	for (; p < t->people + t->npeople; p++)
		if (strcmp(p->id, id) == 0)
			break;
	if (p == t->people + PEOPLE_MAX)
		return;
	if (p == t->people + t->npeople)
		t->npeople++;
	(void)snprintf(p->id, sizeof(p->id), "%s", id);
	slack_name_clean(name ? name : id, p->name);
}

void people_note(struct turn *t)
{
	const struct line *l;
	size_t i;

	if (!t->people)
		t->people = calloc(PEOPLE_MAX, sizeof(*t->people));
	if (!t->people)
		return;
	for (i = 0; i < t->nasked; i++)
		add(t, turn_message(t, i)->sender.user_id, t->asked[i].name);
	for (i = t->history.n; i > 0; i--) {
		l = &t->history.lines[i - 1];
		if (!l->ours)
			add(t, l->user_id, l->name);
	}
}

static int mark(const struct turn *t, struct buf *out)
{
	return mention_mark(t->answer.data ? t->answer.data : "", t->answer.len,
			    t->people, t->npeople, out);
}

int people_interim(const struct turn *t, struct buf *out)
{
	struct buf marked;
	int rc;

	buf_init(&marked, t->answer.len + MENTION_GROWTH);
	rc = mark(t, &marked);
	if (rc == 0)
		rc = reply_interim(marked.data, marked.len, out);
	buf_release(&marked);
	return rc;
}

char *people_bare(const struct turn *t)
{
	struct buf bare;

	buf_init(&bare, t->answer.len + 1);
	(void)mention_strip(t->answer.data ? t->answer.data : "", t->answer.len,
			    &bare);
	return buf_take(&bare);
}

void people_settle(struct turn *t)
{
	struct buf marked;

	if (t->settled)
		return;
	t->settled = true;
	buf_init(&marked, t->answer.cap);
	if (mark(t, &marked) == 0) {
		buf_release(&t->answer);
		t->answer = marked;
	} else {
		buf_release(&marked);
	}
}
