/* SPDX-License-Identifier: ISC */
#include "link/transport.h"

#include <check.h>
#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"
#include "link/dial.h"
#include "net/loop.h"
#include "net/tls.h"
#include "sim/sim.h"
#include "slack/api.h"

/*
 * The transport over libwebsockets, and the dialer, against the simulator:
 * everything here goes over TLS on loopback.
 */
static struct sim *sim;
static struct loop *io, *dial_loop;
static struct transport *transport;
static struct dialer *dialer;
static char ca_file[64];
static bool drop_late;
static const char *sim_addr; /* NULL: IPv4 */
static bool with_v6, without_v4;
static int dns_error; /* EAI_AGAIN and the like */

typedef int resolver(const char *host, const char *service,
		     const struct addrinfo *hints, struct addrinfo **out);

/*
 * In the place of libc's, for libuv and libcurl too: localhost is a name with
 * IPv6 first, and then IPv4 or not; or nobody knows it.
 */
int getaddrinfo(const char *host, const char *service,
		const struct addrinfo *hints, struct addrinfo **out)
{
	resolver *real = (resolver *)dlsym(RTLD_NEXT, "getaddrinfo");
	struct addrinfo *v4;
	int rc;

	if (dns_error != 0 && host && strcmp(host, "localhost") == 0)
		return dns_error;
	if (!with_v6 || !host || strcmp(host, "localhost") != 0)
		return real(host, service, hints, out);
	rc = real("::1", service, hints, out);
	if (rc != 0 || without_v4)
		return rc;
	if (real("127.0.0.1", service, hints, &v4) == 0)
		(*out)->ai_next = v4;
	return 0;
}

/* What the I/O thread has seen; under the lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;
static struct {
	struct ticket ticket;
	struct wire *wire;
	struct err e;
	int tickets, dialer_closed, opened, texts, pongs, alive, closed;
	int garbage[3];
	size_t text_len;
	char text[4096];  /* its first bytes */
	unsigned int sum; /* of all bytes */
	char why[128];
} seen;

static void tell(void)
{
	pthread_cond_broadcast(&news);
	pthread_mutex_unlock(&lock);
}

/* False after 10 seconds. */
static bool wait_for(const int *count, int n)
{
	struct timespec end;
	bool ok;
	int rc = 0;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 10;
	pthread_mutex_lock(&lock);
	while (*count < n && rc == 0)
		rc = pthread_cond_timedwait(&news, &lock, &end);
	ok = *count >= n;
	pthread_mutex_unlock(&lock);
	return ok;
}

static void on_opened(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&lock);
	seen.opened++;
	tell();
}

static void on_text(const char *p, size_t n, void *arg)
{
	size_t i;

	(void)arg;
	pthread_mutex_lock(&lock);
	seen.texts++;
	seen.text_len = n;
	(void)snprintf(seen.text, sizeof(seen.text), "%.*s",
		       n < 4000 ? (int)n : 4000, p);
	for (seen.sum = 0, i = 0; i < n; i++)
		seen.sum = seen.sum * 31 + (unsigned char)p[i];
	tell();
}

static void on_pong(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&lock);
	seen.pongs++;
	tell();
}

static void on_alive(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&lock);
	seen.alive++;
	tell();
}

static void on_garbage(enum wire_garbage what, void *arg)
{
	(void)arg;
	pthread_mutex_lock(&lock);
	seen.garbage[what]++;
	tell();
}

static void on_closed(const char *why, void *arg)
{
	(void)arg;
	pthread_mutex_lock(&lock);
	seen.closed++;
	seen.wire = NULL;
	(void)snprintf(seen.why, sizeof(seen.why), "%s", why);
	tell();
}

static const struct wire_events events = {
	.opened = on_opened,
	.text = on_text,
	.pong = on_pong,
	.alive = on_alive,
	.garbage = on_garbage,
	.closed = on_closed,
};

/* Run fn on the I/O thread and wait for it. */
struct errand {
	struct loop_task task; /* must be first */
	void (*fn)(void);
	int done;
};

