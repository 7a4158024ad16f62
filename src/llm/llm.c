/* SPDX-License-Identifier: ISC */
#include "llm/llm.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/suspect.h"
#include "llm/model.h"
#include "llm/openai.h"
#include "net/http.h"
#include "net/loop.h"
#include "net/retry.h"

/* For each worker; concurrency limits a model over all of them. */
#define STREAMS_AT_ONCE 4096

#define REQUEST_MAX        (16 * 1024 * 1024)
#define RETRY_AFTER_MAX_MS 10000

/* More of a key than this is never shown, not even where it is cut off. */
#define KEY_SHOWN 12
#define KEY_LEAST 8

/* For a slot. All who hold one have deadlines, so the line does move. */
#define WAIT_MAX_MS (10 * 60 * 1000)

struct llm_call {
	struct slot slot; /* must be first */
	struct llm *llm;
	struct model *model;
	struct http *http;
	struct suspect who;
	bool cancelled;
	enum breaker_pass pass; /* once it has a slot */

	struct loop_timer *timer; /* of the wait for a slot or for the retry */
	struct http_call *request;
	char *messages; /* JSON; NULL once there is text: no retry then */
	struct openai_dialect dialect; /* of the request under way */
	struct openai answer;
	bool reading; /* openai_feed() is on the stack */
	unsigned int tries;
	int64_t started; /* the first request */
	int64_t first_token_ms;

	void (*on_text)(const char *p, size_t n, void *arg);
	void (*on_done)(const struct llm_result *r, void *arg);
	void *arg;
};

static const char *const end_names[] = {
	[LLM_DONE] = "done",         [LLM_LENGTH] = "length",
	[LLM_FILTERED] = "filtered", [LLM_EMPTY] = "empty",
	[LLM_TIMEOUT] = "timeout",   [LLM_BUSY] = "busy",
	[LLM_REFUSED] = "refused",   [LLM_TOO_LONG] = "too long",
	[LLM_BROKEN] = "broken",     [LLM_ERROR] = "error",
	[LLM_OFF] = "off",
};

const char *llm_end_name(enum llm_end end)
{
	return end_names[end];
}

static void free_call(struct llm_call *c)
{
	loop_timer_free(c->timer);
	openai_release(&c->answer);
	if (c->model)
		model_put(c->llm, c->model);
	free(c->messages);
	free(c);
}

/* msg goes into the log, and servers quote the key that they refuse. A short
 * one is a word for a server that wants none. */
static const char *without_key(const char *msg, const char *key)
{
	char begin[KEY_SHOWN + 1];

	if (!msg || !key || strlen(key) < KEY_LEAST)
		return msg;
	(void)snprintf(begin, sizeof(begin), "%s", key);
	return strstr(msg, begin) ? "(quotes our key)" : msg;
}

static bool is_failure(enum llm_end end)
{
	return end == LLM_TIMEOUT || end == LLM_BUSY || end == LLM_REFUSED ||
	       end == LLM_BROKEN;
}

static void tell_breaker(struct llm_call *c, enum llm_end end, const char *msg)
{
	bool ok = !is_failure(end);

	if (c->pass == BREAKER_NO ||
	    !breaker_tell(&c->model->breaker, ok, clock_ms()))
		return;
	if (ok)
		log_info(LOG_FIELDS({ "model", c->model->name }),
			 "the model answers again");
	else
		log_error(LOG_FIELDS({ "model", c->model->name },
				     { "detail", msg }),
			  "the model keeps failing; not asked for a while");
}

static void finish(struct llm_call *c, enum llm_end end, const char *msg)
{
	struct llm_result r = {
		.end = end,
		.usage = c->answer.usage,
		.model = c->model->name,
		.msg = without_key(msg, c->model->key),
		.said = without_key(c->answer.said, c->model->key),
		.first_token_ms = c->first_token_ms,
	};

	metric_add(METRIC_MODELS, c->model->name, end, 1);
	tell_breaker(c, end, r.msg);
	if (c->slot.state == SLOT_HELD)
		slots_give(&c->model->line->slots, &c->slot);
	c->on_done(&r, c->arg);
	free_call(c);
}

static int on_text(const char *p, size_t n, void *arg)
{
	struct llm_call *c = arg;

	if (c->first_token_ms < 0)
		c->first_token_ms = clock_ms() - c->started;
	free(c->messages);
	c->messages = NULL;
	c->on_text(p, n, c->arg);
	return c->cancelled;
}

