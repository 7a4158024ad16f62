/* SPDX-License-Identifier: ISC */
#include "sim/llm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "sim/flood.h"
#include "sim/http.h"

/* Of the last message, which may be of several people: all that are asked
 * about in the torture have room. */
#define ECHO_MAX 6000

struct model *model_create(void)
{
	return must_alloc(sizeof(struct model));
}

static void rule_free(void *p)
{
	struct rule *r = p;

	free((char *)r->is.contains);
	free((char *)r->is.model);
	free((char *)r->is.text);
	free((char *)r->is.reasoning);
	free((char *)r->is.body);
	free((char *)r->is.finish);
	free(r);
}

void ask_drop(void *p)
{
	struct ask *a = p;

	if (--a->refs > 0)
		return;
	free(a->model);
	free(a->body);
	free(a->last);
	free(a->headers);
	free(a);
}

void model_free(struct sim *s)
{
	if (!s->model)
		return;
	vec_free(&s->model->rules, rule_free);
	vec_free(&s->model->log, ask_drop);
	free(s->model->key);
	free(s->model);
	s->model = NULL;
}

int sim_llm(struct sim *s, const struct sim_llm *from)
{
	struct rule *r = must_alloc(sizeof(*r));

	r->is = *from;
	r->is.contains = must_dup(from->contains);
	r->is.model = must_dup(from->model);
	r->is.text = must_dup(from->text);
	r->is.reasoning = must_dup(from->reasoning);
	r->is.body = must_dup(from->body);
	r->is.finish = must_dup(from->finish);
	r->left = from->times;
	sim_lock(s);
	vec_push(&s->model->rules, r);
	s->model->held |= r->is.held;
	sim_unlock(s);
	return 0;
}

void sim_llm_go(struct sim *s)
{
	sim_lock(s);
	s->model->held = false;
	sim_unlock(s);
}

void sim_llm_clear(struct sim *s)
{
	sim_lock(s);
	vec_free(&s->model->rules, rule_free);
	sim_unlock(s);
}

void sim_llm_key(struct sim *s, const char *key)
{
	sim_lock(s);
	free(s->model->key);
	s->model->key = must_dup(key);
	sim_unlock(s);
}

static struct rule *find_rule(struct sim *s, const struct ask *a)
{
	struct rule *r;
	size_t i;

	for (i = s->model->rules.n; i > 0; i--) {
		r = s->model->rules.v[i - 1];
		if (r->left < 0 ||
		    (r->is.contains && !strstr(a->last, r->is.contains)) ||
		    (r->is.model && strcmp(a->model, r->is.model) != 0))
			continue;
		if (r->left > 0 && --r->left == 0)
			r->left = -1; /* used up, still ours for this one */
		return r;
	}
	return NULL;
}

/* A message's content: a string, or parts of which the texts count. */
static char *content(const struct json *j, size_t i)
{
	const char *text;
	char path[64];
	struct buf b;
	size_t k, n;

	snprintf(path, sizeof(path), "messages.%zu.content", i);
	text = json_str(j, path);
	if (text)
		return must_dup(text);
	buf_init(&b, SIM_BODY_MAX);
	n = json_is_array(j, path) ? json_len(j, path) : 0;
	for (k = 0; k < n; k++) {
		snprintf(path, sizeof(path), "messages.%zu.content.%zu.text", i,
			 k);
		text = json_str(j, path);
		if (text)
			buf_adds(&b, text);
	}
	return must_take(&b);
}

/* The content of the last message of that role, "" when there is none. */
static char *last_of(const struct json *j, const char *role)
{
	size_t i = json_len(j, "messages");
	char path[64];

	while (i-- > 0) {
		snprintf(path, sizeof(path), "messages.%zu.role", i);
		if (str_eq(json_str(j, path), role))
			return content(j, i);
	}
	return must_dup("");
}