static void run_errand(struct loop_task *t)
{
	struct errand *e = (struct errand *)t;

	e->fn();
	pthread_mutex_lock(&lock);
	e->done = 1;
	tell();
}

static void on_io(void (*fn)(void))
{
	struct errand e = { .task.run = run_errand, .fn = fn };

	loop_post(io, &e.task);
	ck_assert(wait_for(&e.done, 1));
}

static void on_ticket(const char *app_id, uint32_t gen, const struct ticket *t,
		      void *arg)
{
	(void)arg;
	ck_assert_str_eq(app_id, "A1");
	ck_assert_uint_eq(gen, 7);
	pthread_mutex_lock(&lock);
	seen.ticket = *t;
	seen.tickets++;
	tell();
}

static void on_dialer_closed(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&lock);
	seen.dialer_closed = 1;
	tell();
}

static void start_sim(void)
{
	struct sim_opts o = {
		.tls = true,
		.ca_out = ca_file,
		.addr = sim_addr,
	};
	struct err e = { 0 };

	(void)snprintf(ca_file, sizeof(ca_file), "/tmp/test_lws.%d.pem",
		       (int)getpid());
	sim = sim_start(&o, &e);
	ck_assert_msg(sim != NULL, "%s", e.msg);
	ck_assert_int_eq(sim_add_app(sim, "A1", "xapp-1", NULL), 0);
}

static void start(const char *ca)
{
	static struct conf conf;
	struct conf_way way = { 0 };
	struct err e = { 0 };

	conf.slack_api_url = (char *)sim_api_url(sim);
	conf.slack_way.ca_file = ca_file;
	io = loop_create("io", &e);
	dial_loop = loop_create("dial", &e);
	ck_assert(io && dial_loop);
	way.ca_file = (char *)ca;
	transport = lws_transport_create(io, &way, &e);
	ck_assert_msg(transport != NULL, "%s", e.msg);
	dialer = dial_create(&conf, NULL, io, dial_loop, &e);
	ck_assert_msg(dialer != NULL, "%s", e.msg);
	dialer->done = on_ticket;
	dialer->closed = on_dialer_closed;
	ck_assert_int_eq(loop_start(io, &e), 0);
	ck_assert_int_eq(loop_start(dial_loop, &e), 0);
}

static void setup(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	memset(&seen, 0, sizeof(seen));
	start_sim();
	start(ca_file);
}

static void shut(void)
{
	if (seen.wire && !drop_late)
		transport->ops->drop(seen.wire);
	dialer->ops->close(dialer);
}

static void stop(void)
{
	on_io(shut);
	ck_assert(wait_for(&seen.dialer_closed, 1));
	loop_stop(io);
	loop_stop(dial_loop);
	if (seen.wire && drop_late)
		transport->ops->drop(seen.wire);
	dial_free(dialer);
	lws_transport_free(transport);
	loop_free(io);
	loop_free(dial_loop);
}

static void teardown(void)
{
	stop();
	sim_stop(sim);
	(void)unlink(ca_file);
}

static const char *token = "xapp-1";

static void ask(void)
{
	dialer->ops->ask(dialer, "A1", 7, token, 0);
}

static void get_ticket(void)
{
	int before = seen.tickets;

	on_io(ask);
	ck_assert(wait_for(&seen.tickets, before + 1));
}

static void connect_wire(void)
{
	seen.wire = transport->ops->connect(transport, seen.ticket.url,
					    seen.ticket.addr, &events, NULL,
					    &seen.e);
}

static void come_up(void)
{
	get_ticket();
	ck_assert_msg(seen.ticket.e.kind == ERR_NONE, "%s", seen.ticket.e.msg);
	on_io(connect_wire);
	ck_assert_msg(seen.wire != NULL, "%s", seen.e.msg);
	ck_assert_msg(wait_for(&seen.texts, 1), "%s", seen.why);
}

START_TEST(ticket_opens_a_link_that_says_hello)
{
	come_up();
	ck_assert_int_eq(seen.opened, 1);
	ck_assert_ptr_nonnull(strstr(seen.text, "\"hello\""));
	ck_assert_int_eq(seen.closed, 0);
}
END_TEST

