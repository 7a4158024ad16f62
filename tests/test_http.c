/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"
#include "net/http.h"
#include "net/loop.h"
#include "scripted.h"

#define OK       "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define CHUNKED  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct loop *l;
static struct http *h;
static struct scripted *server;
static bool in_start;

/* One call and what became of it. */
struct heard {
	int done;
	int status;
	bool sent;
	bool timeout;
	unsigned int retry_after_ms;
	char scopes[64];
	char location[64];
	char body[256];
	char msg[256];
	char data[1024]; /* of on_data */
	int pieces;
	struct http_call *call;
	struct http_call *victim;  /* cancelled at the next callback */
	struct http_request *next; /* started at the next callback */
	int stop;
};

/* What the name server says of moved.test: an address, or an error. */
static const char *moved_to;
static int moved_error;

typedef int resolver(const char *host, const char *service,
		     const struct addrinfo *hints, struct addrinfo **out);

/* In the place of libc's, for libcurl too. */
int getaddrinfo(const char *host, const char *service,
		const struct addrinfo *hints, struct addrinfo **out)
{
	resolver *real = (resolver *)dlsym(RTLD_NEXT, "getaddrinfo");

	if (!host || strcmp(host, "moved.test") != 0)
		return real(host, service, hints, out);
	if (moved_error != 0)
		return moved_error;
	return real(moved_to, service, hints, out);
}

static void start_request(const struct http_request *r, struct heard *to);

static void act(struct heard *t)
{
	struct http_request *next = t->next;

	ck_assert(!in_start);
	http_cancel(t->victim);
	t->victim = NULL;
	t->next = NULL;
	if (next)
		start_request(next, next->arg);
}

static void on_done(const struct http_result *r, void *arg)
{
	struct heard *t = arg;

	t->done++;
	t->status = r->status;
	t->sent = r->sent;
	t->timeout = r->timeout;
	t->retry_after_ms = r->retry_after_ms;
	ck_assert_uint_eq(strlen(r->body), r->len);
	strncpy(t->body, r->body, sizeof(t->body) - 1);
	strncpy(t->scopes, r->scopes ? r->scopes : "", sizeof(t->scopes) - 1);
	snprintf(t->location, sizeof(t->location), "%s",
		 r->location ? r->location : "");
	strncpy(t->msg, r->msg ? r->msg : "", sizeof(t->msg) - 1);
	act(t);
}

static int on_data(const char *p, size_t n, void *arg)
{
	struct heard *t = arg;

	strncat(t->data, p, n);
	t->pieces++;
	act(t);
	return t->stop;
}

static void start_request(const struct http_request *r, struct heard *to)
{
	struct err e = { 0 };

	in_start = true;
	to->call = http_start(h, r, &e);
	in_start = false;
	ck_assert_msg(to->call != NULL, "%s", e.msg);
}

/* A request whose deadlines no test reaches. */
static struct http_request get(const char *url, struct heard *to)
{
	struct http_request r = {
		.method = "GET",
		.url = url,
		.max_body = 1000,
		.connect_ms = 10000,
		.total_ms = 15000,
		.on_done = on_done,
		.arg = to,
	};

	return r;
}

static struct http_request post(const char *url, struct heard *to)
{
	struct http_request r = get(url, to);

	r.method = "POST";
	r.body = "a=1";
	r.body_len = 3;
	return r;
}

static void make_client(const char *ca_file, long connections)
{
	struct conf_way way = { .ca_file = (char *)ca_file };
	struct http_opts o = { &way, connections, NULL };
	struct err e = { 0 };

	h = http_create(l, &o, &e);
	ck_assert_msg(h != NULL, "%s", e.msg);
}

static void setup(void)
{
	struct err e = { 0 };

	signal(SIGPIPE, SIG_IGN);
	l = loop_create("test", &e);
	ck_assert_msg(l != NULL, "%s", e.msg);
	make_client(NULL, 0);
}

static void teardown(void)
{
	http_free(h);
	loop_free(l);
	scripted_stop(server);
}

static const char *serve(const struct scripted_answer *a, size_t n)
{
	server = scripted_start(a, n, NULL);
	return scripted_url(server, "/x");
}

/* Runs one request against one answer. */
static struct heard ask(const struct scripted_answer *a, size_t n)
{
	struct heard t = { 0 };
	struct http_request r = get(serve(a, n), &t);