/* From "Your name is X" of the system prompt. */
static void persona_name(const struct json *j, char *out, size_t size)
{
	char *system = last_of(j, "system");
	const char *p = strstr(system, "Your name is ");
	size_t n = p ? strcspn(p + 13, ".,;\n") : 0;

	if (n > 60)
		n = 60;
	snprintf(out, size, "%.*s", (int)n, p ? p + 13 : "");
	free(system);
	if (!*out)
		snprintf(out, size, "the simulated model");
}

/* What was said, without konstructd's "Ada [2026-01-02 09:14]: " before it. */
static const char *without_speaker(const char *last)
{
	static const char form[] = "0000-00-00 00:00]: ";
	const char *p = strchr(last, '[');
	size_t i;

	if (!p || memchr(last, '\n', (size_t)(p - last)))
		return last;
	for (i = 0, p++; form[i]; i++)
		if (form[i] == '0' ? p[i] < '0' || p[i] > '9' : p[i] != form[i])
			return last;
	return p + i;
}

static char *echo(const char *last, const char *text)
{
	struct buf b;

	last = without_speaker(last);
	buf_init(&b, SIM_BODY_MAX);
	buf_adds(&b, "You said: \"");
	buf_add(&b, last, chars_bytes(last, ECHO_MAX));
	buf_addf(&b, "\".\n\n%s", text);
	return must_take(&b);
}

static char *default_text(const struct json *j, const char *last)
{
	char name[64];
	struct buf b;

	last = without_speaker(last);
	persona_name(j, name, sizeof(name));
	buf_init(&b, 4 * ECHO_MAX + 4096);
	buf_addf(&b, "Hello, this is %s. You said: \"", name);
	buf_add(&b, last, chars_bytes(last, ECHO_MAX));
	buf_adds(
		&b,
		"\". I have thought about it, as far as a simulated model "
		"can. This answer comes in several sentences, so that one "
		"can watch it grow. If you tell me more in this thread, " FLOOD_TAIL);
	return must_take(&b);
}

static char *dump_headers(const struct request *r)
{
	struct buf b;
	size_t i;

	buf_init(&b, 65536);
	for (i = 0; i < r->nheaders; i++) {
		if (strcmp(r->headers[i].name, "authorization") != 0)
			buf_addf(&b, "%s: %s\n", r->headers[i].name,
				 r->headers[i].value);
	}
	return must_take(&b);
}

static struct ask *log_ask(struct sim *s, const struct request *r,
			   const struct json *j)
{
	struct ask *a = must_alloc(sizeof(*a));
	const char *model = json_str(j, "model");

	a->refs = 1;
	a->at_us = sim_clock_us();
	a->model = must_dup(model ? model : "");
	a->body = must_dup(r->body);
	a->last = last_of(j, "user");
	a->headers = dump_headers(r);
	a->stream = json_bool(j, "stream", false);
	vec_trim(&s->model->log, s->keep, ask_drop);
	vec_push(&s->model->log, a);
	s->stats.asks++;
	sim_changed(s);
	return a;
}

static void refuse_with(struct conn *c, int status, const char *extra,
			const char *type, const char *code, const char *text)
{
	struct jwrite w;
	struct buf b;

	buf_init(&b, 4096);
	jw_init(&w, &b);
	jw_object(&w, NULL);
	jw_object(&w, "error");
	jw_str(&w, "message", text);
	jw_str(&w, "type", type);
	jw_str(&w, "param", NULL);
	jw_str(&w, "code", code);
	jw_object_end(&w);
	jw_object_end(&w);
	http_reply(c, status, "application/json", extra, b.data, b.len);
	buf_release(&b);
}

static void refuse(struct conn *c, int status, const char *type,
		   const char *code, const char *text)
{
	refuse_with(c, status, NULL, type, code, text);
}

static void answer_status(struct conn *c, struct ask *a, const struct rule *r)
{
	int status = r->is.status ? r->is.status : 500;
	char extra[64] = "";

	a->status = status;
	a->end_us = sim_clock_us();
	if (r->is.retry_after_s > 0)
		snprintf(extra, sizeof(extra), "Retry-After: %d\r\n",
			 r->is.retry_after_s);
	if (r->is.body)
		http_reply(c, status, "application/json", extra, r->is.body,
			   strlen(r->is.body));
	else
		refuse_with(c, status, extra, "server_error", NULL,
			    "The simulated model was told to fail.");
}

