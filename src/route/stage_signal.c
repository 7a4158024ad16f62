/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "route/message.h"
#include "route/routing.h"
#include "route/signal.h"
#include "route/stage_in.h"
#include "slack/markdown.h"
#include "slack/ts.h"
#include "state/engaged.h"
#include "state/gate.h"

#define TEXT_MAX  (1024 * 1024)
#define META_MAX  4096
#define MINUTE_MS (60 * 1000)

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

	if (r->gate->ops->disengage(r->gate, m->tenant_id, r->thread,
				    m->timestamp_ms, e) < 0)
		return V_FAIL;
	m->signal.kind = SIGNAL_MUTED;
	(void)routing_locale(r); /* for what the worker says */
	return V_ACCEPT;
}

enum verdict stage_not_theirs(struct routing *r)
{
	r->why = "not the asker";
	routing_say(r, WORDS_NOT_THE_ASKER, NULL);
	return V_REFUSE;
}

enum verdict stage_malformed(struct routing *r)
{
	r->why = "malformed";
	return V_DROP;
}

char *stage_escaped(const char *text)
{
	struct buf out;

	buf_init(&out, TEXT_MAX);
	(void)mrkdwn_plain(text, strlen(text), &out);
	return buf_take(&out);
}

enum verdict stage_ask(struct routing *r, const char *what, const char *id)
{
	struct message *m = r->msg;
	int n;

	n = snprintf(r->claim, sizeof(r->claim), "%s:%s:%s-%s",
		     m->channel.app_id, m->channel.workspace_id, what, id);
	if (n < 0 || (size_t)n >= sizeof(r->claim))
		return stage_malformed(r);
	/* As what is said; the journal's own moves with its channel. */
	if (!r->resumed && !m->channel.reply_url)
		(void)snprintf(r->post, sizeof(r->post), "%s:%s",
			       m->channel.channel_id, m->channel.ts);
	m->timestamp_ms = r->entry.received_ms;
	m->mention = true;
	m->signal.kind = SIGNAL_NONE;
	r->engages = !message_is_direct(m);
	return V_NEXT;
}

static int replace(char **field, char *with)
{
	if (!with)
		return -1;
	free(*field);
	*field = with;
	return 0;
}

static bool is_blank(const char *s)
{
	return s[strspn(s, " \t\r\n")] == '\0';
}

/* "/ask where is Atlantis?" */
static enum verdict command(struct routing *r)
{
	struct message *m = r->msg;

	if (!m->signal.detail)
		return stage_malformed(r);
	free(m->channel.reply_url);
	m->channel.reply_url = m->signal.detail;
	m->signal.detail = NULL;
	if (is_blank(m->content.text)) {
		r->why = "blank";
		routing_say(r, WORDS_WHAT_ASK, NULL);
		return V_REFUSE;
	}
	return stage_ask(r, "command", m->event_id);
}

/* When it was asked, as a ts: what was said before it is older, also in that
 * millisecond, and hardly anything has the same. */
static char *now_ts(const struct routing *r)
{
	char ts[TS_SIZE];

	(void)snprintf(ts, sizeof(ts), "%lld.%03d999",
		       (long long)(r->entry.received_ms / 1000),
		       (int)(r->entry.received_ms % 1000));
	return strdup(ts);
}

/* The message that it is about is quoted, as the thread may be unknown. */
static char *about_text(const char *quoted, const char *question)
{
	struct buf out;

	buf_init(&out, TEXT_MAX);
	(void)buf_adds(&out, "About this message:\n&gt; ");
	for (; *quoted; quoted++) {
		(void)buf_addc(&out, *quoted);
		if (*quoted == '\n')
			(void)buf_adds(&out, "&gt; ");
	}
	(void)buf_adds(&out, "\n\n");
	(void)mrkdwn_plain(question, strlen(question), &out);
	return buf_take(&out);
}

/* What turn/visit.c has put into the view. */
static enum verdict about(struct routing *r, const struct json *meta,
			  struct err *e)
{
	const char *channel = json_str(meta, "channel");
	const char *thread = json_str(meta, "thread");
	const char *text = json_str(meta, "text");
	struct message *m = r->msg;
	char *question;

