/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "route/message.h"
#include "route/routing.h"
#include "route/signal.h"
#include "slack/markdown.h"
#include "slack/ts.h"
#include "state/engaged.h"
#include "state/gate.h"

#define TEXT_MAX (1024 * 1024)

static enum verdict fail(struct err *e)
{
	err_set(e, ERR_RETRY, "no memory");
	return V_FAIL;
}

/* The thread of a post of ours that somebody reacted to. */
static int find_thread(struct routing *r, struct err *e)
{
	struct message *m = r->msg;
	char *thread;
	int rc;

	rc = r->store->ops->thread_of(r->store, m->tenant_id,
				      m->channel.channel_id, m->channel.ts,
				      &thread, e);
	if (rc <= 0)
		return rc;
	free(m->thread_id);
	m->thread_id = thread;
	return message_thread_key(m, r->thread, sizeof(r->thread));
}

/* The gate forgets the thread now, the store when a worker tells it to. */
static enum verdict mute(struct routing *r, struct err *e)
{
	struct message *m = r->msg;

	if (r->gate->ops->disengage(r->gate, m->tenant_id, r->thread, e) < 0)
		return V_FAIL;
	m->signal.kind = SIGNAL_MUTED;
	(void)routing_locale(r); /* for what the worker says */
	return V_ACCEPT;
}

static enum verdict not_theirs(struct routing *r)
{
	r->why = "not the asker";
	routing_say(r, WORDS_NOT_THE_ASKER, NULL);
	return V_REFUSE;
}

/* Text as it was told to a model, as Slack would write it. */
static char *escaped(const char *text)
{
	struct buf out;

	buf_init(&out, TEXT_MAX);
	(void)mrkdwn_plain(text, strlen(text), &out);
	return buf_take(&out);
}

/* The press of a button becomes the question that it asks again: in the same
 * thread, once for each answer that has such a button. */
static enum verdict ask_again(struct routing *r, const struct line *q,
			      struct err *e)
{
	struct message *m = r->msg;
	char *ts = strdup(q->ts);
	char *text = escaped(q->text);
	char *name = q->name ? strdup(q->name) : NULL;
	int n;

	n = snprintf(r->claim, sizeof(r->claim), "%s:%s:%s:again-%s",
		     m->channel.app_id, m->channel.workspace_id,
		     m->channel.channel_id, m->channel.ts);
	if (!ts || !text || n < 0 || (size_t)n >= sizeof(r->claim)) {
		free(ts);
		free(text);
		free(name);
		return fail(e);
	}
	free(m->channel.ts);
	free(m->content.text);
	free(m->sender.display_name);
	m->channel.ts = ts;
	m->content.text = text;
	m->sender.display_name = name;
	m->timestamp_ms = r->entry.received_ms;
	m->mention = true;
	m->signal.kind = SIGNAL_NONE;
	r->engages = !message_is_direct(m);
	return V_NEXT;
}

static enum verdict again(struct routing *r, struct err *e)
{
	const struct message *m = r->msg;
	const char *ts = m->signal.detail;
	struct line q;
	enum verdict v;
	int rc;

	if (!ts || !ts_valid(ts)) {
		r->why = "malformed";
		return V_DROP;
	}
	rc = r->store->ops->line(r->store, m->tenant_id, m->channel.channel_id,
				 m->thread_id, ts, &q, e);
	if (rc < 0)
		return V_FAIL;
	if (rc == 0) {
		r->why = "question is gone";
		return V_DROP;
	}
	if (q.ours || !q.user_id || strcmp(q.user_id, m->sender.user_id) != 0)
		v = not_theirs(r);
	else
		v = ask_again(r, &q, e);
	line_release(&q);
	return v;
}

enum verdict stage_signal(struct routing *r, struct err *e)
{
	const struct message *m = r->msg;

	if (m->signal.kind == SIGNAL_MUTED)
		return mute(r, e);
	if (m->signal.kind == SIGNAL_REACTION &&
	    strcmp(m->signal.value, SIGNAL_MUTE) == 0)
		return find_thread(r, e) < 0 ? V_FAIL : mute(r, e);
	if (m->signal.kind == SIGNAL_PRESS &&
	    strcmp(m->signal.value, SIGNAL_AGAIN) == 0)
		return again(r, e);
	return V_ACCEPT;
}

/* Letters only, one blank between words. Of ASCII the lower case. */
static void simplify(const char *text, char *out, size_t size)
{
	size_t n = 0;

	for (; *text && n + 2 < size; text++) {
		unsigned char c = (unsigned char)*text;

		if (isalpha(c) || c >= 0x80)
			out[n++] = (char)tolower(c);
		else if (n > 0 && out[n - 1] != ' ')
			out[n++] = ' ';
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
}

bool signal_is_hush(const char *text)
{
	static const char *const words[] = {
		"stop listening",    "stop replying",
		"stop answering",    "be quiet",
		"leave this thread", "hör nicht mehr zu",
		"hör auf zuzuhören", "antworte hier nicht mehr",
		"sei still",
	};
	char simple[64];
	const char *s = simple;
	size_t i;

	if (strlen(text) >= sizeof(simple))
		return false;
	simplify(text, simple, sizeof(simple));
	if (strncmp(s, "please ", 7) == 0)
		s += 7;
	else if (strncmp(s, "bitte ", 6) == 0)
		s += 6;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(s, words[i]) == 0)
			return true;
	return false;
}

/* "@Mara stop listening", in a thread. */
enum verdict stage_hush(struct routing *r, struct err *e)
{
	const struct message *m = r->msg;

	if (!m->channel.thread_ts || !r->engages || !m->mention ||
	    !signal_is_hush(m->content.text))
		return V_NEXT;
	return mute(r, e);
}
