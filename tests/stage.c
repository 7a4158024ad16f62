/* SPDX-License-Identifier: ISC */
#include "stage.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "net/http.h"
#include "net/loop.h"
#include "route/job.h"
#include "route/message.h"
#include "route/router.h"
#include "slack/api.h"
#include "slack/download.h"
#include "slack/ts.h"
#include "state/engaged.h"
#include "state/quarantine.h"

#define LATENCY_MS 5
#define START_MS   1000000
#define REPLY_SIZE 300

struct stage stage;

/* clock */

int64_t clock_ms(void)
{
	return stage.now;
}

int64_t clock_wall_ms(void)
{
	return stage.now;
}

/* loop: one, turned by stage_run() */

struct loop {
	int dummy;
};
struct loop_timer {
	void (*fn)(void *arg);
	void *arg;
	int64_t at; /* -1: not set */
	struct loop_timer *next;
};

static struct loop the_loop;
static struct node *tasks, **tasks_tail = &tasks;
static struct loop_timer *timers;
static bool at_once; /* stage_down(): no loop turns any more */

struct loop *loop_create(const char *name, struct err *e)
{
	(void)name;
	(void)e;
	return &the_loop;
}

int loop_start(struct loop *l, struct err *e)
{
	(void)l;
	(void)e;
	return 0;
}

void loop_stop(struct loop *l)
{
	(void)l;
}

void loop_free(struct loop *l)
{
	(void)l;
}

int64_t loop_beat_age(struct loop *l)
{
	(void)l;
	return 0;
}

void loop_post(struct loop *l, struct loop_task *t)
{
	(void)l;
	if (at_once) {
		t->run(t);
		return;
	}
	t->node.next = NULL;
	*tasks_tail = &t->node;
	tasks_tail = &t->node.next;
}

struct loop_timer *loop_timer_create(struct loop *l, void (*fn)(void *arg),
				     void *arg)
{
	struct loop_timer *t = calloc(1, sizeof(*t));

	(void)l;
	ck_assert_ptr_nonnull(t);
	t->fn = fn;
	t->arg = arg;
	t->at = -1;
	t->next = timers;
	timers = t;
	return t;
}

void loop_timer_set(struct loop_timer *t, int64_t ms)
{
	ck_assert_int_ge(ms, 0);
	t->at = stage.now + ms;
}

void loop_timer_stop(struct loop_timer *t)
{
	t->at = -1;
}

void loop_timer_free(struct loop_timer *t)
{
	struct loop_timer **link;

	if (!t)
		return;
	for (link = &timers; *link != t; link = &(*link)->next)
		;
	*link = t->next;
	free(t);
}

/* http: none; Slack is played below */

struct http *http_create(struct loop *l, const struct http_opts *o,
			 struct err *e)
{
	(void)l;
	(void)o;
	(void)e;
	return (struct http *)&the_loop;
}

void http_free(struct http *h)
{
	(void)h;
}

struct slack_download {
	struct download_opts o;
	struct loop_timer *timer;
};

static void on_download(void *arg)
{
	struct slack_download *d = arg;
	struct download_result r = { .end = DOWNLOAD_DONE };

	if (!stage.file)
		r.end = DOWNLOAD_FAILED;
	else if (d->o.on_data(stage.file, stage.file_len, d->o.arg) != 0)
		r.end = DOWNLOAD_ENOUGH;
	d->o.on_done(&r, d->o.arg);
	loop_timer_free(d->timer);
	free(d);
}

struct slack_download *slack_download(struct http *h,
				      const struct download_opts *o,
				      enum download_end *end)
{
	struct slack_download *d = calloc(1, sizeof(*d));

	(void)h;
	(void)end;
	ck_assert_str_eq(o->token, "xoxb-1");
	d->o = *o;
	d->timer = loop_timer_create(&the_loop, on_download, d);
	loop_timer_set(d->timer, stage.file_ms);
	stage.ndownloads++;
	return d;
}

