/* SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin/admin.h"
#include "admin/health.h"
#include "admin/routes.h"
#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "desk.h"
#include "net/local.h"
#include "net/loop.h"
#include "state/gate.h"
#include "store/journal.h"
#include "store/store.h"

/* The sockets of the admin thread: who is served, and what isn't. */

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

START_TEST(the_socket_is_for_its_owner_and_group_only)
{
	struct stat st;

	ck_assert_int_eq(stat(desk.sock_path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0660);
}
END_TEST

START_TEST(health_is_ok_with_a_journal_that_works)
{
	ck_assert_int_eq(desk_call("GET", "/health", NULL), 200);
	ck_assert_str_eq(desk_says("status"), "ok");
	ck_assert_int_eq(json_int(desk.answer, "journal.unfinished", -1), 0);
	ck_assert_int_eq(desk_call("GET", "/ready", NULL), 200);
	ck_assert(admin_healthy(desk.admin, NULL, 0));
	ck_assert(admin_alive(desk.admin, NULL, 0));
}
END_TEST

static int connect_admin(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(sa.sun_path, desk.sock_path, strlen(desk.sock_path) + 1);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

/* What comes back until the end; closes fd. */
static size_t raw_on(int fd, char *in, size_t size)
{
	size_t got = 0;
	ssize_t n;

	while (got < size - 1) {
		n = read(fd, in + got, size - 1 - got);
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	in[got] = '\0';
	close(fd);
	return got;
}

/* Bytes as they are, and no more of them. */
static size_t raw(const char *bytes, char *in, size_t size)
{
	int fd = connect_admin();

	ck_assert_int_ge(write(fd, bytes, strlen(bytes)), 0);
	(void)shutdown(fd, SHUT_WR);
	return raw_on(fd, in, size);
}

static const char *const garbage[] = {
	"\r\n\r\n",
	"GET\r\n\r\n",
	"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /v1/tenants/%00%0d%0a HTTP/1.1\r\nHost: x\r\n\r\n",
	"POST /v1/apply HTTP/1.1\r\nHost: x\r\n\r\n{}",
	"POST /v1/apply HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{}",
	"POST /v1/apply HTTP/1.1\r\nHost: x\r\nContent-Length: "
	"99999999999999999999\r\n\r\n{}",
	"POST /v1/apply HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked"
	"\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
	"GET /v1/status HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
	"Connection: Upgrade\r\nSec-WebSocket-Key: aaaaaaaaaaaaaaaaaaaaaa==\r\n"
	"Sec-WebSocket-Version: 13\r\n\r\n",
	"\x16\x03\x01\x02\x01\x01",
};

START_TEST(a_body_over_the_ceiling_is_refused)
{
	static const char head[] = "POST /v1/tenants HTTP/1.1\r\nHost: x\r\n"
				   "Content-Length: 600000\r\n\r\n";
	int fd = connect_admin();
	char in[4096];

	/* By its headers; the body would not be read. */
	ck_assert_int_gt(write(fd, head, strlen(head)), 0);
	(void)raw_on(fd, in, sizeof(in));
	ck_assert_msg(strstr(in, " 413 ") != NULL, "%s", in);
	ck_assert_int_eq(desk_call("GET", "/health", NULL), 200);
}
END_TEST

START_TEST(garbage_leaves_the_server_at_work)
{
	char in[4096];

	(void)raw(garbage[_i], in, sizeof(in));
	ck_assert_ptr_null(strstr(in, "200 OK"));
	ck_assert_int_eq(desk_call("GET", "/health", NULL), 200);
}
END_TEST

/* Twice what it serves at once, who say nothing. */
#define CALLERS 256

static size_t open_files(void)
{
	size_t fd, n = 0;

	for (fd = 0; fd < 1024; fd++)
		n += fcntl((int)fd, F_GETFD) >= 0;
	return n;
}

START_TEST(callers_beyond_those_it_serves_are_turned_away)
{
	struct timeval patience = { .tv_sec = 30 };
	size_t before, i, away = 0;
	int fd[CALLERS];
	char c;

	ck_assert_int_eq(desk_call("GET", "/v1/tenants", NULL), 200);
	before = open_files();
	for (i = 0; i < CALLERS; i++)
		fd[i] = connect_admin();
	/* The last of them is turned away, and those before it were heard. */
	setsockopt(fd[CALLERS - 1], SOL_SOCKET, SO_RCVTIMEO, &patience,
		   sizeof(patience));
	ck_assert_int_eq(TEMP_FAILURE_RETRY(read(fd[CALLERS - 1], &c, 1)), 0);
	for (i = 0; i < CALLERS; i++)
		away += recv(fd[i], &c, 1, MSG_DONTWAIT) == 0;
	ck_assert_uint_ge(away, CALLERS / 2);
	ck_assert_uint_le(open_files(), before + CALLERS + CALLERS - away);
	for (i = 0; i < CALLERS; i++)
		close(fd[i]);
	for (i = 0; open_files() > before && i < 500; i++)
		poll(NULL, 0, 10);
	ck_assert_int_eq(desk_call("GET", "/v1/tenants", NULL), 200);
}
END_TEST

/* The port's, with an admin that is asked for none. */
static int connect_port(int port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

START_TEST(a_crowd_at_the_port_leaves_places_at_the_socket)
{
	static const char get[] = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
	struct timeval patience = { .tv_sec = 5 };
	char listen_on[32], in[16] = "";
	int port, i, fd[CALLERS];
	char c;

	desk_close();
	desk_make();
	close(desk_listen(&port));
	(void)snprintf(listen_on, sizeof(listen_on), "127.0.0.1:%d", port);
	desk.conf.listen = listen_on;
	desk_start();
	for (i = 0; i < CALLERS; i++)
		fd[i] = connect_port(port);
	/* All before the last one were heard. */
	setsockopt(fd[CALLERS - 1], SOL_SOCKET, SO_RCVTIMEO, &patience,
		   sizeof(patience));
	ck_assert_int_le(read(fd[CALLERS - 1], &c, 1), 0);
	ck_assert_int_eq(desk_call("GET", "/v1/tenants", NULL), 200);
	ck_assert_int_eq(desk_call("GET", "/v1/status", NULL), 200);
	for (i = 0; i < CALLERS; i++)
		close(fd[i]);
	/* When they have gone there is room at the port again. */
	do {
		fd[0] = connect_port(port);
		i = (int)send(fd[0], get, strlen(get), MSG_NOSIGNAL);
		i = i > 0 ? (int)read(fd[0], in, 12) : -1;
		close(fd[0]);
	} while (i <= 0);
	ck_assert_int_eq(strncmp(in, "HTTP/1.1 200", 12), 0);
}
END_TEST

START_TEST(routes_say_who_may_ask)
{
	static const struct route silent = { .method = "GET" };
	const struct route *r;

	ck_assert_int_eq(silent.needs, NEEDS_ADMIN);
	ck_assert_int_eq(silent.where, ON_SOCKET);
	for (r = routes; r < routes + nroutes; r++) {
		ck_assert_msg(!r->run != !r->own, "%s", r->path);
		if (strcmp(r->method, "GET") == 0)
			ck_assert_msg(!r->writes && !r->body, "%s", r->path);
		else
			ck_assert_msg(r->needs == NEEDS_ADMIN &&
					      r->where == ON_SOCKET,
				      "%s %s", r->method, r->path);
		if (r->where != ON_SOCKET)
			ck_assert_msg(r->needs == NEEDS_READ, "%s", r->path);
	}
}
END_TEST

/* All that there is of acme, in the place of its stars. */
static void fill_stars(const char *pattern, char *path, size_t size)
{
	const char *tail = strrchr(pattern, '/');
	const char *last = strstr(pattern, "/usage/")   ? "tenant:2020-01-01"
			   : strstr(pattern, "/audit/") ? "0:0"
			   : strstr(pattern, "/agents/")
				   ? desk_says("agents.0.id")
			   : strstr(pattern, "/tenants/") ? "acme"
							  : "Ev1";
	size_t n = 0;

	for (; *pattern && n + APPLY_NAME_MAX < size; pattern++) {
		if (*pattern != '*')
			path[n++] = *pattern;
		else
			n += (size_t)snprintf(path + n, size - n, "%s",
					      pattern > tail ? last : "acme");
	}
	path[n] = '\0';
}

/* A route for readers that is new is looked at here, too. */
START_TEST(what_readers_are_shown_holds_no_secret)
{
	static const char *const secrets[] = { "2-cafe", "1111-2222",
					       "abcdefgh", "sk-cafe" };
	const struct route *r;
	struct err e = { 0 };
	char path[256];
	size_t i, shown = 0;

	ck_assert_int_eq(desk_call("POST", "/v1/tenants",
				   desk_tenant("acme", "A1", "T1")),
			 200);
	ck_assert_int_eq(desk_call("PUT", "/v1/secrets/openai",
				   "{\"value\":\"sk-cafe\"}"),
			 200);
	ck_assert_int_eq(desk_call("PUT", "/v1/tenants/acme/agent",
				   "{\"name\":\"Mara\"}"),
			 200);
	ck_assert_int_eq(desk_call("GET", "/v1/tenants/acme/agents", NULL),
			 200);
	for (r = routes; r < routes + nroutes; r++) {
		if (r->needs != NEEDS_READ)
			continue;
		fill_stars(r->path, path, sizeof(path));
		buf_reset(&desk.out);
		shown += local_call(desk.sock_path, r->method, path, NULL, 0,
				    &desk.out, &e) == 200;
		for (i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
			ck_assert_msg(!desk.out.data || !strstr(desk.out.data,
								secrets[i]),
				      "%s: %s", path, desk.out.data);
	}
	/* All but the page, what takes a configuration, and letters. */
	ck_assert_uint_ge(shown, 17);
}
END_TEST

START_TEST(a_client_that_leaves_early_is_no_matter)
{
	static const char half[] = "POST /v1/tenants HTTP/1.1\r\nHost: x\r\n"
				   "Content-Length: 500\r\n\r\n{\"name\":";
	int fd = connect_admin();

	ck_assert_int_gt(write(fd, half, sizeof(half) - 1), 0);
	close(fd);
	ck_assert_int_eq(desk_call("GET", "/health", NULL), 200);
}
END_TEST

START_TEST(status_tells_version_and_decisions)
{
	ck_assert_int_eq(desk_call("GET", "/v1/status", NULL), 200);
	ck_assert_ptr_nonnull(json_str(desk.answer, "version"));
	ck_assert(json_is_array(desk.answer, "app_links"));
	ck_assert(json_is_array(desk.answer, "decisions"));
}
END_TEST

START_TEST(stopping_while_slack_is_asked_hangs_nowhere)
{
	int fd = connect_admin();
	char head[160];
	int hole, port, n;

	/* A Slack that takes the connection and says nothing. */
	hole = desk_listen(&port);
	(void)snprintf(desk.slack_url, sizeof(desk.slack_url),
		       "http://127.0.0.1:%d/api/", port);
	n = snprintf(head, sizeof(head),
		     "POST /v1/tenants HTTP/1.1\r\nHost: x\r\n"
		     "Content-Length: %zu\r\n\r\n",
		     strlen(desk_acme));
	ck_assert_int_eq(write(fd, head, (size_t)n), n);
	ck_assert_int_gt(write(fd, desk_acme, strlen(desk_acme)), 0);
	n = accept(hole, NULL, NULL); /* it is being asked now */
	ck_assert_int_ge(n, 0);
	close(n);
	close(hole);
	close(fd);
}
END_TEST

START_TEST(a_stuck_thread_is_named)
{
	const struct health_beat b[] = { { "journal", 100 },
					 { "router", HEALTH_STUCK_MS + 500 } };
	char why[HEALTH_WHY_SIZE];

	ck_assert(!health_alive(b, 2, why, sizeof(why)));
	ck_assert_str_eq(why, "router is stuck: no sign of life for 10 s");
	ck_assert(health_alive(b, 1, why, sizeof(why)));
}
END_TEST

START_TEST(a_journal_that_fails_is_ill_but_alive)
{
	const struct health_beat b[] = { { "journal", 0 } };
	struct journal_stats js = { .failing = true, .msg = "disk is full" };
	char why[HEALTH_WHY_SIZE];

	ck_assert(health_alive(b, 1, why, sizeof(why)));
	ck_assert(!health_well(b, 1, &js, NULL, why, sizeof(why)));
	ck_assert_str_eq(why, "journal can't write: disk is full");
}
END_TEST

static bool gate_is_ill(struct gate *t, char *why, size_t size)
{
	(void)t;
	(void)snprintf(why, size, "redis: no answer in time");
	return false;
}

START_TEST(a_gate_that_cannot_tell_is_ill_but_alive)
{
	static const struct gate_ops ops = { .healthy = gate_is_ill };
	const struct health_beat b[] = { { "router", 0 } };
	struct gate gate = { &ops };
	char why[HEALTH_WHY_SIZE];

	ck_assert(health_alive(b, 1, why, sizeof(why)));
	ck_assert(!health_well(b, 1, NULL, &gate, why, sizeof(why)));
	ck_assert_str_eq(why, "messages wait: redis: no answer in time");
}
END_TEST

/* admin_create() with the settings as they are now must fail. */
static void refused(enum err_kind kind, const char *part)
{
	struct err e = { 0 };

	desk.journal = journal_create(desk.store_url, desk.keyring, 10, &e);
	ck_assert_msg(desk.journal != NULL, "%s", e.msg);
	ck_assert_ptr_null(desk_try(&e));
	ck_assert_int_eq(e.kind, kind);
	ck_assert_msg(strstr(e.msg, part) != NULL, "%s", e.msg);
	loop_free(desk.loop);
	journal_free(desk.journal);
}

START_TEST(a_socket_path_over_107_bytes_is_refused)
{
	memset(desk.sock_path, 'a', 120);
	desk.sock_path[0] = '/';
	desk.sock_path[120] = '\0';
	refused(ERR_INPUT, "longer than 107 bytes");
}
END_TEST

START_TEST(a_file_in_the_sockets_place_is_left_alone)
{
	FILE *f;

	(void)snprintf(desk.sock_path, sizeof(desk.sock_path), "%s/file",
		       desk.dir);
	f = fopen(desk.sock_path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fclose(f), 0);
	refused(ERR_FATAL, "is there, and no socket");
	ck_assert_int_eq(access(desk.sock_path, F_OK), 0);
}
END_TEST

START_TEST(a_port_that_is_taken_is_named)
{
	char listen_on[32];
	int port;
	int fd = desk_listen(&port);

	(void)snprintf(listen_on, sizeof(listen_on), "127.0.0.1:%d", port);
	desk.conf.listen = listen_on;
	refused(ERR_RETRY, listen_on);
	close(fd);
}
END_TEST

START_TEST(a_listen_address_that_is_none_is_refused)
{
	static char name[] = "localhost:80";

	desk.conf.listen = name;
	refused(ERR_INPUT, "localhost:80");
}
END_TEST

START_TEST(the_loopback_port_serves_health_and_nothing_else)
{
	static const struct {
		const char *path;
		const char *want;
	} asks[] = { { "/health", "HTTP/1.1 200" },
		     { "/ready", "HTTP/1.1 200" },
		     { "/v1/status", "HTTP/1.1 404" },
		     { "/v1/tenants", "HTTP/1.1 404" } };
	struct sockaddr_in sa = { .sin_family = AF_INET };
	char listen_on[32], in[4096], rq[160];
	struct err e = { 0 };
	size_t i;
	int fd, port;

	close(desk_listen(&port));
	(void)snprintf(listen_on, sizeof(listen_on), "127.0.0.1:%d", port);
	desk.conf.listen = listen_on;
	desk.journal = journal_create(desk.store_url, desk.keyring, 10, &e);
	desk.admin = desk_try(&e);
	ck_assert_msg(desk.admin != NULL, "%s", e.msg);
	ck_assert_int_eq(loop_start(desk.loop, &e), 0);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sa.sin_port = htons((uint16_t)port);
	for (i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		ck_assert_int_eq(
			connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
		(void)snprintf(rq, sizeof(rq),
			       "GET %s HTTP/1.1\r\nHost: x\r\n\r\n",
			       asks[i].path);
		ck_assert_int_gt(write(fd, rq, strlen(rq)), 0);
		memset(in, 0, sizeof(in));
		ck_assert_int_gt(read(fd, in, sizeof(in) - 1), 0);
		ck_assert_msg(strncmp(in, asks[i].want, 12) == 0, "%s: %s",
			      asks[i].path, in);
		close(fd);
	}
	loop_stop(desk.loop);
	admin_free(desk.admin);
	loop_free(desk.loop);
	journal_free(desk.journal);
}
END_TEST

START_TEST(a_stale_socket_is_replaced)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct err e = { 0 };

	(void)snprintf(desk.sock_path, sizeof(desk.sock_path), "%s/stale",
		       desk.dir);
	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/stale", desk.dir);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	close(fd);
	desk.journal = journal_create(desk.store_url, desk.keyring, 10, &e);
	desk.admin = desk_try(&e);
	ck_assert_msg(desk.admin != NULL, "%s", e.msg);
	admin_free(desk.admin);
	loop_free(desk.loop);
	journal_free(desk.journal);
	ck_assert_int_ne(access(desk.sock_path, F_OK), 0);
}
END_TEST

static TCase *with_admin(void)
{
	TCase *tc = tcase_create("running");

	tcase_add_checked_fixture(tc, desk_open, desk_close);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, the_socket_is_for_its_owner_and_group_only);
	tcase_add_test(tc, health_is_ok_with_a_journal_that_works);
	tcase_add_test(tc, a_body_over_the_ceiling_is_refused);
	tcase_add_loop_test(tc, garbage_leaves_the_server_at_work, 0,
			    COUNT(garbage));
	tcase_add_test(tc, callers_beyond_those_it_serves_are_turned_away);
	tcase_add_test(tc, a_crowd_at_the_port_leaves_places_at_the_socket);
	tcase_add_test(tc, routes_say_who_may_ask);
	tcase_add_test(tc, what_readers_are_shown_holds_no_secret);
	tcase_add_test(tc, a_client_that_leaves_early_is_no_matter);
	tcase_add_test(tc, status_tells_version_and_decisions);
	tcase_add_test(tc, stopping_while_slack_is_asked_hangs_nowhere);
	return tc;
}

static TCase *without_admin(void)
{
	TCase *tc = tcase_create("alone");

	tcase_add_checked_fixture(tc, desk_make, desk_remove);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, a_stuck_thread_is_named);
	tcase_add_test(tc, a_journal_that_fails_is_ill_but_alive);
	tcase_add_test(tc, a_gate_that_cannot_tell_is_ill_but_alive);
	tcase_add_test(tc, a_socket_path_over_107_bytes_is_refused);
	tcase_add_test(tc, a_file_in_the_sockets_place_is_left_alone);
	tcase_add_test(tc, a_port_that_is_taken_is_named);
	tcase_add_test(tc, a_listen_address_that_is_none_is_refused);
	tcase_add_test(tc, the_loopback_port_serves_health_and_nothing_else);
	tcase_add_test(tc, a_stale_socket_is_replaced);
	return tc;
}

int main(void)
{
	Suite *s = suite_create("web");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, with_admin());
	suite_add_tcase(s, without_admin());
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