/* The simulator listens on one of the two. */
START_TEST(link_takes_the_family_that_answers)
{
	with_v6 = true;
	come_up();
	ck_assert_str_eq(seen.ticket.addr, "127.0.0.1");
}
END_TEST

static void setup_v6(void)
{
	sim_addr = "::1";
	with_v6 = without_v4 = true;
	setup();
}

START_TEST(host_with_IPv6_alone_is_reached)
{
	come_up();
	ck_assert_str_eq(seen.ticket.addr, "::1");
}
END_TEST

static const int dns_errors[] = { EAI_AGAIN, EAI_NONAME, EAI_FAIL };

START_TEST(name_that_is_not_found_is_worth_another_try)
{
	dns_error = dns_errors[_i];
	get_ticket();
	ck_assert_int_eq(seen.ticket.e.kind, ERR_RETRY);
	ck_assert_ptr_nonnull(strstr(seen.ticket.e.msg, "resolve"));
	dns_error = 0;
	come_up();
}
END_TEST

/* Nobody listens at the first one. */
START_TEST(name_that_gets_another_address_is_followed)
{
	with_v6 = without_v4 = true;
	get_ticket();
	ck_assert_str_eq(seen.ticket.addr, "::1");
	with_v6 = false;
	come_up();
	ck_assert_str_eq(seen.ticket.addr, "127.0.0.1");
}
END_TEST

START_TEST(bad_token_is_fatal)
{
	token = "xapp-nobody";
	get_ticket();
	ck_assert_int_eq(seen.ticket.e.kind, ERR_FATAL);
	ck_assert_ptr_nonnull(strstr(seen.ticket.e.msg, "invalid_auth"));
}
END_TEST

START_TEST(rate_limit_says_how_long_to_wait)
{
	struct sim_fault f = { .kind = SIM_FAULT_RATE,
			       .method = "apps.connections.open",
			       .ms = 17000 };

	sim_fault(sim, &f);
	get_ticket();
	ck_assert_int_eq(seen.ticket.e.kind, ERR_LIMIT);
	ck_assert_uint_eq(seen.ticket.e.retry_ms, 17000);
}
END_TEST

START_TEST(server_error_is_worth_another_try)
{
	struct sim_fault f = { .kind = SIM_FAULT_STATUS,
			       .method = "apps.connections.open",
			       .status = 503 };

	sim_fault(sim, &f);
	get_ticket();
	ck_assert_int_eq(seen.ticket.e.kind, ERR_RETRY);
}
END_TEST

#define MANY 60

static void ask_much(void)
{
	int i;

	for (i = 0; i < MANY; i++)
		dialer->ops->ask(dialer, "A1", 100, token, 0);
}

/* What a link has given up isn't asked for when Slack is back: it would stand
 * before who waits now. */
START_TEST(tickets_that_nobody_waits_for_are_not_asked_for)
{
	struct sim_fault f = { .kind = SIM_FAULT_HANG,
			       .method = "apps.connections.open" };
	int64_t end = clock_ms() + 16500; /* 15 s, and a look each second */
	size_t before;

	slack_set_deadline(120000);
	sim_fault(sim, &f);
	on_io(ask_much);
	while (clock_ms() < end)
		(void)poll(NULL, 0, 100);
	before = sim_count(sim, "apps.connections.open");
	ck_assert_uint_lt(before, MANY);
	sim_fault_clear(sim);
	get_ticket();
	ck_assert_int_eq(seen.ticket.e.kind, ERR_NONE);
	ck_assert_int_eq(seen.tickets, 1);
	ck_assert_uint_eq(sim_count(sim, "apps.connections.open"), before + 1);
	slack_set_deadline(15000);
}
END_TEST

START_TEST(unknown_ca_is_refused_and_named)
{
	stop();
	memset(&seen, 0, sizeof(seen));
	start(NULL); /* the system's, for the link; the dialer has ours */
	get_ticket();
	on_io(connect_wire);
	ck_assert(wait_for(&seen.closed, 1));
	ck_assert_int_eq(seen.opened, 0);
	ck_assert_msg(strstr(seen.why, "TLS: ") != NULL, "%s", seen.why);
}
END_TEST