void slack_download_cancel(struct slack_download *d)
{
	if (!d)
		return;
	stage.nstopped++;
	loop_timer_free(d->timer);
	free(d);
}

/* Slack */

struct fault {
	char method[40];
	enum fault_kind kind;
	char error[40];
	int64_t ms;
	struct fault *next;
};

struct slack_call {
	size_t nth; /* of stage.calls */
	slack_done *done;
	void *arg;
	int64_t answer_at;
	int64_t effect_at; /* -1: had it, or never */
	struct fault fault;
	bool faulty;
	bool cancelled;
	char reply[REPLY_SIZE];
	struct slack_call *next;
};

static struct slack_call *calls; /* under way, oldest first */
static struct fault *faults;
static unsigned int last_ts;

void stage_fault(const char *method, enum fault_kind kind, const char *error,
		 int64_t ms)
{
	struct fault *f = calloc(1, sizeof(*f));
	struct fault **link;

	snprintf(f->method, sizeof(f->method), "%s", method);
	snprintf(f->error, sizeof(f->error), "%s", error ? error : "");
	f->kind = kind;
	f->ms = ms;
	for (link = &faults; *link; link = &(*link)->next)
		;
	*link = f;
}

static bool take_fault(struct slack_call *c)
{
	struct fault **link, *f;

	for (link = &faults; *link; link = &(*link)->next) {
		f = *link;
		if (strcmp(f->method, stage.calls[c->nth].method) != 0)
			continue;
		*link = f->next;
		c->fault = *f;
		free(f);
		return true;
	}
	return false;
}

static struct stage_msg *find_msg(const char *ts)
{
	size_t i;

	for (i = 0; i < stage.nmsgs; i++)
		if (strcmp(stage.msgs[i].ts, ts) == 0)
			return &stage.msgs[i];
	return NULL;
}

static struct stage_msg *new_msg(void)
{
	ck_assert_uint_lt(stage.nmsgs, 200);
	return &stage.msgs[stage.nmsgs++];
}

static const char *do_post(const struct stage_call *c, char reply[REPLY_SIZE])
{
	struct stage_msg *m = new_msg();

	snprintf(m->ts, sizeof(m->ts), "1000.%06u", ++last_ts);
	snprintf(m->thread, sizeof(m->thread), "%s", stage_arg(c, "thread_ts"));
	snprintf(m->text, sizeof(m->text), "%s", stage_arg(c, "text"));
	snprintf(m->blocks, sizeof(m->blocks), "%s", stage_arg(c, "blocks"));
	snprintf(m->metadata, sizeof(m->metadata), "%s",
		 stage_arg(c, "metadata"));
	m->posted_ms = stage.now;
	m->ephemeral = strcmp(c->method, "chat.postEphemeral") == 0;
	snprintf(reply, REPLY_SIZE,
		 "{\"ok\":true,\"channel\":\"C1\",\"ts\":\"%s\"}", m->ts);
	return NULL;
}

static const char *do_update(const struct stage_call *c)
{
	struct stage_msg *m = find_msg(stage_arg(c, "ts"));

	if (!m || m->deleted)
		return "message_not_found";
	snprintf(m->text, sizeof(m->text), "%s", stage_arg(c, "text"));
	snprintf(m->blocks, sizeof(m->blocks), "%s", stage_arg(c, "blocks"));
	m->nedits++;
	m->edited_ms = stage.now;
	return NULL;
}

static const char *do_delete(const struct stage_call *c)
{
	struct stage_msg *m = find_msg(stage_arg(c, "ts"));

	if (!m || m->deleted)
		return "message_not_found";
	m->deleted = true;
	return NULL;
}

