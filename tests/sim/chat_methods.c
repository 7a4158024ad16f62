/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/api.h"
#include "sim/blocks.h"
#include "sim/events.h"
#include "sim/flood.h"
#include "sim/flow.h"
#include "sim/post.h"
#include "sim/say.h"

#define POST_MAX     40000
#define UPDATE_MAX   4000
#define MARKDOWN_MAX 12000

/* "[]" and "{}" say: none. */
static bool is_empty(const char *json)
{
	return json && (strcmp(json, "[]") == 0 || strcmp(json, "{}") == 0);
}

static const char *check_content(struct call *c)
{
	const char *attachments = call_arg(c, "attachments");
	const char *markdown = call_arg(c, "markdown_text");
	const char *metadata = call_arg(c, "metadata");
	const char *blocks = call_arg(c, "blocks");
	const char *error = NULL;

	if (markdown && (call_arg(c, "text") || blocks))
		return "markdown_text_conflict";
	if (markdown && chars_len(markdown) > MARKDOWN_MAX)
		return "msg_too_long";
	if (!markdown && !call_arg(c, "text") &&
	    (!blocks || is_empty(blocks)) && !attachments)
		return "no_text";
	if (blocks)
		error = blocks_check(blocks);
	if (!error && attachments)
		error = attachments_check(attachments);
	if (!error && metadata)
		error = metadata_check(metadata);
	return error;
}

/* A block that holds markdown_text, since that is what it becomes. */
static char *markdown_block(const char *text)
{
	struct jwrite w;
	struct buf b;

	buf_init(&b, SIM_BODY_MAX);
	jw_init(&w, &b);
	jw_array(&w, NULL);
	jw_object(&w, NULL);
	jw_str(&w, "type", "markdown");
	jw_str(&w, "text", text);
	jw_object_end(&w);
	jw_array_end(&w);
	return must_take(&b);
}

/* NULL: none. */
static char *given_blocks(const struct call *c)
{
	const char *blocks = call_arg(c, "blocks");

	return !blocks || is_empty(blocks) ? NULL : blocks_fill(c->s, blocks);
}

static void replace(char **slot, char *value)
{
	free(*slot);
	*slot = value;
}

static const char *content_text(const struct call *c)
{
	const char *text = call_arg(c, "text");

	if (!text)
		text = call_arg(c, "markdown_text");
	return text ? text : "";
}

static struct msg *make_post(struct call *c, struct channel *ch)
{
	const char *text = content_text(c);
	const char *markdown = call_arg(c, "markdown_text");
	char *cut = NULL;
	struct msg *m;

	if (chars_len(text) > POST_MAX) {
		cut = must_dupn(text, chars_bytes(text, POST_MAX));
		c->warning = "message_truncated";
	}
	m = post_make(c, ch, cut ? cut : text);
	free(cut);
	m->blocks = markdown ? markdown_block(markdown) : given_blocks(c);
	m->attachments = must_dup(call_arg(c, "attachments"));
	m->metadata = must_dup(call_arg(c, "metadata"));
	m->unfurl_links = args_bool(&c->args, "unfurl_links", true);
	m->unfurl_media = args_bool(&c->args, "unfurl_media", true);
	return m;
}

static const char *post_message(struct call *c)
{
	const char *error = check_content(c);
	struct channel *ch;
	struct msg *root;
	struct msg *m;

	if (error)
		return error;
	ch = post_channel(c, &error);
	if (error)
		return error;
	root = post_root(c, ch, &error);
	if (error)
		return error;
	c->retry_after = limit_post(c->s, ch);
	if (c->retry_after)
		return "ratelimited";
	m = make_post(c, ch);
	if (root && args_bool(&c->args, "reply_broadcast", false))
		m->subtype = must_dup("thread_broadcast");
	post_tell(c, m, root);
	jw_str(&c->w, "channel", ch->id);
	jw_str(&c->w, "ts", m->ts);
	write_msg(&c->w, "message", m, true);
	return NULL;
}

