/* SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
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
#include "base/keyring.h"
#include "base/log.h"
#include "base/secret.h"
#include "ctl/ctl.h"
#include "net/local.h"
#include "net/loop.h"
#include "state/gate.h"
#include "store/journal.h"
#include "store/store.h"

#define PATH_SIZE 128

/*
 * A Slack that answers whatever is asked with what the test put there: the
 * method's name is the last part of the path.
 */
static struct {
	int fd;
	int port;
	pthread_t tid;
	const char *auth_test;
	const char *bots_info;
	const char *limited; /* the method that is answered 429 */
	atomic_int calls;
} slack;

static char dir[32];
static char sock_path[PATH_SIZE];
static char slack_url[64];
static char store_url[PATH_SIZE];
static struct conf conf;
static struct keyring *keyring;
static struct journal *journal;
static struct loop *loop;
static struct admin *admin;
static struct buf out;
static struct json *answer;

static void slack_reply(int fd)
{
	char in[4096];
	char head[160];
	const char *body = "{\"ok\":false,\"error\":\"unknown_method\"}";
	const char *status = "200 OK";
	ssize_t n, got = 0;
	int len;

	/* Our client sends small requests; their end is not waited for. */
	while (got < (ssize_t)sizeof(in) - 1) {
		n = read(fd, in + got, sizeof(in) - 1 - (size_t)got);
		if (n <= 0)
			return;
		got += n;
		in[got] = '\0';
		if (strstr(in, "\r\n\r\n"))
			break;
	}
	if (strstr(in, "/auth.test") && slack.auth_test)
		body = slack.auth_test;
	if (strstr(in, "/bots.info") && slack.bots_info)
		body = slack.bots_info;
	if (slack.limited && strstr(in, slack.limited)) {
		status = "429 Too Many Requests\r\nRetry-After: 30";
		body = "{\"ok\":false,\"error\":\"ratelimited\"}";
	}
	atomic_fetch_add(&slack.calls, 1);
	len = snprintf(head, sizeof(head),
		       "HTTP/1.1 %s\r\nContent-Type: application/json\r\n"
		       "Connection: close\r\nContent-Length: %zu\r\n\r\n",
		       status, strlen(body));
	if (write(fd, head, (size_t)len) < 0 ||
	    write(fd, body, strlen(body)) < 0)
		perror("write");
	(void)shutdown(fd, SHUT_WR);
	while (read(fd, in, sizeof(in)) > 0)
		continue;
}

static void *slack_run(void *arg)
{
	int fd;

	for (;;) {
		fd = accept(slack.fd, NULL, NULL);
		if (fd < 0)
			return arg;
		slack_reply(fd);
		close(fd);
	}
}

