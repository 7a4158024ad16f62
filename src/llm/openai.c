/* SPDX-License-Identifier: ISC */
#include "llm/openai.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/utf8.h"

#define REFUSAL_MAX (64 * 1024)
#define WORD_MAX    48
#define WORD_CHARS                   \
	"abcdefghijklmnopqrstuvwxyz" \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

/* Of one answer. A day's sum must stay within 64 bits. */
#define TOKENS_MAX 1000000000

static int fault(struct openai *a, enum llm_end end, const char *msg)
{
	a->fault = end;
	(void)snprintf(a->msg, sizeof(a->msg), "%s", msg);
	return -1;
}

/*
 * OpenAI's object, Ollama's string, FastAPI's detail (vLLM and LiteLLM are
 * built on it). NULL when there is none.
 */
static const char *error_text(const struct json *j)
{
	static const char *const paths[] = { "error.message", "error",
					     "message", "detail" };
	const char *s;
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		s = json_str(j, paths[i]);
		if (s)
			return s;
	}
	return NULL;
}

/* The server's word for it: one that was chosen beforehand. Its sentence may
 * repeat what was asked. NULL when there is none. */
static const char *error_word(const struct json *j)
{
	static const char *const paths[] = { "error.code", "code", "error.type",
					     "type" };
	const char *s;
	size_t i, n;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		s = json_str(j, paths[i]);
		n = s ? strspn(s, WORD_CHARS) : 0;
		if (n > 0 && n <= WORD_MAX && s[n] == '\0')
			return s;
	}
	return NULL;
}

static void keep_said(struct openai *a, const char *text)
{
	(void)snprintf(a->said, sizeof(a->said), "%s", text ? text : "");
}

static bool says_any(const char *text, const char *const *words)
{
	for (; text && *words; words++) {
		if (strcasestr(text, *words))
			return true;
	}
	return false;
}

/* In the words of OpenAI, vLLM, llama.cpp and the proxies before others. */
static bool says_too_long(const char *text)
{
	static const char *const words[] = {
		"context_length_exceeded",
		"context length",
		"maximum context",
		"context window",
		"context size",
		"exceed_context",
		"prompt is too long",
		"too many tokens",
		"input is too long",
		NULL,
	};

	return says_any(text, words);
}

static bool says_busy(const char *text)
{
	static const char *const words[] = { "rate_limit", "rate limit",
					     "overloaded", "server_error",
					     "try again",  NULL };

	return says_any(text, words);
}

static enum llm_end end_of_status(int64_t status)
{
	switch (status) {
	case 401:
	case 403:
		return LLM_REFUSED;
	case 408:
	case 429:
		return LLM_BUSY;
	case 413:
		return LLM_TOO_LONG;
	}
	return status >= 500 && status < 600 ? LLM_BUSY : LLM_ERROR;
}

/* An error where an answer was expected: its code is an HTTP status or a word.
 */
static int take_error(struct openai *a, const struct json *j)
{
	const char *code = json_str(j, "error.code");
	const char *type = json_str(j, "error.type");
	const char *text = error_text(j);
	enum llm_end end;

	end = end_of_status(json_int(j, "error.code", 0));
	if (says_too_long(code) || says_too_long(type) || says_too_long(text))
		end = LLM_TOO_LONG;
	else if (end == LLM_ERROR && (says_busy(code) || says_busy(type)))
		end = LLM_BUSY;
	keep_said(a, text);
	text = error_word(j);
	return fault(a, end, text ? text : "an error in place of an answer");
}

static bool is_blank(const char *p, size_t n)
{
	while (n > 0 && strchr(" \t\r\n", p[n - 1]) && p[n - 1] != '\0')
		n--;
	return n == 0;
}

static int say(const char *p, size_t n, void *arg)
{
	struct openai *a = arg;

	a->text = p && (a->text || !is_blank(p, n));
	return a->on_text(p, n, a->arg);
}

/* NUL bytes are left out. */
static int take_text(struct openai *a, const struct json *j, const char *path)
{
	const char *nul, *p;
	size_t n, k;
	int rc = 0;

	p = json_bytes(j, path, &n);
	while (p && n > 0 && rc == 0) {
		nul = memchr(p, '\0', n);
		k = nul ? (size_t)(nul - p) : n;
		if (k > 0)
			rc = thought_feed(&a->thought, p, k, say, a);
		p += k + (nul != NULL);
		n -= k + (nul != NULL);
	}
	return rc;
}

