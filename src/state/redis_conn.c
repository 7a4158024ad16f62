/* SPDX-License-Identifier: ISC */
#include "state/redis_conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>

#include "base/clock.h"
#include "base/err.h"

/* So many replies may wait before they are read. */
#define PIPE_MAX 64

/* Of a reply: some times what 256 nodes are, with three elements each. */
#define REPLY_MAX    ((size_t)512 * 1024)
#define ELEMENTS_MAX 4096

int redis_patience = 1;

/* Refusals that go away by themselves. */
static const char *const passing[] = { "LOADING",     "BUSY",    "MASTERDOWN",
				       "CLUSTERDOWN", "MISCONF", "OOM",
				       "READONLY",    "TRYAGAIN" };

static enum err_kind kind_of(const char *error)
{
	size_t i;

	for (i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
		if (strncmp(error, passing[i], strlen(passing[i])) == 0)
			return ERR_RETRY;
	return ERR_INPUT;
}

/* EAGAIN is what a socket's own deadline gives. */
static void fail_io(struct redis_conn *c, struct err *e)
{
	c->broken = true;
	c->overdue = c->c->err == REDIS_ERR_IO &&
		     (errno == EAGAIN || errno == ETIMEDOUT);
	err_set(e, ERR_RETRY, "redis: %s",
		c->overdue ? "no answer in time" : c->c->errstr);
}

/* Takes r; the same if it is no error. */
static redisReply *checked(redisReply *r, struct err *e)
{
	if (r->type != REDIS_REPLY_ERROR)
		return r;
	err_set(e, kind_of(r->str), "redis: %s%s", r->str,
		strncmp(r->str, "NOAUTH", 6) == 0 ||
				strncmp(r->str, "WRONGPASS", 9) == 0
			? " (user and password_file of section state)"
			: "");
	freeReplyObject(r);
	return NULL;
}

/* hiredis would ask for memory as the server says how many there are. */
static void *make_array(const redisReadTask *t, redis_count n)
{
	const struct redis_conn *c = t->privdata;

	return n > ELEMENTS_MAX ? NULL : c->make_array(t, n);
}

struct redis_conn *redis_adopt(redisContext *x, struct err *e)
{
	struct redis_conn *c = x ? calloc(1, sizeof(*c)) : NULL;

	if (!c) {
		if (x)
			redisFree(x);
		err_set(e, ERR_RETRY, "cannot connect to redis: no memory");
		return NULL;
	}
	c->c = x;
	if (x->reader) {
		c->fn = *x->reader->fn;
		c->make_array = c->fn.createArray;
		c->fn.createArray = make_array;
		x->reader->fn = &c->fn;
		x->reader->privdata = c;
	}
	return c;
}

static int send_all(struct redis_conn *c, struct err *e)
{
	int done = 0;

	while (!done) {
		if (redisBufferWrite(c->c, &done) != REDIS_OK) {
			fail_io(c, e);
			return -1;
		}
	}
	return 0;
}

static redisReply *fail_reply(struct redis_conn *c, bool late, struct err *e)
{
	c->broken = true;
	c->overdue = late;
	err_set(e, ERR_RETRY, "redis: %s",
		late ? "no answer in time" : "the answer is too large");
	return NULL;
}

static int limit_of(int ms)
{
	return ms * redis_patience;
}

/* redisGetReply(), with an end: to how much comes, and how slowly. For the
 * first of it the socket has its own deadline. */
static redisReply *next_reply(struct redis_conn *c, struct err *e)
{
	size_t got = 0, had;
	int64_t until = 0;
	void *r = NULL;

	if (send_all(c, e) < 0)
		return NULL;
	for (;;) {
		if (redisGetReplyFromReader(c->c, &r) != REDIS_OK)
			break;
		if (r)
			return r;
		if (got > REPLY_MAX || (got > 0 && clock_ms() > until))
			return fail_reply(c, got <= REPLY_MAX, e);
		had = c->c->reader->len;
		if (redisBufferRead(c->c) != REDIS_OK)
			break;
		if (got == 0)
			until = clock_ms() + limit_of(REDIS_COMMAND_MS);
		got += c->c->reader->len - had;
	}
	fail_io(c, e);
	return NULL;
}

static redisReply *ask(struct redis_conn *c, int argc, const char **argv,
		       struct err *e)
{
	redisReply *r = NULL;

	if (redisAppendCommandArgv(c->c, argc, argv, NULL) != REDIS_OK)
		fail_io(c, e);
	else
		r = next_reply(c, e);
	c->used |= r != NULL;
	return r;
}

redisReply *redis_do(struct redis_conn *c, int argc, const char **argv,
		     struct err *e)
{
	redisReply *r = ask(c, argc, argv, e);