static int on_data(const char *p, size_t n, void *arg)
{
	struct llm_call *c = arg;
	int rc;

	c->reading = true;
	rc = openai_feed(&c->answer, p, n);
	c->reading = false;
	if (c->cancelled) {
		free_call(c);
		return -1;
	}
	return rc;
}

/* An answer that wasn't streamed comes as text only now. */
static enum llm_end end_answer(struct llm_call *c)
{
	enum llm_end end;

	c->reading = true;
	end = openai_end(&c->answer);
	c->reading = false;
	return end;
}

static void on_response(const struct http_result *r, void *arg);

static int64_t time_left(const struct llm_call *c)
{
	return c->started + c->model->total_ms - clock_ms();
}

static int send_request(struct llm_call *c, struct err *e)
{
	struct model *m = c->model;
	struct http_request r = {
		.method = "POST",
		.url = m->url,
		.bearer = m->key,
		.way = m->way,
		.content_type = "application/json",
		.max_body = OPENAI_ANSWER_MAX,
		.repeat = true,
		.at_once = STREAMS_AT_ONCE,
		.connect_ms = m->connect_ms,
		.first_byte_ms = m->first_token_ms,
		.idle_ms = m->idle_ms,
		.total_ms = (unsigned int)time_left(c),
		.on_data = on_data,
		.on_done = on_response,
		.arg = c,
	};
	struct buf body;

	c->dialect.max_completion = atomic_load(&m->max_completion);
	c->dialect.no_usage = atomic_load(&m->no_usage);
	openai_release(&c->answer);
	openai_init(&c->answer, on_text, c);
	buf_init(&body, REQUEST_MAX);
	if (openai_request(&body, m->id, c->messages, m->max_tokens,
			   &c->dialect) < 0) {
		buf_release(&body);
		return err_set(e, ERR_INPUT, "the request is too large");
	}
	r.body = body.data;
	r.body_len = body.len;
	c->request = http_start(c->http, &r, e);
	buf_release(&body);
	return c->request ? 0 : -1;
}

static void send_or_finish(struct llm_call *c)
{
	struct err e = { 0 };

	if (time_left(c) <= 0)
		finish(c, LLM_TIMEOUT, "no time left to try again");
	else if (send_request(c, &e) < 0)
		finish(c, LLM_BROKEN, e.msg);
}

/* The refusal named a word of ours that this server doesn't know. */
static bool learn(struct llm_call *c, const struct openai_dialect *d)
{
	if (d->max_completion == c->dialect.max_completion &&
	    d->no_usage == c->dialect.no_usage)
		return false;
	if (d->max_completion)
		atomic_store(&c->model->max_completion, true);
	if (d->no_usage)
		atomic_store(&c->model->no_usage, true);
	return true;
}

/* A second try, unless it's too late for one or wouldn't help. */
static bool try_again(struct llm_call *c, enum llm_end end,
		      const struct http_result *r)
{
	unsigned int ms;

	if ((end != LLM_BUSY && end != LLM_BROKEN) || !c->messages ||
	    c->tries > 0 || r->retry_after_ms > RETRY_AFTER_MAX_MS)
		return false;
	ms = retry_delay_ms(&retry_call, c->tries, r->retry_after_ms);
	if (time_left(c) <= ms)
		return false;
	c->tries++;
	loop_timer_set(c->timer, ms);
	return true;
}

/* No whole response: the parser's reason, else the deadline's, else curl's. */
static enum llm_end end_of_broken(struct llm_call *c,
				  const struct http_result *r, const char **msg)
{
	if (openai_complete(&c->answer) || c->answer.fault != LLM_DONE) {
		*msg = c->answer.msg;
		return end_answer(c);
	}
	*msg = r->msg;
	return r->timeout && r->sent ? LLM_TIMEOUT : LLM_BROKEN;
}

static void on_response(const struct http_result *r, void *arg)
{
	struct llm_call *c = arg;
	struct openai_dialect d = c->dialect;
	const char *msg = c->answer.msg;
	enum llm_end end;

	c->request = NULL;
	if (r->status == 0) {
		end = end_of_broken(c, r, &msg);
	} else if (r->status >= 200 && r->status < 300) {
		end = end_answer(c);
	} else {
		end = openai_refusal(&c->answer, r->status, r->body, r->len,
				     &d);
		if (learn(c, &d)) {
			send_or_finish(c);
			return;
		}
	}
	if (c->cancelled)
		free_call(c);
	else if (!try_again(c, end, r))
		finish(c, end, msg);
}

