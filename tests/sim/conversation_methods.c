/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "sim/api.h"

/* Opaque to clients, as Slack's: base64 of "next_ts:...". */
static void write_cursor(struct jwrite *w, const char *ts)
{
	char out[96] = "";
	char text[64];
	int n;

	if (ts) {
		n = snprintf(text, sizeof(text), "next_ts:%s", ts);
		EVP_EncodeBlock((unsigned char *)out,
				(const unsigned char *)text, n);
	}
	jw_object(w, "response_metadata");
	jw_str(w, "next_cursor", out);
	jw_object_end(w);
}

/* The ts inside, or "" when there is no cursor; -1 when it isn't ours. */
static int read_cursor(const struct call *c, char ts[SIM_TS])
{
	const char *cursor = call_arg(c, "cursor");
	unsigned char text[96] = { 0 };
	size_t n = cursor ? strlen(cursor) : 0;

	*ts = '\0';
	if (!cursor)
		return 0;
	if (n > 64 ||
	    EVP_DecodeBlock(text, (const unsigned char *)cursor, (int)n) < 0 ||
	    strncmp((char *)text, "next_ts:", 8) != 0)
		return -1;
	snprintf(ts, SIM_TS, "%.30s", (char *)text + 8);
	return 0;
}

static bool in_range(const struct call *c, const char *ts)
{
	bool inclusive = args_bool(&c->args, "inclusive", false);
	const char *oldest = call_arg(c, "oldest");
	const char *latest = call_arg(c, "latest");
	int cmp;

	if (oldest && strcmp(oldest, "0") != 0) {
		cmp = ts_cmp(ts, oldest);
		if (cmp < 0 || (cmp == 0 && !inclusive))
			return false;
	}
	if (latest) {
		cmp = ts_cmp(ts, latest);
		if (cmp > 0 || (cmp == 0 && !inclusive))
			return false;
	}
	return true;
}

static void write_root(struct call *c, const struct msg *root)
{
	if (root->deleted)
		write_tombstone(&c->w, NULL, root);
	else
		write_msg(&c->w, NULL, root,
			  args_bool(&c->args, "include_all_metadata", false));
}

static int64_t limit(const struct call *c, int64_t fallback, int64_t max)
{
	int64_t n = args_int(&c->args, "limit", fallback);

	if (n <= 0)
		n = fallback;
	return n > max ? max : n;
}

/* The channel for reading, or NULL with *error set. */
static struct channel *read_channel(struct call *c, const char **error)
{
	struct channel *ch = call_channel(c, call_arg(c, "channel"));

	if (!ch) {
		*error = "channel_not_found";
		return NULL;
	}
	*error = call_scope_of(c, ch, "history");
	if (!*error && !channel_has_bot(ch, c->install))
		*error = "not_in_channel";
	return *error ? NULL : ch;
}

/* The root comes with every page, as in Slack. */
static void write_replies(struct call *c, const struct msg *root,
			  const char *from)
{
	bool metadata = args_bool(&c->args, "include_all_metadata", false);
	int64_t left = limit(c, 1000, 1000) - 1;
	const struct msg *next = NULL;
	const struct msg *m;
	size_t i;

	jw_array(&c->w, "messages");
	write_root(c, root);
	for (i = 0; i < root->replies.n && !next; i++) {
		m = root->replies.v[i];
		if (ts_cmp(m->ts, from) < 0 || !in_range(c, m->ts))
			continue;
		if (left-- > 0)
			write_msg(&c->w, NULL, m, metadata);
		else
			next = m;
	}
	jw_array_end(&c->w);
	jw_bool(&c->w, "has_more", next);
	if (next)
		write_cursor(&c->w, next->ts);
}

