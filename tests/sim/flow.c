/* SPDX-License-Identifier: ISC */
#include "sim/flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "sim/blocks.h"
#include "sim/core.h"

#define TEXT_MAX 12000
#define TASK_MAX 256

struct task {
	char *id;
	char *title;
	char *status;
	char *details;
	char *output;
	char *sources; /* JSON */
};

static void task_free(void *p)
{
	struct task *t = p;

	free(t->id);
	free(t->title);
	free(t->status);
	free(t->details);
	free(t->output);
	free(t->sources);
	free(t);
}

void flow_start(struct sim *s, struct msg *m, bool plan)
{
	m->flow = must_alloc(sizeof(*m->flow));
	m->flow->plan = plan;
	m->flow->until_us = sim_clock_us() + s->set.stream_ms * INT64_C(1000);
}

bool flow_live(const struct msg *m)
{
	return m->flow && m->flow->end == FLOW_RUNS &&
	       sim_clock_us() < m->flow->until_us;
}

const char *flow_state(const struct msg *m)
{
	if (flow_live(m))
		return "in_progress";
	return m->flow->end == FLOW_RUNS ? "errored" : "completed";
}

void flow_drop(struct msg *m)
{
	struct flow *st = m->flow;

	if (!st)
		return;
	vec_free(&st->tasks, task_free);
	free(st->plan_title);
	free(st->extra);
	free(st);
	m->flow = NULL;
}

static const struct json *nth(const struct json *j, size_t i)
{
	char at[24];

	snprintf(at, sizeof(at), "%zu", i);
	return json_at(j, at);
}

static bool is(const struct json *chunk, const char *type)
{
	return str_eq(json_str(chunk, "type"), type);
}

static bool short_text(const struct json *j, const char *key, bool needed)
{
	const char *s = json_str(j, key);

	if (!s)
		return !needed && !json_at(j, key);
	return chars_len(s) <= TASK_MAX && (!needed || *s);
}

static char *copy_of(const struct json *j, const char *key)
{
	struct buf b;

	if (!json_at(j, key))
		return NULL;
	buf_init(&b, SIM_BODY_MAX);
	json_copy(json_at(j, key), &b);
	return must_take(&b);
}

static bool blocks_ok(const struct json *chunk)
{
	char *blocks = copy_of(chunk, "blocks");
	bool ok = blocks && !blocks_check(blocks);

	free(blocks);
	return ok;
}

static bool chunk_ok(const struct json *c, size_t *chars)
{
	const char *text = json_str(c, "text");

	if (is(c, "markdown_text")) {
		*chars += text ? chars_len(text) : 0;
		return text;
	}
	if (is(c, "task_update"))
		return short_text(c, "id", true) &&
		       short_text(c, "title", true) && json_str(c, "status") &&
		       list_has("pending,in_progress,complete,error",
				json_str(c, "status")) &&
		       short_text(c, "details", false) &&
		       short_text(c, "output", false);
	if (is(c, "plan_update"))
		return short_text(c, "title", true);
	return is(c, "blocks") && blocks_ok(c);
}

const char *flow_check(const char *text, const char *chunks)
{
	size_t chars = text ? chars_len(text) : 0;
	struct err e = { 0 };
	bool ok = true;
	struct json *j;
	size_t i;

	if (!chunks)
		return chars > TEXT_MAX ? "msg_too_long" : NULL;
	j = json_parse(chunks, strlen(chunks), SIM_BODY_MAX, &e);
	if (!j || !json_is_array(j, ""))
		ok = false;
	for (i = 0; ok && i < json_len(j, ""); i++)
		ok = chunk_ok(nth(j, i), &chars);
	json_free(j);
	if (!ok)
		return "invalid_chunks";
	return chars > TEXT_MAX ? "msg_too_long" : NULL;
}

static struct task *task_of(struct flow *st, const char *id)
{
	struct task *t;
	size_t i;

	for (i = 0; i < st->tasks.n; i++) {
		t = st->tasks.v[i];
		if (strcmp(t->id, id) == 0)
			return t;
	}
	t = must_alloc(sizeof(*t));
	t->id = must_dup(id);
	vec_push(&st->tasks, t);
	return t;
}

static void put(char **slot, char *value)
{
	free(*slot);
	*slot = value;
}

static char *joined(const char *a, const char *b)
{
	struct buf out;

	buf_init(&out, SIM_OUT_MAX);
	buf_adds(&out, a ? a : "");
	buf_adds(&out, b);
	return must_take(&out);
}