/* The word for a failure, or NULL. */
static const char *effect(struct slack_call *c)
{
	const struct stage_call *k = &stage.calls[c->nth];

	snprintf(c->reply, REPLY_SIZE, "{\"ok\":true}");
	if (strncmp(k->method, "chat.post", 9) == 0)
		return do_post(k, c->reply);
	if (strcmp(k->method, "chat.update") == 0)
		return do_update(k);
	if (strcmp(k->method, "chat.delete") == 0)
		return do_delete(k);
	if (strcmp(k->method, "users.info") == 0)
		snprintf(c->reply, REPLY_SIZE,
			 "{\"ok\":true,\"user\":{\"tz\":\"Asia/Tokyo\","
			 "\"tz_offset\":32400,\"profile\":"
			 "{\"display_name\":\"name of %s\"}}}",
			 stage_arg(k, "user"));
	return NULL;
}

/* Our bot is B1 and UB1; persons are in "metadata" with a leading '@'. */
static void write_replies(struct buf *out, const struct stage_call *c)
{
	const char *thread;
	struct jwrite w;
	char root[40], next[24] = "";
	size_t skip = strtoul(stage_arg(c, "cursor"), NULL, 10);
	size_t i, n = 0;

	snprintf(root, sizeof(root), "%s", stage_arg(c, "ts"));
	thread = root;
	jw_init(&w, out);
	jw_object(&w, NULL);
	jw_bool(&w, "ok", true);
	jw_array(&w, "messages");
	for (i = 0; i < stage.nmsgs; i++) {
		struct stage_msg *m = &stage.msgs[i];

		if (m->deleted || m->ephemeral ||
		    (strcmp(m->thread, thread) && strcmp(m->ts, thread)))
			continue;
		if (n++ < skip)
			continue;
		if (stage.page > 0 && n > skip + stage.page) {
			snprintf(next, sizeof(next), "%zu", n - 1);
			break;
		}
		jw_object(&w, NULL);
		jw_str(&w, "ts", m->ts);
		jw_str(&w, "text", m->text);
		if (m->metadata[0] == '@') {
			jw_str(&w, "user", m->metadata + 1);
		} else {
			jw_str(&w, "bot_id", "B1");
			jw_raw(&w, "metadata", m->metadata);
		}
		jw_object_end(&w);
	}
	jw_array_end(&w);
	jw_object(&w, "response_metadata");
	jw_str(&w, "next_cursor", next);
	jw_object_end(&w);
	jw_object_end(&w);
}

static enum slack_fault class_of(const char *error)
{
	static const struct {
		const char *error;
		enum slack_fault fault;
	} table[] = {
		{ "message_not_found", SLACK_GONE },
		{ "channel_not_found", SLACK_GONE },
		{ "is_archived", SLACK_GONE },
		{ "not_in_channel", SLACK_GONE },
		{ "thread_not_found", SLACK_GONE },
		{ "thread_locked", SLACK_POLICY },
		{ "restricted_action", SLACK_POLICY },
		{ "invalid_auth", SLACK_DEAD },
		{ "missing_scope", SLACK_CONFIG },
		{ "edit_window_closed", SLACK_POLICY },
		{ "msg_too_long", SLACK_CONTENT },
		{ "invalid_blocks", SLACK_CONTENT },
		{ "of_tomorrow", SLACK_OURS },
		{ "service_unavailable", SLACK_TRANSIENT },
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].error, error) == 0)
			return table[i].fault;
	ck_abort_msg("no class for %s", error);
	return SLACK_OURS;
}

int slack_longest_ms(void)
{
	return 0;
}

const char *slack_fault_name(enum slack_fault f)
{
	static const char *const names[] = { "ok",     "rate",    "transient",
					     "dead",   "config",  "gone",
					     "policy", "content", "ours" };

	return names[f];
}