/* Our own message, to change or delete it. */
static struct msg *own_msg(struct call *c, const char *denied,
			   const char **error)
{
	struct channel *ch = call_channel(c, call_arg(c, "channel"));
	struct msg *m;

	if (!ch) {
		*error = "channel_not_found";
		return NULL;
	}
	m = msg_find(ch, call_arg(c, "ts"));
	if (!m || !msg_visible(m))
		*error = "message_not_found";
	else if (m->by != c->install)
		*error = denied;
	return *error ? NULL : m;
}

/* Text without blocks removes them; "[]" does, too; and so on (the notes on
 * chat.update's semantics). */
static void revise(struct call *c, struct msg *m)
{
	const char *attachments = call_arg(c, "attachments");
	const char *markdown = call_arg(c, "markdown_text");
	const char *metadata = call_arg(c, "metadata");
	const char *blocks = call_arg(c, "blocks");

	if (markdown)
		replace(&m->blocks, markdown_block(markdown));
	else if (blocks)
		replace(&m->blocks, given_blocks(c));
	else if (call_arg(c, "text"))
		replace(&m->blocks, NULL);
	if (attachments)
		replace(&m->attachments,
			is_empty(attachments) ? NULL : must_dup(attachments));
	if (metadata)
		replace(&m->metadata,
			is_empty(metadata) ? NULL : must_dup(metadata));
	if (!blocks && !markdown)
		world_ts(c->s, m->edited_ts);
	if (markdown || call_arg(c, "text"))
		msg_revise(c->s, m, must_dup(content_text(c)));
	else
		msg_revise(c->s, m, must_dup(m->text));
}

static const char *update(struct call *c)
{
	const char *error = NULL;
	struct msg *m = own_msg(c, "cant_update_message", &error);
	char *before;

	if (!error && flow_live(m))
		error = "streaming_state_conflict";
	if (!error)
		error = check_content(c);
	if (error)
		return error;
	if (call_arg(c, "text") && chars_len(call_arg(c, "text")) > UPDATE_MAX)
		return "msg_too_long";
	before = must_dup(m->text);
	revise(c, m);
	/* What was streamed beside the text is gone with it. */
	flow_drop(m);
	snprintf(c->ts, sizeof(c->ts), "%s", m->ts);
	flood_edited(c->s, m);
	tell_changed(c->s, m, before);
	free(before);
	jw_str(&c->w, "channel", m->channel->id);
	jw_str(&c->w, "ts", m->ts);
	jw_str(&c->w, "text", m->text);
	write_msg(&c->w, "message", m, true);
	return NULL;
}

static const char *post_ephemeral(struct call *c)
{
	struct user *u = world_user(c->s->world, call_arg(c, "user"));
	const char *error = check_content(c);
	struct channel *ch;
	struct msg *root;
	struct msg *m;

	if (error)
		return error;
	ch = post_channel(c, &error);
	if (error)
		return error;
	if (!u || !channel_has(ch, u))
		return "user_not_in_channel";
	root = post_root(c, ch, &error);
	if (error)
		return error;
	m = make_post(c, ch);
	m->to_user = must_dup(u->id);
	/* Not a reply that counts: it is in nobody's thread but theirs. */
	if (root)
		snprintf(m->thread_ts, sizeof(m->thread_ts), "%s", root->ts);
	sim_changed(c->s);
	jw_str(&c->w, "message_ts", m->ts);
	return NULL;
}

static const char *delete_message(struct call *c)
{
	const char *error = NULL;
	struct msg *m = own_msg(c, "cant_delete_message", &error);

	if (error)
		return error;
	msg_delete(c->s, m);
	snprintf(c->ts, sizeof(c->ts), "%s", m->ts);
	jw_str(&c->w, "channel", m->channel->id);
	jw_str(&c->w, "ts", m->ts);
	return NULL;
}

const struct method chat_methods[] = {
	{ "chat.postMessage", post_message, M_JSON, 0, "chat:write",
	  "channel" },
	{ "chat.update", update, M_JSON, 50, "chat:write", "channel,ts" },
	{ "chat.postEphemeral", post_ephemeral, M_JSON, 100, "chat:write",
	  "channel,user" },
	{ "chat.delete", delete_message, M_JSON, 50, "chat:write",
	  "channel,ts" },
	{ 0 },
};