	start_request(&r, &t);
	loop_run_here(l);
	ck_assert_int_eq(t.done, 1);
	return t;
}

START_TEST(collects_status_and_body)
{
	const struct scripted_answer a[] = { { .parts = { OK } } };
	struct heard t = ask(a, 1);

	ck_assert_int_eq(t.status, 200);
	ck_assert_str_eq(t.body, "ok");
	ck_assert(t.sent);
	ck_assert_uint_eq(t.retry_after_ms, 0);
	ck_assert_str_eq(t.scopes, "");
}
END_TEST

START_TEST(sends_what_it_was_given)
{
	const struct scripted_answer a[] = { { .parts = { OK } } };
	struct heard t = { 0 };
	struct http_request r = post(serve(a, 1), &t);
	const char *got;

	r.bearer = "xoxb-1";
	r.content_type = "text/plain";
	start_request(&r, &t);
	loop_run_here(l);
	got = scripted_request(server, 0);
	ck_assert_int_eq(strncmp(got, "POST /x HTTP/1.1\r\n", 18), 0);
	ck_assert_ptr_nonnull(strstr(got, "Authorization: Bearer xoxb-1\r\n"));
	ck_assert_ptr_nonnull(strstr(got, "Content-Type: text/plain\r\n"));
	ck_assert_ptr_nonnull(strstr(got, "\r\n\r\na=1"));
	ck_assert_ptr_null(strstr(got, "Expect"));
}
END_TEST

START_TEST(the_next_request_has_nothing_of_the_one_before)
{
	const struct scripted_answer a[] = { { .parts = { OK } } };
	struct heard t = { 0 };
	struct http_request first = post(serve(a, 1), &t);
	struct http_request second = get(scripted_url(server, "/y"), &t);
	const char *got;

	first.bearer = "xoxb-1";
	first.content_type = "text/plain";
	start_request(&first, &t);
	loop_run_here(l);
	start_request(&second, &t);
	loop_run_here(l);
	got = scripted_request(server, 1);
	ck_assert_int_eq(strncmp(got, "GET /y HTTP/1.1\r\n", 17), 0);
	ck_assert_ptr_null(strstr(got, "Authorization"));
	ck_assert_ptr_null(strstr(got, "Content-"));
}
END_TEST

START_TEST(calls_in_turn_share_a_connection)
{
	const struct scripted_answer a[] = { { .parts = { OK } } };
	struct heard t = { 0 };
	struct http_request r = post(serve(a, 1), &t);
	int i;

	for (i = 0; i < 20; i++) {
		start_request(&r, &t);
		loop_run_here(l);
		ck_assert_int_eq(t.status, 200);
	}
	ck_assert_int_eq(t.done, 20);
	ck_assert_uint_eq(scripted_connections(server), 1);
}
END_TEST

START_TEST(calls_at_once_stay_under_the_cap)
{
	const struct scripted_answer a[] = { { .parts = { OK } } };
	struct heard t = { 0 };
	struct http_request r;
	int i;

	http_free(h);
	make_client(NULL, 3);
	r = get(serve(a, 1), &t);
	for (i = 0; i < 30; i++)
		start_request(&r, &t);
	loop_run_here(l);
	ck_assert_int_eq(t.done, 30);
	ck_assert_int_eq(t.status, 200);
	ck_assert_uint_le(scripted_connections(server), 3);
}
END_TEST

START_TEST(a_flood_with_one_token_keeps_no_other_waiting)
{
	const struct scripted_answer a[] = { { .parts = { OK } } };
	struct heard flood = { 0 }, t = { 0 };
	struct http_request r;
	int i;

	http_free(h);
	make_client(NULL, 1);
	r = get(serve(a, 1), &flood);
	r.bearer = "xoxb-1";
	for (i = 0; i < 30; i++)
		start_request(&r, &flood);
	r.bearer = "xoxb-2";
	r.arg = &t;
	for (i = 0; i < 3; i++)
		start_request(&r, &t);
	loop_run_here(l);
	ck_assert_int_eq(flood.done, 30);
	ck_assert_int_eq(t.done, 3);
	/* One of the flood was under way, then they take turns. */
	for (i = 0; i < 33; i++)
		ck_assert_int_eq(strstr(scripted_request(server, (size_t)i),
					"xoxb-2") != NULL,
				 i == 2 || i == 4 || i == 6);
}
END_TEST