static struct conf_way trusted;

static void trust(void)
{
	struct err e = { 0 };
	struct tls_trust *t = tls_trust_create(&trusted, &e);

	ck_assert_msg(t != NULL, "%s", e.msg);
	lws_transport_trust(transport, t);
}

static struct wire *first;

static void ping_first(void)
{
	ck_assert_int_eq(transport->ops->ping(first), 0);
}

static void drop_first(void)
{
	transport->ops->drop(first);
}

START_TEST(other_cas_count_for_links_from_then_on)
{
	come_up();
	first = seen.wire;
	on_io(trust); /* the system's */
	get_ticket();
	on_io(connect_wire);
	ck_assert(wait_for(&seen.closed, 1));
	ck_assert_msg(strstr(seen.why, "TLS: ") != NULL, "%s", seen.why);
	ck_assert_int_eq(seen.opened, 1);
	on_io(ping_first);
	ck_assert(wait_for(&seen.pongs, 1));

	trusted.ca_file = ca_file;
	on_io(trust);
	trusted.ca_file = NULL;
	get_ticket();
	on_io(connect_wire);
	ck_assert_msg(wait_for(&seen.texts, 2), "%s", seen.why);
	on_io(drop_first);
}
END_TEST

/* The same server, under a name that its certificate doesn't have. */
START_TEST(wrong_name_is_refused)
{
	char url[sizeof(seen.ticket.url)];
	const char *port;

	get_ticket();
	port = strchr(strstr(seen.ticket.url, "://") + 3, ':');
	ck_assert_ptr_nonnull(port);
	(void)snprintf(url, sizeof(url), "wss://slack.example%.2000s", port);
	memcpy(seen.ticket.url, url, sizeof(url));
	on_io(connect_wire);
	ck_assert(wait_for(&seen.closed, 1));
	ck_assert_int_eq(seen.opened, 0);
	ck_assert_msg(strstr(seen.why, "mismatch") != NULL, "%s", seen.why);
}
END_TEST

START_TEST(ticket_that_was_used_is_refused)
{
	come_up();
	on_io(connect_wire); /* the first one is left to the transport */
	ck_assert(wait_for(&seen.closed, 1));
	ck_assert_int_eq(seen.opened, 1);
}
END_TEST

static void *frame_of(size_t n, unsigned int *sum)
{
	unsigned char *p = malloc(n);
	size_t i;

	ck_assert_ptr_nonnull(p);
	for (*sum = 0, i = 0; i < n; i++) {
		p[i] = (unsigned char)('a' + i * 7 % 26);
		*sum = *sum * 31 + p[i];
	}
	return p;
}

static const size_t sizes[] = { 1,    125,   126,   2047,   2048,
				2049, 65535, 65536, 300000, WIRE_FRAME_MAX };

START_TEST(frame_of_any_size_comes_whole)
{
	unsigned int sum;
	void *p = frame_of(sizes[_i], &sum);

	come_up();
	ck_assert_int_eq(sim_frame(sim, "A1", p, sizes[_i]), 0);
	ck_assert(wait_for(&seen.texts, 2));
	ck_assert_uint_eq(seen.text_len, sizes[_i]);
	ck_assert_uint_eq(seen.sum, sum);
	if (sizes[_i] > 4096)
		ck_assert_int_gt(seen.alive, 0);
	free(p);
}
END_TEST

START_TEST(larger_frame_is_thrown_away_and_the_link_lives)
{
	unsigned int sum;
	void *p = frame_of(WIRE_FRAME_MAX + 1, &sum);

	come_up();
	ck_assert_int_eq(sim_frame(sim, "A1", p, WIRE_FRAME_MAX + 1), 0);
	ck_assert(wait_for(&seen.garbage[WIRE_TOO_LARGE], 1));
	ck_assert_int_eq(sim_frame(sim, "A1", "{}", 2), 0);
	ck_assert(wait_for(&seen.texts, 2));
	ck_assert_str_eq(seen.text, "{}");
	free(p);
}
END_TEST

