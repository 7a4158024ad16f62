/* SPDX-License-Identifier: ISC */
#include "bed/bed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#define READY_MS 60000
#define FILE_MAX (64 << 20)
#define ARGS_MAX 32

int bed_program(const char *name, char *path, size_t size)
{
	const char *build = getenv("KONSTRUCT_BUILDDIR");
	char self[2048];
	ssize_t n;

	if (build)
		return snprintf(path, size, "%s/%s", build, name);
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = '\0';
	return snprintf(path, size, "%s/../../%s", dirname(self), name);
}

int bed_hold_port(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	socklen_t len = sizeof(sa);
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&sa, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &len) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -1;
	return ntohs(sa.sin_port);
}

static int write_file(const char *path, const char *text, struct err *e)
{
	FILE *f = fopen(path, "w");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		return err_set(e, ERR_FATAL, "cannot write '%s': %s", path,
			       strerror(errno));
	return 0;
}

static char *read_file(const char *path)
{
	struct buf b;
	char piece[4096];
	FILE *f = fopen(path, "r");
	size_t n;

	if (!f)
		return NULL;
	buf_init(&b, FILE_MAX);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(&b, piece, n);
	fclose(f);
	return buf_take(&b);
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static void add_model(struct bed *b, struct buf *c, const struct bed_opts *o,
		      const char *name, const char *model, const char *more)
{
	const char *url = o->llm_url ? o->llm_url : sim_llm_url(b->sim);

	buf_addf(c, "llm \"%s\" {\n url = \"%s\"\n model = \"%s\"\n%s", name,
		 url, o->llm_model ? o->llm_model : model, more);
	buf_adds(c, or_empty(o->llm));
	if (!o->llm_url && !o->plain)
		buf_addf(c, " ca_file = \"%s\"\n", b->ca);
	buf_adds(c, "}\n");
}

/* key: of another bed; NULL: its own. */
static int write_config(struct bed *b, const struct bed_opts *o,
			const char *key, struct err *e)
{
	struct buf c;
	int rc = -1;

	buf_init(&c, 1 << 20);
	buf_addf(&c,
		 "daemon {\n listen = \"127.0.0.1:%d\"\n"
		 " state_dir = \"%s/state\"\n admin_socket = \"%s\"\n%s\n",
		 b->health_port, b->dir, b->admin, or_empty(o->daemon));
	if (key)
		buf_addf(&c, " key_file = \"%s\"\n", key);
	buf_adds(&c, "}\n");
	if (o->state_url)
		buf_addf(&c, "state {\n url = \"%s\"\n%s\n}\n", o->state_url,
			 or_empty(o->state));
	if (o->store_url)
		buf_addf(&c, "store { url = \"%s\" }\n", o->store_url);
	else
		buf_addf(&c,
			 "store { url = \"sqlite:%s/state/konstruct.db\" }\n",
			 b->dir);
	buf_addf(&c, "slack {\n api_url = \"%s\"\n ca_file = \"%s\"\n%s\n}\n",
		 sim_api_url(b->sim), o->plain ? "" : b->ca,
		 or_empty(o->slack));
	buf_addf(&c, "limits {\n%s\n}\n", or_empty(o->limits));
	add_model(b, &c, o, "main", "sim-main", " default = true\n");
	add_model(b, &c, o, "fast", "sim-fast", "");
	if (!c.failed)
		rc = write_file(b->config, c.data, e);
	buf_release(&c);
	return rc;
}

/* The directory and the names in it. */
static int make_place(struct bed *b, struct err *e)
{
	memset(b, 0, sizeof(*b));
	snprintf(b->dir, sizeof(b->dir), "/tmp/kd-%.40s-XXXXXX",
		 program_invocation_short_name);
	if (!mkdtemp(b->dir))
		return err_set(e, ERR_FATAL, "cannot make a directory: %s",
			       strerror(errno));
	snprintf(b->config, sizeof(b->config), "%s/konstructd.conf", b->dir);
	snprintf(b->ca, sizeof(b->ca), "%s/ca.pem", b->dir);
	snprintf(b->log, sizeof(b->log), "%s/log", b->dir);
	snprintf(b->admin, sizeof(b->admin), "%s/admin.sock", b->dir);
	b->health_port = bed_hold_port();
	if (b->health_port < 0)
		return err_set(e, ERR_FATAL, "no port is free: %s",
			       strerror(errno));
	return 0;
}

int bed_make(struct bed *b, const struct bed_opts *o, struct err *e)
{
	static const struct bed_opts none;
	struct sim_opts so = { 0 };

	o = o ? o : &none;
	if (make_place(b, e) < 0)
		return -1;
	so.tls = !o->plain;
	so.seed = o->seed;
	so.ca_out = o->plain ? NULL : b->ca;
	b->sim = sim_start(&so, e);
	return b->sim ? write_config(b, o, NULL, e) : -1;
}

int bed_join(struct bed *b, const struct bed *first, const struct bed_opts *o,
	     struct err *e)
{
	char key[96];

	if (make_place(b, e) < 0)
		return -1;
	b->joined = true;
	b->sim = first->sim;
	snprintf(b->ca, sizeof(b->ca), "%s", first->ca);
	snprintf(key, sizeof(key), "%s/state/key", first->dir);
	return write_config(b, o, key, e);
}

/* Runs a program with its output in a file; it dies with this process. */
static pid_t spawn(const char *name, const char *const *args, const char *out,
		   const char *notify, uid_t uid)
{
	const char *argv[ARGS_MAX];
	char path[4096];
	size_t n = 0;
	pid_t pid;
	int fd;

	bed_program(name, path, sizeof(path));
	argv[n++] = path;
	while (*args && n < ARGS_MAX - 1)
		argv[n++] = *args++;
	argv[n] = NULL;

	pid = fork();
	if (pid != 0)
		return pid;
	fd = open(out, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(fd, 1);
	dup2(fd, 2);
	if (notify)
		setenv("NOTIFY_SOCKET", notify, 1);
	if (uid != 0 && (setgid(uid) < 0 || setuid(uid) < 0))
		_exit(127);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execv(path, (char *const *)argv);
	_exit(127);
}

static int wait_exit(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int bed_ctl(struct bed *b, char **out, const char *const *args, struct err *e)
{
	const char *argv[ARGS_MAX] = { "--config", b->config };
	char path[96];
	size_t n = 2;
	pid_t pid;
	int rc;

	while (*args && n < ARGS_MAX - 1)
		argv[n++] = *args++;
	argv[n] = NULL;
	snprintf(path, sizeof(path), "%s/ctl.out", b->dir);
	unlink(path);
	pid = spawn("konstructctl", argv, path, NULL, 0);
	if (pid < 0)
		return err_set(e, ERR_FATAL, "cannot fork: %s",
			       strerror(errno));
	rc = wait_exit(pid);
	if (out)
		*out = read_file(path);
	return rc;
}

static int apply_text(struct bed *b, const char *path, const char *text,
		      struct err *e)
{
	const char *offline[] = { "--offline", "apply", path, NULL };
	char *out = NULL;
	int rc;

	if (write_file(path, text, e) < 0)
		return -1;
	rc = bed_ctl(b, &out, b->pid > 0 ? offline + 1 : offline, e);
	if (rc > 0) {
		(void)unlink(path);
		rc = err_set(e, ERR_FATAL, "apply exits with %d: %s", rc,
			     out ? out : "");
	}
	free(out);
	return rc;
}

static bool is_in_file(const char *path, const char *text)
{
	char *there = read_file(path);
	bool same = there && strcmp(there, text) == 0;

	free(there);
	return same;
}

static int apply(struct bed *b, bool again, struct err *e)
{
	char path[96];
	struct buf json;
	int rc = -1;

	snprintf(path, sizeof(path), "%s/tenants.json", b->dir);
	buf_init(&json, FILE_MAX);
	if (sim_apply_json(b->sim, &json) < 0)
		err_set(e, ERR_FATAL, "cannot write the tenants");
	else if (!again && is_in_file(path, json.data))
		rc = 0;
	else
		rc = apply_text(b, path, json.data, e);
	buf_release(&json);
	return rc;
}

int bed_apply(struct bed *b, struct err *e)
{
	return apply(b, true, e);
}

int bed_apply_new(struct bed *b, struct err *e)
{
	return apply(b, false, e);
}

/* Where the daemon's sd_notify() goes. */
static int notify_socket(const struct bed *b, struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(sa->sun_path, sizeof(sa->sun_path), "%s/notify", b->dir);
	unlink(sa->sun_path);
	if (bind(fd, (struct sockaddr *)sa, sizeof(*sa)) < 0) {
		close(fd);
		return -1;
	}
	(void)chmod(sa->sun_path, 0666); /* of whom the daemon runs as */
	return fd;
}

static bool hear_ready(struct bed *b, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t until = clock_ms() + READY_MS;
	char msg[512];
	ssize_t n;

	while (clock_ms() < until) {
		if (waitpid(b->pid, NULL, WNOHANG) == b->pid) {
			b->pid = 0;
			return false;
		}
		if (poll(&p, 1, 20) <= 0)
			continue;
		n = recv(fd, msg, sizeof(msg) - 1, 0);
		msg[n > 0 ? n : 0] = '\0';
		if (strstr(msg, "READY=1"))
			return true;
	}
	return false;
}

int bed_start(struct bed *b, struct err *e)
{
	const char *args[] = { "--config", b->config, NULL };
	struct sockaddr_un sa;
	bool ready;
	int fd = notify_socket(b, &sa);

	if (fd < 0)
		return err_set(e, ERR_FATAL, "cannot listen for readiness");
	b->pid = spawn("konstructd", args, b->log, sa.sun_path, b->uid);
	ready = b->pid > 0 && hear_ready(b, fd);
	close(fd);
	return ready ? 0
		     : err_set(e, ERR_FATAL, "the daemon did not get ready");
}

void bed_kill(struct bed *b)
{
	if (b->pid <= 0)
		return;
	kill(b->pid, SIGKILL);
	wait_exit(b->pid);
	b->pid = 0;
	b->frozen = false;
}

int bed_stop(struct bed *b)
{
	int rc = 0;

	if (b->pid <= 0)
		return 0;
	kill(b->pid, SIGTERM);
	bed_thaw(b);
	rc = wait_exit(b->pid);
	b->pid = 0;
	return rc;
}

void bed_freeze(struct bed *b)
{
	if (b->pid <= 0)
		return;
	kill(b->pid, SIGSTOP);
	waitpid(b->pid, NULL, WUNTRACED);
	b->frozen = true;
}

void bed_thaw(struct bed *b)
{
	if (!b->frozen)
		return;
	kill(b->pid, SIGCONT);
	b->frozen = false;
}

void bed_remove(struct bed *b)
{
	char rm[] = "rm", flag[] = "-rf";
	char *argv[] = { rm, flag, b->dir, NULL };
	pid_t pid;

	bed_stop(b);
	if (!b->joined)
		sim_stop(b->sim);
	if (b->dir[0] == '\0')
		return;
	pid = fork();
	if (pid == 0) {
		execvp(rm, argv);
		_exit(127);
	}
	if (pid > 0)
		wait_exit(pid);
}

char *bed_log(const struct bed *b)
{
	return read_file(b->log);
}

int bed_get(const struct bed *b, const char *path, char **body)
{
	const struct timeval patience = { .tv_sec = 5 };
	struct sockaddr_in sa = { .sin_family = AF_INET };
	char request[256], reply[65536];
	char *text;
	size_t len = 0;
	ssize_t n;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sa.sin_port = htons((uint16_t)b->health_port);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		close(fd);
		return -1;
	}
	n = snprintf(request, sizeof(request),
		     "GET %s HTTP/1.1\r\nHost: localhost\r\n"
		     "Connection: close\r\n\r\n",
		     path);
	if (send(fd, request, (size_t)n, MSG_NOSIGNAL) == n)
		while (len < sizeof(reply) - 1 &&
		       (n = TEMP_FAILURE_RETRY(recv(
				fd, reply + len, sizeof(reply) - 1 - len, 0))) >
			       0)
			len += (size_t)n;
	close(fd);
	reply[len] = '\0';
	text = strstr(reply, "\r\n\r\n");
	if (!text)
		return -1;
	if (body)
		*body = strdup(text + 4);
	return (int)strtol(reply + strlen("HTTP/1.1 "), NULL, 10);
}

bool bed_quiet(const struct bed *b)
{
	char *body = NULL;
	bool quiet;

	if (b->pid <= 0 || b->frozen)
		return true;
	quiet = bed_get(b, "/health", &body) == 200 && body &&
		strstr(body, "\"unfinished\":0");
	free(body);
	return quiet;
}
