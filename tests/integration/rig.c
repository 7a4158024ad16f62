/* SPDX-License-Identifier: ISC */
#include "integration/rig.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#define PATIENCE_MS 30000
#define PLACEHOLDER "Thinking..."

static void show_log(const struct rig *r)
{
	char line[2048];
	FILE *f = fopen(r->log, "r");

	if (!f)
		return;
	fprintf(stderr, "--- %s\n", r->log);
	while (fgets(line, sizeof(line), f))
		fputs(line, stderr);
	fclose(f);
}

static void give_up(struct rig *r, const char *what)
{
	show_log(r);
	if (r->pid > 0)
		kill(r->pid, SIGKILL);
	ck_abort_msg("%s", what);
}

static const char *build_dir(void)
{
	const char *dir = getenv("KONSTRUCT_BUILDDIR");

	return dir ? dir : ".";
}

/* A port that is free now; the daemon takes it a moment later. */
static int free_port(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	close(fd);
	return ntohs(sa.sin_port);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static char *read_file(const char *path)
{
	struct buf b;
	char piece[4096];
	FILE *f = fopen(path, "r");
	size_t n;

	buf_init(&b, 64 << 20);
	while (f && (n = fread(piece, 1, sizeof(piece), f)) > 0)
		ck_assert_int_eq(buf_add(&b, piece, n), 0);
	if (f)
		fclose(f);
	return buf_take(&b);
}

static void write_config(struct rig *r, const struct rig_opts *o)
{
	struct buf b;
	char *text;

	buf_init(&b, 1 << 20);
	buf_addf(&b,
		 "daemon {\n listen = \"127.0.0.1:%d\"\n workers = 2\n"
		 " routers = 2\n log_level = \"debug\"\n"
		 " state_dir = \"%s/state\"\n admin_socket = \"%s\"\n}\n"
		 "store { url = \"sqlite:%s/state/konstruct.db\" }\n",
		 r->health_port, r->dir, r->admin, r->dir);
	buf_addf(&b,
		 "slack {\n api_url = \"%s\"\n ca_file = \"%s\"\n"
		 " updates_per_minute = 0\n posts_per_second = 0\n %s\n}\n",
		 sim_api_url(r->sim), o->plain ? "" : r->ca,
		 o->slack ? o->slack : "");
	buf_addf(&b, "limits {\n%s\n}\n", o->limits ? o->limits : "");
	buf_addf(&b,
		 "llm \"main\" {\n url = \"%s\"\n model = \"sim-main\"\n"
		 " default = true\n ca_file = \"%s\"\n}\n"
		 "llm \"fast\" {\n url = \"%s\"\n model = \"sim-fast\"\n"
		 " ca_file = \"%s\"\n}\n",
		 sim_llm_url(r->sim), o->plain ? "" : r->ca,
		 sim_llm_url(r->sim), o->plain ? "" : r->ca);
	buf_adds(&b, o->config ? o->config : "");
	text = buf_take(&b);
	ck_assert_ptr_nonnull(text);
	write_file(r->config, text);
	free(text);
}

static void make_world(struct rig *r)
{
	static const struct sim_install t1 = {
		.app_id = "A1",
		.team_id = "T1",
		.bot_token = "xoxb-sim-t1",
		.bot_user_id = "UB1",
		.bot_id = "BB1",
		.name = "acme",
		.extra = "{\"agent\":{\"name\":\"Mara\",\"role\":\"librarian\","
			 "\"persona\":\"You love old maps.\"}}",
	};
	struct sim *s = r->sim;

	ck_assert_int_eq(sim_add_app(s, "A1", "xapp-1-A1-1-sim", NULL), 0);
	ck_assert_int_eq(sim_add_install(s, &t1), 0);
	ck_assert_int_eq(sim_add_user(s, "U1", "T1", "alice", "Alice"), 0);
	ck_assert_int_eq(sim_add_user(s, "U2", "T1", "bob", "Bob"), 0);
	ck_assert_int_eq(sim_add_channel(s, "C1", "T1", "general", "channel"),
			 0);
	ck_assert_int_eq(sim_add_channel(s, "C2", "T1", "other", "channel"), 0);
	ck_assert_int_eq(sim_add_channel(s, "M1", "T1", "", "mpim"), 0);
	ck_assert_int_eq(sim_add_channel(s, "D1", "T1", "", "im"), 0);
	sim_join(s, "C1", "U1");
	sim_join(s, "C1", "U2");
	sim_join(s, "C1", "UB1");
	sim_join(s, "C2", "U1");
	sim_join(s, "C2", "UB1");
	sim_join(s, "M1", "U1");
	sim_join(s, "M1", "U2");
	sim_join(s, "M1", "UB1");
	sim_join(s, "D1", "U1");
	sim_join(s, "D1", "UB1");
}

/* Where the daemon's sd_notify() goes. */
static int notify_socket(const struct rig *r, struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(sa->sun_path, sizeof(sa->sun_path), "%s/notify", r->dir);
	unlink(sa->sun_path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)sa, sizeof(*sa)), 0);
	return fd;
}