struct slack_call *slack_call(struct http *h, const char *api_url,
			      const char *method, const char *token,
			      const struct buf *form, slack_done *done,
			      void *arg, struct err *e)
{
	struct slack_call *c = calloc(1, sizeof(*c));
	struct slack_call **link;
	struct stage_call *k;

	(void)h;
	(void)e;
	ck_assert_str_eq(api_url, stage.conf.slack_api_url);
	ck_assert_uint_lt(stage.ncalls, 400);
	ck_assert(!form->failed);
	c->nth = stage.ncalls++;
	k = &stage.calls[c->nth];
	snprintf(k->method, sizeof(k->method), "%s", method);
	snprintf(k->token, sizeof(k->token), "%s", token);
	ck_assert_uint_lt(form->len, sizeof(k->args));
	memcpy(k->args, form->data, form->len + 1);
	k->at_ms = stage.now;
	c->done = done;
	c->arg = arg;
	c->answer_at = stage.now + LATENCY_MS;
	c->effect_at = c->answer_at;
	c->faulty = take_fault(c);
	if (c->faulty &&
	    (c->fault.kind == FAULT_REFUSE || c->fault.kind == FAULT_RATE ||
	     c->fault.kind == FAULT_FAIL))
		c->effect_at = -1;
	if (c->faulty && c->fault.kind == FAULT_LATE)
		c->effect_at = stage.now + c->fault.ms;
	if (c->faulty && c->fault.kind == FAULT_SLOW)
		c->answer_at = c->effect_at = stage.now + c->fault.ms;
	if (c->faulty && c->fault.kind == FAULT_REFUSE)
		c->answer_at += c->fault.ms;
	for (link = &calls; *link; link = &(*link)->next)
		;
	*link = c;
	return c;
}

/* Tokens that expire, too: tests/integration/test_renew.c. */
struct slack_call *slack_call_spare(struct http *h, const char *api_url,
				    const char *method, const char *token,
				    const struct buf *form,
				    struct slack_spare *spare, slack_done *done,
				    void *arg, struct err *e)
{
	spare->drop(spare);
	return slack_call(h, api_url, method, token, form, done, arg, e);
}

bool slack_move(struct slack_call *c, const char *channel)
{
	(void)c;
	(void)channel;
	ck_abort_msg("nobody looks for another channel here");
	return false;
}

void slack_again(struct slack_call *c, const char *token, const char *why)
{
	(void)c;
	(void)token;
	(void)why;
	ck_abort_msg("nobody looks for another token here");
}

/* Whispers are tested with the whole daemon: tests/integration/test_ways.c. */
struct slack_call *slack_respond(struct http *h, const char *api_url,
				 const char *url, const struct buf *json,
				 slack_done *done, void *arg, struct err *e)
{
	(void)h;
	(void)api_url;
	(void)url;
	(void)json;
	(void)done;
	(void)arg;
	err_set(e, ERR_INPUT, "nobody whispers here");
	return NULL;
}

size_t stage_awaited(void)
{
	const struct slack_call *c;
	size_t n = 0;

	for (c = calls; c; c = c->next)
		n += !c->cancelled && c->answer_at >= 0;
	return n;
}

void slack_cancel(struct slack_call *c)
{
	if (c)
		c->cancelled = true;
}

static void deliver(struct slack_call *c, const char *failure)
{
	struct slack_result r = { 0 };
	struct err e = { 0 };
	struct json *body = NULL;
	struct buf text;

	buf_init(&text, 1 << 20);
	if (failure) {
		r.fault = class_of(failure);
		snprintf(r.error, sizeof(r.error), "%s", failure);
	} else if (c->faulty && c->fault.kind == FAULT_RATE) {
		r.fault = SLACK_RATE;
		r.retry_ms = (unsigned int)c->fault.ms;
	} else if (c->faulty && c->fault.kind != FAULT_SLOW) {
		r.fault = SLACK_TRANSIENT;
		r.maybe = true;
		snprintf(r.error, sizeof(r.error), "lost");
	} else {
		if (!strcmp(stage.calls[c->nth].method,
			    "conversations.replies"))
			write_replies(&text, &stage.calls[c->nth]);
		else
			buf_adds(&text, c->reply);
		body = json_parse(text.data, text.len, text.len, &e);
		ck_assert_msg(body != NULL, "%s: %s", e.msg, text.data);
		r.body = body;
	}
	c->done(&r, c->arg);
	json_free(body);
	buf_release(&text);
}

