/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "route/message.h"
#include "route/routing.h"
#include "route/signal.h"
#include "route/stage_in.h"
#include "slack/ts.h"
#include "store/record.h"

/*
 * The press of "Regenerate" becomes the question that it asks again, in the
 * same thread, once for each answer that has such a button. A common answer's
 * button names all that it was to; who said one of them may press it, and the
 * new answer is to all that still stand in the transcript.
 */

#define AGAIN_MAX 32

struct asked_again {
	struct line said[AGAIN_MAX];
	size_t n;
	bool theirs; /* who pressed has said one of them */
};

static enum verdict fail(struct err *e)
{
	err_set(e, ERR_RETRY, "no memory");
	return V_FAIL;
}

/* 0; -1 when the store doesn't say. What is gone is left out. */
static int read_line(struct routing *r, struct asked_again *a, const char *ts,
		     struct err *e)
{
	const struct message *m = r->msg;
	struct line *l = &a->said[a->n];
	int rc;

	rc = r->store->ops->line(r->store, m->tenant_id, m->channel.channel_id,
				 m->thread_id, ts, l, e);
	if (rc <= 0)
		return rc;
	if (l->ours || !l->user_id) {
		line_release(l);
		return 0;
	}
	a->n++;
	a->theirs |= strcmp(l->user_id, m->sender.user_id) == 0;
	return 0;
}

/* "ts", or several with blanks between. V_NEXT: all is read. */
static enum verdict read_lines(struct routing *r, struct asked_again *a,
			       struct err *e)
{
	const char *p = r->msg->signal.detail;
	char ts[TS_SIZE];
	size_t n;

	for (; p && *p; p += n + (p[n] == ' ')) {
		n = strcspn(p, " ");
		if (n >= sizeof(ts) || a->n == AGAIN_MAX)
			return stage_malformed(r);
		(void)snprintf(ts, sizeof(ts), "%.*s", (int)n, p);
		if (!ts_valid(ts))
			return stage_malformed(r);
		if (read_line(r, a, ts, e) < 0)
			return V_FAIL;
	}
	return p ? V_NEXT : stage_malformed(r);
}

static char *copy(const char *s)
{
	return s ? strdup(s) : NULL;
}

/* A message as it was, as far as the transcript knows; NULL without memory. */
static struct message *message_of(const struct message *m, const struct line *l)
{
	struct message *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	memcpy(c->id, m->id, sizeof(c->id));
	c->platform = m->platform;
	c->tenant_id = copy(m->tenant_id);
	c->channel.channel_id = copy(m->channel.channel_id);
	c->channel.conversation = m->channel.conversation;
	c->channel.app_id = copy(m->channel.app_id);
	c->channel.workspace_id = copy(m->channel.workspace_id);
	c->channel.ts = copy(l->ts);
	c->channel.thread_ts = copy(m->channel.thread_ts);
	c->sender.user_id = copy(l->user_id);
	c->sender.display_name = copy(l->name);
	c->content.text = stage_escaped(l->text);
	c->timestamp_ms = ts_ms(l->ts);
	c->edited_ms = l->edited_ms;
	c->thread_id = copy(m->thread_id);
	c->event_id = copy(m->event_id);
	if (c->tenant_id && c->channel.channel_id && c->channel.app_id &&
	    c->channel.workspace_id && c->channel.ts && c->sender.user_id &&
	    c->content.text && c->thread_id && c->event_id)
		return c;
	message_free(c);
	return NULL;
}

static void free_all(struct message **list, size_t n)
{
	while (list && n > 0)
		message_free(list[--n]);
	free(list);
}

static void swap(char **a, char **b)
{
	char *was = *a;

	*a = *b;
	*b = was;
}

/* Nothing is changed before all is there. */
static enum verdict ask_all(struct routing *r, const struct asked_again *a,
			    struct err *e)
{
	struct message **list = calloc(a->n, sizeof(*list));
	struct message *m = r->msg;
	char once[64];
	size_t i;

	for (i = 0; list && i < a->n; i++) {
		list[i] = message_of(m, &a->said[i]);
		if (!list[i])
			break;
	}
	if (i < a->n) {
		free_all(list, i);
		return fail(e);
	}
	(void)snprintf(once, sizeof(once), "%s:%s", m->channel.channel_id,
		       m->channel.ts);
	swap(&m->channel.ts, &list[0]->channel.ts);
	swap(&m->content.text, &list[0]->content.text);
	swap(&m->sender.user_id, &list[0]->sender.user_id);
	if (list[0]->sender.display_name)
		swap(&m->sender.display_name, &list[0]->sender.display_name);
	m->edited_ms = list[0]->edited_ms;
	message_free(list[0]);
	memmove(list, list + 1, (a->n - 1) * sizeof(*list));
	r->more = list;
	r->nmore = r->nagain = a->n - 1;
	return stage_ask(r, "again", once);
}

static enum verdict gone(struct routing *r)
{
	r->why = "question is gone";
	if (!r->resumed) {
		routing_say(r, WORDS_FORGOTTEN, NULL);
		return V_REFUSE;
	}
	/* There is a placeholder to close. */
	if (r->hope == JOB_HOPE)
		r->hope = JOB_STALE;
	r->msg->signal.kind = SIGNAL_NONE;
	return V_NEXT;
}

struct search {
	const struct routing *r;
	bool found;
};

static int note_unfinished(const struct record *rec, void *arg)
{
	struct search *s = arg;

	/* Another press of later may wait for this one. */
	if (rec->done_ms == 0 && strcmp(rec->id, s->r->entry.id) != 0 &&
	    rec->received_ms <= s->r->entry.received_ms &&
	    strcmp(rec->app_id, s->r->msg->channel.app_id) == 0)
		s->found = true;
	return 0;
}

/* The transcript has questions when their turn has ended, and that waits for
 * what may come twice, while the button is there already. */
static enum verdict without_lines(struct routing *r, struct err *e)
{
	const struct message *m = r->msg;
	struct search s = { .r = r };
	char post[ENGAGED_KEY_SIZE];

	(void)snprintf(post, sizeof(post), "%s:%.*s", m->channel.channel_id,
		       (int)strcspn(m->signal.detail, " "), m->signal.detail);
	if (r->store->ops->records->find(r->store, post, note_unfinished, &s,
					 e) < 0)
		return V_FAIL;
	return s.found ? V_HOLD : gone(r);
}

enum verdict stage_again(struct routing *r, struct err *e)
{
	struct asked_again a = { .n = 0 };
	enum verdict v = read_lines(r, &a, e);

	if (v == V_NEXT && a.n == 0)
		v = without_lines(r, e);
	else if (v == V_NEXT && !a.theirs)
		v = stage_not_theirs(r);
	else if (v == V_NEXT)
		v = ask_all(r, &a, e);
	while (a.n > 0)
		line_release(&a.said[--a.n]);
	return v;
}
