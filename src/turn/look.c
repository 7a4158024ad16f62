/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/word.h"
#include "net/http.h"
#include "route/job.h"
#include "route/message.h"
#include "turn/post.h"
#include "turn/turn.h"

/*
 * Slack tells the oldest first, and a page at a time. What came after the
 * question is mostly one page; a busy thread has more, and what we look for
 * may be behind all that was said meanwhile.
 */

#define FORM_MAX  2048
#define PAGES_MAX 10 /* of 200 messages */

static void on_page(const struct slack_result *r, void *arg);

static int ask_page(struct turn *t, const char *cursor)
{
	const struct message *m = t->job->msg;
	struct err e = { 0 };
	struct buf form;

	buf_init(&form, FORM_MAX);
	http_form(&form, "channel", t->where);
	http_form(&form, "ts", m->thread_id);
	http_form(&form, "oldest", m->channel.ts);
	http_form(&form, "limit", "200");
	http_form(&form, "include_all_metadata", "true");
	if (cursor)
		http_form(&form, "cursor", cursor);
	t->call = worker_call(t->w, t->job, "conversations.replies", &form,
			      on_page, t, &e);
	buf_release(&form);
	return t->call ? 0 : -1;
}

static void on_page(const struct slack_result *r, void *arg)
{
	struct turn *t = arg;
	const char *ts = NULL;
	const char *cursor = NULL;

	t->call = NULL;
	if (r->fault == SLACK_OK) {
		ts = t->look.match(t, r->body);
		cursor = json_str(r->body, "response_metadata.next_cursor");
	}
	if (!ts && cursor && cursor[0] != '\0' && ++t->look.pages < PAGES_MAX &&
	    ask_page(t, cursor) == 0)
		return;
	t->look.done(t, r, ts);
}

int look_start(struct turn *t, look_match *match, look_done *done)
{
	t->look.match = match;
	t->look.done = done;
	t->look.pages = 0;
	return ask_page(t, NULL);
}

static bool is_ours(const struct json *m, const struct connection *c)
{
	const char *bot = json_str(m, "bot_id");
	const char *user = json_str(m, "user");

	if (bot && c->bot_id && strcmp(bot, c->bot_id) == 0)
		return true;
	return user && c->bot_user_id && strcmp(user, c->bot_user_id) == 0;
}

bool look_is_final(const struct json *body, const char *ts)
{
	size_t i, n = json_len(body, "messages");
	const struct json *m;
	const char *at;

	for (i = 0; i < n; i++) {
		m = json_nth(body, "messages", i);
		at = json_str(m, "ts");
		if (at && strcmp(at, ts) == 0)
			return json_int(m, "metadata.event_payload.final", 0) ==
			       1;
	}
	return false;
}

/* What other apps put into their metadata doesn't count. */
static bool is_part(const struct json *m, const char *entry, size_t part)
{
	const char *type = json_str(m, "metadata.event_type");
	const char *id = json_str(m, "metadata.event_payload.entry");

	return type && strcmp(type, POST_EVENT) == 0 && id &&
	       strcmp(id, entry) == 0 &&
	       json_int(m, "metadata.event_payload.part", -1) == (int64_t)part;
}

const char *look_find(const struct json *body, const struct connection *c,
		      const char *entry, size_t part, const char *not_ts)
{
	size_t i, n = json_len(body, "messages");
	const struct json *m;
	const char *ts;

	for (i = 0; i < n; i++) {
		m = json_nth(body, "messages", i);
		ts = json_str(m, "ts");
		if (!ts || !ts_valid(ts) || (not_ts && !strcmp(ts, not_ts)))
			continue;
		if (is_ours(m, c) && is_part(m, entry, part))
			return ts;
	}
	return NULL;
}

const char *look_bare(const struct json *body, const struct connection *c,
		      int64_t from_ms, int64_t to_ms)
{
	size_t i, n = json_len(body, "messages");
	const struct json *m;
	const char *ts;

	for (i = 0; i < n; i++) {
		m = json_nth(body, "messages", i);
		ts = json_str(m, "ts");
		if (ts && ts_valid(ts) && is_ours(m, c) &&
		    !json_str(m, "metadata.event_type") &&
		    ts_ms(ts) >= from_ms && ts_ms(ts) <= to_ms)
			return ts;
	}
	return NULL;
}

static bool is_answer_to(const struct json *m, const char *entry)
{
	const char *type = json_str(m, "metadata.event_type");
	const char *ids = json_str(m, "metadata.event_payload.covers");

	return type && strcmp(type, POST_EVENT) == 0 && ids &&
	       word_in(ids, entry) &&
	       json_int(m, "metadata.event_payload.final", 0) == 1;
}

bool look_covered(const struct json *body, const struct connection *c,
		  const char *entry)
{
	size_t i, n = json_len(body, "messages");
	const struct json *m;

	for (i = 0; i < n; i++) {
		m = json_nth(body, "messages", i);
		if (is_ours(m, c) && is_answer_to(m, entry))
			return true;
	}
	return false;
}
