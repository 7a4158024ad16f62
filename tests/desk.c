/* SPDX-License-Identifier: ISC */
#include "desk.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admin/admin.h"
#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/keyring.h"
#include "base/log.h"
#include "net/local.h"
#include "net/loop.h"
#include "store/journal.h"
#include "store/store.h"

struct desk desk;

const char desk_acme[] = "{\"name\":\"acme\",\"app_token\":\"" APP_TOKEN "\","
			 "\"bot_token\":\"" BOT_TOKEN "\"}";
const char desk_auth_ok[] =
	"{\"ok\":true,\"team_id\":\"T1\",\"user_id\":\"U1\",\"bot_id\":\"B1\","
	"\"app_id\":\"A1\",\"is_enterprise_install\":false}";

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
	if (strstr(in, "/auth.test") && desk.slack.auth_test)
		body = desk.slack.auth_test;
	if (strstr(in, "/bots.info") && desk.slack.bots_info)
		body = desk.slack.bots_info;
	if (desk.slack.limited && strstr(in, desk.slack.limited)) {
		status = "429 Too Many Requests\r\nRetry-After: 30";
		body = "{\"ok\":false,\"error\":\"ratelimited\"}";
	}
	atomic_fetch_add(&desk.slack.calls, 1);
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
		fd = accept(desk.slack.fd, NULL, NULL);
		if (fd < 0)
			return arg;
		slack_reply(fd);
		close(fd);
	}
}

int desk_listen(int *port)
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
	memset(&desk.slack, 0, sizeof(desk.slack));
	desk.slack.fd = desk_listen(&desk.slack.port);
	ck_assert_int_eq(pthread_create(&desk.slack.tid, NULL, slack_run, NULL),
			 0);
}

static void slack_stop(void)
{
	(void)shutdown(desk.slack.fd, SHUT_RDWR);
	pthread_join(desk.slack.tid, NULL);
	close(desk.slack.fd);
}

/* Static strings, as the settings are only read. */
static void make_conf(void)
{
	static char empty[] = "";
	static char state[] = "local";
	static char model[] = "main";

	memset(&desk.conf, 0, sizeof(desk.conf));
	desk.conf.listen = empty;
	desk.conf.state_dir = desk.dir;
	desk.conf.admin_socket = desk.sock_path;
	desk.conf.key_file = empty;
	desk.conf.admin_group = empty;
	desk.conf.read_group = empty;
	desk.conf.store_url = desk.store_url;
	desk.conf.state_url = state;
	desk.conf.slack_api_url = desk.slack_url;
	desk.conf.slack_way.ca_file = empty;
	desk.conf.models[0].name = model;
	desk.conf.models[0].is_default = true;
	desk.conf.nmodels = 1;
	(void)snprintf(desk.sock_path, sizeof(desk.sock_path),
		       "%s/run/admin.sock", desk.dir);
	(void)snprintf(desk.store_url, sizeof(desk.store_url), "sqlite:%s/k.db",
		       desk.dir);
	(void)snprintf(desk.slack_url, sizeof(desk.slack_url),
		       "http://127.0.0.1:%d/api/", desk.slack.port);
}

void desk_make(void)
{
	char key[PATH_SIZE];
	struct err e = { 0 };

	(void)signal(SIGPIPE, SIG_IGN);
	log_set_level(LOG_LEVEL_ERROR);
	(void)snprintf(desk.dir, sizeof(desk.dir), "/tmp/test_admin.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(desk.dir));
	slack_start();
	make_conf();
	(void)snprintf(key, sizeof(key), "%s/key", desk.dir);
	desk.keyring = keyring_open(key, true, &e);
	ck_assert_msg(desk.keyring && keyring_keep(desk.keyring, &e) == 0, "%s",
		      e.msg);
	buf_init(&desk.out, (size_t)1024 * 1024);
}

struct admin *desk_try(struct err *e)
{
	struct admin_opts o = {
		.conf = &desk.conf,
		.keyring = desk.keyring,
		.journal = desk.journal,
	};

	desk.loop = loop_create("admin", e);
	ck_assert_ptr_nonnull(desk.loop);
	o.loop = desk.loop;
	return admin_create(&o, e);
}

void desk_start(void)
{
	struct err e = { 0 };

	desk.journal = journal_create(desk.store_url, desk.keyring, 10, &e);
	ck_assert_msg(desk.journal != NULL, "%s", e.msg);
	desk.admin = desk_try(&e);
	ck_assert_msg(desk.admin != NULL, "%s", e.msg);
	ck_assert_msg(loop_start(desk.loop, &e) == 0, "%s", e.msg);
}

void desk_open(void)
{
	desk_make();
	desk_start();
}

void desk_remove(void)
{
	char cmd[PATH_SIZE];

	json_free(desk.answer);
	desk.answer = NULL;
	buf_release(&desk.out);
	keyring_free(desk.keyring);
	slack_stop();
	(void)snprintf(cmd, sizeof(cmd), "rm -rf '%s'", desk.dir);
	ck_assert_int_eq(system(cmd), 0);
}

void desk_close(void)
{
	loop_stop(desk.loop);
	admin_free(desk.admin);
	loop_free(desk.loop);
	journal_free(desk.journal);
	desk_remove();
}

/* One request; its answer is in answer until the next. */
int desk_call(const char *method, const char *path, const char *body)
{
	struct err e = { 0 };
	int status;

	buf_reset(&desk.out);
	json_free(desk.answer);
	desk.answer = NULL;
	status = local_call(desk.sock_path, method, path, body,
			    body ? strlen(body) : 0, &desk.out, &e);
	ck_assert_msg(status > 0, "%s %s: %s", method, path, e.msg);
	desk.answer = json_parse(desk.out.data, desk.out.len, desk.out.len, &e);
	ck_assert_msg(desk.answer != NULL, "%s: %s", e.msg, desk.out.data);
	return status;
}

const char *desk_says(const char *path)
{
	const char *s = json_str(desk.answer, path);

	return s ? s : "(none)";
}

/* A tenant with all ids given. */
const char *desk_tenant(const char *name, const char *app, const char *team)
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