/* Title and status replace, details are appended, output is set once. */
static void update_task(struct flow *st, const struct json *c)
{
	struct task *t = task_of(st, json_str(c, "id"));
	const char *details = json_str(c, "details");

	put(&t->title, must_dup(json_str(c, "title")));
	put(&t->status, must_dup(json_str(c, "status")));
	if (details)
		put(&t->details, joined(t->details, details));
	if (!t->output)
		t->output = must_dup(json_str(c, "output"));
	if (json_is_array(c, "sources"))
		put(&t->sources, copy_of(c, "sources"));
}

/* blocks: a JSON array. */
static void add_extra(struct sim *s, struct flow *st, const char *blocks)
{
	char *filled = blocks_fill(s, blocks);
	size_t n = strlen(filled);
	struct buf b;

	if (n > 2) {
		buf_init(&b, SIM_BODY_MAX);
		if (st->extra)
			buf_addf(&b, "%s,", st->extra);
		buf_add(&b, filled + 1, n - 2);
		put(&st->extra, must_take(&b));
	}
	free(filled);
}

/* As a cell of rich text, which is what Slack makes of it. */
static void rich(struct jwrite *w, const char *key, const char *text)
{
	if (!text)
		return;
	jw_object(w, key);
	jw_str(w, "type", "rich_text");
	jw_array(w, "elements");
	jw_object(w, NULL);
	jw_str(w, "type", "rich_text_section");
	jw_array(w, "elements");
	jw_object(w, NULL);
	jw_str(w, "type", "text");
	jw_str(w, "text", text);
	jw_object_end(w);
	jw_array_end(w);
	jw_object_end(w);
	jw_array_end(w);
	jw_object_end(w);
}

static void write_tasks(struct jwrite *w, const struct flow *st)
{
	const struct task *t;
	size_t i;

	for (i = 0; i < st->tasks.n; i++) {
		t = st->tasks.v[i];
		jw_object(w, NULL);
		if (!st->plan)
			jw_str(w, "type", "task_card");
		jw_str(w, "task_id", t->id);
		jw_str(w, "title", t->title);
		jw_str(w, "status", t->status);
		rich(w, "details", t->details);
		rich(w, "output", t->output);
		if (t->sources)
			jw_raw(w, "sources", t->sources);
		jw_object_end(w);
	}
}

/* The message's blocks as they are now: tasks, text, and what came else. */
static void render(struct msg *m)
{
	struct flow *st = m->flow;
	struct jwrite w;
	struct buf b;

	buf_init(&b, SIM_OUT_MAX);
	jw_init(&w, &b);
	jw_array(&w, NULL);
	if (st->plan && (st->tasks.n > 0 || st->plan_title)) {
		jw_object(&w, NULL);
		jw_str(&w, "type", "plan");
		jw_str(&w, "title", st->plan_title ? st->plan_title : "");
		jw_array(&w, "tasks");
		write_tasks(&w, st);
		jw_array_end(&w);
		jw_object_end(&w);
	} else {
		write_tasks(&w, st);
	}
	if (*m->text) {
		jw_object(&w, NULL);
		jw_str(&w, "type", "markdown");
		jw_str(&w, "text", m->text);
		jw_object_end(&w);
	}
	if (st->extra)
		jw_raw(&w, NULL, st->extra);
	jw_array_end(&w);
	put(&m->blocks, must_take(&b));
}

static void add_chunk(struct sim *s, struct flow *st, const struct json *c,
		      struct buf *text)
{
	char *blocks;

	if (is(c, "markdown_text")) {
		buf_adds(text, json_str(c, "text"));
	} else if (is(c, "task_update")) {
		update_task(st, c);
	} else if (is(c, "plan_update")) {
		put(&st->plan_title, must_dup(json_str(c, "title")));
	} else {
		blocks = copy_of(c, "blocks");
		add_extra(s, st, blocks);
		free(blocks);
	}
}

void flow_add(struct sim *s, struct msg *m, const char *text,
	      const char *chunks)
{
	struct err e = { 0 };
	struct json *j = NULL;
	struct buf b;
	size_t i;

	buf_init(&b, SIM_OUT_MAX);
	buf_adds(&b, m->text);
	buf_adds(&b, text ? text : "");
	if (chunks)
		j = json_parse(chunks, strlen(chunks), SIM_BODY_MAX, &e);
	for (i = 0; i < json_len(j, ""); i++)
		add_chunk(s, m->flow, nth(j, i), &b);
	json_free(j);
	msg_revise(s, m, must_take(&b));
	render(m);
}

void flow_add_blocks(struct sim *s, struct msg *m, const char *blocks)
{
	add_extra(s, m->flow, blocks);
	render(m);
	sim_changed(s);
}
