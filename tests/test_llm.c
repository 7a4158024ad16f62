/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/err.h"
#include "llm/breaker.h"
#include "llm/llm.h"
#include "net/http.h"
#include "net/loop.h"
#include "scripted.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define BODY     "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
#define TEXT(s)  "data: {\"choices\":[{\"delta\":{\"content\":\"" s "\"}}]}\n\n"
#define STOP     "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n"
#define USAGE                                                    \
	"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":12," \
	"\"completion_tokens\":3}}\n\n"
#define DONE          "data: [DONE]\n\n"
#define REFUSAL(head) "HTTP/1.1 " head "\r\nContent-Length: 0\r\n\r\n"

static struct loop *l;
static struct http *h;
static struct llm *m;
static struct scripted *server;
static struct conf conf;
static char key_file[64];
static bool asking;
static const char *tenant; /* who asks */

struct asker {
	struct llm_call *call;
	char said[256];
	int done;
	enum llm_end end;
	struct llm_usage usage;
	char model[32];
	char msg[256], quote[256];
	int64_t first_token_ms;
	int order;
	struct llm_call *victim; /* cancelled at the first text */
};

static int ended; /* calls so far */

static void on_text(const char *p, size_t n, void *arg)
{
	struct asker *a = arg;

	ck_assert_int_eq(a->done, 0);
	strncat(a->said, p, n);
	if (a->victim) {
		llm_cancel(a->victim);
		a->victim = NULL;
	}
}

static void on_done(const struct llm_result *r, void *arg)
{
	struct asker *a = arg;

	ck_assert(!asking);
	a->done++;
	a->order = ++ended;
	a->end = r->end;
	a->usage = r->usage;
	a->first_token_ms = r->first_token_ms;
	strncpy(a->model, r->model, sizeof(a->model) - 1);
	strncpy(a->msg, r->msg ? r->msg : "", sizeof(a->msg) - 1);
	strncpy(a->quote, r->said, sizeof(a->quote) - 1);
}

static void ask(struct asker *a, const char *model)
{
	const struct llm_msg msgs[] = {
		{ .role = LLM_SYSTEM, .text = "Be kind." },
		{ .role = LLM_USER, .name = "ada", .text = "Hello?" },
	};
	const struct llm_question q = { model, tenant, msgs, COUNT(msgs) };
	struct err e = { 0 };

	asking = true;
	a->call = llm_ask(m, h, l, &q, on_text, on_done, a, &e);
	asking = false;
	ck_assert_msg(a->call != NULL, "%s", e.msg);
}

static void add_model(const char *name, bool is_default)
{
	struct conf_model *c = &conf.models[conf.nmodels++];

	*c = (struct conf_model){
		.name = (char *)name,
		.model = (char *)"m-1",
		.api_key_file = (char *)"",
		.is_default = is_default,
		.connect_timeout_s = 5,
		.first_token_timeout_s = 10,
		.idle_timeout_s = 10,
		.timeout_s = 20,
	};
}

static void setup(void)
{
	const struct http_opts o = { 0 };
	struct err e = { 0 };

	signal(SIGPIPE, SIG_IGN);
	l = loop_create("test", &e);
	ck_assert_msg(l != NULL, "%s", e.msg);
	h = http_create(l, &o, &e);
	ck_assert_msg(h != NULL, "%s", e.msg);
	add_model("main", true);
	tenant = "t1";
}

static void teardown(void)
{
	llm_free(m);
	http_free(h);
	loop_free(l);
	scripted_stop(server);
	if (key_file[0])
		unlink(key_file);
}

/* The models as configured until now, at a server with these answers. */
static void serve(const struct scripted_answer *answers, size_t n)
{
	struct err e = { 0 };
	size_t i;

	server = scripted_start(answers, n, NULL);
	for (i = 0; i < conf.nmodels; i++)
		conf.models[i].url = (char *)scripted_url(server, "/v1");
	m = llm_create(&conf, &e);
	ck_assert_msg(m != NULL, "%s", e.msg);
}

