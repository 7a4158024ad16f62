/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "net/http.h"
#include "route/job.h"
#include "route/message.h"
#include "turn/turn.h"

#define FORM_MAX 1024

struct slack_call *look_start(struct turn *t, slack_done *done, struct err *e)
{
	const struct message *m = t->job->msg;
	struct slack_call *c;
	struct buf form;

	buf_init(&form, FORM_MAX);
	http_form(&form, "channel", t->where);
	http_form(&form, "ts", m->thread_id);
	http_form(&form, "oldest", m->channel.ts);
	http_form(&form, "limit", "200");
	http_form(&form, "include_all_metadata", "true");
	c = slack_call(t->w->http, t->w->conf->slack_api_url,
		       "conversations.replies", t->job->connection.bot_token,
		       &form, done, t, e);
	buf_release(&form);
	return c;
}

static bool is_ours(const struct json *m, const struct connection *c)
{
	const char *bot = json_str(m, "bot_id");
	const char *user = json_str(m, "user");

	if (bot && c->bot_id && strcmp(bot, c->bot_id) == 0)
		return true;
	return user && c->bot_user_id && strcmp(user, c->bot_user_id) == 0;
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
	char path[40];

	for (i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "messages.%zu", i);
		m = json_at(body, path);
		ts = json_str(m, "ts");
		if (!ts || !ts_valid(ts) || (not_ts && !strcmp(ts, not_ts)))
			continue;
		if (is_ours(m, c) && is_part(m, entry, part))
			return ts;
	}
	return NULL;
}