START_TEST(a_call_given_up_while_it_waits_gives_up_its_turn)
{
	const struct scripted_answer a[] = { { .parts = { OK } } };
	struct heard flood = { 0 }, gone = { 0 }, t = { 0 };
	struct http_request r;

	http_free(h);
	make_client(NULL, 1);
	r = get(serve(a, 1), &flood);
	start_request(&r, &flood);
	r.bearer = "xoxb-2";
	r.arg = &gone;
	start_request(&r, &gone);
	r.bearer = "xoxb-3";
	r.arg = &t;
	start_request(&r, &t);
	http_cancel(gone.call);
	loop_run_here(l);
	ck_assert_int_eq(flood.done, 1);
	ck_assert_int_eq(gone.done, 0);
	ck_assert_int_eq(t.done, 1);
}
END_TEST

START_TEST(a_body_in_pieces_comes_as_it_comes)
{
	const struct scripted_answer a[] = { {
		.parts = { CHUNKED, "3\r\nabc\r\n", "3\r\nd", "ef\r\n",
			   "0\r\n\r\n" },
	} };
	struct heard t = { 0 };
	struct http_request r = get(serve(a, 1), &t);

	r.on_data = on_data;
	start_request(&r, &t);
	loop_run_here(l);
	ck_assert_int_eq(t.status, 200);
	ck_assert_str_eq(t.data, "abcdef");
	ck_assert_int_gt(t.pieces, 1);
	ck_assert_str_eq(t.body, "");
}
END_TEST

START_TEST(the_body_of_an_error_is_collected)
{
	const struct scripted_answer a[] = { {
		.parts = { "HTTP/1.1 429 Slow down\r\nRetry-After: 7\r\n"
			   "X-OAuth-Scopes: chat:write,app_mentions:read\r\n"
			   "Content-Length: 4\r\n\r\nno",
			   "pe" },
	} };
	struct heard t = { 0 };
	struct http_request r = get(serve(a, 1), &t);

	r.on_data = on_data;
	start_request(&r, &t);
	loop_run_here(l);
	ck_assert_int_eq(t.status, 429);
	ck_assert_str_eq(t.body, "nope");
	ck_assert_int_eq(t.pieces, 0);
	ck_assert_uint_eq(t.retry_after_ms, 7000);
	ck_assert_str_eq(t.scopes, "chat:write,app_mentions:read");
}
END_TEST

static const struct {
	const char *header;
	unsigned int ms;
} retry_after[] = {
	{ "0", 0 },      { "-3", 0 },         { "soon", 0 },
	{ "30", 30000 }, { "3601", 3600000 }, { "99999999999", 3600000 },
};

START_TEST(retry_after_is_read_whatever_it_says)
{
	static char head[128];
	struct scripted_answer a = { .parts = { head } };
	struct heard t;

	(void)snprintf(head, sizeof(head),
		       "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n"
		       "Retry-After: %s\r\n\r\n",
		       retry_after[_i].header);
	t = ask(&a, 1);
	ck_assert_int_eq(t.status, 429);
	ck_assert_uint_eq(t.retry_after_ms, retry_after[_i].ms);
}
END_TEST

START_TEST(a_redirect_is_not_followed)
{
	const struct scripted_answer a[] = { {
		.parts = { "HTTP/1.1 302 Found\r\nLocation: /y\r\n"
			   "Content-Length: 0\r\n\r\n" },
	} };

	struct heard t = ask(a, 1);

	ck_assert_int_eq(t.status, 302);
	ck_assert_str_eq(t.location, scripted_url(server, "/y"));
	ck_assert_uint_eq(scripted_requests(server), 1);
}
END_TEST

START_TEST(too_large_a_body_fails)
{
	const struct scripted_answer a[] = { { .parts = { OK } } };
	struct heard t = { 0 };
	struct http_request r = get(serve(a, 1), &t);

	r.max_body = 1;
	r.on_data = _i ? on_data : NULL;
	start_request(&r, &t);
	loop_run_here(l);
	ck_assert_int_eq(t.status, 0);
	ck_assert_str_eq(t.msg, "the answer is too large");
	ck_assert_int_eq(t.pieces, 0);
}
END_TEST