static const struct scripted_answer hello[] = {
	{ { BODY TEXT("Hel"), TEXT("lo") STOP, USAGE, DONE }, SCRIPTED_CLOSE },
};

START_TEST(an_answer_streams)
{
	struct asker a = { 0 };

	serve(hello, 1);
	ask(&a, NULL);
	loop_run_here(l);
	ck_assert_int_eq(a.done, 1);
	ck_assert_msg(a.end == LLM_DONE, "%s", a.msg);
	ck_assert_str_eq(a.said, "Hello");
	ck_assert_str_eq(a.model, "main");
	ck_assert(a.usage.known);
	ck_assert_int_eq(a.usage.prompt_tokens, 12);
	ck_assert_int_eq(a.usage.completion_tokens, 3);
	ck_assert_int_ge(a.first_token_ms, 0);
}
END_TEST

static void give_key(const char *key)
{
	FILE *f;

	strcpy(key_file, "/tmp/konstruct-key-XXXXXX");
	f = fdopen(mkstemp(key_file), "w");
	fprintf(f, "  %s\n", key);
	fclose(f);
	conf.models[0].api_key_file = key_file;
}

START_TEST(the_request_is_what_the_server_expects)
{
	struct asker a = { 0 };
	const char *got;

	give_key("sk-test-1");
	conf.models[0].max_tokens = 77;
	serve(hello, 1);
	ask(&a, NULL);
	loop_run_here(l);
	got = scripted_request(server, 0);
	ck_assert_int_eq(
		strncmp(got, "POST /v1/chat/completions HTTP/1.1\r\n", 36), 0);
	ck_assert_ptr_nonnull(
		strstr(got, "Authorization: Bearer sk-test-1\r\n"));
	ck_assert_ptr_nonnull(
		strstr(got, "Content-Type: application/json\r\n"));
	ck_assert_ptr_nonnull(strstr(got, "\"model\":\"m-1\""));
	ck_assert_ptr_nonnull(
		strstr(got, "{\"role\":\"system\",\"content\":\"Be kind.\"}"));
	ck_assert_ptr_nonnull(strstr(got, "\"max_tokens\":77"));
}
END_TEST

START_TEST(the_model_is_chosen_by_name)
{
	static const char *const names[][2] = { { "small", "small" },
						{ "main", "main" },
						{ NULL, "main" },
						{ "", "main" },
						{ "none", "main" } };
	struct asker a = { 0 };

	add_model("small", false);
	serve(hello, 1);
	ask(&a, names[_i][0]);
	loop_run_here(l);
	ck_assert_str_eq(a.model, names[_i][1]);
}
END_TEST

START_TEST(a_missing_key_file_names_the_model)
{
	struct err e = { 0 };

	conf.models[0].url = (char *)"http://127.0.0.1:1";
	conf.models[0].api_key_file = (char *)"/nonexistent/key";
	ck_assert_ptr_null(llm_create(&conf, &e));
	ck_assert_ptr_nonnull(strstr(e.msg, "\"main\""));
	ck_assert_ptr_nonnull(strstr(e.msg, "/nonexistent/key"));
}
END_TEST

#define HI { BODY TEXT("Hi") STOP DONE }, SCRIPTED_CLOSE
#define OBJECTION                                               \
	"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n" \
	"{\"error\":{\"message\":\""