/* Does what is due; true when something was. */
static bool turn_slack(void)
{
	struct slack_call **link, *c;
	const char *failure = NULL;

	for (link = &calls; *link; link = &(*link)->next) {
		c = *link;
		if (c->effect_at >= 0 && c->effect_at <= stage.now) {
			failure = effect(c);
			c->effect_at = -1;
		}
		if (c->answer_at >= 0 && c->answer_at <= stage.now) {
			c->answer_at = -1;
			if (c->faulty && c->fault.kind == FAULT_REFUSE)
				failure = c->fault.error;
			if (!c->cancelled)
				deliver(c, failure);
			return true;
		}
		if (c->answer_at < 0 && c->effect_at < 0) {
			*link = c->next;
			free(c);
			return true;
		}
	}
	return false;
}

/* the model */

struct llm_call {
	void (*on_text)(const char *p, size_t n, void *arg);
	void (*on_done)(const struct llm_result *r, void *arg);
	void *arg;
	size_t said;
	int64_t next_at;
	bool cancelled;
	struct llm_call *next;
};
static struct llm_call *asks;

static const char *role_name(enum llm_role r)
{
	static const char *const names[] = { "system", "user", "assistant" };

	return names[r];
}

struct llm_call *llm_ask(struct llm *m, struct http *h, struct loop *l,
			 const struct llm_question *q,
			 void (*on_text)(const char *p, size_t n, void *arg),
			 void (*on_done)(const struct llm_result *r, void *arg),
			 void *arg, struct err *e)
{
	struct llm_call *c = calloc(1, sizeof(*c));
	char *out = stage.asked[stage.nasked % 8];
	size_t i, used = 0;

	(void)m;
	(void)h;
	(void)l;
	(void)e;
	for (i = 0; i < q->nmsgs; i++)
		used += (size_t)snprintf(out + used, 20000 - used, "%s: %s\n",
					 role_name(q->msgs[i].role),
					 q->msgs[i].text);
	stage.nimages = q->msgs[q->nmsgs - 1].nimages;
	snprintf(stage.asked_model, sizeof(stage.asked_model), "%s", q->model);
	stage.nasked++;
	c->on_text = on_text;
	c->on_done = on_done;
	c->arg = arg;
	c->next_at = stage.now + stage.first_ms;
	c->next = asks;
	asks = c;
	return c;
}

void llm_cancel(struct llm_call *c)
{
	if (!c)
		return;
	c->cancelled = true;
	stage.ncancelled++;
}

long llm_ahead(const struct llm_call *c)
{
	(void)c;
	return stage.ahead;
}

const char *llm_end_name(enum llm_end end)
{
	(void)end;
	return "?";
}

static void finish_ask(struct llm_call *c, enum llm_end end)
{
	struct llm_result r = { .end = end,
				.usage = { 11, 7, true },
				.model = "main",
				.msg = "the reason" };

	if (stage.no_usage)
		memset(&r.usage, 0, sizeof(r.usage));
	c->on_done(&r, c->arg);
	c->cancelled = true;
}

static bool turn_model(void)
{
	struct llm_call **link, *c;
	const char *piece;

	for (link = &asks; *link; link = &(*link)->next) {
		c = *link;
		if (c->cancelled) {
			*link = c->next;
			free(c);
			return true;
		}
		if (stage.hold_model || c->next_at > stage.now)
			continue;
		if (stage.too_long > 0) {
			stage.too_long--;
			finish_ask(c, LLM_TOO_LONG);
			return true;
		}
		piece = stage.says[c->said];
		if (!piece) {
			finish_ask(c, stage.end);
			return true;
		}
		c->said++;
		if (stage.says[c->said])
			c->next_at = stage.now + stage.gap_ms;
		c->on_text(piece, strlen(piece), c->arg);
		return true;
	}
	return false;
}

/* journal */

static struct journal_req *reqs, **reqs_tail = &reqs;

bool journal_submit(struct journal *j, struct journal_req *r)
{
	(void)j;
	r->node.next = NULL;
	*reqs_tail = r;
	reqs_tail = (struct journal_req **)&r->node.next;
	return true;
}

