/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "sim/flood.h"
#include "sim/http.h"
#include "sim/llm.h"

#define MS         INT64_C(1000)
#define CHUNK_MAX  ((size_t)16 << 20)
#define RESET_GAP  (20 * MS) /* so that what was sent is read first */
#define SPIN_GUARD (1 * MS)  /* an endless answer may not stop the rest */
#define HELD_STEP  (10 * MS) /* to look whether what is held may go on */

static void stream_free(struct stream *st)
{
	ask_drop(st->ask);
	free(st->text);
	free(st->reasoning);
	free(st->finish);
	free(st);
}

static void stream_gone(struct conn *c, void *user)
{
	struct stream *st = user;

	st->ask->gone = st->ask->end_us == 0;
	sim_changed(c->s);
	stream_free(st);
}

/* The answer's last byte is out; the stream ends. */
static void finish(struct stream *st)
{
	struct conn *c = st->c;

	st->ask->end_us = sim_clock_us();
	if (st->flooded)
		flood_told(c->s, st->flooded, st->text);
	sim_changed(c->s);
	c->gone = NULL;
	c->user = NULL;
	stream_free(st);
}

static void open_chunk(struct jwrite *w, struct buf *b, const struct stream *st,
		       const char *object)
{
	char id[48];

	buf_init(b, CHUNK_MAX);
	jw_init(w, b);
	jw_object(w, NULL);
	snprintf(id, sizeof(id), "chatcmpl-sim%lld", (long long)st->ask->at_us);
	jw_str(w, "id", id);
	jw_str(w, "object", object);
	jw_int(w, "created", sim_wall_ms(st->c->s) / 1000);
	jw_str(w, "model", st->ask->model);
}

static void usage(struct jwrite *w, const struct stream *st)
{
	int64_t said = ((int64_t)st->at + 3) / 4;

	jw_object(w, "usage");
	jw_int(w, "prompt_tokens", st->prompt_tokens);
	jw_int(w, "completion_tokens", said);
	jw_int(w, "total_tokens", st->prompt_tokens + said);
	jw_object_end(w);
}

static void send_data(struct stream *st, struct buf *b)
{
	struct buf line;

	buf_init(&line, CHUNK_MAX + 16);
	buf_addf(&line, "data: ");
	buf_add(&line, b->data, b->len);
	buf_adds(&line, "\n\n");
	http_chunk(st->c, line.data, line.len);
	buf_release(&line);
	buf_release(b);
}

static void send_delta(struct stream *st, const char *key, const char *p,
		       size_t n, const char *why)
{
	struct jwrite w;
	struct buf b;

	open_chunk(&w, &b, st, "chat.completion.chunk");
	jw_array(&w, "choices");
	jw_object(&w, NULL);
	jw_int(&w, "index", 0);
	jw_object(&w, "delta");
	if (!st->role_out)
		jw_str(&w, "role", "assistant");
	st->role_out = true;
	if (key)
		jw_strn(&w, key, p, n);
	jw_object_end(&w);
	jw_str(&w, "finish_reason", why);
	jw_object_end(&w);
	jw_array_end(&w);
	jw_object_end(&w);
	send_data(st, &b);
}

static void send_usage(struct stream *st)
{
	struct jwrite w;
	struct buf b;

	open_chunk(&w, &b, st, "chat.completion.chunk");
	jw_array(&w, "choices");
	jw_array_end(&w);
	usage(&w, st);
	jw_object_end(&w);
	send_data(st, &b);
}

static void send_end(struct stream *st)
{
	static const char done[] = "data: [DONE]\n\n";
	struct conn *c = st->c;

	send_delta(st, NULL, NULL, 0, st->finish);
	if (st->usage)
		send_usage(st);
	http_chunk(c, done, sizeof(done) - 1);
	finish(st);
	http_chunk_end(c);
}

/* Text without structure, and then the end. */
static void send_raw_end(struct stream *st, const char *text)
{
	struct conn *c = st->c;

	http_chunk(c, text, strlen(text));
	finish(st);
	http_chunk_end(c);
}

static void reset_fire(struct sim *s, void *arg)
{
	(void)s;
	conn_kill(arg, true);
}