/* What a server says, request by request, and what comes of it. */
static const struct {
	const char *name;
	struct scripted_answer answers[4];
	size_t requests;
	const char *said;
	enum llm_end end;
} cases[] = {
	{ "busy once",
	  { { { REFUSAL("429 Slow") }, 0 }, { HI } },
	  2,
	  "Hi",
	  LLM_DONE },
	{ "busy twice", { { { REFUSAL("429 Slow") }, 0 } }, 2, "", LLM_BUSY },
	{ "a gateway's bad day",
	  { { { REFUSAL("502 Bad") }, 0 }, { HI } },
	  2,
	  "Hi",
	  LLM_DONE },
	{ "busy for longer than we wait",
	  { { { REFUSAL("429 Slow\r\nRetry-After: 11") }, 0 } },
	  1,
	  "",
	  LLM_BUSY },
	{ "a reset before the answer",
	  { { { "" }, SCRIPTED_RESET }, { HI } },
	  2,
	  "Hi",
	  LLM_DONE },
	{ "a reset, and another",
	  { { { "" }, SCRIPTED_RESET } },
	  2,
	  "",
	  LLM_BROKEN },
	{ "a broken stream before the text",
	  { { { BODY "data: {\n\n" }, SCRIPTED_CLOSE }, { HI } },
	  2,
	  "Hi",
	  LLM_DONE },
	{ "a broken stream after the text",
	  { { { BODY TEXT("H") "data: {\n\n" }, SCRIPTED_CLOSE }, { HI } },
	  1,
	  "H",
	  LLM_BROKEN },
	{ "a reset after the text",
	  { { { BODY TEXT("H"), "data" }, SCRIPTED_RESET }, { HI } },
	  1,
	  "H",
	  LLM_BROKEN },
	{ "a reset after the end",
	  { { { BODY TEXT("H") STOP, "data" }, SCRIPTED_RESET }, { HI } },
	  1,
	  "H",
	  LLM_DONE },
	{ "busy inside the stream",
	  { { { BODY "data: {\"error\":{\"code\":503}}\n\n" }, SCRIPTED_CLOSE },
	    { HI } },
	  2,
	  "Hi",
	  LLM_DONE },
	{ "our key", { { { REFUSAL("401 No") }, 0 } }, 1, "", LLM_REFUSED },
	{ "our request", { { { REFUSAL("404 No") }, 0 } }, 1, "", LLM_ERROR },
	{ "a redirect",
	  { { { REFUSAL("307 There\r\nLocation: /v2") }, 0 } },
	  1,
	  "",
	  LLM_ERROR },
	{ "too long",
	  { { { OBJECTION "maximum context length\"}}" }, SCRIPTED_CLOSE } },
	  1,
	  "",
	  LLM_TOO_LONG },
	{ "two objections",
	  { { { OBJECTION "use max_completion_tokens\"}}" }, SCRIPTED_CLOSE },
	    { { OBJECTION "stream_options\"}}" }, SCRIPTED_CLOSE },
	    { HI } },
	  3,
	  "Hi",
	  LLM_DONE },
	{ "an objection that never ends",
	  { { { OBJECTION "use max_completion_tokens\"}}" }, SCRIPTED_CLOSE } },
	  2,
	  "",
	  LLM_ERROR },
	{ "no text",
	  { { { BODY STOP DONE }, SCRIPTED_CLOSE } },
	  1,
	  "",
	  LLM_EMPTY },
	{ "not streamed",
	  { { { "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
		"Connection: close\r\n\r\n"
		"{\"choices\":[{\"message\":{\"content\":\"Hi\"}}]}" },
	      SCRIPTED_CLOSE } },
	  1,
	  "Hi",
	  LLM_DONE },
};

START_TEST(a_refusal_that_quotes_our_key_is_not_passed_on)
{
	static const struct scripted_answer no[] = {
		{ { "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n"
		    "{\"error\":{\"message\":\"no such key: "
		    "sk-test-12345678\",\"code\":\"sk-test-12345678\"}}" },
		  SCRIPTED_CLOSE },
	};
	struct asker a = { 0 };

	give_key("sk-test-12345678");
	serve(no, 1);
	ask(&a, NULL);
	loop_run_here(l);
	ck_assert_int_eq(a.end, LLM_REFUSED);
	ck_assert_str_eq(a.msg, "(quotes our key)");
	ck_assert_str_eq(a.quote, "(quotes our key)");
}
END_TEST

