/* SPDX-License-Identifier: ISC */
#include "slack/shared.h"

#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "slack/rich.h"

#define FIELDS_MAX 20
#define BLOCKS_MAX 20
#define TEXT_MAX   (32 * 1024) /* of each; it is cut there */
#define NAME_MAX   80

bool shared_is_forwarded(const struct json *a)
{
	return json_bool(a, "is_share", false) ||
	       json_bool(a, "is_msg_unfurl", false) ||
	       json_bool(a, "is_reply_unfurl", false);
}

static bool is_preview(const struct json *a)
{
	return !shared_is_forwarded(a) &&
	       (json_str(a, "from_url") || json_str(a, "original_url"));
}

/* Up to a whole character. */
static size_t cut(const char *s, size_t most)
{
	size_t n = strnlen(s, most);

	if (s[n] != '\0')
		while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
			n--;
	return n;
}

/* A line, or several, below what is there. */
static bool put(struct buf *out, const char *s)
{
	if (!s || *s == '\0')
		return false;
	if (out->len > 0)
		(void)buf_addc(out, '\n');
	(void)buf_add(out, s, cut(s, TEXT_MAX / 2));
	return true;
}

static void put_fields(struct buf *out, const struct json *a)
{
	size_t i, n = json_len(a, "fields");
	const struct json *f;
	const char *title, *value;

	for (i = 0; i < n && i < FIELDS_MAX; i++) {
		f = json_nth(a, "fields", i);
		title = json_str(f, "title");
		value = json_str(f, "value");
		if (!put(out, title))
			(void)put(out, value);
		else if (value && *value != '\0')
			(void)buf_addf(out, ": %.*s",
				       (int)cut(value, TEXT_MAX / 4), value);
	}
}

static void put_blocks(struct buf *out, const struct json *a)
{
	size_t i, n = json_len(a, "message_blocks");

	rich_text(json_at(a, "blocks"), out);
	for (i = 0; i < n && i < BLOCKS_MAX && out->len == 0; i++)
		rich_text(json_at(json_nth(a, "message_blocks", i),
				  "message.blocks"),
			  out);
}

static void put_words(struct buf *out, const struct json *a)
{
	(void)put(out, json_str(a, "pretext"));
	(void)put(out, json_str(a, "title"));
	(void)put(out, json_str(a, "text"));
	put_fields(out, a);
	if (out->len == 0)
		put_blocks(out, a);
	if (out->len == 0)
		(void)put(out, json_str(a, "fallback"));
}

/* One line, with nothing in it that means something. */
static void put_name(struct buf *out, const char *name)
{
	size_t n = cut(name, NAME_MAX);
	const char *p;

	for (p = name; p < name + n; p++)
		(void)buf_addc(out, strchr("<>[]\r\n", *p) ? ' ' : *p);
}

static void quote(struct buf *out, const struct json *a, const char *said)
{
	const char *name = json_str(a, "author_name");

	(void)buf_adds(out, "[forwarded message");
	if (name && *name != '\0') {
		(void)buf_adds(out, " of ");
		put_name(out, name);
	}
	(void)buf_adds(out, "]\n&gt; ");
	for (; *said; said++) {
		(void)buf_addc(out, *said);
		if (*said == '\n')
			(void)buf_adds(out, "&gt; ");
	}
}

/* All of it, or nothing where out is full. */
static void add(struct buf *out, const struct json *a)
{
	struct buf said, all;

	buf_init(&said, TEXT_MAX);
	buf_init(&all, 6 * TEXT_MAX);
	put_words(&said, a);
	if (said.data && said.len > 0 && shared_is_forwarded(a))
		quote(&all, a, said.data);
	else if (said.data)
		(void)buf_add(&all, said.data, said.len);
	if (all.len > 0 && !all.failed && all.len < out->cap - out->len) {
		if (out->len > 0)
			(void)buf_addc(out, '\n');
		(void)buf_add(out, all.data, all.len);
	}
	buf_release(&said);
	buf_release(&all);
}

void shared_text(const struct json *message, struct buf *out)
{
	size_t i, n = json_len(message, "attachments");
	const struct json *a;

	for (i = 0; i < n && i < SHARED_MAX; i++) {
		a = json_nth(message, "attachments", i);
		if (!is_preview(a))
			add(out, a);
	}
}
