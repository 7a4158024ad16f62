/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/api.h"
#include "sim/flow.h"
#include "sim/react.h"

/* Slack escapes these three and nothing else. */
static void add_plain(struct buf *out, const char *p, size_t n)
{
	static const struct {
		const char *name;
		size_t len;
		char is;
	} names[] = { { "&amp;", 5, '&' },
		      { "&lt;", 4, '<' },
		      { "&gt;", 4, '>' } };
	size_t i, k;

	for (i = 0; i < n; i++) {
		for (k = 0; p[i] == '&' && k < 3; k++) {
			if (n - i >= names[k].len &&
			    memcmp(p + i, names[k].name, names[k].len) == 0)
				break;
		}
		if (p[i] == '&' && k < 3) {
			buf_addc(out, names[k].is);
			i += names[k].len - 1;
		} else {
			buf_addc(out, p[i]);
		}
	}
}

static void element(struct jwrite *w, const char *type, const char *key,
		    const char *v, size_t n)
{
	jw_object(w, NULL);
	jw_str(w, "type", type);
	jw_strn(w, key, v, n);
	jw_object_end(w);
}

static void text_element(struct jwrite *w, const char *p, size_t n)
{
	struct buf plain;

	if (n == 0)
		return;
	buf_init(&plain, n);
	add_plain(&plain, p, n);
	element(w, "text", "text", plain.data ? plain.data : "", plain.len);
	buf_release(&plain);
}

/* Text as the rich_text block that Slack makes of it: mentions and text. */
static void rich_text(struct jwrite *w, const char *text)
{
	const char *from = text;
	const char *p = text;
	size_t n;

	jw_array(w, "blocks");
	jw_object(w, NULL);
	jw_str(w, "type", "rich_text");
	jw_str(w, "block_id", "sim01");
	jw_array(w, "elements");
	jw_object(w, NULL);
	jw_str(w, "type", "rich_text_section");
	jw_array(w, "elements");
	while ((p = strstr(p, "<@"))) {
		n = strcspn(p + 2, "|>");
		text_element(w, from, (size_t)(p - from));
		element(w, "user", "user_id", p + 2, n);
		p += 2 + n;
		p += strcspn(p, ">");
		p += *p == '>';
		from = p;
	}
	text_element(w, from, strlen(from));
	jw_array_end(w);
	jw_object_end(w);
	jw_array_end(w);
	jw_object_end(w);
	jw_array_end(w);
}

static void bot_profile(struct jwrite *w, const struct install *i)
{
	jw_str(w, "app_id", i->app->id);
	jw_object(w, "bot_profile");
	jw_str(w, "id", i->bot_id);
	jw_bool(w, "deleted", false);
	jw_str(w, "name", i->bot_name);
	jw_int(w, "updated", 1700000000);
	jw_str(w, "app_id", i->app->id);
	jw_str(w, "user_id", i->bot_user);
	jw_raw(w, "icons", "{}");
	jw_str(w, "team_id", i->team->id);
	jw_object_end(w);
}

static void thread(struct jwrite *w, const struct msg *m)
{
	const struct msg *root = msg_find(m->channel, m->thread_ts);
	const struct msg *last;

	if (*m->thread_ts) {
		jw_str(w, "thread_ts", m->thread_ts);
		if (root && root->user)
			jw_str(w, "parent_user_id", root->user->id);
		return;
	}
	if (m->replies.n == 0)
		return;
	last = m->replies.v[m->replies.n - 1];
	jw_str(w, "thread_ts", m->ts);
	jw_int(w, "reply_count", (int64_t)m->replies.n);
	jw_str(w, "latest_reply", last->ts);
	jw_bool(w, "is_locked", false);
	jw_bool(w, "subscribed", true);
}

void show_members(struct jwrite *w, const struct msg *m, const char *type,
		  bool with_metadata)
{
	char *reactions;

	jw_str(w, "type", type);
	if (m->subtype)
		jw_str(w, "subtype", m->subtype);
	if (m->user)
		jw_str(w, "user", m->user->id);
	jw_str(w, "ts", m->ts);
	if (m->client_msg_id)
		jw_str(w, "client_msg_id", m->client_msg_id);
	if (m->bot_id)
		jw_str(w, "bot_id", m->bot_id);
	if (m->by)
		bot_profile(w, m->by);
	jw_str(w, "text", m->text);
	if (m->flow)
		jw_str(w, "streaming_state", flow_state(m));
	if (m->user)
		jw_str(w, "team",
		       m->user_team ? m->user_team : m->user->team->id);
	if (m->blocks)
		jw_raw(w, "blocks", m->blocks);
	else if (*m->text)
		rich_text(w, m->text);
	if (m->attachments)
		jw_raw(w, "attachments", m->attachments);
	if (m->files)
		jw_raw(w, "files", m->files);
	if (*m->edited_ts) {
		jw_object(w, "edited");
		jw_str(w, "user", m->user ? m->user->id : NULL);
		jw_str(w, "ts", m->edited_ts);
		jw_object_end(w);
	}
	thread(w, m);
	reactions = reactions_json(m);
	if (reactions)
		jw_raw(w, "reactions", reactions);
	free(reactions);
	if (with_metadata && m->metadata)
		jw_raw(w, "metadata", m->metadata);
}

void write_msg(struct jwrite *w, const char *key, const struct msg *m,
	       bool with_metadata)
{
	jw_object(w, key);
	show_members(w, m, "message", with_metadata);
	jw_object_end(w);
}

void write_tombstone(struct jwrite *w, const char *key, const struct msg *m)
{
	const struct msg *last = m->replies.n ? m->replies.v[m->replies.n - 1]
					      : NULL;

	jw_object(w, key);
	jw_str(w, "type", "message");
	jw_str(w, "subtype", "tombstone");
	jw_str(w, "text", "This message was deleted.");
	jw_str(w, "user", "USLACKBOT");
	jw_bool(w, "hidden", true);
	jw_str(w, "ts", m->ts);
	jw_str(w, "thread_ts", m->ts);
	jw_str(w, "parent_user_id", "USLACKBOT");
	jw_int(w, "reply_count", (int64_t)m->replies.n);
	jw_str(w, "latest_reply", last ? last->ts : "0000000000.000000");
	jw_bool(w, "is_locked", false);
	jw_bool(w, "subscribed", false);
	jw_object_end(w);
}