static size_t count_answers(const struct scripted_answer *a)
{
	size_t n = 0;

	while (n < 4 && a[n].parts[0])
		n++;
	return n;
}

START_TEST(ends_as_it_should)
{
	struct asker a = { 0 };

	conf.models[0].max_tokens = 5;
	serve(cases[_i].answers, count_answers(cases[_i].answers));
	ask(&a, NULL);
	loop_run_here(l);
	ck_assert_int_eq(a.done, 1);
	ck_assert_msg(a.end == cases[_i].end, "%s: %s (%s)", cases[_i].name,
		      llm_end_name(a.end), a.msg);
	ck_assert_str_eq(a.said, cases[_i].said);
	ck_assert_msg(scripted_requests(server) == cases[_i].requests,
		      "%s: %zu requests", cases[_i].name,
		      scripted_requests(server));
}
END_TEST

START_TEST(a_refused_connection_is_tried_twice)
{
	struct asker a = { 0 };
	struct err e = { 0 };

	/* Nobody listens on port 1. */
	conf.models[0].url = (char *)"http://127.0.0.1:1/v1";
	m = llm_create(&conf, &e);
	ck_assert_msg(m != NULL, "%s", e.msg);
	ask(&a, NULL);
	loop_run_here(l);
	ck_assert_int_eq(a.done, 1);
	ck_assert_int_eq(a.end, LLM_BROKEN);
	ck_assert_ptr_nonnull(strstr(a.msg, "connect"));
}
END_TEST

START_TEST(a_dialect_is_remembered)
{
	const struct scripted_answer answers[] = {
		{ { OBJECTION "use max_completion_tokens\"}}" },
		  SCRIPTED_CLOSE },
		{ HI },
	};
	struct asker a = { 0 };
	struct asker b = { 0 };
	const char *got;

	conf.models[0].max_tokens = 5;
	serve(answers, 2);
	ask(&a, NULL);
	loop_run_here(l);
	ask(&b, NULL);
	loop_run_here(l);
	ck_assert_int_eq(b.end, LLM_DONE);
	ck_assert_uint_eq(scripted_requests(server), 3);
	got = scripted_request(server, 2);
	ck_assert_ptr_nonnull(strstr(got, "\"max_completion_tokens\":5"));
	ck_assert_ptr_null(strstr(got, "\"max_tokens\""));
}
END_TEST

START_TEST(retry_after_is_waited_for)
{
	const struct scripted_answer answers[] = {
		{ { REFUSAL("429 Slow\r\nRetry-After: 1") }, SCRIPTED_KEEP },
		{ HI },
	};
	struct asker a = { 0 };

	serve(answers, 2);
	ask(&a, NULL);
	loop_run_here(l);
	ck_assert_int_eq(a.end, LLM_DONE);
	ck_assert_int_ge(a.first_token_ms, 1000);
}
END_TEST

static const struct scripted_answer silences[] = {
	{ { "" }, SCRIPTED_HANG },
	{ { BODY }, SCRIPTED_HANG },
	{ { BODY TEXT("H") }, SCRIPTED_HANG },
};

START_TEST(silence_ends_in_a_timeout)
{
	struct asker a = { 0 };

	conf.models[0].first_token_timeout_s = 1;
	conf.models[0].idle_timeout_s = 1;
	serve(&silences[_i], 1);
	ask(&a, NULL);
	loop_run_here(l);
	ck_assert_int_eq(a.done, 1);
	ck_assert_int_eq(a.end, LLM_TIMEOUT);
	ck_assert_uint_eq(scripted_requests(server), 1);
}
END_TEST