/* Some servers send a list of parts, of which thinking is one kind. */
static int take_parts(struct openai *a, const struct json *list)
{
	size_t n = json_len(list, "");
	const struct json *part;
	const char *type;
	size_t i;
	int rc;

	for (i = 0; i < n; i++) {
		part = json_nth(list, "", i);
		type = json_str(part, "type");
		if (!type || strcmp(type, "text") != 0)
			continue;
		rc = take_text(a, part, "text");
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* Reasoning comes under other names and is nobody's business. */
static int take_message(struct openai *a, const struct json *m)
{
	int rc;

	if (json_is_array(m, "content"))
		rc = take_parts(a, json_at(m, "content"));
	else
		rc = take_text(a, m, "content");
	if (rc != 0)
		return rc;
	return take_text(a, m, "refusal");
}

static int take_stop(struct openai *a, const char *reason)
{
	if (!reason || !*reason)
		return 0;
	if (strcmp(reason, "error") == 0)
		return fault(a, LLM_ERROR, "the server stopped with an error");
	if (strcmp(reason, "content_filter") == 0)
		a->stop = OPENAI_STOPPED_FILTER;
	else if (strcmp(reason, "length") == 0 ||
		 strcmp(reason, "max_tokens") == 0 ||
		 strcmp(reason, "model_length") == 0)
		a->stop = OPENAI_STOPPED_LENGTH;
	else
		a->stop = OPENAI_STOPPED;
	return 0;
}

static void take_usage(struct openai *a, const struct json *j)
{
	int64_t in = json_int(j, "usage.prompt_tokens", -1);
	int64_t out = json_int(j, "usage.completion_tokens", -1);

	if (in < 0 || out < 0 || in > TOKENS_MAX || out > TOKENS_MAX)
		return;
	a->usage.prompt_tokens = in;
	a->usage.completion_tokens = out;
	a->usage.known = true;
}

static int take_object(struct openai *a, const struct json *j)
{
	const struct json *choice = json_at(j, "choices.0");
	int rc;

	if (json_is_object(j, "error") || json_str(j, "error"))
		return take_error(a, j);
	take_usage(a, j);
	rc = take_message(a, json_at(choice, "delta"));
	if (rc == 0)
		rc = take_message(a, json_at(choice, "message"));
	if (rc == 0)
		rc = take_stop(a, json_str(choice, "finish_reason"));
	return rc;
}

static bool is_utf8(const char *p, size_t n)
{
	size_t k;

	for (; n > 0; p += k, n -= k) {
		k = utf8_len(p, n);
		if (k == 0)
			return false;
	}
	return true;
}

/* Servers that send each token by itself cut characters in two. */
static struct json *mend(const char *p, size_t n, size_t max, struct err *e)
{
	struct json *j;
	struct buf b;
	size_t k;

	buf_init(&b, 3 * max);
	for (; n > 0 && !b.failed; p += k, n -= k) {
		k = utf8_len(p, n);
		(void)buf_add(&b, k > 0 ? p : "\xef\xbf\xbd", k > 0 ? k : 3);
		k = k > 0 ? k : 1;
	}
	j = json_parse(b.data ? b.data : "", b.len, b.cap, e);
	buf_release(&b);
	return j;
}

static struct json *parse(const char *p, size_t n, size_t max, struct err *e)
{
	struct json *j = json_parse(p, n, max, e);

	return j || n > max || is_utf8(p, n) ? j : mend(p, n, max, e);
}

static int on_event(const char *data, size_t len, void *arg)
{
	struct openai *a = arg;
	struct err e = { 0 };
	struct json *j;
	int rc;

	if (len == 0 || a->done)
		return 0;
	if (strncmp(data, "[DONE]", 6) == 0) {
		a->done = true;
		return 0;
	}
	j = parse(data, len, OPENAI_EVENT_MAX, &e);
	if (!j)
		return fault(a, LLM_BROKEN, e.msg);
	rc = take_object(a, j);
	json_free(j);
	return rc;
}

void openai_init(struct openai *a,
		 int (*on_text)(const char *p, size_t n, void *arg), void *arg)
{
	memset(a, 0, sizeof(*a));
	sse_init(&a->sse, OPENAI_EVENT_MAX, on_event, a);
	buf_init(&a->whole, OPENAI_ANSWER_MAX);
	a->on_text = on_text;
	a->arg = arg;
}

void openai_release(struct openai *a)
{
	sse_release(&a->sse);
	buf_release(&a->whole);
}

static int feed_stream(struct openai *a, const char *p, size_t n)
{
	int rc = sse_feed(&a->sse, p, n);

	if (rc < 0 && a->fault == LLM_DONE)
		return fault(a, LLM_BROKEN, "an event is too long");
	return rc;
}

int openai_feed(struct openai *a, const char *p, size_t n)
{
	if (a->shape == OPENAI_UNKNOWN) {
		while (n > 0 && isspace((unsigned char)*p)) {
			p++;
			n--;
		}
		if (n == 0)
			return 0;
		if (*p == '<')
			return fault(a, LLM_BROKEN,
				     "HTML instead of an answer: a login page "
				     "in the server's place, or a url that "
				     "isn't up to /v1");
		a->shape = *p == '{' ? OPENAI_WHOLE : OPENAI_STREAM;
	}
	if (a->shape == OPENAI_STREAM)
		return feed_stream(a, p, n);
	if (buf_add(&a->whole, p, n) < 0)
		return fault(a, LLM_BROKEN, "the answer is too long");
	return 0;
}

bool openai_complete(const struct openai *a)
{
	return a->done || a->stop != OPENAI_GOING_ON;
}

static void read_whole(struct openai *a)
{
	struct err e = { 0 };
	struct json *j;

	j = parse(a->whole.data, a->whole.len, OPENAI_ANSWER_MAX, &e);
	if (!j) {
		fault(a, LLM_BROKEN, e.msg);
		return;
	}
	if (take_object(a, j) == 0)
		a->done = true;
	json_free(j);
}

enum llm_end openai_end(struct openai *a)
{
	if (a->shape == OPENAI_WHOLE)
		read_whole(a);
	if (a->fault == LLM_DONE && thought_end(&a->thought, say, a) != 0)
		return LLM_DONE; /* nobody listens any more */
	if (a->fault != LLM_DONE)
		return a->fault;
	if (a->stop == OPENAI_STOPPED_FILTER) {
		fault(a, LLM_FILTERED, "content filter");
	} else if (!openai_complete(a)) {
		/* Neither a finish_reason nor [DONE]: what there is of the
		 * answer may be half of it. */
		fault(a, LLM_BROKEN, "the stream ended early");
	} else if (!a->text) {
		fault(a, LLM_EMPTY,
		      a->stop == OPENAI_STOPPED_LENGTH
			      ? "no text before the token limit"
			      : "no text");
	} else if (a->stop == OPENAI_STOPPED_LENGTH) {
		return LLM_LENGTH;
	}
	return a->fault;
}

/* One thing at a time: the next refusal names the next. */
static void adapt(struct openai_dialect *d, const char *body)
{
	if (!d->max_completion && strstr(body, "max_completion_tokens"))
		d->max_completion = true;
	else if (strstr(body, "stream_options"))
		d->no_usage = true;
}

/* Of a 404, from what was said. */
static const char *guess(const struct openai *a)
{
	return strcasestr(a->said, "model") ? " (is there such a model?)"
					    : " (does the url end in /v1?)";
}

enum llm_end openai_refusal(struct openai *a, int status, const char *body,
			    size_t len, struct openai_dialect *d)
{
	enum llm_end end = end_of_status(status);
	struct err e = { 0 };
	struct json *j = json_parse(body, len, REFUSAL_MAX, &e);
	const char *word;

	if (j && (status == 400 || status == 422)) {
		if (says_too_long(body))
			end = LLM_TOO_LONG;
		else
			adapt(d, body);
	}
	keep_said(a, j ? error_text(j) : NULL);
	word = j ? error_word(j) : NULL;
	(void)snprintf(a->msg, sizeof(a->msg), "HTTP %d%s%s%s", status,
		       word ? ": " : "", word ? word : "",
		       status == 404 ? guess(a) : "");
	json_free(j);
	return end;
}
