/* SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "integration/rig.h"

static struct rig rig;
static char reply[131072];

static void setup(void)
{
	rig_up(&rig);
}

static void teardown(void)
{
	rig_close(&rig);
}

/* The status; all of the answer is in reply. */
static int ask(const char *method, const char *path, const char *host)
{
	const struct timeval patience = { .tv_sec = 10 };
	struct sockaddr_in sa = { .sin_family = AF_INET };
	char request[512];
	size_t len = 0;
	ssize_t n;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sa.sin_port = htons((uint16_t)rig.bed.health_port);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	n = snprintf(request, sizeof(request),
		     "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\n"
		     "Connection: close\r\n\r\n",
		     method, path, host);
	ck_assert_int_eq(send(fd, request, (size_t)n, MSG_NOSIGNAL), n);
	while (len < sizeof(reply) - 1 &&
	       (n = TEMP_FAILURE_RETRY(
			recv(fd, reply + len, sizeof(reply) - 1 - len, 0))) > 0)
		len += (size_t)n;
	close(fd);
	reply[len] = '\0';
	return (int)strtol(reply + strlen("HTTP/1.1 "), NULL, 10);
}

static const char *body(void)
{
	const char *p = strstr(reply, "\r\n\r\n");

	ck_assert_ptr_nonnull(p);
	return p + 4;
}

/* To be freed. */
static struct json *page_json(void)
{
	struct err e = { 0 };
	struct json *j;

	ck_assert_int_eq(ask("GET", "/page.json", "127.0.0.1"), 200);
	j = json_parse(body(), strlen(body()), sizeof(reply), &e);
	ck_assert_msg(j != NULL, "%s: %s", e.msg, reply);
	return j;
}

static int64_t sum(const struct json *j, const char *series)
{
	char path[64];
	int64_t n = 0;
	size_t i;

	for (i = 0; i < json_len(j, series); i++) {
		(void)snprintf(path, sizeof(path), "%s.%zu", series, i);
		n += json_int(j, path, 0);
	}
	return n;
}

/* The page once it has that number; to be freed. */
static struct json *page_with(const char *path, int64_t n)
{
	struct json *j = page_json();
	int i;

	for (i = 0; i < 5000 && json_int(j, path, -1) != n; i++) {
		json_free(j);
		j = page_json();
	}
	ck_assert_msg(json_int(j, path, -1) == n, "%s", path);
	return j;
}