START_TEST(what_is_not_a_whole_response_fails)
{
	static const struct scripted_answer a[] = {
		{ { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok" },
		  SCRIPTED_CLOSE },
		{ { CHUNKED "3\r\nab" }, SCRIPTED_CLOSE },
		{ { CHUNKED "zz\r\nab" }, SCRIPTED_KEEP },
		{ { "HTTP/1.1 200 OK\r\nContent-Le" }, SCRIPTED_RESET },
		{ { "SSH-2.0-OpenSSH_9.2\r\n" }, SCRIPTED_KEEP },
		{ { "" }, SCRIPTED_RESET },
		{ { "" }, SCRIPTED_CLOSE },
	};
	struct heard t = ask(&a[_i], 1);

	ck_assert_int_eq(t.status, 0);
	ck_assert(t.sent);
	ck_assert(!t.timeout);
	ck_assert_str_ne(t.msg, "");
}
END_TEST

START_TEST(a_refused_connection_was_not_sent)
{
	struct heard t = { 0 };
	struct http_request r = post("http://127.0.0.1:1/", &t);

	start_request(&r, &t);
	loop_run_here(l);
	ck_assert_int_eq(t.done, 1);
	ck_assert_int_eq(t.status, 0);
	ck_assert(!t.sent);
	ck_assert_ptr_nonnull(strstr(t.msg, "127.0.0.1"));
}
END_TEST

static struct heard get_moved(void)
{
	struct heard t = { 0 };
	struct http_request r;
	char url[64];

	snprintf(url, sizeof(url), "http://moved.test:%d/",
		 scripted_port(server));
	r = get(url, &t);
	start_request(&r, &t);
	loop_run_here(l);
	ck_assert_int_eq(t.done, 1);
	return t;
}

static const struct scripted_answer fine[] = { { { OK }, SCRIPTED_KEEP } };

START_TEST(a_name_that_is_not_found_was_not_sent_to)
{
	struct heard t;

	server = scripted_start(fine, 1, NULL);
	moved_error = EAI_AGAIN;
	t = get_moved();
	ck_assert_int_eq(t.status, 0);
	ck_assert(!t.sent);
	ck_assert_ptr_nonnull(strstr(t.msg, "moved.test"));
	moved_error = 0;
	moved_to = "127.0.0.1";
	ck_assert_int_eq(get_moved().status, 200);
}
END_TEST

/* Nobody listens there at first. */
START_TEST(a_name_that_moves_is_followed_within_seconds)
{
	server = scripted_start(fine, 1, NULL);
	moved_to = "127.0.0.2";
	ck_assert_int_eq(get_moved().status, 0);
	moved_to = "127.0.0.1";
	poll(NULL, 0, 3100);
	ck_assert_int_eq(get_moved().status, 200);
}
END_TEST

START_TEST(only_http_is_spoken)
{
	static const char *const urls[] = { "file:///etc/passwd",
					    "ftp://127.0.0.1/", "", "http://" };
	struct heard t = { 0 };
	struct http_request r = get(urls[_i], &t);

	start_request(&r, &t);
	loop_run_here(l);
	ck_assert_int_eq(t.done, 1);
	ck_assert_int_eq(t.status, 0);
	ck_assert(!t.sent);
}
END_TEST

static const struct {
	struct scripted_answer answer;
	unsigned int first_byte_ms;
	unsigned int idle_ms;
	unsigned int total_ms;
	const char *msg;
} deadlines[] = {
	{ { { "" }, SCRIPTED_HANG }, 30, 0, 0, "no answer in time" },
	{ { { CHUNKED }, SCRIPTED_HANG }, 30, 5000, 0, "no answer in time" },
	{ { { CHUNKED "1\r\na\r\n" }, SCRIPTED_HANG },
	  5000,
	  30,
	  0,
	  "the answer stopped coming" },
	{ { { CHUNKED "1\r\na\r\n" }, SCRIPTED_HANG },
	  5000,
	  5000,
	  30,
	  "not finished in time" },
};

START_TEST(a_deadline_ends_the_call)
{
	struct heard t = { 0 };
	struct http_request r;

	r = get(serve(&deadlines[_i].answer, 1), &t);
	r.first_byte_ms = deadlines[_i].first_byte_ms;
	r.idle_ms = deadlines[_i].idle_ms;
	r.total_ms = deadlines[_i].total_ms;
	start_request(&r, &t);
	loop_run_here(l);
	ck_assert_int_eq(t.done, 1);
	ck_assert_int_eq(t.status, 0);
	ck_assert(t.timeout);
	ck_assert(t.sent);
	ck_assert_str_eq(t.msg, deadlines[_i].msg);
}
END_TEST

START_TEST(a_dead_kept_connection_is_tried_again_only_if_that_is_harmless)
{
	const struct scripted_answer a[] = {
		{ .parts = { OK } },
		{ { "" }, SCRIPTED_CLOSE },
		{ .parts = { OK } },
	};
	struct heard t = { 0 };
	struct http_request r = post(serve(a, 3), &t);

	start_request(&r, &t);
	loop_run_here(l);
	ck_assert_int_eq(t.status, 200);
	r.repeat = _i == 1;
	if (_i == 2)
		r.method = "GET";
	start_request(&r, &t);
	loop_run_here(l);
	ck_assert_int_eq(t.done, 2);
	ck_assert(t.sent);
	ck_assert_int_eq(t.status, _i == 0 ? 0 : 200);
	ck_assert_uint_eq(scripted_requests(server), _i == 0 ? 2 : 3);
}
END_TEST

START_TEST(the_reader_ends_a_call)
{
	const struct scripted_answer a[] = { { .parts = { OK } } };
	struct heard t = { .stop = 1 };
	struct http_request r = get(serve(a, 1), &t);

	r.on_data = on_data;
	start_request(&r, &t);
	loop_run_here(l);
	ck_assert_int_eq(t.done, 1);
	ck_assert_int_eq(t.status, 0);
	ck_assert_int_eq(t.pieces, 1);
	ck_assert_str_eq(t.msg, "ended by the reader");
}
END_TEST

START_TEST(a_cancelled_call_says_nothing)
{
	const struct scripted_answer a[] = { { .parts = { OK } } };
	struct heard t = { 0 };
	struct http_request r = get(serve(a, 1), &t);

	start_request(&r, &t);
	http_cancel(t.call);
	http_cancel(NULL);
	loop_run_here(l);
	ck_assert_int_eq(t.done, 0);
}
END_TEST

START_TEST(a_call_may_be_cancelled_by_its_reader)
{
	const struct scripted_answer a[] = { {
		{ CHUNKED "1\r\na\r\n1\r\nb\r\n", "1\r\nc\r\n" },
		SCRIPTED_HANG,
	} };
	struct heard t = { 0 };
	struct http_request r = get(serve(a, 1), &t);

	r.on_data = on_data;
	start_request(&r, &t);
	t.victim = t.call;
	loop_run_here(l);
	ck_assert_int_eq(t.pieces, 1);
	ck_assert_int_eq(t.done, 0);
}
END_TEST

START_TEST(a_call_may_be_cancelled_from_another_one)
{
	const struct scripted_answer a[] = { { .parts = { OK } } };
	struct heard first = { 0 };
	struct heard other = { 0 };
	struct http_request r = get(serve(a, 1), &first);
	struct http_request q = get("http://127.0.0.1:1/", &other);

	/* The other one fails in the same turn of the loop or later. */
	if (_i > 0)
		q.url = r.url;
	r.on_data = _i == 2 ? on_data : NULL;
	start_request(&r, &first);
	start_request(&q, &other);
	first.victim = other.call;
	other.victim = first.call;
	loop_run_here(l);
	ck_assert_int_eq(first.done + other.done, 1);
}
END_TEST

START_TEST(a_callback_may_start_the_next_call)
{
	const struct scripted_answer a[] = { { .parts = { OK } } };
	struct heard first = { 0 };
	struct heard second = { 0 };
	struct http_request r = get(serve(a, 1), &first);
	struct http_request q = get(r.url, &second);

	r.on_data = _i ? on_data : NULL;
	first.next = &q;
	start_request(&r, &first);
	loop_run_here(l);
	ck_assert_int_eq(first.status, 200);
	ck_assert_int_eq(second.status, 200);
}
END_TEST

static struct heard started;

static int start_and_cancel(const char *p, size_t n, void *arg)
{
	struct http_request r = get("http://127.0.0.1:1/", &started);

	(void)p;
	(void)n;
	(void)arg;
	start_request(&r, &started);
	http_cancel(started.call);
	return 0;
}

START_TEST(a_call_started_and_cancelled_inside_a_reader_is_gone)
{
	const struct scripted_answer a[] = { { .parts = { OK } } };
	struct heard t = { 0 };
	struct http_request r = get(serve(a, 1), &t);

	r.on_data = start_and_cancel;
	start_request(&r, &t);
	loop_run_here(l);
	ck_assert_int_eq(t.status, 200);
	ck_assert_int_eq(started.done, 0);
}
END_TEST

START_TEST(freeing_the_client_ends_calls_without_a_word)
{
	const struct scripted_answer a[] = { { { "" }, SCRIPTED_HANG } };
	struct heard t = { 0 };
	struct http_request r = get(serve(a, 1), &t);

	start_request(&r, &t);
	start_request(&r, &t);
	http_free(h);
	h = NULL;
	loop_run_here(l);
	ck_assert_int_eq(t.done, 0);
}
END_TEST

START_TEST(the_server_is_verified)
{
	const struct scripted_answer a[] = { { .parts = { OK } } };
	struct cert *c = cert_create();
	struct heard t = { 0 };
	struct http_request r;
	int i;

	if (_i == 0) {
		http_free(h);
		make_client(cert_file(c), 0);
	}
	server = scripted_start(a, 1, c);
	r = post(scripted_url(server, "/x"), &t);
	for (i = 0; i < 3; i++) {
		start_request(&r, &t);
		loop_run_here(l);
	}
	ck_assert_int_eq(t.done, 3);
	if (_i == 0) {
		ck_assert_msg(t.status == 200, "%s", t.msg);
		ck_assert_uint_eq(scripted_connections(server), 1);
	} else {
		ck_assert_int_eq(t.status, 0);
		ck_assert(!t.sent);
		ck_assert_uint_eq(scripted_requests(server), 0);
	}
	cert_free(c);
}
END_TEST

START_TEST(a_form_is_encoded)
{
	struct buf b;

	buf_init(&b, 1000);
	http_form(&b, "channel", "C1");
	http_form(&b, "text", "a b&c=d+e%f\n\xC3\xA9~-._");
	ck_assert_str_eq(b.data, "channel=C1&text=a%20b%26c%3Dd%2Be%25f%0A"
				 "%C3%A9~-._");
	http_form(&b, "e", "");
	ck_assert_str_eq(b.data + b.len - 3, "&e=");
	buf_release(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("http");
	TCase *tc = tcase_create("http");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, collects_status_and_body);
	tcase_add_test(tc, sends_what_it_was_given);
	tcase_add_test(tc, the_next_request_has_nothing_of_the_one_before);
	tcase_add_test(tc, calls_in_turn_share_a_connection);
	tcase_add_test(tc, calls_at_once_stay_under_the_cap);
	tcase_add_test(tc, a_flood_with_one_token_keeps_no_other_waiting);
	tcase_add_test(tc, a_call_given_up_while_it_waits_gives_up_its_turn);
	tcase_add_test(tc, a_body_in_pieces_comes_as_it_comes);
	tcase_add_test(tc, the_body_of_an_error_is_collected);
	tcase_add_loop_test(tc, retry_after_is_read_whatever_it_says, 0,
			    COUNT(retry_after));
	tcase_add_test(tc, a_redirect_is_not_followed);
	tcase_add_loop_test(tc, too_large_a_body_fails, 0, 2);
	tcase_add_loop_test(tc, what_is_not_a_whole_response_fails, 0, 7);
	tcase_add_test(tc, a_refused_connection_was_not_sent);
	tcase_add_test(tc, a_name_that_is_not_found_was_not_sent_to);
	tcase_add_test(tc, a_name_that_moves_is_followed_within_seconds);
	tcase_add_loop_test(tc, only_http_is_spoken, 0, 4);
	tcase_add_loop_test(tc, a_deadline_ends_the_call, 0, COUNT(deadlines));
	tcase_add_loop_test(
		tc,
		a_dead_kept_connection_is_tried_again_only_if_that_is_harmless,
		0, 3);
	tcase_add_test(tc, the_reader_ends_a_call);
	tcase_add_test(tc, a_cancelled_call_says_nothing);
	tcase_add_test(tc, a_call_may_be_cancelled_by_its_reader);
	tcase_add_loop_test(tc, a_call_may_be_cancelled_from_another_one, 0, 3);
	tcase_add_loop_test(tc, a_callback_may_start_the_next_call, 0, 2);
	tcase_add_test(tc,
		       a_call_started_and_cancelled_inside_a_reader_is_gone);
	tcase_add_test(tc, freeing_the_client_ends_calls_without_a_word);
	tcase_add_loop_test(tc, the_server_is_verified, 0, 2);
	tcase_add_test(tc, a_form_is_encoded);
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