	return r ? checked(r, e) : NULL;
}

static bool unknown_script(const redisReply *r)
{
	return r->type == REDIS_REPLY_ERROR &&
	       strncmp(r->str, "NOSCRIPT", 8) == 0;
}

redisReply *redis_eval(struct redis_conn *c, enum redis_script script,
		       int nkeys, int argc, const char **argv, struct err *e)
{
	const char *all[REDIS_ARGS_MAX] = { "EVALSHA", c->digest[script] };
	char count[12];
	redisReply *r;
	int i;

	if (argc + 3 > REDIS_ARGS_MAX) {
		err_set(e, ERR_FATAL, "too many arguments");
		return NULL;
	}
	(void)snprintf(count, sizeof(count), "%d", nkeys);
	all[2] = count;
	for (i = 0; i < argc; i++)
		all[3 + i] = argv[i];
	r = ask(c, argc + 3, all, e);
	if (r && unknown_script(r)) {
		freeReplyObject(r);
		all[0] = "EVAL";
		all[1] = redis_scripts[script];
		r = ask(c, argc + 3, all, e);
	}
	return r ? checked(r, e) : NULL;
}

/* All replies are read, whatever the first ones say. */
int redis_pipe_end(struct redis_conn *c, struct err *e)
{
	redisReply *r;
	int rc = 0;

	for (; c->piped > 0 && !c->broken; c->piped--) {
		r = next_reply(c, e);
		if (!r)
			return -1;
		r = checked(r, e);
		if (!r)
			rc = -1;
		else
			freeReplyObject(r);
	}
	return c->broken ? -1 : rc;
}

int redis_pipe(struct redis_conn *c, int argc, const char **argv, struct err *e)
{
	if (redisAppendCommandArgv(c->c, argc, argv, NULL) != REDIS_OK) {
		fail_io(c, e);
		return -1;
	}
	if (++c->piped < PIPE_MAX)
		return 0;
	return redis_pipe_end(c, e);
}

/* For commands whose reply says nothing more. */
static int tell(struct redis_conn *c, int argc, const char **argv,
		struct err *e)
{
	redisReply *r = redis_do(c, argc, argv, e);

	if (!r)
		return -1;
	freeReplyObject(r);
	return 0;
}

static int authenticate(struct redis_conn *c, const struct redis_server *s,
			struct err *e)
{
	const char *argv[3] = { "AUTH" };
	int argc = 1;

	if (!s->password)
		return 0;
	if (s->user)
		argv[argc++] = s->user;
	argv[argc++] = s->password;
	return tell(c, argc, argv, e);
}

static int select_db(struct redis_conn *c, int db, struct err *e)
{
	char number[12];

	if (db == 0)
		return 0;
	(void)snprintf(number, sizeof(number), "%d", db);
	return tell(c, 2, (const char *[]){ "SELECT", number }, e);
}

/* It changes when the server restarts, and with it what it remembers. */
static int read_run_id(struct redis_conn *c, struct err *e)
{
	redisReply *r = redis_do(c, 2, (const char *[]){ "INFO", "server" }, e);
	const char *id;

	if (!r)
		return -1;
	id = r->type == REDIS_REPLY_STRING ? strstr(r->str, "\nrun_id:") : NULL;
	if (id)
		(void)snprintf(c->run_id, sizeof(c->run_id), "%.40s", id + 8);
	freeReplyObject(r);
	c->run_id[strcspn(c->run_id, "\r\n")] = '\0';
	if (c->run_id[0] == '\0')
		return err_set(e, ERR_INPUT, "redis: INFO has no run_id");
	return 0;
}

static int load_scripts(struct redis_conn *c, struct err *e)
{
	redisReply *r;
	size_t i;

	for (i = 0; i < REDIS_SCRIPTS; i++) {
		r = redis_do(c, 3,
			     (const char *[]){ "SCRIPT", "LOAD",
					       redis_scripts[i] },
			     e);
		if (!r)
			return -1;
		if (r->type == REDIS_REPLY_STRING)
			(void)snprintf(c->digest[i], sizeof(c->digest[i]),
				       "%.40s", r->str);
		freeReplyObject(r);
	}
	return 0;
}

int redis_greet(struct redis_conn *c, const struct redis_server *s,
		struct err *e)
{
	const char *name[] = { "CLIENT", "SETNAME", "konstructd" };

	if (authenticate(c, s, e) < 0 || select_db(c, s->db, e) < 0 ||
	    tell(c, 3, name, e) < 0 || read_run_id(c, e) < 0)
		return -1;
	return load_scripts(c, e);
}

static struct timeval timeval_of(int ms)
{
	return (struct timeval){ ms / 1000, ms % 1000 * 1000 };
}

static redisContext *connect_to(const struct redis_server *s)
{
	struct timeval limit = timeval_of(limit_of(REDIS_CONNECT_MS));

	return s->path ? redisConnectUnixWithTimeout(s->path, limit)
		       : redisConnectWithTimeout(s->host, s->port, limit);
}

struct redis_conn *redis_dial(const struct redis_server *s, struct err *e)
{
	struct redis_conn *c = redis_adopt(connect_to(s), e);

	if (!c)
		return NULL;
	if (c->c->err) {
		err_set(e, ERR_RETRY, "cannot connect to redis: %s",
			c->c->errstr);
		goto fail;
	}
	if (redisSetTimeout(c->c, timeval_of(limit_of(REDIS_COMMAND_MS))) !=
	    REDIS_OK) {
		fail_io(c, e);
		goto fail;
	}
	if (s->host)
		(void)redisEnableKeepAlive(c->c);
	if (redis_greet(c, s, e) < 0)
		goto fail;
	c->used = false;
	return c;
fail:
	redis_hang_up(c);
	return NULL;
}

void redis_hang_up(struct redis_conn *c)
{
	if (!c)
		return;
	redisFree(c->c);
	free(c);
}