/* What a mode does in place of the rest; true when it took over. */
static bool misbehave(struct stream *st)
{
	struct conn *c = st->c;

	if (st->pieces < st->after)
		return false;
	switch (st->mode) {
	case SIM_LLM_RESET:
		timer_arm(c->s, &c->timer, RESET_GAP, reset_fire, c);
		return true;
	case SIM_LLM_SILENCE:
		return true;
	case SIM_LLM_CUT:
		finish(st);
		http_chunk_end(c);
		return true;
	case SIM_LLM_STREAM_ERROR:
		send_raw_end(st, "data: {\"error\":{\"message\":\"The server "
				 "had an error\",\"type\":\"server_error\","
				 "\"code\":null}}\n\n");
		return true;
	case SIM_LLM_BROKEN:
		send_raw_end(st, "data: {\"choices\":[{\"delta\":{\"cont\n"
				 "dat\n\n<html>502</html>\r\r\n");
		return true;
	case SIM_LLM_EMPTY:
		send_end(st);
		return true;
	case SIM_LLM_OK:
	case SIM_LLM_STATUS:
	case SIM_LLM_HANG:
	case SIM_LLM_ENDLESS:
		break;
	}
	return false;
}

/* The next piece of text; false when there is none. */
static bool send_piece(struct stream *st)
{
	const char *key = "reasoning_content";
	const char *text = st->reasoning;
	size_t *at = &st->reasoning_at;
	size_t n;

	if (!text[*at]) {
		key = "content";
		text = st->text;
		at = &st->at;
		if (st->mode == SIM_LLM_ENDLESS && !text[*at])
			*at = 0;
	}
	n = chars_bytes(text + *at, (size_t)st->piece);
	if (n == 0)
		return false;
	send_delta(st, key, text + *at, n, NULL);
	*at += n;
	st->pieces++;
	if (text == st->text && st->ask->first_us == 0)
		st->ask->first_us = sim_clock_us();
	return true;
}

static void step_fire(struct sim *s, void *arg)
{
	struct stream *st = arg;
	struct conn *c = st->c;
	int64_t gap = st->token_ms * MS;

	if (gap == 0 && st->mode == SIM_LLM_ENDLESS)
		gap = SPIN_GUARD;
	do {
		if (misbehave(st))
			return;
		if (!send_piece(st)) {
			send_end(st);
			return;
		}
	} while (gap == 0);
	timer_arm(s, &c->timer, gap, step_fire, st);
}

static bool is_held(struct stream *st, void (*fire)(struct sim *s, void *arg))
{
	struct sim *s = st->c->s;

	if (!st->held || !s->model->held)
		return false;
	timer_arm(s, &st->c->timer, HELD_STEP, fire, st);
	return true;
}

static void start_fire(struct sim *s, void *arg)
{
	struct stream *st = arg;

	if (is_held(st, start_fire))
		return;
	if (st->mode == SIM_LLM_RESET && st->after == 0) {
		conn_kill(st->c, true);
		return;
	}
	st->ask->status = 200;
	http_chunk_start(st->c, 200, "text/event-stream");
	step_fire(s, st);
}

/* The whole answer as one JSON object. */
static void whole_fire(struct sim *s, void *arg)
{
	struct stream *st = arg;
	struct conn *c = st->c;
	struct jwrite w;
	struct buf b;

	(void)s;
	if (is_held(st, whole_fire))
		return;
	if (st->mode == SIM_LLM_RESET || st->mode == SIM_LLM_CUT) {
		conn_kill(c, true);
		return;
	}
	st->at = st->mode == SIM_LLM_EMPTY ? 0 : strlen(st->text);
	st->ask->status = 200;
	st->ask->first_us = sim_clock_us();
	open_chunk(&w, &b, st, "chat.completion");
	jw_array(&w, "choices");
	jw_object(&w, NULL);
	jw_int(&w, "index", 0);
	jw_object(&w, "message");
	jw_str(&w, "role", "assistant");
	jw_strn(&w, "content", st->text, st->at);
	jw_object_end(&w);
	jw_str(&w, "finish_reason", st->finish);
	jw_object_end(&w);
	jw_array_end(&w);
	if (st->usage)
		usage(&w, st);
	jw_object_end(&w);
	http_reply(c, 200, "application/json", NULL, b.data, b.len);
	buf_release(&b);
	finish(st);
	http_release(c);
}

void stream_start(struct stream *st)
{
	int64_t wait = st->first_ms * MS;
	struct conn *c = st->c;
	size_t pieces;

	c->user = st;
	c->gone = stream_gone;
	http_hold(c);
	if (st->ask->stream) {
		timer_arm(c->s, &c->timer, wait, start_fire, st);
		return;
	}
	pieces = chars_len(st->text) / (size_t)st->piece;
	wait += (int64_t)pieces * st->token_ms * MS;
	if (st->mode != SIM_LLM_SILENCE && st->mode != SIM_LLM_ENDLESS)
		timer_arm(c->s, &c->timer, wait, whole_fire, st);
}
