/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/killpoint.h"
#include "net/http.h"
#include "route/job.h"
#include "turn/flow.h"
#include "turn/post.h"
#include "turn/show.h"
#include "turn/turn.h"

/*
 * How a stream ends: its message becomes part 0 in the journal, then Slack is
 * told, with the metadata that a restart looks for. Where the last words fit
 * behind what it says already, that is the end of the answer, with its buttons;
 * else an edit follows.
 */

#define FORM_MAX (256 * 1024)
#define TEXT_MAX (256 * 1024)
#define WORD_MAX 64

static void stop(struct turn *t);

static bool is_plain(const struct buf *md)
{
	size_t i;

	/* A table is made of blocks, and so is a paragraph with a mention,
	 * which has marks. */
	for (i = 0; i < md->len; i++)
		if ((unsigned char)md->data[i] < ' ' && md->data[i] != '\n' &&
		    md->data[i] != '\t')
			return false;
	return md->data[0] != '|' && !strstr(md->data, "\n|");
}

/* The rest of part 0, if that makes it what it is to be in the end. */
static bool last_piece(struct turn *t, struct buf *out)
{
	struct flow *f = &t->flow;
	struct buf md;
	bool fits;

	/* A stream that Slack has stopped takes no text. */
	if (!f->closing || f->inexact || t->stopped || t->recut ||
	    t->reply.n == 0 || t->conn->no_blocks)
		return false;
	buf_init(&md, TEXT_MAX);
	fits = reply_part(&t->reply, 0, &md) == 0 && md.len >= f->sent.len &&
	       md.len > 0 && is_plain(&md) &&
	       (f->sent.len == 0 ||
		memcmp(md.data, f->sent.data, f->sent.len) == 0) &&
	       buf_add(out, md.data + f->sent.len, md.len - f->sent.len) == 0;
	buf_release(&md);
	return fits;
}

static void ended(struct turn *t, bool exact)
{
	struct flow *f = &t->flow;

	f->state = FLOW_ENDED;
	flow_count(t, false);
	turn_step(t, "streamed", exact ? NULL : "edited");
	if (f->closing && exact)
		write_edited(t, NULL);
	else if (f->closing)
		edit_final(t);
	else if (t->state == TURN_STREAMING)
		edit_interim(t);
}

static bool in_word(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* Its last word, and about as long as it is to be: Slack may have written it
 * a little otherwise. */
static bool holds(const char *shown, const struct buf *md)
{
	char word[WORD_MAX];
	size_t n = 0, end = md->len;

	while (end > 0 && !in_word(md->data[end - 1]))
		end--;
	while (n < end && n < sizeof(word) - 1 &&
	       in_word(md->data[end - 1 - n]))
		n++;
	memcpy(word, md->data + end - n, n);
	word[n] = '\0';
	return strstr(shown, word) && 2 * strlen(shown) >= md->len;
}

/* What a person has stopped just before takes no more text, and Slack doesn't
 * say so; but it shows the message. */
static bool is_whole(const struct turn *t, const struct json *body)
{
	const char *shown = json_str(body, "message.text");
	struct buf md;
	bool whole;

	if (!shown)
		return true;
	buf_init(&md, TEXT_MAX);
	whole = reply_part(&t->reply, 0, &md) < 0 || holds(shown, &md);
	buf_release(&md);
	return whole;
}

static void on_stopped(const struct slack_result *r, void *arg)
{
	struct turn *t = arg;
	struct flow *f = &t->flow;
	bool full = f->exact || f->buttons;

	f->call = NULL;
	killpoint("flow_ended");
	if (flow_limited(t, &t->conn->flow_stops, r)) {
		flow_after(t, r->retry_ms, stop);
	} else if (r->fault == SLACK_OK) {
		ended(t, f->exact && is_whole(t, r->body));
	} else if (r->fault == SLACK_TRANSIENT) {
		flow_after(t, turn_retry_ms(t, r), stop);
	} else if (full && !f->bare &&
		   strcmp(r->error, FLOW_NOT_STREAMING) != 0) {
		f->bare = true;
		stop(t);
	} else {
		flow_forgotten(t, r);
		ended(t, false); /* an edit says what is wrong, or mends it */
	}
}

/* Of the last part; they stand below the text. */
static void add_buttons(struct turn *t, struct buf *form)
{
	struct shape s = { .blocks = strdup("[]") };

	t->flow.buttons = s.blocks && t->reply.n == 1 && controls_end(t, &s);
	t->buttoned = t->flow.buttons;
	if (t->flow.buttons)
		http_form(form, "blocks", s.blocks);
	shape_release(&s);
}

static void stop_now(struct turn *t)
{
	struct flow *f = &t->flow;
	struct buf form, text;

	buf_init(&text, TEXT_MAX);
	flow_form(t, &form);
	f->exact = !f->bare && last_piece(t, &text);
	f->buttons = false;
	if (f->exact && text.len > 0)
		http_form(&form, "markdown_text", text.data);
	if (f->exact)
		add_buttons(t, &form);
	else if (session_is_shown(t))
		http_form(&form, "session_status", "processing");
	post_metadata(&form, t, 0, f->exact);
	buf_release(&text);
	killpoint("flow_ending");
	flow_call(t, "chat.stopStream", &form, on_stopped);
	if (!f->call)
		flow_after(t, LEASE_WAIT_MS, stop);
}

static void stop(struct turn *t)
{
	int64_t wait = LEASE_WAIT_MS;

	t->flow.state = FLOW_ENDING;
	if (turn_lease(t) == LEASE_HELD)
		wait = pace_take(&t->conn->flow_stops, clock_ms());
	if (wait > 0)
		flow_after(t, wait, stop);
	else
		stop_now(t);
}

/* From here on the placeholder is what swap.c calls void. */
void flow_move(struct turn *t)
{
	struct flow *f = &t->flow;

	f->state = FLOW_MOVING;
	t->reposted = true;
	t->lost = t->stale = false;
	t->doubt_before = t->doubt_ms;
	t->doubt_ms = t->swap_ms = clock_ms();
	memcpy(t->voided, t->parts[0], TS_SIZE);
	memcpy(t->parts[0], f->ts, TS_SIZE);
	note_part(t, PART_VOID, t->voided, NULL);
	note_part(t, 0, f->ts, stop);
}

bool flow_finish(struct turn *t)
{
	struct flow *f = &t->flow;

	if (f->state == FLOW_NOTING) {
		f->state = FLOW_NONE;
		flow_count(t, false);
	}
	if (!flow_shows(t))
		return false;
	f->closing = true;
	flow_proceed(t);
	return true;
}