	if (!channel || !thread || !text || !ts_valid(thread) ||
	    is_blank(m->content.text))
		return stage_malformed(r);
	question = strdup(m->content.text);
	if (replace(&m->content.unseen, question) < 0 ||
	    replace(&m->content.text, about_text(text, question)) < 0 ||
	    replace(&m->channel.channel_id, strdup(channel)) < 0 ||
	    replace(&m->channel.thread_ts, strdup(thread)) < 0 ||
	    replace(&m->thread_id, strdup(thread)) < 0 ||
	    replace(&m->channel.ts, now_ts(r)) < 0)
		return fail(e);
	if (channel[0] == 'D')
		m->channel.conversation = CONVERSATION_IM;
	if (message_thread_key(m, r->thread, sizeof(r->thread)) < 0)
		return stage_malformed(r);
	return stage_ask(r, "about", m->event_id);
}

static enum verdict submitted(struct routing *r, struct err *e)
{
	const char *detail = r->msg->signal.detail;
	struct err why = { 0 };
	struct json *meta;
	enum verdict v;

	if (!detail)
		return stage_malformed(r);
	meta = json_parse(detail, strlen(detail), META_MAX, &why);
	v = meta ? about(r, meta, e) : stage_malformed(r);
	json_free(meta);
	return v;
}

static int whispered(struct routing *r, const char *ts, struct line *out,
		     struct err *e)
{
	const struct message *m = r->msg;

	return r->store->ops->line(r->store, m->tenant_id,
				   m->channel.channel_id, m->signal.detail, ts,
				   out, e);
}

static bool said_by(const struct line *l, const struct message *m)
{
	return l->user_id && strcmp(l->user_id, m->sender.user_id) == 0;
}

static enum verdict share_lines(struct routing *r, struct line *q,
				struct line *a, struct err *e)
{
	struct message *m = r->msg;

	if (!said_by(q, m))
		return stage_not_theirs(r);
	if (replace(&m->content.unseen, strdup(q->text)) < 0 ||
	    replace(&m->content.text, strdup(a->text)) < 0)
		return fail(e);
	return V_ACCEPT;
}

/* What only the asker saw is to be seen by all. */
static enum verdict share(struct routing *r, struct err *e)
{
	struct line q = { 0 }, a = { 0 };
	enum verdict v = V_FAIL;
	char key[256];
	int rc, first = 1;

	if (!r->msg->signal.detail)
		return stage_malformed(r);
	rc = whispered(r, WHISPER_QUESTION_TS, &q, e);
	if (rc > 0)
		rc = whispered(r, WHISPER_ANSWER_TS, &a, e);
	(void)snprintf(key, sizeof(key), "share:%s:%s", r->msg->tenant_id,
		       r->msg->signal.detail);
	if (rc > 0 && said_by(&q, r->msg))
		first = r->gate->ops->once(r->gate, key, r->entry.id, MINUTE_MS,
					   r->now_ms, e);
	if (rc == 0) {
		r->why = "answer is gone";
		routing_say(r, WORDS_FORGOTTEN, NULL);
		v = V_REFUSE;
	} else if (first == 0) {
		r->why = "duplicate";
		v = V_DROP;
	} else if (rc > 0 && first > 0) {
		v = share_lines(r, &q, &a, e);
	}
	line_release(&q);
	line_release(&a);
	return v;
}

static bool pressed(const struct message *m, const char *action)
{
	return m->signal.kind == SIGNAL_PRESS &&
	       strcmp(m->signal.value, action) == 0;
}

enum verdict stage_signal(struct routing *r, struct err *e)
{
	const struct message *m = r->msg;

	if (m->signal.kind == SIGNAL_MUTED)
		return mute(r, e);
	if (m->signal.kind == SIGNAL_REACTION &&
	    strcmp(m->signal.value, SIGNAL_MUTE) == 0)
		return find_thread(r, e) < 0 ? V_FAIL : mute(r, e);
	if (m->signal.kind == SIGNAL_COMMAND)
		return command(r);
	if (m->signal.kind == SIGNAL_SUBMIT)
		return submitted(r, e);
	if (pressed(m, SIGNAL_CANCEL))
		(void)routing_locale(r); /* for what the worker may say */
	if (pressed(m, SIGNAL_AGAIN))
		return stage_again(r, e);
	if (pressed(m, SIGNAL_SHARE))
		return share(r, e);
	if (m->signal.kind == SIGNAL_EDIT)
		return early_edit(r);
	if (m->signal.kind == SIGNAL_DELETE)
		return early_delete(r, e);
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
