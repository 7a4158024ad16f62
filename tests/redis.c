/* SPDX-License-Identifier: ISC */
#include "redis.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "state/redis_conn.h"

#define START_MS  30000
#define PATIENCE  10
#define WORDS_MAX 32

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "tests/redis: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

/* It ends with the test, however that ends. */
static void exec_server(const struct redis_box *b)
{
	char password[64] = "";
	const char *words[] = { "redis-server", "--port",  "0",
				"--unixsocket", b->socket, "--unixsocketperm",
				"700",          "--dir",   b->dir,
				"--save",       "",        "--requirepass",
				password,       NULL };
	char **argv = (char **)words;
	FILE *f;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (b->password_file[0]) {
		f = fopen(b->password_file, "r");
		if (!f || !fgets(password, sizeof(password), f))
			_exit(126);
	}
	if (!freopen("/dev/null", "w", stdout))
		_exit(126);
	(void)execvp("redis-server", argv);
	/* Debian's redis-tools has the program, under another's name. */
	(void)execvp("redis-check-rdb", argv);
	_exit(127);
}

/* NULL while it doesn't listen yet. */
static redisContext *reach(const struct redis_box *b)
{
	redisContext *c = redisConnectUnix(b->socket);

	if (c && !c->err)
		return c;
	if (c)
		redisFree(c);
	return NULL;
}

static void await_server(const struct redis_box *b)
{
	static const struct timespec tick = { 0, 2000000 };
	redisContext *c = NULL;
	int ms;

	for (ms = 0; ms < START_MS && !c; ms += 2) {
		c = reach(b);
		if (!c)
			(void)nanosleep(&tick, NULL);
		must(waitpid(b->pid, NULL, WNOHANG) == 0,
		     "redis-server has ended: is it installed?");
	}
	must(c != NULL, "redis-server doesn't listen");
	redisFree(c);
}

static void spawn(struct redis_box *b)
{
	b->pid = fork();
	must(b->pid >= 0, "fork");
	if (b->pid == 0)
		exec_server(b);
	await_server(b);
}

void redis_box_start(struct redis_box *b, const char *password)
{
	FILE *f;

	redis_patience = PATIENCE;
	*b = (struct redis_box){ .dir = "/tmp/konstruct-XXXXXX" };
	must(mkdtemp(b->dir) != NULL, "mkdtemp");
	(void)snprintf(b->socket, sizeof(b->socket), "%s/r", b->dir);
	(void)snprintf(b->url, sizeof(b->url), "unix:%s", b->socket);
	if (password) {
		(void)snprintf(b->password_file, sizeof(b->password_file),
			       "%s/password", b->dir);
		f = fopen(b->password_file, "w");
		must(f && fputs(password, f) >= 0 && fclose(f) == 0,
		     b->password_file);
	}
	spawn(b);
}

void redis_box_kill(struct redis_box *b)
{
	if (b->pid == 0)
		return;
	(void)kill(b->pid, SIGKILL);
	must(waitpid(b->pid, NULL, 0) == b->pid, "waitpid");
	(void)unlink(b->socket);
	b->pid = 0;
}

void redis_box_restart(struct redis_box *b)
{
	redis_box_kill(b);
	spawn(b);
}

void redis_box_remove(struct redis_box *b)
{
	redis_box_kill(b);
	if (b->password_file[0])
		(void)unlink(b->password_file);
	must(rmdir(b->dir) == 0, b->dir);
}

void redis_box_signal(const struct redis_box *b, int sig)
{
	must(kill(b->pid, sig) == 0, "kill");
}

void redis_box_do(const struct redis_box *b, const char *command)
{
	char words[256];
	const char *argv[WORDS_MAX];
	int argc = 0;
	char *save, *w;
	redisContext *c = reach(b);
	redisReply *r;

	(void)snprintf(words, sizeof(words), "%s", command);
	for (w = strtok_r(words, " ", &save); w && argc < WORDS_MAX;
	     w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	must(c != NULL, b->socket);
	r = redisCommandArgv(c, argc, argv, NULL);
	must(r && r->type != REDIS_REPLY_ERROR, r ? r->str : command);
	freeReplyObject(r);
	redisFree(c);
}

/* A key without an expiry is a failure. */
static void expires(redisContext *c, const char *key)
{
	const char *argv[] = { "PTTL", key };
	redisReply *r = redisCommandArgv(c, 2, argv, NULL);

	must(r && r->integer > 0, key);
	freeReplyObject(r);
}

int redis_box_keys(const struct redis_box *b, const char *pattern)
{
	const char *argv[] = { "KEYS", pattern };
	redisContext *c = reach(b);
	redisReply *r;
	size_t i;
	int n;

	must(c != NULL, b->socket);
	r = redisCommandArgv(c, 2, argv, NULL);
	must(r && r->type == REDIS_REPLY_ARRAY, pattern);
	for (i = 0; i < r->elements; i++)
		expires(c, r->element[i]->str);
	n = (int)r->elements;
	freeReplyObject(r);
	redisFree(c);
	return n;
}