START_TEST(an_answer_is_in_the_hour_and_with_its_tenant)
{
	char ts[SIM_TS];
	struct json *j = page_json();

	ck_assert_int_eq(sum(j, "hour.answers"), 0);
	ck_assert_str_eq(json_str(j, "tenants.0.name"), "acme");
	ck_assert_int_eq(json_int(j, "tenants.0.links", -1), 1);
	ck_assert_int_eq(json_int(j, "tenants.0.live", -1), 1);
	ck_assert_int_eq(json_int(j, "tenants.0.answers", -1), 0);
	json_free(j);

	rig_say(&rig, "C1", "U1", "<@UB1> where is Atlantis?", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	j = page_with("turns.answers", 1);
	ck_assert_int_eq(json_int(j, "tenants.0.answers", -1), 1);
	ck_assert_int_eq(sum(j, "hour.answers"), 1);
	ck_assert_int_eq(sum(j, "hour.failures"), 0);
	ck_assert_int_ge(sum(j, "hour.envelopes"), 1);
	ck_assert_int_ge(sum(j, "hour.answer.p50_us"), 1);
	ck_assert_int_ge(sum(j, "hour.ack.p99_us"), 1);
	ck_assert_int_eq((int64_t)json_len(j, "hour.answers"),
			 json_int(j, "hour.minutes", -1));
	ck_assert_str_eq(json_str(j, "models.0.state"), "ok");
	ck_assert_int_eq(json_int(j, "links.live", -1), 1);
	json_free(j);
}
END_TEST

START_TEST(a_paused_tenant_is_seen)
{
	const char *const pause[] = { "tenant", "pause", "acme", NULL };
	struct json *j;
	char *out;

	ck_assert_int_eq(rig_ctl(&rig, &out, pause), 0);
	free(out);
	j = page_json();
	ck_assert_str_eq(json_str(j, "tenants.0.silent"), "paused");
	json_free(j);
	ck_assert_int_eq(ask("GET", "/", "127.0.0.1"), 200);
	ck_assert_ptr_nonnull(strstr(body(), "t.silent"));
}
END_TEST

START_TEST(a_lost_link_is_seen)
{
	const struct sim_fault refuse = { .kind = SIM_FAULT_STATUS,
					  .method = "apps.connections.open",
					  .status = 500 };
	struct json *j;

	sim_fault(rig.sim, &refuse);
	ck_assert_int_eq(sim_cut(rig.sim, "A1", SIM_CUT_RESET), 1);
	j = page_with("tenants.0.live", 0);
	ck_assert_int_eq(json_int(j, "tenants.0.links", -1), 1);
	json_free(j);
	/* Counted elsewhere, and perhaps a little later. */
	json_free(page_with("links.live", 0));
}
END_TEST

START_TEST(a_model_that_fails_is_shown_without_what_its_server_said)
{
	const struct sim_llm fail = { .mode = SIM_LLM_STATUS,
				      .status = 500,
				      .body = "{\"error\":{\"message\":"
					      "\"Atlantis sank\"}}" };
	char ts[SIM_TS];
	struct json *j;
	int i;

	ck_assert_int_eq(sim_llm(rig.sim, &fail), 0);
	for (i = 0; i < 5; i++) {
		rig_say(&rig, "C1", "U1", "<@UB1> where?", NULL, ts);
		free(rig_answer(&rig, "C1", ts));
	}
	j = page_with("turns.failures", 5);
	/* What it said may be what it was asked. */
	ck_assert(rig_logged(&rig, "HTTP 500", 10000));
	ck_assert(!rig_logged(&rig, "Atlantis", 0));
	ck_assert_str_eq(json_str(j, "models.0.state"), "failing");
	ck_assert_ptr_nonnull(strstr(reply, "the model keeps failing"));
	ck_assert_ptr_null(strstr(reply, "Atlantis"));
	json_free(j);
}
END_TEST

START_TEST(a_failure_is_counted_and_told_without_what_the_server_said)
{
	const struct sim_llm fail = { .mode = SIM_LLM_STATUS,
				      .status = 400,
				      .body = "{\"error\":{\"message\":"
					      "\"Atlantis sank\"}}" };
	char ts[SIM_TS];
	struct json *j;

	ck_assert_int_eq(sim_llm(rig.sim, &fail), 0);
	rig_say(&rig, "C1", "U1", "<@UB1> where is Atlantis?", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	j = page_with("turns.failures", 1);
	ck_assert_int_eq(json_int(j, "tenants.0.failures", -1), 1);
	ck_assert_int_eq(sum(j, "hour.failures"), 1);
	ck_assert_str_eq(json_str(j, "errors.0.level"), "warn");
	ck_assert_str_eq(json_str(j, "errors.0.msg"), "no answer");
	ck_assert_ptr_null(strstr(reply, "Atlantis"));
	json_free(j);
}
END_TEST

START_TEST(nothing_on_it_is_a_secret_or_said_by_anybody)
{
	static const char *const words[] = { "xoxb", "xapp", "Atlantis" };
	char ts[SIM_TS];
	size_t i;

	rig_say(&rig, "C1", "U1", "<@UB1> where is Atlantis?", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_int_eq(ask("GET", "/page.json", "localhost"), 200);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		ck_assert_msg(!strstr(reply, words[i]), "%s in %s", words[i],
			      reply);
}
END_TEST

static const char *const headers[] = {
	"content-type: text/html; charset=utf-8\r\n",
	"cache-control: no-store\r\n",
	"x-content-type-options: nosniff\r\n",
	"referrer-policy: no-referrer\r\n",
	"content-security-policy: default-src 'none'; script-src 'sha256-",
	"frame-ancestors 'none'",
};

START_TEST(the_page_may_run_its_own_script_and_load_nothing_else)
{
	const char *html;
	size_t i;

	ck_assert_int_eq(ask("GET", "/", "127.0.0.1:8001"), 200);
	for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		ck_assert_msg(strcasestr(reply, headers[i]), "no %s in %s",
			      headers[i], reply);
	html = body();
	ck_assert_ptr_nonnull(strstr(html, "</html>"));
	ck_assert_ptr_null(strstr(html, " src="));
	ck_assert_ptr_null(strstr(html, "https:"));
	ck_assert_ptr_null(strstr(html, " style="));
	ck_assert_int_eq(ask("GET", "/page.json", "127.0.0.1:8001"), 200);
	ck_assert_ptr_nonnull(strcasestr(reply, "default-src 'none';"));
}
END_TEST

static const struct {
	const char *host;
	int status;
} hosts[] = {
	{ "localhost", 200 },
	{ "LOCALHOST:8001", 200 },
	{ "127.0.0.1", 200 },
	{ "[::1]:8001", 200 },
	{ "evil.example", 403 },
	{ "127.0.0.1.evil.example", 403 },
	{ "localhost.evil.example:8001", 403 },
	{ "[::1", 403 },
	{ "", 403 },
};

START_TEST(who_asks_by_another_name_is_shown_nothing)
{
	ck_assert_int_eq(ask("GET", "/page.json", hosts[_i].host),
			 hosts[_i].status);
	ck_assert_int_eq(strstr(reply, "acme") != NULL,
			 hosts[_i].status == 200);
	ck_assert_int_eq(ask("GET", "/", hosts[_i].host), hosts[_i].status);
	ck_assert_int_eq(ask("GET", "/metrics", hosts[_i].host),
			 hosts[_i].status);
	ck_assert_int_eq(strstr(reply, "konstruct_") != NULL,
			 hosts[_i].status == 200);
	/* A probe has what name it likes. */
	ck_assert_int_eq(ask("GET", "/health", hosts[_i].host), 200);
}
END_TEST

START_TEST(a_host_without_end_is_no_address)
{
	char host[400];

	memset(host, '1', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	ck_assert_int_eq(ask("GET", "/page.json", host), 403);
	host[0] = '[';
	ck_assert_int_eq(ask("GET", "/page.json", host), 403);
}
END_TEST

START_TEST(the_page_is_read_only)
{
	ck_assert_int_eq(ask("POST", "/", "localhost"), 405);
	ck_assert_int_eq(ask("DELETE", "/page.json", "localhost"), 405);
	ck_assert_int_eq(ask("GET", "/v1/tenants", "localhost"), 404);
	ck_assert_int_eq(ask("HEAD", "/", "localhost"), 200);
	ck_assert_str_eq(body(), "");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("page");
	TCase *tc = tcase_create("page");
	SRunner *sr;
	int failed;

	rig_begin();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, CASE_S);
	tcase_add_test(tc, an_answer_is_in_the_hour_and_with_its_tenant);
	tcase_add_test(tc, a_paused_tenant_is_seen);
	tcase_add_test(tc, a_lost_link_is_seen);
	tcase_add_test(
		tc, a_model_that_fails_is_shown_without_what_its_server_said);
	tcase_add_test(
		tc, a_failure_is_counted_and_told_without_what_the_server_said);
	tcase_add_test(tc, nothing_on_it_is_a_secret_or_said_by_anybody);
	tcase_add_test(tc,
		       the_page_may_run_its_own_script_and_load_nothing_else);
	tcase_add_loop_test(tc, who_asks_by_another_name_is_shown_nothing, 0,
			    sizeof(hosts) / sizeof(hosts[0]));
	tcase_add_test(tc, a_host_without_end_is_no_address);
	tcase_add_test(tc, the_page_is_read_only);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