START_TEST(slots_are_given_in_the_order_of_asking)
{
	struct asker a[6] = { 0 };
	size_t i;

	conf.models[0].concurrency = 1;
	serve(hello, 1);
	for (i = 0; i < COUNT(a); i++)
		ask(&a[i], NULL);
	loop_run_here(l);
	for (i = 0; i < COUNT(a); i++) {
		ck_assert_int_eq(a[i].end, LLM_DONE);
		ck_assert_str_eq(a[i].said, "Hello");
		ck_assert_int_eq(a[i].order, (int)i + 1);
	}
}
END_TEST

static void ask_as(struct asker *a, const char *who)
{
	tenant = who;
	ask(a, NULL);
	tenant = "t1";
}

START_TEST(tenants_take_turns)
{
	static const int order[] = { 1, 2, 4, 6, 7, 3, 5 };
	struct asker a[7] = { 0 };
	size_t i;

	conf.models[0].concurrency = 1;
	serve(hello, 1);
	for (i = 0; i < 5; i++)
		ask_as(&a[i], "many");
	ask_as(&a[5], "few");
	ck_assert_int_eq(llm_ahead(a[0].call), -1);
	ck_assert_int_eq(llm_ahead(a[4].call), 3);
	ck_assert_int_eq(llm_ahead(a[5].call), 0);
	ask_as(&a[6], "few");
	loop_run_here(l);
	for (i = 0; i < COUNT(a); i++)
		ck_assert_int_eq(a[i].order, order[i]);
}
END_TEST

START_TEST(a_tenant_has_no_more_than_its_share_at_once)
{
	const struct scripted_answer hang[] = {
		{ { BODY TEXT("Hi") }, SCRIPTED_HANG },
	};
	struct asker a[4] = { 0 };
	size_t i;

	conf.models[0].tenant_concurrency = 2;
	serve(hang, 1);
	for (i = 0; i < 3; i++)
		ask_as(&a[i], "many");
	ask_as(&a[3], "few");
	ck_assert_int_eq(llm_ahead(a[1].call), -1);
	ck_assert_int_eq(llm_ahead(a[2].call), 0);
	ck_assert_int_eq(llm_ahead(a[3].call), -1);
	llm_cancel(a[0].call);
	ck_assert_int_eq(llm_ahead(a[2].call), -1);
	for (i = 1; i < COUNT(a); i++)
		llm_cancel(a[i].call);
	loop_run_here(l);
}
END_TEST

static void count_state(const struct llm_view *v, void *arg)
{
	snprintf(arg, 32, "%s %s %d %zu", v->name, v->state, v->busy,
		 v->waiting);
}

START_TEST(a_model_that_keeps_failing_is_not_asked_for_a_while)
{
	const struct scripted_answer refused[] = {
		{ { REFUSAL("401 No") }, SCRIPTED_CLOSE },
	};
	struct asker a[7] = { 0 };
	char state[32];
	size_t i;

	conf.nmodels = 1;
	conf.models[0].concurrency = 1; /* one after the other */
	serve(refused, 1);
	for (i = 0; i < COUNT(a); i++)
		ask(&a[i], NULL);
	loop_run_here(l);
	for (i = 0; i < COUNT(a); i++) {
		ck_assert_int_eq(a[i].done, 1);
		ck_assert_int_eq(a[i].end, i < 5 ? LLM_REFUSED : LLM_OFF);
	}
	ck_assert_uint_eq(scripted_requests(server), 5);
	llm_each(m, count_state, state);
	ck_assert_str_eq(state, "main failing 0 0");
}
END_TEST

