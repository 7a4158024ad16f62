/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "net/http.h"
#include "net/retry.h"
#include "route/job.h"
#include "route/message.h"
#include "slack/rich.h"
#include "slack/shared.h"
#include "slack/ts.h"
#include "turn/read.h"
#include "turn/turn.h"

/*
 * What was said in a thread before we came: Slack tells the oldest first and
 * a page at a time, and the model is told the newest.
 */

#define FORM_MAX  2048
#define PAGES_MAX 10 /* of 200 messages */
#define LINES_MAX 200
#define TEXT_MAX  (512 * 1024)

/* Better without it than much later. */
#define TRIES_MAX   3
#define WAIT_MAX_MS 15000

static void ask_page(struct turn *t, const char *cursor);

static bool before(const char *ts, const char *than)
{
	size_t a = strlen(ts), b = strlen(than);

	return a != b ? a < b : strcmp(ts, than) < 0;
}

/* With what it quotes, its tables, and its files by their names; in Slack's own
 * form. */
static char *all_of(struct turn *t, const struct json *m)
{
	const char *text = json_str(m, "text");
	struct buf out;

	buf_init(&out, TEXT_MAX);
	if (text && text[0] != '\0')
		(void)buf_adds(&out, text);
	else
		rich_text(json_at(m, "blocks"), &out);
	shared_text(m, &out);
	rich_tables(m, &out);
	files_earlier(t, json_at(m, "files"), &out);
	return buf_take(&out);
}

/* A root that was deleted and has replies. */
static bool is_gone(const struct json *m)
{
	const char *subtype = json_str(m, "subtype");

	return subtype && strcmp(subtype, "tombstone") == 0;
}

/* A line as Slack has it; its text is made plain when names are known. */
static void add_reply(struct turn *t, const struct json *m)
{
	const struct connection *c = &t->job->connection;
	const char *ts = json_str(m, "ts");
	const char *user = json_str(m, "user");
	const char *bot = json_str(m, "bot_id");
	const char *edited = json_str(m, "edited.ts");
	char *text;
	bool ours;

	if (!ts || !before(ts, t->job->msg->channel.ts) || is_gone(m))
		return;
	/* Each page begins with the thread's first message. */
	if (t->history.n > 0 &&
	    !before(t->history.lines[t->history.n - 1].ts, ts))
		return;
	ours = (bot && c->bot_id && strcmp(bot, c->bot_id) == 0) ||
	       (user && c->bot_user_id && strcmp(user, c->bot_user_id) == 0);
	if (!user)
		user = bot ? bot : "someone";
	text = all_of(t, m);
	if (text && text[0] != '\0' &&
	    transcript_add(&t->history, ours, user, NULL, ts, text) == 0 &&
	    edited)
		t->history.lines[t->history.n - 1].edited_ms = ts_ms(edited);
	free(text);
}

static void release_line(struct line *l)
{
	free(l->user_id);
	free(l->name);
	free(l->ts);
	free(l->text);
}

/* And the first, which says what the thread is about. */
static void keep_newest(struct transcript *h)
{
	size_t i, extra = h->n > LINES_MAX ? h->n - LINES_MAX : 0;

	if (extra == 0)
		return;
	for (i = 1; i <= extra; i++)
		release_line(&h->lines[i]);
	h->n -= extra;
	memmove(h->lines + 1, h->lines + 1 + extra,
		(h->n - 1) * sizeof(*h->lines));
	h->gap = true;
}

static void add_page(struct turn *t, const struct json *body)
{
	size_t i, n = json_len(body, "messages");

	for (i = 0; i < n; i++) {
		add_reply(t, json_nth(body, "messages", i));
	}
	keep_newest(&t->history);
}

/* From the beginning; what is known already isn't added again. */
static bool later(struct turn *t, const struct slack_result *r)
{
	int64_t ms = r->retry_ms;

	if ((r->fault != SLACK_TRANSIENT && r->fault != SLACK_RATE) ||
	    t->tries >= TRIES_MAX)
		return false;
	if (r->fault == SLACK_TRANSIENT)
		ms = retry_delay_ms(&retry_call, t->tries, r->retry_ms);
	t->tries++;
	if (ms > WAIT_MAX_MS)
		return false;
	t->pages = 0;
	turn_after(t, ms, backfill_start);
	return true;
}

static void on_page(const struct slack_result *r, void *arg)
{
	struct turn *t = arg;
	const char *cursor;

	t->call = NULL;
	if (later(t, r))
		return;
	if (r->fault != SLACK_OK) {
		log_warn(LOG_FIELDS({ "entry", t->job->entry.id },
				    { "error", r->error }),
			 "cannot read the thread, answering without it");
		read_filled(t);
		return;
	}
	add_page(t, r->body);
	t->nbackfill = t->history.n;
	cursor = json_str(r->body, "response_metadata.next_cursor");
	if (cursor && cursor[0] != '\0' && ++t->pages < PAGES_MAX)
		ask_page(t, cursor);
	else
		read_filled(t);
}

static void ask_page(struct turn *t, const char *cursor)
{
	const struct message *m = t->job->msg;
	struct err e = { 0 };
	struct buf form;

	buf_init(&form, FORM_MAX);
	http_form(&form, "channel", m->channel.channel_id);
	http_form(&form, "ts", m->thread_id);
	http_form(&form, "latest", m->channel.ts);
	http_form(&form, "limit", "200");
	if (cursor)
		http_form(&form, "cursor", cursor);
	t->call = worker_call(t->w, t->job, "conversations.replies", &form,
			      on_page, t, &e);
	buf_release(&form);
	if (!t->call)
		read_filled(t);
}

void backfill_start(struct turn *t)
{
	ask_page(t, NULL);
}