static const char *replies(struct call *c)
{
	const char *error = NULL;
	struct channel *ch = read_channel(c, &error);
	char from[SIM_TS];
	struct msg *m;

	if (error)
		return error;
	if (read_cursor(c, from) < 0)
		return "invalid_cursor";
	m = msg_find(ch, call_arg(c, "ts"));
	if (m && *m->thread_ts)
		m = msg_find(ch, m->thread_ts);
	if (!m || m->to_user || (m->deleted && m->replies.n == 0))
		return "thread_not_found";
	write_replies(c, m, from);
	return NULL;
}

static bool in_history(const struct msg *m)
{
	return msg_visible(m) &&
	       (!*m->thread_ts || str_eq(m->subtype, "thread_broadcast"));
}

static const char *history(struct call *c)
{
	bool metadata = args_bool(&c->args, "include_all_metadata", false);
	const char *error = NULL;
	struct channel *ch = read_channel(c, &error);
	int64_t left = limit(c, 100, 999);
	const struct msg *next = NULL;
	const struct msg *m;
	char from[SIM_TS];
	size_t i;

	if (error)
		return error;
	if (read_cursor(c, from) < 0)
		return "invalid_cursor";
	jw_array(&c->w, "messages");
	for (i = ch->msgs.n; i > 0 && !next; i--) {
		m = ch->msgs.v[i - 1];
		if (!in_history(m) || !in_range(c, m->ts) ||
		    (*from && ts_cmp(m->ts, from) > 0))
			continue;
		if (left-- > 0)
			write_msg(&c->w, NULL, m, metadata);
		else
			next = m;
	}
	jw_array_end(&c->w);
	jw_bool(&c->w, "has_more", next);
	jw_int(&c->w, "pin_count", 0);
	if (next)
		write_cursor(&c->w, next->ts);
	return NULL;
}

static void write_channel(struct jwrite *w, const struct channel *ch,
			  const struct install *i)
{
	bool im = strcmp(ch->type, "im") == 0;
	bool mpim = strcmp(ch->type, "mpim") == 0;
	bool group = strcmp(ch->type, "group") == 0;
	const struct user *u;
	size_t k;

	jw_object(w, "channel");
	jw_str(w, "id", ch->id);
	jw_bool(w, "is_im", im);
	jw_bool(w, "is_mpim", mpim);
	jw_bool(w, "is_private", im || mpim || group);
	jw_bool(w, "is_channel", strcmp(ch->type, "channel") == 0);
	jw_bool(w, "is_group", group);
	jw_bool(w, "is_archived", ch->archived);
	jw_bool(w, "is_shared", false);
	jw_bool(w, "is_ext_shared", false);
	jw_bool(w, "is_org_shared", false);
	jw_str(w, "context_team_id", ch->team->id);
	if (!im) {
		jw_str(w, "name", ch->name);
		jw_str(w, "name_normalized", ch->name);
		jw_bool(w, "is_member", channel_has_bot(ch, i));
	}
	for (k = 0; im && k < ch->members.n; k++) {
		u = ch->members.v[k];
		if (!u->bot)
			jw_str(w, "user", u->id);
	}
	jw_object_end(w);
}

static const char *info(struct call *c)
{
	struct channel *ch = call_channel(c, call_arg(c, "channel"));
	const char *error;

	if (!ch)
		return "channel_not_found";
	error = call_scope_of(c, ch, "read");
	if (error)
		return error;
	write_channel(&c->w, ch, c->install);
	return NULL;
}

/* With one person only; group messages are made by the world. */
static const char *open_im(struct call *c)
{
	struct user *u = world_user(c->s->world, call_arg(c, "users"));

	if (!u)
		return "user_not_found";
	write_channel(&c->w, world_im(c->s, c->install, u), c->install);
	return NULL;
}

const struct method conversation_methods[] = {
	{ "conversations.replies", replies, 0, 50, NULL, "channel,ts" },
	{ "conversations.history", history, M_JSON, 50, NULL, "channel" },
	{ "conversations.info", info, 0, 50, NULL, "channel" },
	{ "conversations.open", open_im, M_JSON, 50, "im:write", "users" },
	{ 0 },
};