static void copy(char *out, size_t size, const char *s)
{
	snprintf(out, size, "%s", s ? s : "");
}

static void record(const struct journal_req *r)
{
	struct stage_note *n = &stage.notes[stage.nnotes++];
	size_t i;

	ck_assert_uint_lt(stage.nnotes, 400);
	n->kind = r->kind;
	n->state = r->note.state;
	n->at_ms = stage.now;
	n->part = r->note.part;
	copy(n->entry, sizeof(n->entry), r->entry_id);
	copy(n->verdict, sizeof(n->verdict), r->note.verdict);
	copy(n->part_ts, sizeof(n->part_ts),
	     r->note.part_ts ? r->note.part_ts : "-");
	copy(n->answer, sizeof(n->answer), r->note.answer);
	copy(n->engaged, sizeof(n->engaged), r->note.engaged);
	copy(n->covers, sizeof(n->covers), r->note.covers);
	n->ncovered = r->ncovered;
	n->nlines = r->nlines;
	for (i = 0; i < r->nlines && i < 4; i++) {
		const struct line *l = &r->lines[i].line;

		snprintf(n->lines[i], sizeof(n->lines[i]), "%s%s%s",
			 l->ours ? "" : l->name, l->ours ? "> " : ": ",
			 l->text);
	}
	n->tokens =
		r->usage ? r->usage->prompt_tokens + r->usage->completion_tokens
			 : -1;
}

static bool turn_journal(void)
{
	struct journal_req *r = reqs;

	if (!r || stage.hold_journal || (stage.hold_covers && r->note.covers))
		return false;
	reqs = (struct journal_req *)r->node.next;
	if (!reqs)
		reqs_tail = &reqs;
	r->ok = !stage.fail_journal;
	r->refused = stage.refuse_answers && r->note.answer;
	r->lost = r->refused || (stage.lose_covers && r->note.covers);
	if (r->ok)
		record(r);
	r->done(r);
	return true;
}

/* router and store */

static int history(struct store *s, const char *tenant_id, const char *channel,
		   const char *thread, size_t max_bytes, struct transcript *out,
		   struct err *e)
{
	size_t i;

	(void)s;
	(void)e;
	ck_assert_str_eq(tenant_id, "t1");
	ck_assert_str_eq(channel, "C1");
	ck_assert_ptr_nonnull(thread);
	ck_assert_uint_gt(max_bytes, 0);
	for (i = 0; i < stage.history.n; i++) {
		const struct line *l = &stage.history.lines[i];

		transcript_add(out, l->ours, l->user_id, l->name, l->ts,
			       l->text);
	}
	return 0;
}

static const struct store_ops ops = { .name = "stage", .history = history };
static struct store store = { &ops };

static struct router_read *held_read;

/* Nobody here has put anything aside. */
void router_wake(struct router *r)
{
	(void)r;
}

void router_read(struct router *r, const char *key, struct router_read *rd)
{
	(void)r;
	ck_assert_ptr_nonnull(key);
	if (stage.hold_reads)
		held_read = rd;
	else
		rd->run(rd, &store);
}

void stage_read(void)
{
	struct router_read *rd = held_read;

	held_read = NULL;
	ck_assert_ptr_nonnull(rd);
	rd->run(rd, &store);
}

/* turning it all */

static bool turn_tasks(void)
{
	struct loop_task *t = (struct loop_task *)tasks;

	if (!t)
		return false;
	tasks = t->node.next;
	if (!tasks)
		tasks_tail = &tasks;
	t->run(t);
	return true;
}

static bool turn_timers(void)
{
	struct loop_timer *t;

	for (t = timers; t; t = t->next) {
		if (t->at < 0 || t->at > stage.now)
			continue;
		t->at = -1;
		t->fn(t->arg);
		return true;
	}
	return false;
}

static void earlier(int64_t *next, int64_t at)
{
	if (at > stage.now && at < *next)
		*next = at;
}