void rig_open(struct rig *r, const struct rig_opts *o)
{
	struct sim_opts so = { 0 };
	struct err e = { 0 };
	static const struct rig_opts none;

	o = o ? o : &none;
	memset(r, 0, sizeof(*r));
	r->notify_fd = -1;
	snprintf(r->dir, sizeof(r->dir), "/tmp/kd-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(r->dir));
	snprintf(r->config, sizeof(r->config), "%s/konstructd.conf", r->dir);
	snprintf(r->ca, sizeof(r->ca), "%s/ca.pem", r->dir);
	snprintf(r->log, sizeof(r->log), "%s/log", r->dir);
	snprintf(r->admin, sizeof(r->admin), "%s/admin.sock", r->dir);
	r->health_port = free_port();

	so.tls = !o->plain;
	so.ca_out = o->plain ? NULL : r->ca;
	r->sim = sim_start(&so, &e);
	ck_assert_msg(r->sim != NULL, "%s", e.msg);
	if (!o->bare)
		make_world(r);
	write_config(r, o);
}

/* Runs a program of the build with its output in a file; its pid. */
static pid_t spawn(const char *name, const char *const *args, const char *out,
		   const char *notify)
{
	const char *argv[32];
	char path[4096];
	size_t n = 0;
	pid_t pid;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", build_dir(), name);
	argv[n++] = path;
	while (*args && n < 31)
		argv[n++] = *args++;
	argv[n] = NULL;

	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	fd = open(out, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(fd, 1);
	dup2(fd, 2);
	if (notify)
		setenv("NOTIFY_SOCKET", notify, 1);
	execv(path, (char *const *)argv);
	_exit(127);
}

static int wait_exit(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		ck_assert_int_eq(errno, EINTR);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int rig_ctl(struct rig *r, char **out, const char *const *args)
{
	const char *argv[32] = { "--config", r->config };
	char path[96];
	size_t n = 2;
	int rc;

	while (*args && n < 31)
		argv[n++] = *args++;
	argv[n] = NULL;
	snprintf(path, sizeof(path), "%s/ctl.out", r->dir);
	unlink(path);
	rc = wait_exit(spawn("konstructctl", argv, path, NULL));
	if (out)
		*out = read_file(path);
	return rc;
}

void rig_apply(struct rig *r)
{
	char path[96];
	const char *args[] = { "--offline", "apply", path, NULL };
	struct buf b;
	char *out;

	snprintf(path, sizeof(path), "%s/tenants.json", r->dir);
	buf_init(&b, 64 << 20);
	ck_assert_int_eq(sim_apply_json(r->sim, &b), 0);
	write_file(path, b.data);
	buf_release(&b);
	if (r->pid > 0)
		args[0] = args[1], args[1] = args[2], args[2] = NULL;
	if (rig_ctl(r, &out, args) != 0)
		give_up(r, out);
	free(out);
}

static bool hear_ready(struct rig *r, int64_t until)
{
	struct pollfd p = { .fd = r->notify_fd, .events = POLLIN };
	char msg[512];
	ssize_t n;
	int status;

	while (clock_ms() < until) {
		if (waitpid(r->pid, &status, WNOHANG) == r->pid) {
			r->pid = 0;
			return false;
		}
		if (poll(&p, 1, 50) <= 0)
			continue;
		n = recv(r->notify_fd, msg, sizeof(msg) - 1, 0);
		msg[n > 0 ? n : 0] = '\0';
		if (strstr(msg, "READY=1"))
			return true;
	}
	return false;
}

void rig_start(struct rig *r)
{
	const char *args[] = { "--config", r->config, NULL };
	struct sockaddr_un sa;

	r->notify_fd = notify_socket(r, &sa);
	r->pid = spawn("konstructd", args, r->log, sa.sun_path);
	if (!hear_ready(r, clock_ms() + PATIENCE_MS))
		give_up(r, "the daemon did not get ready");
	close(r->notify_fd);
	r->notify_fd = -1;
}

void rig_up(struct rig *r, const struct rig_opts *o)
{
	rig_open(r, o);
	rig_apply(r);
	rig_start(r);
	if (sim_wait_links(r->sim, NULL, 1, PATIENCE_MS) < 0)
		give_up(r, "no link came up");
}

void rig_kill(struct rig *r)
{
	kill(r->pid, SIGKILL);
	ck_assert_int_eq(wait_exit(r->pid), 128 + SIGKILL);
	r->pid = 0;
}

void rig_stop(struct rig *r)
{
	int rc;

	kill(r->pid, SIGTERM);
	rc = wait_exit(r->pid);
	r->pid = 0;
	if (rc != 0)
		give_up(r, "the daemon did not exit with 0");
}

void rig_close(struct rig *r)
{
	char cmd[] = "rm";
	char flag[] = "-rf";
	char *argv[] = { cmd, flag, r->dir, NULL };
	pid_t pid;

	if (r->pid > 0)
		rig_stop(r);
	sim_stop(r->sim);
	pid = fork();
	if (pid == 0) {
		execvp(cmd, argv);
		_exit(127);
	}
	wait_exit(pid);
}

bool rig_logged(struct rig *r, const char *words, int timeout_ms)
{
	int64_t until = clock_ms() + timeout_ms;
	char *text;
	bool found;

	for (;;) {
		text = read_file(r->log);
		found = text && strstr(text, words);
		free(text);
		if (found || clock_ms() >= until)
			return found;
		poll(NULL, 0, 20);
	}
}

int rig_get(struct rig *r, const char *path, char **body)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	char request[256], reply[65536];
	char *text;
	size_t len = 0;
	ssize_t n;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sa.sin_port = htons((uint16_t)r->health_port);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		give_up(r, "cannot connect to the health port");
	snprintf(request, sizeof(request),
		 "GET %s HTTP/1.1\r\nHost: localhost\r\n"
		 "Connection: close\r\n\r\n",
		 path);
	ck_assert_int_gt(send(fd, request, strlen(request), MSG_NOSIGNAL), 0);
	while (len < sizeof(reply) - 1 &&
	       (n = recv(fd, reply + len, sizeof(reply) - 1 - len, 0)) > 0)
		len += (size_t)n;
	close(fd);
	reply[len] = '\0';
	text = strstr(reply, "\r\n\r\n");
	if (body)
		*body = strdup(text ? text + 4 : "");
	return len > 12 ? (int)strtol(reply + 9, NULL, 10) : 0;
}

void rig_say(struct rig *r, const char *channel, const char *user,
	     const char *text, const char *thread_ts, char ts[SIM_TS])
{
	struct sim_say opt = { .thread_ts = thread_ts };

	ck_assert_int_eq(sim_say(r->sim, channel, user, text, &opt, ts), 0);
}

static bool by_bot(const struct sim_msg *m)
{
	return m->bot_id && !m->deleted && !m->ephemeral;
}

size_t rig_replies(struct rig *r, const char *channel, const char *thread_ts)
{
	struct sim_msg *m;
	size_t i, n, found = 0;

	m = sim_messages(r->sim, channel, thread_ts, &n);
	for (i = 0; i < n; i++)
		found += by_bot(&m[i]);
	sim_messages_free(m, n);
	return found;
}

struct awaited {
	const char *channel;
	const char *thread_ts;
	char *text;
};

/* When the last request to the model ended; INT64_MAX: it goes on. */
static int64_t model_end_us(struct sim *s)
{
	int64_t end = 0;
	struct sim_ask *a;
	size_t i, n;

	a = sim_asks(s, &n);
	for (i = 0; i < n; i++) {
		if (a[i].end_us == 0 && !a[i].gone)
			end = INT64_MAX;
		else if (a[i].end_us > end)
			end = a[i].end_us;
	}
	sim_asks_free(a, n);
	return end;
}

/* The last reply is no placeholder, and was written after the model ended. */
static bool answered(struct sim *s, void *arg)
{
	int64_t end = model_end_us(s);
	struct awaited *a = arg;
	const struct sim_msg *last = NULL;
	struct sim_msg *m;
	size_t i, n;
	bool done;

	m = sim_messages(s, a->channel, a->thread_ts, &n);
	for (i = 0; i < n; i++)
		if (by_bot(&m[i]))
			last = &m[i];
	done = last && strcmp(last->text, PLACEHOLDER) != 0 &&
	       last->versions[last->nversions - 1].at_us >= end;
	if (done)
		a->text = strdup(last->text);
	sim_messages_free(m, n);
	return done;
}

char *rig_answer(struct rig *r, const char *channel, const char *thread_ts)
{
	struct awaited a = { channel, thread_ts, NULL };

	if (sim_wait(r->sim, answered, &a, PATIENCE_MS) < 0)
		give_up(r, "no answer came");
	return a.text;
}

void rig_later(const char *ts, int seconds, char out[SIM_TS])
{
	snprintf(out, SIM_TS, "%lld.000000",
		 strtoll(ts, NULL, 10) + (long long)seconds);
}