static void on_timer(void *arg)
{
	struct llm_call *c = arg;

	suspect_resume(&c->who);
	switch (slots_leave(&c->model->line->slots, &c->slot)) {
	case SLOT_WAITING:
		finish(c, LLM_BUSY, "no slot became free");
		break;
	case SLOT_GRANTED:
		break; /* its task comes */
	case SLOT_HELD:
		if (c->pass == BREAKER_NO)
			finish(c, LLM_OFF, "it has failed too often just now");
		else
			send_or_finish(c);
		break;
	}
}

/* It has a slot. What is decided at once is told by the timer. */
static bool may_begin(struct llm_call *c)
{
	c->started = clock_ms();
	c->pass = breaker_ask(&c->model->breaker, c->started);
	if (c->pass == BREAKER_NO)
		loop_timer_set(c->timer, 0);
	return c->pass != BREAKER_NO;
}

static void on_granted(struct loop_task *t)
{
	struct llm_call *c = (struct llm_call *)t;

	suspect_resume(&c->who);
	slots_granted(&c->slot);
	if (c->cancelled) {
		slots_give(&c->model->line->slots, &c->slot);
		free_call(c);
		return;
	}
	loop_timer_stop(c->timer);
	if (may_begin(c))
		send_or_finish(c);
}

static struct llm_call *make_call(struct loop *l, const struct llm_msg *msgs,
				  size_t nmsgs, struct err *e)
{
	struct llm_call *c;
	struct buf b;

	c = calloc(1, sizeof(*c));
	if (!c) {
		err_set(e, ERR_RETRY, "cannot ask the model: no memory");
		return NULL;
	}
	c->slot.task.run = on_granted;
	c->slot.loop = l;
	c->first_token_ms = -1;
	c->timer = loop_timer_create(l, on_timer, c);
	buf_init(&b, REQUEST_MAX);
	openai_messages(&b, msgs, nmsgs);
	c->messages = buf_take(&b);
	buf_release(&b);
	if (!c->timer || !c->messages) {
		err_set(e, ERR_INPUT, "cannot ask the model: too long");
		free_call(c);
		return NULL;
	}
	return c;
}

/* -1: c has neither a slot nor a place in the line. */
static int begin(struct llm_call *c, const char *tenant, struct err *e)
{
	int rc = slots_take(&c->model->line->slots, &c->slot, tenant);

	if (rc < 0)
		return err_set(e, ERR_RETRY, "cannot ask the model: no memory");
	if (rc == 0) {
		loop_timer_set(c->timer, WAIT_MAX_MS);
		return 0;
	}
	if (!may_begin(c) || send_request(c, e) == 0)
		return 0;
	breaker_forget(&c->model->breaker, c->pass);
	slots_give(&c->model->line->slots, &c->slot);
	return -1;
}

struct llm_call *llm_ask(struct llm *m, struct http *h, struct loop *l,
			 const struct llm_question *q,
			 void (*text_fn)(const char *p, size_t n, void *arg),
			 void (*done_fn)(const struct llm_result *r, void *arg),
			 void *arg, struct err *e)
{
	struct llm_call *c;

	c = make_call(l, q->msgs, q->nmsgs, e);
	if (!c)
		return NULL;
	c->llm = m;
	c->model = model_take(m, q->model);
	c->http = h;
	c->on_text = text_fn;
	c->on_done = done_fn;
	c->arg = arg;
	suspect_take(&c->who);
	if (begin(c, q->tenant, e) == 0)
		return c;
	free_call(c);
	return NULL;
}

long llm_ahead(const struct llm_call *c)
{
	return slots_ahead(&c->model->line->slots, &c->slot);
}

void llm_cancel(struct llm_call *c)
{
	if (!c)
		return;
	switch (slots_leave(&c->model->line->slots, &c->slot)) {
	case SLOT_WAITING:
		free_call(c);
		break;
	case SLOT_GRANTED:
		c->cancelled = true; /* the task has it, and frees it */
		break;
	case SLOT_HELD:
		http_cancel(c->request);
		breaker_forget(&c->model->breaker, c->pass);
		slots_give(&c->model->line->slots, &c->slot);
		c->cancelled = true;
		if (!c->reading)
			free_call(c);
		break;
	}
}