static int64_t next_event(int64_t end)
{
	struct loop_timer *t;
	struct slack_call *c;
	struct llm_call *a;

	for (t = timers; t; t = t->next)
		earlier(&end, t->at);
	for (c = calls; c; c = c->next) {
		earlier(&end, c->answer_at);
		earlier(&end, c->effect_at);
	}
	for (a = asks; a; a = a->next)
		earlier(&end, a->next_at);
	return end;
}

void stage_run(int64_t ms)
{
	int64_t end = stage.now + ms;

	for (;;) {
		while (turn_tasks() || turn_journal() || turn_slack() ||
		       turn_model() || turn_timers())
			;
		if (stage.now >= end)
			return;
		stage.now = next_event(end);
	}
}

void stage_up(void)
{
	static char api_url[] = "https://slack.com/api/";
	static char nothing[] = "";
	static char model[] = "main";
	struct conf *c = &stage.conf;

	memset(&stage, 0, sizeof(stage));
	stage.ahead = -1;
	stage.now = START_MS;
	last_ts = 0;
	at_once = false;
	log_set_level(LOG_LEVEL_ERROR);
	c->workers = 1;
	c->slack_api_url = api_url;
	c->slack_way.ca_file = nothing;
	c->updates_per_minute = 45;
	c->posts_per_second = 1;
	c->slack_timeout_s = 15;
	c->answer_max_bytes = 60000;
	c->files_per_message = 8;
	c->image_max_bytes = 1000000;
	c->files_memory_mb = 1;
	c->nmodels = 1;
	c->models[0].name = model;
	c->models[0].is_default = true;
	c->models[0].context_tokens = 2000;
	stage.says[0] = "It is *here*.";
	stage.engaged = engaged_create(30 * 60 * 1000);
	stage.quarantine = quarantine_create();
}

void stage_begin(void)
{
	struct worker_opts o = { .conf = &stage.conf,
				 .engaged = stage.engaged,
				 .quarantine = stage.quarantine };
	struct err e = { 0 };

	stage.workers = workers_create(&o, &e);
	ck_assert_msg(stage.workers != NULL, "%s", e.msg);
}

void stage_down(void)
{
	struct fault *f;

	stage.hold_journal = stage.fail_journal = false;
	stage_run(0);
	at_once = true;
	workers_free(stage.workers);
	while (calls || asks) {
		while (turn_slack() || turn_model())
			;
		stage.now = next_event(stage.now + 60000);
	}
	while (faults) {
		f = faults;
		faults = f->next;
		free(f);
	}
	engaged_free(stage.engaged);
	quarantine_free(stage.quarantine);
	transcript_release(&stage.history);
	ck_assert_ptr_null(timers);
}

static char *dup(const char *s)
{
	return s ? strdup(s) : NULL;
}

static struct message *make_message(const char *id, const char *ts,
				    const char *thread, const char *text)
{
	struct message *m = calloc(1, sizeof(*m));

	snprintf(m->id, sizeof(m->id), "%s", id);
	m->tenant_id = dup("t1");
	m->platform = "slack";
	m->channel.channel_id = dup("C1");
	m->channel.conversation = CONVERSATION_CHANNEL;
	m->channel.bot_user_id = dup("UB1");
	m->channel.app_id = dup("A1");
	m->channel.workspace_id = dup("T1");
	m->channel.ts = dup(ts);
	m->channel.thread_ts = dup(thread);
	m->sender.user_id = dup("U1");
	m->sender.display_name = dup("Ada");
	m->content.text = dup(text);
	m->thread_id = dup(thread ? thread : ts);
	m->mention = true;
	m->event_id = dup(id);
	m->timestamp_ms = ts_ms(ts);
	return m;
}