static void refuse_length(struct conn *c, struct ask *a)
{
	char text[120];

	a->status = 400;
	a->end_us = sim_clock_us();
	snprintf(text, sizeof(text),
		 "This model's maximum context length is %d bytes.",
		 c->s->set.llm_context);
	refuse(c, 400, "invalid_request_error", "context_length_exceeded",
	       text);
}

static int choose(int rule, int setting)
{
	return rule > 0 ? rule : rule < 0 ? 0 : setting;
}

static struct stream *make_stream(struct conn *c, struct ask *a,
				  const struct sim_llm *r, const struct json *j)
{
	const struct sim_settings *set = &c->s->set;
	struct stream *st = must_alloc(sizeof(*st));

	a->refs++;
	st->c = c;
	st->ask = a;
	st->mode = r->mode;
	if (!r->text)
		st->text = default_text(j, a->last);
	else
		st->text = r->echo ? echo(a->last, r->text) : must_dup(r->text);
	st->reasoning = must_dup(r->reasoning ? r->reasoning : "");
	st->finish = must_dup(r->finish ? r->finish : "stop");
	st->after = r->after;
	st->held = r->held;
	st->first_ms = choose(r->first_ms, set->llm_first_ms);
	st->token_ms = choose(r->token_ms, set->llm_token_ms);
	st->piece = choose(r->piece, set->llm_piece);
	if (st->piece < 1)
		st->piece = 1;
	st->usage = !r->no_usage &&
		    (!a->stream ||
		     json_bool(j, "stream_options.include_usage", false));
	st->prompt_tokens = (int64_t)strlen(a->body) / 4;
	st->flooded = flood_asked(c->s, a->last);
	return st;
}

static bool key_ok(struct conn *c, const struct request *r)
{
	const char *key = c->s->model->key;

	return !key || str_eq(http_bearer(r), key);
}

static void complete(struct conn *c, const struct request *r)
{
	static const struct sim_llm plain;
	struct err e = { 0 };
	struct json *j = json_parse(r->body, r->len, SIM_BODY_MAX, &e);
	struct rule *rule;
	struct ask *a;

	if (!j || json_len(j, "messages") == 0 || !json_str(j, "model")) {
		refuse(c, 400, "invalid_request_error", NULL,
		       "You must provide a model and messages.");
		json_free(j);
		return;
	}
	a = log_ask(c->s, r, j);
	if (c->s->set.llm_context > 0 &&
	    r->len > (size_t)c->s->set.llm_context) {
		refuse_length(c, a);
		json_free(j);
		return;
	}
	rule = find_rule(c->s, a);
	if (rule && rule->is.mode == SIM_LLM_STATUS)
		answer_status(c, a, rule);
	else if (rule && rule->is.mode == SIM_LLM_HANG)
		http_hold(c);
	else
		stream_start(make_stream(c, a, rule ? &rule->is : &plain, j));
	json_free(j);
}

void llm_serve(struct conn *c, const struct request *r)
{
	static const char models[] =
		"{\"object\":\"list\",\"data\":[{\"id\":\"sim\","
		"\"object\":\"model\",\"owned_by\":\"konstruct-sim\"}]}";

	const char *call =
		r->path + (strncmp(r->path, "/llm/", 5) == 0 ? 4 : 0);

	if (!key_ok(c, r))
		refuse(c, 401, "invalid_request_error", "invalid_api_key",
		       "Incorrect API key provided.");
	else if (strcmp(call, "/v1/models") == 0)
		http_reply(c, 200, "application/json", NULL, models,
			   sizeof(models) - 1);
	else if (strcmp(call, "/v1/chat/completions") != 0)
		refuse(c, 404, "invalid_request_error", NULL, "Unknown URL.");
	else if (strcmp(r->method, "POST") != 0)
		refuse(c, 405, "invalid_request_error", NULL, "Use POST.");
	else
		complete(c, r);
}