START_TEST(binary_frame_is_thrown_away_and_the_link_lives)
{
	unsigned int sum;
	void *p = frame_of(100000, &sum);

	come_up();
	ck_assert_int_eq(sim_frame_binary(sim, "A1", p, 10), 0);
	ck_assert(wait_for(&seen.garbage[WIRE_BINARY], 1));
	ck_assert_int_eq(sim_frame_binary(sim, "A1", p, 100000), 0);
	ck_assert(wait_for(&seen.garbage[WIRE_BINARY], 2));
	ck_assert_int_eq(sim_frame(sim, "A1", "{}", 2), 0);
	ck_assert(wait_for(&seen.texts, 2));
	free(p);
}
END_TEST

static void send_ping(void)
{
	ck_assert_int_eq(transport->ops->ping(seen.wire), 0);
}

START_TEST(ping_is_answered)
{
	come_up();
	on_io(send_ping);
	ck_assert(wait_for(&seen.pongs, 1));
	on_io(send_ping);
	ck_assert(wait_for(&seen.pongs, 2));
}
END_TEST

static char ack[80];

static void send_ack(void)
{
	ck_assert_int_eq(transport->ops->send(seen.wire, ack, strlen(ack)), 0);
}

START_TEST(ack_arrives_as_one_frame)
{
	struct sim_delivery *d;
	size_t n;

	come_up();
	ck_assert_int_eq(sim_envelope(sim, "A1", "slash_commands", "{}", true),
			 0);
	ck_assert(wait_for(&seen.texts, 2));
	d = sim_deliveries(sim, "A1", &n);
	ck_assert_uint_eq(n, 1);
	(void)snprintf(ack, sizeof(ack), "{\"envelope_id\":\"%s\"}",
		       d[0].envelope_id);
	sim_deliveries_free(d, n);
	on_io(send_ack);
	ck_assert_int_eq(sim_wait_acked(sim, 10000), 0);
}
END_TEST

static void send_much(void)
{
	char p[1000] = { 0 };
	int n;

	memset(p, ' ', sizeof(p));
	for (n = 0; n < 10000; n++)
		if (transport->ops->send(seen.wire, p, sizeof(p)) < 0)
			break;
	ck_assert_int_gt(n, 10);
	ck_assert_int_lt(n, 10000);
}

START_TEST(sending_has_a_ceiling)
{
	come_up();
	on_io(send_much);
	on_io(send_ping);
	ck_assert(wait_for(&seen.pongs, 1));
}
END_TEST

static void say_goodbye(void)
{
	transport->ops->close(seen.wire);
}

START_TEST(goodbye_is_answered)
{
	come_up();
	on_io(say_goodbye);
	ck_assert(wait_for(&seen.closed, 1));
	ck_assert_int_eq(sim_wait_links(sim, "A1", 0, 10000), 0);
}
END_TEST

static void nothing(void)
{
}

static const struct {
	enum sim_cut how;
	const char *why;
} cuts[] = {
	{ SIM_CUT_CLOSE, "closed by peer (" },
	{ SIM_CUT_FIN, "connection lost" },
	{ SIM_CUT_RESET, "connection lost" },
};

START_TEST(end_of_the_connection_is_told_once)
{
	come_up();
	sim_cut(sim, "A1", cuts[_i].how);
	ck_assert(wait_for(&seen.closed, 1));
	ck_assert_msg(strstr(seen.why, cuts[_i].why) != NULL, "%s", seen.why);
	on_io(nothing);
	ck_assert_int_eq(seen.closed, 1);
}
END_TEST

static void drop(void)
{
	transport->ops->drop(seen.wire);
	seen.wire = NULL;
}

START_TEST(dropped_wire_is_silent)
{
	come_up();
	on_io(drop);
	ck_assert_int_eq(sim_wait_links(sim, "A1", 0, 10000), 0);
	ck_assert_int_eq(seen.closed, 0);
}
END_TEST