struct job *stage_job(const char *id, const char *ts, const char *thread,
		      const char *text)
{
	struct job *j = calloc(1, sizeof(*j));

	j->kind = JOB_ANSWER;
	j->msg = make_message(id, ts, thread, text);
	j->connection.tenant_id = dup("t1");
	j->connection.app_id = dup("A1");
	j->connection.workspace_id = dup("T1");
	j->connection.bot_token = dup("xoxb-1");
	j->connection.bot_user_id = dup("UB1");
	j->connection.bot_id = dup("B1");
	j->agent.name = dup("Mara");
	j->agent.role = dup("Librarian");
	j->agent.persona = dup("You are kind.");
	j->agent.model = dup("");
	j->agent.placeholder = dup("");
	snprintf(j->entry.id, sizeof(j->entry.id), "%s", id);
	j->entry.state = ENTRY_ACCEPTED;
	j->entry.nparts = 1;
	j->entry.parts = calloc(1, sizeof(*j->entry.parts));
	j->entry.parts[0] = dup("");
	return j;
}

void stage_attach(struct job *j, const char *name, const char *mimetype)
{
	struct message *m = j->msg;
	size_t n = m->content.nfiles++;
	struct message_file *f;

	f = realloc(m->content.files, (n + 1) * sizeof(*f));
	ck_assert_ptr_nonnull(f);
	m->content.files = f;
	f += n;
	memset(f, 0, sizeof(*f));
	f->id = dup("F1");
	f->name = dup(name);
	f->mimetype = dup(mimetype);
	f->url = dup("https://files.slack.com/F1");
}

void stage_submit(struct job *j)
{
	workers_submit(stage.workers, j);
}

struct job *stage_ask(void)
{
	return stage_job("entry1", "100.000100", NULL, "where is it?");
}

void stage_say(const char *ts, const char *thread, const char *user,
	       const char *text)
{
	struct stage_msg *m = new_msg();

	copy(m->ts, sizeof(m->ts), ts);
	copy(m->thread, sizeof(m->thread), thread);
	copy(m->text, sizeof(m->text), text);
	snprintf(m->metadata, sizeof(m->metadata), "@%s", user);
}

size_t stage_count(const char *method)
{
	size_t i, n = 0;

	for (i = 0; i < stage.ncalls; i++)
		n += strcmp(stage.calls[i].method, method) == 0;
	return n;
}

const struct stage_call *stage_call_of(const char *method, size_t n)
{
	size_t i;

	for (i = 0; i < stage.ncalls; i++)
		if (strcmp(stage.calls[i].method, method) == 0 && n-- == 0)
			return &stage.calls[i];
	return NULL;
}

static int hex(char c)
{
	return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

const char *stage_arg(const struct stage_call *c, const char *key)
{
	static char out[20000];
	size_t n = strlen(key);
	const char *p = c->args;
	char *o = out;

	while (p && (strncmp(p, key, n) != 0 || p[n] != '=')) {
		p = strchr(p, '&');
		p = p ? p + 1 : NULL;
	}
	for (p = p ? p + n + 1 : ""; *p && *p != '&'; p++) {
		if (*p == '%') {
			*o++ = (char)(hex(p[1]) * 16 + hex(p[2]));
			p += 2;
		} else {
			*o++ = *p;
		}
	}
	*o = '\0';
	return out;
}

static bool stands(const struct stage_msg *m)
{
	return m->metadata[0] == '{' && !m->deleted && !m->ephemeral;
}

const struct stage_msg *stage_reply(size_t n)
{
	size_t i;

	for (i = 0; i < stage.nmsgs; i++)
		if (stands(&stage.msgs[i]) && n-- == 0)
			return &stage.msgs[i];
	ck_abort_msg("no such reply");
	return NULL;
}

size_t stage_nreplies(void)
{
	size_t i, n = 0;

	for (i = 0; i < stage.nmsgs; i++)
		n += stands(&stage.msgs[i]);
	return n;
}

const struct stage_note *stage_done(const char *entry)
{
	size_t i;

	for (i = 0; i < stage.nnotes; i++)
		if (stage.notes[i].kind == JOURNAL_DONE &&
		    strcmp(stage.notes[i].entry, entry) == 0)
			return &stage.notes[i];
	return NULL;
}