START_TEST(breaker_opens_for_longer_each_time_and_one_probe_closes_it)
{
	struct breaker b;
	struct err e = { 0 };
	int i;

	ck_assert_int_eq(breaker_init(&b, &e), 0);
	for (i = 0; i < 4; i++)
		ck_assert(!breaker_tell(&b, false, 1000));
	ck_assert_int_eq(breaker_ask(&b, 1000), BREAKER_YES);
	ck_assert(breaker_tell(&b, false, 1000));
	ck_assert_int_eq(breaker_ask(&b, 5999), BREAKER_NO);
	ck_assert_int_eq(breaker_ask(&b, 6000), BREAKER_PROBE);
	ck_assert_int_eq(breaker_ask(&b, 6000), BREAKER_NO);
	ck_assert(!breaker_tell(&b, false, 7000));
	ck_assert_int_eq(breaker_ask(&b, 16999), BREAKER_NO);
	ck_assert_int_eq(breaker_ask(&b, 17000), BREAKER_PROBE);
	breaker_forget(&b, BREAKER_PROBE);
	ck_assert_int_eq(breaker_ask(&b, 17000), BREAKER_PROBE);
	ck_assert(breaker_tell(&b, true, 17000));
	ck_assert_int_eq(breaker_get(&b), BREAKER_CLOSED);
	for (i = 0; i < 4; i++)
		ck_assert(!breaker_tell(&b, false, 20000));
	ck_assert(!breaker_tell(&b, true, 20000));
	ck_assert(!breaker_tell(&b, false, 20000));
	ck_assert_int_eq(breaker_ask(&b, 20000), BREAKER_YES);
	breaker_release(&b);
}
END_TEST

START_TEST(a_cancelled_call_frees_its_slot)
{
	const struct scripted_answer answers[] = {
		{ { BODY TEXT("Hi"), TEXT("!") }, SCRIPTED_HANG },
		{ HI },
	};
	struct asker a[4] = { 0 };

	conf.models[0].concurrency = 1;
	serve(answers, 2);
	ask(&a[0], NULL);
	ask(&a[1], NULL);
	ask(&a[2], NULL);
	ask(&a[3], NULL);
	llm_cancel(a[2].call);
	if (_i == 0)
		a[0].victim = a[0].call; /* by its own reader */
	else
		llm_cancel(a[0].call);
	loop_run_here(l);
	ck_assert_int_eq(a[0].done, 0);
	ck_assert_int_eq(a[2].done, 0);
	ck_assert_int_eq(a[1].done, 1);
	ck_assert_int_eq(a[3].done, 1);
	if (_i == 0)
		ck_assert_str_eq(a[0].said, "Hi");
	llm_cancel(NULL);
}
END_TEST

START_TEST(a_slot_granted_to_a_cancelled_call_goes_on_to_the_next)
{
	struct asker a[3] = { 0 };

	conf.models[0].concurrency = 1;
	serve(hello, 1);
	ask(&a[0], NULL);
	ask(&a[1], NULL);
	ask(&a[2], NULL);
	llm_cancel(a[0].call); /* grants to 1: its task is posted */
	llm_cancel(a[1].call);
	loop_run_here(l);
	ck_assert_int_eq(a[0].done + a[1].done, 0);
	ck_assert_int_eq(a[2].end, LLM_DONE);
}
END_TEST

START_TEST(a_call_may_be_cancelled_while_it_waits_to_try_again)
{
	const struct scripted_answer busy[] = {
		{ { REFUSAL("429 Slow\r\nRetry-After: 9") }, SCRIPTED_CLOSE },
		{ { BODY TEXT("H"), TEXT("i") STOP }, SCRIPTED_CLOSE },
	};
	struct asker a = { 0 };
	struct asker b = { 0 };

	serve(busy, 2);
	conf.models[0].concurrency = 0;
	ask(&a, NULL);
	ask(&b, NULL);
	/* One of them gets the refusal, the other one the text. */
	a.victim = b.call;
	b.victim = a.call;
	loop_run_here(l);
	ck_assert_int_eq(a.done + b.done, 1);
	ck_assert_int_eq(a.end + b.end, LLM_DONE);
}
END_TEST

/* A worker with a thread of its own that asks one question after the other. */
struct worker {
	struct loop_task task; /* must be first */
	struct loop *loop;
	struct http *http;
	sem_t *finished;
	int left;
};