START_TEST(wire_may_be_dropped_while_it_connects)
{
	get_ticket();
	on_io(connect_wire);
	on_io(drop);
	ck_assert_int_eq(seen.closed, 0);
}
END_TEST

START_TEST(refused_connection_is_told)
{
	get_ticket();
	(void)snprintf(seen.ticket.url, sizeof(seen.ticket.url),
		       "wss://localhost:1/");
	on_io(connect_wire);
	/* Either at once, or when the loop comes round. */
	if (seen.e.msg[0] == '\0')
		ck_assert(wait_for(&seen.closed, 1));
}
END_TEST

START_TEST(answer_other_than_101_is_told)
{
	struct sim_fault f = { .kind = SIM_FAULT_STATUS,
			       .method = "link",
			       .status = 408 };

	sim_fault(sim, &f);
	get_ticket();
	on_io(connect_wire);
	ck_assert(wait_for(&seen.closed, 1));
	ck_assert_int_eq(seen.opened, 0);
	ck_assert_msg(strstr(seen.why, "cannot connect") != NULL, "%s",
		      seen.why);
}
END_TEST

START_TEST(wire_may_be_dropped_when_the_loop_has_stopped)
{
	come_up();
	drop_late = true; /* by the fixture */
}
END_TEST

START_TEST(transport_that_never_ran_is_freed)
{
	struct err e = { 0 };
	struct loop *idle = loop_create("idle", &e);
	struct transport *t = lws_transport_create(idle, NULL, &e);

	ck_assert_msg(t != NULL, "%s", e.msg);
	lws_transport_free(t);
	loop_free(idle);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("lws");
	TCase *tc = tcase_create("lws");
	TCase *idle = tcase_create("idle");
	TCase *v6 = tcase_create("IPv6");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, ticket_opens_a_link_that_says_hello);
	tcase_add_test(tc, link_takes_the_family_that_answers);
	tcase_add_loop_test(tc, name_that_is_not_found_is_worth_another_try, 0,
			    sizeof(dns_errors) / sizeof(dns_errors[0]));
	tcase_add_test(tc, name_that_gets_another_address_is_followed);
	tcase_add_test(tc, bad_token_is_fatal);
	tcase_add_test(tc, rate_limit_says_how_long_to_wait);
	tcase_add_test(tc, server_error_is_worth_another_try);
	tcase_add_test(tc, tickets_that_nobody_waits_for_are_not_asked_for);
	tcase_add_test(tc, unknown_ca_is_refused_and_named);
	tcase_add_test(tc, other_cas_count_for_links_from_then_on);
	tcase_add_test(tc, wrong_name_is_refused);
	tcase_add_test(tc, ticket_that_was_used_is_refused);
	tcase_add_loop_test(tc, frame_of_any_size_comes_whole, 0,
			    sizeof(sizes) / sizeof(sizes[0]));
	tcase_add_test(tc, larger_frame_is_thrown_away_and_the_link_lives);
	tcase_add_test(tc, binary_frame_is_thrown_away_and_the_link_lives);
	tcase_add_test(tc, ping_is_answered);
	tcase_add_test(tc, ack_arrives_as_one_frame);
	tcase_add_test(tc, sending_has_a_ceiling);
	tcase_add_test(tc, goodbye_is_answered);
	tcase_add_loop_test(tc, end_of_the_connection_is_told_once, 0, 3);
	tcase_add_test(tc, dropped_wire_is_silent);
	tcase_add_test(tc, wire_may_be_dropped_while_it_connects);
	tcase_add_test(tc, refused_connection_is_told);
	tcase_add_test(tc, answer_other_than_101_is_told);
	tcase_add_test(tc, wire_may_be_dropped_when_the_loop_has_stopped);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(v6, setup_v6, teardown);
	tcase_set_timeout(v6, 60);
	tcase_add_test(v6, host_with_IPv6_alone_is_reached);
	suite_add_tcase(s, v6);
	tcase_add_test(idle, transport_that_never_ran_is_freed);
	suite_add_tcase(s, idle);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