static int listen_any(int *port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(listen(fd, 16), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	*port = ntohs(sa.sin_port);
	return fd;
}

static void slack_start(void)
{
	memset(&slack, 0, sizeof(slack));
	slack.fd = listen_any(&slack.port);
	ck_assert_int_eq(pthread_create(&slack.tid, NULL, slack_run, NULL), 0);
}

static void slack_stop(void)
{
	(void)shutdown(slack.fd, SHUT_RDWR);
	pthread_join(slack.tid, NULL);
	close(slack.fd);
}

/* Static strings, as the settings are only read. */
static void make_conf(void)
{
	static char empty[] = "";
	static char state[] = "local";
	static char model[] = "main";

	memset(&conf, 0, sizeof(conf));
	conf.listen = empty;
	conf.state_dir = dir;
	conf.admin_socket = sock_path;
	conf.key_file = empty;
	conf.admin_group = empty;
	conf.read_group = empty;
	conf.store_url = store_url;
	conf.state_url = state;
	conf.slack_api_url = slack_url;
	conf.slack_way.ca_file = empty;
	conf.models[0].name = model;
	conf.models[0].is_default = true;
	conf.nmodels = 1;
	(void)snprintf(sock_path, sizeof(sock_path), "%s/run/admin.sock", dir);
	(void)snprintf(store_url, sizeof(store_url), "sqlite:%s/k.db", dir);
	(void)snprintf(slack_url, sizeof(slack_url), "http://127.0.0.1:%d/api/",
		       slack.port);
}

static void base_setup(void)
{
	char key[PATH_SIZE];
	struct err e = { 0 };

	(void)signal(SIGPIPE, SIG_IGN);
	log_set_level(LOG_LEVEL_ERROR);
	(void)snprintf(dir, sizeof(dir), "/tmp/test_admin.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	slack_start();
	make_conf();
	(void)snprintf(key, sizeof(key), "%s/key", dir);
	keyring = keyring_open(key, true, &e);
	ck_assert_msg(keyring && keyring_keep(keyring, &e) == 0, "%s", e.msg);
	buf_init(&out, (size_t)1024 * 1024);
}

static struct admin *try_admin(struct err *e)
{
	struct admin_opts o = {
		.conf = &conf,
		.keyring = keyring,
		.journal = journal,
	};

	loop = loop_create("admin", e);
	ck_assert_ptr_nonnull(loop);
	o.loop = loop;
	return admin_create(&o, e);
}

static void start_admin(void)
{
	struct err e = { 0 };

	journal = journal_create(store_url, keyring, 10, &e);
	ck_assert_msg(journal != NULL, "%s", e.msg);
	admin = try_admin(&e);
	ck_assert_msg(admin != NULL, "%s", e.msg);
	ck_assert_msg(loop_start(loop, &e) == 0, "%s", e.msg);
}

static void setup(void)
{
	base_setup();
	start_admin();
}

static void base_teardown(void)
{
	char cmd[PATH_SIZE];

	json_free(answer);
	answer = NULL;
	buf_release(&out);
	keyring_free(keyring);
	slack_stop();
	(void)snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(cmd), 0);
}

static void teardown(void)
{
	loop_stop(loop);
	admin_free(admin);
	loop_free(loop);
	journal_free(journal);
	base_teardown();
}

/* One request; its answer is in answer until the next. */
static int call(const char *method, const char *path, const char *body)
{
	struct err e = { 0 };
	int status;

	buf_reset(&out);
	json_free(answer);
	answer = NULL;
	status = local_call(sock_path, method, path, body,
			    body ? strlen(body) : 0, &out, &e);
	ck_assert_msg(status > 0, "%s %s: %s", method, path, e.msg);
	answer = json_parse(out.data, out.len, out.len, &e);
	ck_assert_msg(answer != NULL, "%s: %s", e.msg, out.data);
	return status;
}

static const char *say(const char *path)
{
	const char *s = json_str(answer, path);

	return s ? s : "(none)";
}

#define APP_TOKEN  "xapp-1-A1-2-cafe"
#define APP_TOKEN2 "xapp-1-A2-2-cafe"
#define BOT_TOKEN  "xoxb-1111-2222-abcdefghbeef"

static const char acme[] = "{\"name\":\"acme\",\"app_token\":\"" APP_TOKEN "\","
			   "\"bot_token\":\"" BOT_TOKEN "\"}";
static const char auth_ok[] =
	"{\"ok\":true,\"team_id\":\"T1\",\"user_id\":\"U1\",\"bot_id\":\"B1\","
	"\"app_id\":\"A1\",\"is_enterprise_install\":false}";
static const char auth_no_app[] =
	"{\"ok\":true,\"team_id\":\"T1\",\"user_id\":\"U1\",\"bot_id\":\"B1\"}";

/* A tenant with all ids given. */
static const char *known(const char *name, const char *app, const char *team)
{
	static char text[512];

	(void)snprintf(text, sizeof(text),
		       "{\"name\":\"%s\",\"app_token\":\"xapp-1-%s-2-cafe\","
		       "\"bot_token\":\"" BOT_TOKEN "\",\"app_id\":\"%s\","
		       "\"workspace_id\":\"%s\",\"bot_user_id\":\"U1\","
		       "\"bot_id\":\"B1\"}",
		       name, app, app, team);
	return text;
}

START_TEST(the_socket_is_for_its_owner_and_group_only)
{
	struct stat st;

	ck_assert_int_eq(stat(sock_path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0660);
}
END_TEST

START_TEST(health_is_ok_with_a_journal_that_works)
{
	ck_assert_int_eq(call("GET", "/health", NULL), 200);
	ck_assert_str_eq(say("status"), "ok");
	ck_assert_int_eq(json_int(answer, "journal.unfinished", -1), 0);
	ck_assert_int_eq(call("GET", "/ready", NULL), 200);
	ck_assert(admin_healthy(admin, NULL, 0));
	ck_assert(admin_alive(admin, NULL, 0));
}
END_TEST

START_TEST(adding_a_tenant_asks_slack_for_its_ids)
{
	slack.auth_test = auth_ok;
	ck_assert_int_eq(call("POST", "/v1/tenants", acme), 200);
	ck_assert_str_eq(say("connections.0.app_id"), "A1");
	ck_assert_str_eq(say("connections.0.workspace_id"), "T1");
	ck_assert_str_eq(say("connections.0.bot_user_id"), "U1");
	ck_assert_str_eq(say("connections.0.bot_id"), "B1");
	ck_assert_int_eq(atomic_load(&slack.calls), 1);
}
END_TEST

START_TEST(no_answer_shows_a_token)
{
	slack.auth_test = auth_ok;
	ck_assert_int_eq(call("POST", "/v1/tenants", acme), 200);
	ck_assert_int_eq(call("GET", "/v1/tenants/acme", NULL), 200);
	ck_assert_str_eq(say("connections.0.bot_token"), "xoxb-…beef");
	ck_assert_ptr_null(strstr(out.data, "2222"));
	ck_assert_ptr_null(strstr(out.data, "cafe"));
}
END_TEST

START_TEST(an_app_that_auth_test_leaves_out_is_asked_of_bots_info)
{
	slack.auth_test = auth_no_app;
	slack.bots_info = "{\"ok\":true,\"bot\":{\"app_id\":\"A1\"}}";
	ck_assert_int_eq(call("POST", "/v1/tenants", acme), 200);
	ck_assert_str_eq(say("connections.0.app_id"), "A1");
	ck_assert_int_eq(atomic_load(&slack.calls), 2);
}
END_TEST

START_TEST(without_users_read_the_app_token_names_the_app)
{
	slack.auth_test = auth_no_app;
	slack.bots_info = "{\"ok\":false,\"error\":\"missing_scope\"}";
	ck_assert_int_eq(call("POST", "/v1/tenants", acme), 200);
	ck_assert_str_eq(say("connections.0.app_id"), "A1");
}
END_TEST

START_TEST(an_organisation_goes_by_its_enterprise_id)
{
	slack.auth_test = "{\"ok\":true,\"team_id\":\"T1\",\"user_id\":\"U1\","
			  "\"bot_id\":\"B1\",\"app_id\":\"A1\","
			  "\"enterprise_id\":\"E1\","
			  "\"is_enterprise_install\":true}";
	ck_assert_int_eq(call("POST", "/v1/tenants", acme), 200);
	ck_assert_str_eq(say("connections.0.workspace_id"), "E1");
}
END_TEST

static const struct {
	const char *auth_test;
	int status;
	const char *error;
} refusals[] = {
	{ "{\"ok\":true,\"team_id\":\"T1\",\"user_id\":\"U1\","
	  "\"bot_id\":\"B1\",\"app_id\":\"A2\"}",
	  400, "bot_token: is of app A2, the app token of A1" },
	{ "{\"ok\":false,\"error\":\"invalid_auth\"}", 400,
	  "bot_token: auth.test says 'invalid_auth': copy it anew" },
	{ "{\"ok\":false,\"error\":\"internal_error\"}", 503,
	  "bot_token: auth.test: internal_error" },
	{ "{\"ok\":true,\"team_id\":\"T1\",\"user_id\":\"U1\"}", 400,
	  "bot_token: is not a bot's" },
	{ "{\"ok\":true}", 503, "bot_token: auth.test names no workspace" },
	{ "<html>", 503, "http 200 without json: something else answers in" },
};

START_TEST(what_slack_refuses_is_not_stored)
{
	slack.auth_test = refusals[_i].auth_test;
	ck_assert_int_eq(call("POST", "/v1/tenants", acme),
			 refusals[_i].status);
	ck_assert_msg(strstr(say("error"), refusals[_i].error) != NULL, "%s",
		      say("error"));
	ck_assert_int_eq(call("GET", "/v1/tenants/acme", NULL), 404);
}
END_TEST

START_TEST(a_question_that_slack_limits_is_told_and_nothing_stored)
{
	slack.auth_test = auth_no_app;
	slack.limited = _i ? "/bots.info" : "/auth.test";
	ck_assert_int_eq(call("POST", "/v1/tenants", acme), 503);
	ck_assert_str_eq(say("error"),
			 _i ? "bot_token: bots.info: ratelimited"
			    : "bot_token: auth.test: ratelimited");
	ck_assert_int_eq(call("GET", "/v1/tenants/acme", NULL), 404);
	slack.limited = NULL;
	slack.auth_test = auth_ok;
	ck_assert_int_eq(call("POST", "/v1/tenants", acme), 200);
}
END_TEST

START_TEST(a_second_workspace_joins_the_tenant)
{
	ck_assert_int_eq(call("POST", "/v1/tenants", known("acme", "A1", "T1")),
			 200);
	ck_assert_int_eq(call("POST", "/v1/tenants", known("acme", "A1", "T2")),
			 200);
	ck_assert_uint_eq(json_len(answer, "connections"), 2);
	ck_assert_int_eq(atomic_load(&slack.calls), 0);
}
END_TEST

START_TEST(a_workspace_of_another_tenant_is_refused)
{
	ck_assert_int_eq(call("POST", "/v1/tenants", known("acme", "A1", "T1")),
			 200);
	ck_assert_int_eq(call("POST", "/v1/tenants", known("evil", "A1", "T1")),
			 400);
	ck_assert_int_eq(call("GET", "/v1/tenants/evil", NULL), 404);
}
END_TEST

START_TEST(a_tenant_is_paused_resumed_and_removed)
{
	(void)call("POST", "/v1/tenants", known("acme", "A1", "T1"));
	ck_assert_int_eq(call("POST", "/v1/tenants/acme/pause", NULL), 200);
	ck_assert_int_eq(call("GET", "/v1/tenants", NULL), 200);
	ck_assert(json_bool(answer, "tenants.0.paused", false));
	ck_assert_int_eq(json_int(answer, "tenants.0.connections", 0), 1);
	ck_assert_int_eq(call("POST", "/v1/tenants/acme/resume", NULL), 200);
	ck_assert_int_eq(call("GET", "/v1/tenants/acme", NULL), 200);
	ck_assert(!json_bool(answer, "paused", true));
	ck_assert_int_eq(call("DELETE", "/v1/tenants/acme", NULL), 200);
	ck_assert_int_eq(call("DELETE", "/v1/tenants/acme", NULL), 404);
	ck_assert_str_eq(say("error"), "no tenant 'acme'; 'konstructctl "
				       "tenant list' shows them");
}
END_TEST

START_TEST(what_a_tenant_is_not_told_stays)
{
	(void)call("POST", "/v1/tenants", known("acme", "A1", "T1"));
	ck_assert_int_eq(call("PUT", "/v1/tenants/acme",
			      "{\"name\":\"acme\",\"burst\":7}"),
			 200);
	ck_assert_int_eq(json_int(answer, "burst", 0), 7);
	ck_assert_int_eq(json_int(answer, "rate_per_minute", 0), -1);
	ck_assert_str_eq(say("connections.0.app_id"), "A1");
	ck_assert_int_eq(call("PUT", "/v1/tenants/acme",
			      known("acme", "A1", "T1")),
			 200);
	ck_assert_int_eq(json_int(answer, "burst", 0), 7);
	ck_assert_int_eq(call("PUT", "/v1/tenants/acme",
			      "{\"name\":\"bolt\",\"burst\":7}"),
			 400);
	ck_assert_int_eq(call("PUT", "/v1/tenants/acme",
			      "{\"name\":\"acme\",\"app_id\":\"A1\"}"),
			 400);
	ck_assert_str_eq(say("error"), "bot_token: missing");
	ck_assert_int_eq(call("PUT", "/v1/tenants/bolt",
			      "{\"name\":\"bolt\",\"burst\":7}"),
			 404);
	ck_assert_int_eq(call("GET", "/v1/tenants/bolt", NULL), 404);
}
END_TEST

START_TEST(a_tenants_budget_is_set_shown_and_taken_away)
{
	(void)call("POST", "/v1/tenants", known("acme", "A1", "T1"));
	ck_assert_str_eq(say("budget"), "");
	ck_assert_int_eq(call("PUT", "/v1/tenants/acme",
			      "{\"name\":\"acme\",\"budget\":"
			      "\"person/requests/day=1k\"}"),
			 200);
	ck_assert_str_eq(say("budget"), "person/requests/day=1000");
	ck_assert_int_eq(call("PUT", "/v1/tenants/acme",
			      "{\"name\":\"acme\",\"burst\":7}"),
			 200);
	ck_assert_int_eq(call("POST", "/v1/tenants/acme/pause", NULL), 200);
	ck_assert_int_eq(call("GET", "/v1/tenants/acme", NULL), 200);
	ck_assert_str_eq(say("budget"), "person/requests/day=1000");
	ck_assert_int_eq(call("PUT", "/v1/tenants/acme",
			      "{\"name\":\"acme\",\"budget\":\"x\"}"),
			 400);
	ck_assert_int_eq(call("PUT", "/v1/tenants/acme",
			      "{\"name\":\"acme\",\"budget\":\"none\"}"),
			 200);
	ck_assert_str_eq(say("budget"), "");
}
END_TEST

START_TEST(what_a_tenant_opts_into_is_set_shown_and_kept)
{
	(void)call("POST", "/v1/tenants", known("acme", "A1", "T1"));
	ck_assert(!json_bool(answer, "agent_sessions", true));
	ck_assert(!json_bool(answer, "streaming", true));
	ck_assert_int_eq(call("PUT", "/v1/tenants/acme",
			      "{\"name\":\"acme\",\"streaming\":true}"),
			 200);
	ck_assert_int_eq(call("PUT", "/v1/tenants/acme",
			      "{\"name\":\"acme\",\"agent_sessions\":true}"),
			 200);
	ck_assert_int_eq(call("POST", "/v1/tenants/acme/pause", NULL), 200);
	ck_assert_int_eq(call("GET", "/v1/tenants/acme", NULL), 200);
	ck_assert(json_bool(answer, "agent_sessions", false));
	ck_assert(json_bool(answer, "streaming", false));
	ck_assert_int_eq(call("PUT", "/v1/tenants/acme",
			      "{\"name\":\"acme\",\"streaming\":\"yes\"}"),
			 400);
	ck_assert_int_eq(call("PUT", "/v1/tenants/acme",
			      "{\"name\":\"acme\",\"streaming\":false}"),
			 200);
	ck_assert(json_bool(answer, "agent_sessions", false));
	ck_assert(!json_bool(answer, "streaming", true));
}
END_TEST

START_TEST(what_an_agent_is_not_told_stays)
{
	(void)call("POST", "/v1/tenants", known("acme", "A1", "T1"));
	ck_assert_int_eq(call("GET", "/v1/tenants/acme/agent", NULL), 404);
	ck_assert_int_eq(call("PUT", "/v1/tenants/acme/agent",
			      "{\"role\":\"helper\"}"),
			 400);
	ck_assert_str_eq(say("error"), "name: missing");
	ck_assert_int_eq(call("PUT", "/v1/tenants/acme/agent",
			      "{\"name\":\"Mara\",\"role\":\"helper\"}"),
			 200);
	ck_assert_int_eq(call("PUT", "/v1/tenants/acme/agent",
			      "{\"persona\":\"Dry.\",\"model\":\"main\"}"),
			 200);
	ck_assert_int_eq(call("GET", "/v1/tenants/acme/agent", NULL), 200);
	ck_assert_str_eq(say("name"), "Mara");
	ck_assert_str_eq(say("role"), "helper");
	ck_assert_str_eq(say("persona"), "Dry.");
}
END_TEST

START_TEST(a_model_must_be_in_the_configuration)
{
	(void)call("POST", "/v1/tenants", known("acme", "A1", "T1"));
	ck_assert_int_eq(call("PUT", "/v1/tenants/acme/agent",
			      "{\"name\":\"Mara\",\"model\":\"big\"}"),
			 400);
	ck_assert_str_eq(say("error"),
			 "model: no llm \"big\" in the configuration");
}
END_TEST

static const char *many(const char *last_team)
{
	static char text[1600];
	size_t n;

	n = (size_t)snprintf(text, sizeof(text), "{\"tenants\":[%s,",
			     known("acme", "A1", "T1"));
	(void)snprintf(text + n, sizeof(text) - n, "%s]}",
		       known("bolt", "A2", last_team));
	return text;
}

START_TEST(applying_twice_is_as_applying_once)
{
	ck_assert_int_eq(call("POST", "/v1/apply", many("T2")), 200);
	ck_assert_int_eq(json_int(answer, "created", -1), 2);
	ck_assert_int_eq(call("POST", "/v1/apply", many("T2")), 200);
	ck_assert_int_eq(json_int(answer, "applied", -1), 2);
	ck_assert_int_eq(json_int(answer, "created", -1), 0);
	ck_assert_int_eq(call("GET", "/v1/tenants", NULL), 200);
	ck_assert_uint_eq(json_len(answer, "tenants"), 2);
}
END_TEST

START_TEST(apply_is_all_or_nothing)
{
	(void)call("POST", "/v1/tenants", known("owner", "A2", "T9"));
	ck_assert_int_eq(call("POST", "/v1/apply", many("T9")), 400);
	ck_assert_msg(strncmp(say("error"), "tenants[1].workspace_id: ", 25) ==
			      0,
		      "%s", say("error"));
	ck_assert_int_eq(call("GET", "/v1/tenants/acme", NULL), 404);
}
END_TEST

static const struct {
	const char *method;
	const char *path;
	const char *body;
	int status;
} nonsense[] = {
	{ "GET", "/", NULL, 404 },
	{ "GET", "/v1/tenants/", NULL, 404 },
	{ "GET", "/v1/tenants/acme/x", NULL, 404 },
	{ "PUT", "/v1/tenants", "{}", 405 },
	{ "PUT", "/v1/tenants", NULL, 411 },
	{ "GET", "/v1/apply", NULL, 405 },
	{ "POST", "/health", NULL, 405 },
	{ "OPTIONS", "/v1/tenants", NULL, 405 },
	{ "POST", "/v1/apply", NULL, 400 },
	{ "GET", "/v1/tenants/no-such", NULL, 404 },
};

START_TEST(nonsense_is_refused_with_a_reason)
{
	ck_assert_int_eq(call(nonsense[_i].method, nonsense[_i].path,
			      nonsense[_i].body),
			 nonsense[_i].status);
	ck_assert_ptr_nonnull(json_str(answer, "error"));
}
END_TEST

START_TEST(a_large_apply_file_passes)
{
	struct buf text;
	char name[32], team[32];
	int i;

	buf_init(&text, (size_t)4 * 1024 * 1024);
	buf_adds(&text, "{\"tenants\":[");
	for (i = 0; i < 2000; i++) {
		(void)snprintf(name, sizeof(name), "t%d", i);
		(void)snprintf(team, sizeof(team), "T%d", i);
		buf_addf(&text, "%s%s", i ? "," : "", known(name, "A1", team));
	}
	buf_adds(&text, "]}");
	ck_assert_int_eq(call("POST", "/v1/apply", text.data), 200);
	ck_assert_int_eq(json_int(answer, "created", -1), 2000);
	buf_release(&text);
	ck_assert_int_eq(call("GET", "/v1/tenants", NULL), 200);
	ck_assert_uint_eq(json_len(answer, "tenants"), 2000);
}
END_TEST

static int connect_admin(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(sa.sun_path, sock_path, strlen(sock_path) + 1);
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
	ck_assert_int_eq(call("GET", "/health", NULL), 200);
}
END_TEST

START_TEST(garbage_leaves_the_server_at_work)
{
	char in[4096];

	(void)raw(garbage[_i], in, sizeof(in));
	ck_assert_ptr_null(strstr(in, "200 OK"));
	ck_assert_int_eq(call("GET", "/health", NULL), 200);
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
	struct timeval patience = { .tv_sec = 5 };
	size_t before, i, away = 0;
	int fd[CALLERS];
	char c;

	ck_assert_int_eq(call("GET", "/v1/tenants", NULL), 200);
	before = open_files();
	for (i = 0; i < CALLERS; i++)
		fd[i] = connect_admin();
	/* The last of them is turned away, and those before it were heard. */
	setsockopt(fd[CALLERS - 1], SOL_SOCKET, SO_RCVTIMEO, &patience,
		   sizeof(patience));
	ck_assert_int_eq(read(fd[CALLERS - 1], &c, 1), 0);
	for (i = 0; i < CALLERS; i++)
		away += recv(fd[i], &c, 1, MSG_DONTWAIT) == 0;
	ck_assert_uint_ge(away, CALLERS / 2);
	ck_assert_uint_le(open_files(), before + CALLERS + CALLERS - away);
	for (i = 0; i < CALLERS; i++)
		close(fd[i]);
	for (i = 0; open_files() > before && i < 500; i++)
		poll(NULL, 0, 10);
	ck_assert_int_eq(call("GET", "/v1/tenants", NULL), 200);
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

	teardown();
	base_setup();
	close(listen_any(&port));
	(void)snprintf(listen_on, sizeof(listen_on), "127.0.0.1:%d", port);
	conf.listen = listen_on;
	start_admin();
	for (i = 0; i < CALLERS; i++)
		fd[i] = connect_port(port);
	/* All before the last one were heard. */
	setsockopt(fd[CALLERS - 1], SOL_SOCKET, SO_RCVTIMEO, &patience,
		   sizeof(patience));
	ck_assert_int_le(read(fd[CALLERS - 1], &c, 1), 0);
	ck_assert_int_eq(call("GET", "/v1/tenants", NULL), 200);
	ck_assert_int_eq(call("GET", "/v1/status", NULL), 200);
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
	const char *last = strstr(pattern, "/usage/")     ? "tenant:2020-01-01"
			   : strstr(pattern, "/audit/")   ? "0:0"
			   : strstr(pattern, "/agents/")  ? say("agents.0.id")
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

	ck_assert_int_eq(call("POST", "/v1/tenants", known("acme", "A1", "T1")),
			 200);
	ck_assert_int_eq(call("PUT", "/v1/secrets/openai",
			      "{\"value\":\"sk-cafe\"}"),
			 200);
	ck_assert_int_eq(call("PUT", "/v1/tenants/acme/agent",
			      "{\"name\":\"Mara\"}"),
			 200);
	ck_assert_int_eq(call("GET", "/v1/tenants/acme/agents", NULL), 200);
	for (r = routes; r < routes + nroutes; r++) {
		if (r->needs != NEEDS_READ)
			continue;
		fill_stars(r->path, path, sizeof(path));
		buf_reset(&out);
		shown += local_call(sock_path, r->method, path, NULL, 0, &out,
				    &e) == 200;
		for (i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
			ck_assert_msg(!out.data ||
					      !strstr(out.data, secrets[i]),
				      "%s: %s", path, out.data);
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
	ck_assert_int_eq(call("GET", "/health", NULL), 200);
}
END_TEST

START_TEST(status_tells_version_and_decisions)
{
	ck_assert_int_eq(call("GET", "/v1/status", NULL), 200);
	ck_assert_ptr_nonnull(json_str(answer, "version"));
	ck_assert(json_is_array(answer, "app_links"));
	ck_assert(json_is_array(answer, "decisions"));
}
END_TEST

START_TEST(stopping_while_slack_is_asked_hangs_nowhere)
{
	int fd = connect_admin();
	char head[160];
	int hole, port, n;

	/* A Slack that takes the connection and says nothing. */
	hole = listen_any(&port);
	(void)snprintf(slack_url, sizeof(slack_url), "http://127.0.0.1:%d/api/",
		       port);
	n = snprintf(head, sizeof(head),
		     "POST /v1/tenants HTTP/1.1\r\nHost: x\r\n"
		     "Content-Length: %zu\r\n\r\n",
		     strlen(acme));
	ck_assert_int_eq(write(fd, head, (size_t)n), n);
	ck_assert_int_gt(write(fd, acme, strlen(acme)), 0);
	n = accept(hole, NULL, NULL); /* it is being asked now */
	ck_assert_int_ge(n, 0);
	close(n);
	close(hole);
	close(fd);
}
END_TEST

/* ---- without a running admin ---- */

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

	journal = journal_create(store_url, keyring, 10, &e);
	ck_assert_msg(journal != NULL, "%s", e.msg);
	ck_assert_ptr_null(try_admin(&e));
	ck_assert_int_eq(e.kind, kind);
	ck_assert_msg(strstr(e.msg, part) != NULL, "%s", e.msg);
	loop_free(loop);
	journal_free(journal);
}

START_TEST(a_socket_path_over_107_bytes_is_refused)
{
	memset(sock_path, 'a', 120);
	sock_path[0] = '/';
	sock_path[120] = '\0';
	refused(ERR_INPUT, "longer than 107 bytes");
}
END_TEST

START_TEST(a_file_in_the_sockets_place_is_left_alone)
{
	FILE *f;

	(void)snprintf(sock_path, sizeof(sock_path), "%s/file", dir);
	f = fopen(sock_path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fclose(f), 0);
	refused(ERR_FATAL, "is there, and no socket");
	ck_assert_int_eq(access(sock_path, F_OK), 0);
}
END_TEST

START_TEST(a_port_that_is_taken_is_named)
{
	char listen_on[32];
	int port;
	int fd = listen_any(&port);

	(void)snprintf(listen_on, sizeof(listen_on), "127.0.0.1:%d", port);
	conf.listen = listen_on;
	refused(ERR_RETRY, listen_on);
	close(fd);
}
END_TEST

START_TEST(a_listen_address_that_is_none_is_refused)
{
	static char name[] = "localhost:80";

	conf.listen = name;
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

	close(listen_any(&port));
	(void)snprintf(listen_on, sizeof(listen_on), "127.0.0.1:%d", port);
	conf.listen = listen_on;
	journal = journal_create(store_url, keyring, 10, &e);
	admin = try_admin(&e);
	ck_assert_msg(admin != NULL, "%s", e.msg);
	ck_assert_int_eq(loop_start(loop, &e), 0);
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
	loop_stop(loop);
	admin_free(admin);
	loop_free(loop);
	journal_free(journal);
}
END_TEST

START_TEST(a_stale_socket_is_replaced)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct err e = { 0 };

	(void)snprintf(sock_path, sizeof(sock_path), "%s/stale", dir);
	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/stale", dir);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	close(fd);
	journal = journal_create(store_url, keyring, 10, &e);
	admin = try_admin(&e);
	ck_assert_msg(admin != NULL, "%s", e.msg);
	admin_free(admin);
	loop_free(loop);
	journal_free(journal);
	ck_assert_int_ne(access(sock_path, F_OK), 0);
}
END_TEST

START_TEST(offline_works_on_the_store_itself)
{
	struct offline *o;
	struct err e = { 0 };
	const char *body;

	slack.auth_test = auth_ok;
	o = offline_open(&conf, &e);
	ck_assert_msg(o != NULL, "%s", e.msg);
	ck_assert_int_eq(offline_request(o, "POST", "/v1/tenants", acme,
					 strlen(acme), &out, &e),
			 200);
	body = many("T2");
	ck_assert_int_eq(offline_request(o, "POST", "/v1/apply", body,
					 strlen(body), &out, &e),
			 200);
	offline_close(o);

	buf_reset(&out);
	o = offline_open(&conf, &e);
	ck_assert_msg(o != NULL, "%s", e.msg);
	ck_assert_int_eq(offline_request(o, "GET", "/v1/tenants", NULL, 0, &out,
					 &e),
			 200);
	ck_assert_ptr_nonnull(strstr(out.data, "\"bolt\""));
	ck_assert_int_eq(offline_request(o, "GET", "/v1/tenants/none", NULL, 0,
					 &out, &e),
			 404);
	offline_close(o);
}
END_TEST

START_TEST(offline_is_refused_while_a_daemon_runs)
{
	struct err e = { 0 };

	ck_assert_ptr_null(offline_open(&conf, &e));
	ck_assert_ptr_nonnull(strstr(e.msg, "a daemon runs"));
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

START_TEST(secrets_are_kept_by_name_and_never_shown)
{
	ck_assert_int_eq(call("PUT", "/v1/secrets/openai",
			      "{\"value\":\"sk-cafe\"}"),
			 200);
	ck_assert_str_eq(say("secret"), "openai");
	ck_assert_ptr_null(strstr(out.data, "sk-cafe"));
	ck_assert_int_eq(call("GET", "/v1/secrets", NULL), 200);
	ck_assert_str_eq(say("secrets.0"), "openai");
	ck_assert_ptr_null(strstr(out.data, "sk-cafe"));
	ck_assert_int_eq(call("PUT", "/v1/secrets/openai", "{}"), 400);
	ck_assert_int_eq(call("PUT", "/v1/secrets/-x", "{\"value\":\"a\"}"),
			 400);
	ck_assert_int_eq(call("PUT", "/v1/secrets/x", "{\"value\":\"a\\nb\"}"),
			 400);
	ck_assert_int_eq(call("DELETE", "/v1/secrets/openai", NULL), 200);
	ck_assert_int_eq(call("DELETE", "/v1/secrets/openai", NULL), 404);
	ck_assert_int_eq(call("GET", "/v1/secrets", NULL), 200);
	ck_assert_str_eq(say("secrets.0"), "(none)");
}
END_TEST

START_TEST(keys_are_listed_and_replaced)
{
	char first[KEY_ID_SIZE];

	ck_assert_int_eq(call("GET", "/v1/keys", NULL), 200);
	(void)snprintf(first, sizeof(first), "%s", say("keys.0.id"));
	ck_assert(keyring_has(keyring, first));
	ck_assert_int_eq(call("PUT", "/v1/secrets/x", "{\"value\":\"a\"}"),
			 200);
	ck_assert_int_eq(call("GET", "/v1/keys/rotate", NULL), 405);
	ck_assert_int_eq(call("POST", "/v1/keys/rotate", NULL), 200);
	ck_assert_str_ne(say("key"), first);
	ck_assert_int_eq(json_int(answer, "secrets", 0), 1);
	ck_assert_int_eq(call("GET", "/v1/status", NULL), 200);
	ck_assert_str_ne(say("keys.0.id"), first);
	ck_assert_int_eq(json_int(answer, "keys.0.secrets", 0), 1);
}
END_TEST

static TCase *with_admin(void)
{
	TCase *tc = tcase_create("running");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, the_socket_is_for_its_owner_and_group_only);
	tcase_add_test(tc, health_is_ok_with_a_journal_that_works);
	tcase_add_test(tc, secrets_are_kept_by_name_and_never_shown);
	tcase_add_test(tc, keys_are_listed_and_replaced);
	tcase_add_test(tc, adding_a_tenant_asks_slack_for_its_ids);
	tcase_add_test(tc, no_answer_shows_a_token);
	tcase_add_test(tc,
		       an_app_that_auth_test_leaves_out_is_asked_of_bots_info);
	tcase_add_test(tc, without_users_read_the_app_token_names_the_app);
	tcase_add_test(tc, an_organisation_goes_by_its_enterprise_id);
	tcase_add_loop_test(tc, what_slack_refuses_is_not_stored, 0,
			    COUNT(refusals));
	tcase_add_loop_test(
		tc, a_question_that_slack_limits_is_told_and_nothing_stored, 0,
		2);
	tcase_add_test(tc, a_second_workspace_joins_the_tenant);
	tcase_add_test(tc, a_workspace_of_another_tenant_is_refused);
	tcase_add_test(tc, a_tenant_is_paused_resumed_and_removed);
	tcase_add_test(tc, what_a_tenant_is_not_told_stays);
	tcase_add_test(tc, a_tenants_budget_is_set_shown_and_taken_away);
	tcase_add_test(tc, what_a_tenant_opts_into_is_set_shown_and_kept);
	tcase_add_test(tc, what_an_agent_is_not_told_stays);
	tcase_add_test(tc, a_model_must_be_in_the_configuration);
	tcase_add_test(tc, applying_twice_is_as_applying_once);
	tcase_add_test(tc, apply_is_all_or_nothing);
	tcase_add_loop_test(tc, nonsense_is_refused_with_a_reason, 0,
			    COUNT(nonsense));
	tcase_add_test(tc, a_body_over_the_ceiling_is_refused);
	tcase_add_test(tc, a_large_apply_file_passes);
	tcase_add_loop_test(tc, garbage_leaves_the_server_at_work, 0,
			    COUNT(garbage));
	tcase_add_test(tc, callers_beyond_those_it_serves_are_turned_away);
	tcase_add_test(tc, a_crowd_at_the_port_leaves_places_at_the_socket);
	tcase_add_test(tc, routes_say_who_may_ask);
	tcase_add_test(tc, what_readers_are_shown_holds_no_secret);
	tcase_add_test(tc, a_client_that_leaves_early_is_no_matter);
	tcase_add_test(tc, status_tells_version_and_decisions);
	tcase_add_test(tc, stopping_while_slack_is_asked_hangs_nowhere);
	tcase_add_test(tc, offline_is_refused_while_a_daemon_runs);
	return tc;
}

static TCase *without_admin(void)
{
	TCase *tc = tcase_create("alone");

	tcase_add_checked_fixture(tc, base_setup, base_teardown);
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
	tcase_add_test(tc, offline_works_on_the_store_itself);
	return tc;
}

int main(void)
{
	Suite *s = suite_create("admin");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, with_admin());
	suite_add_tcase(s, without_admin());
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