static void ignore_text(const char *p, size_t n, void *arg)
{
	(void)p;
	(void)n;
	(void)arg;
}

static void ask_next(struct worker *w);

static void worker_done(const struct llm_result *r, void *arg)
{
	struct worker *w = arg;

	ck_assert_int_eq(r->end, LLM_DONE);
	if (--w->left > 0)
		ask_next(w);
	else
		sem_post(w->finished);
}

static void ask_next(struct worker *w)
{
	const struct llm_msg msg = { .role = LLM_USER, .text = "Hello?" };
	const struct llm_question q = { NULL, "t1", &msg, 1 };
	struct err e = { 0 };

	ck_assert_ptr_nonnull(llm_ask(m, w->http, w->loop, &q, ignore_text,
				      worker_done, w, &e));
}

static void begin_asking(struct loop_task *t)
{
	const struct http_opts o = { 0 };
	struct worker *w = (struct worker *)t;
	struct err e = { 0 };

	w->http = http_create(w->loop, &o, &e);
	ck_assert_ptr_nonnull(w->http);
	ask_next(w);
}

static void end_asking(struct loop_task *t)
{
	http_free(((struct worker *)t)->http);
}

START_TEST(workers_share_the_slots)
{
	struct worker w[3] = { 0 };
	struct err e = { 0 };
	sem_t finished;
	size_t i;

	conf.models[0].concurrency = 1;
	serve(hello, 1);
	sem_init(&finished, 0, 0);
	for (i = 0; i < COUNT(w); i++) {
		w[i].loop = loop_create("worker", &e);
		w[i].finished = &finished;
		w[i].left = 10;
		w[i].task.run = begin_asking;
		ck_assert_int_eq(loop_start(w[i].loop, &e), 0);
		loop_post(w[i].loop, &w[i].task);
	}
	for (i = 0; i < COUNT(w); i++)
		sem_wait(&finished);
	for (i = 0; i < COUNT(w); i++) {
		w[i].task.run = end_asking;
		loop_post(w[i].loop, &w[i].task);
		loop_stop(w[i].loop);
		loop_free(w[i].loop);
	}
	sem_destroy(&finished);
	ck_assert_uint_eq(scripted_requests(server), 30);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("llm");
	TCase *tc = tcase_create("llm");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, an_answer_streams);
	tcase_add_test(tc, the_request_is_what_the_server_expects);
	tcase_add_loop_test(tc, the_model_is_chosen_by_name, 0, 5);
	tcase_add_test(tc, a_missing_key_file_names_the_model);
	tcase_add_loop_test(tc, ends_as_it_should, 0, COUNT(cases));
	tcase_add_test(tc, a_refusal_that_quotes_our_key_is_not_passed_on);
	tcase_add_test(tc, a_refused_connection_is_tried_twice);
	tcase_add_test(tc, a_dialect_is_remembered);
	tcase_add_test(tc, retry_after_is_waited_for);
	tcase_add_loop_test(tc, silence_ends_in_a_timeout, 0, COUNT(silences));
	tcase_add_test(tc, slots_are_given_in_the_order_of_asking);
	tcase_add_test(tc, tenants_take_turns);
	tcase_add_test(tc, a_tenant_has_no_more_than_its_share_at_once);
	tcase_add_test(tc, a_model_that_keeps_failing_is_not_asked_for_a_while);
	tcase_add_test(
		tc, breaker_opens_for_longer_each_time_and_one_probe_closes_it);
	tcase_add_loop_test(tc, a_cancelled_call_frees_its_slot, 0, 2);
	tcase_add_test(tc,
		       a_slot_granted_to_a_cancelled_call_goes_on_to_the_next);
	tcase_add_test(tc, a_call_may_be_cancelled_while_it_waits_to_try_again);
	tcase_add_test(tc, workers_share_the_slots);
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
