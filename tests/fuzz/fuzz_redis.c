/* SPDX-License-Identifier: ISC */
/* What a Redis answers, or who says that it is one. The first byte chooses
 * what it is asked, the rest is all that it ever says. */
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "state/claims.h"
#include "state/engaged.h"
#include "state/place_redis.h"
#include "state/redis.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW INT64_C(1700000000000)

static void must(int ok)
{
	if (!ok)
		abort();
}

/* Its end; what we say stays there. */
static int server;

static struct redis_conn *dial(const uint8_t *p, size_t n)
{
	struct redis_conn *c;
	struct err e = { 0 };
	int fd[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	must(n == 0 || write(fd[1], p, n) == (ssize_t)n);
	must(shutdown(fd[1], SHUT_WR) == 0);
	c = redis_adopt(redisConnectFd(fd[0]), &e);
	must(c && c->c->err == 0);
	server = fd[1];
	return c;
}

static void greet(struct redis_conn *c)
{
	static const struct redis_server s = { .db = 1 };
	struct err e = { 0 };
	int rc = redis_greet(c, &s, &e);

	must((rc < 0) == (e.kind != ERR_NONE));
	must(rc < 0 || (c->run_id[0] != '\0' && strlen(c->run_id) <= 40));
}

static const struct place_self self = {
	.node = "n1",
	.home = "h1",
	.name = "one",
	.lease_ms = 1000,
	.links_per_app = 2,
};

static void beat(struct redis_conn *c)
{
	static struct place_beat b;
	struct err e = { 0 };
	size_t i;

	if (place_beat(c, &self, 1, 1, false, &b, &e) < 0)
		return;
	must(b.n <= PLACE_NODES);
	for (i = 0; i < b.n; i++)
		must(memchr(b.nodes[i].id, 0, sizeof(b.nodes[i].id)) &&
		     memchr(b.nodes[i].name, 0, sizeof(b.nodes[i].name)));
}

static struct place *place(void)
{
	struct place *p = calloc(1, sizeof(*p) + sizeof("A1"));

	must(p != NULL);
	p->conns = INT_MAX / 2;
	p->link = PLACE_LIVE;
	memcpy(p->app_id, "A1", sizeof("A1"));
	return p;
}

static void look(struct redis_conn *c)
{
	struct place *places[] = { place(), place() };
	struct place_found found[2] = { 0 };
	struct err e = { 0 };
	size_t i;
	int rc = place_look(c, &self, places, "kk", 2, found, &e);

	for (i = 0; i < 2; i++) {
		must(rc < 0 ||
		     (found[i].good >= 0 && found[i].live >= 0 &&
		      found[i].conns >= 0 && found[i].conns <= INT_MAX / 2));
		free(places[i]);
	}
}

/* A gate with that one connection, which dials no other. */
static void gate(struct redis_conn *c, bool once)
{
	struct redis t = { .base.ops = &gate_redis, .retry_at = INT64_MAX };
	struct admit a = { .tenant_id = "t",
			   .claim = "A1:T1:C1:1.0",
			   .entry = "e",
			   .thread = "A1:T1:C1:1.0",
			   .channel = "C1",
			   .user = "U1",
			   .addressed = true,
			   .at_ms = NOW,
			   .now_ms = NOW,
			   .rate_per_minute = 30,
			   .burst = 5 };
	enum admission out = ADMIT_ACCEPT;
	struct err e = { 0 };
	int rc = -1;

	must(pthread_mutex_init(&t.lock, NULL) == 0);
	t.o.engaged = engaged_create(1000);
	t.mine = claims_create();
	t.keeper = keeper_create(&t, &e);
	must(t.o.engaged && t.mine && t.keeper);
	t.idle[t.nidle++] = c;
	if (once)
		must(gate_redis.once(&t.base, "k", "e", 1000, NOW, &e) <= 1);
	else
		rc = gate_redis.admit(&t.base, &a, &out, &e);
	must(rc < 0 || (out <= ADMIT_LOOP && strlen(a.owner) < ID_SIZE));
	while (t.nidle > 0)
		redis_hang_up(t.idle[--t.nidle]);
	claims_free(t.mine);
	t.mine = NULL;
	keeper_free(t.keeper);
	engaged_free(t.o.engaged);
	pthread_mutex_destroy(&t.lock);
}

static void pipe_to(struct redis_conn *c)
{
	const char *argv[] = { "PING" };
	struct err e = { 0 };
	int i;

	for (i = 0; i < 3; i++)
		(void)redis_pipe(c, 1, argv, &e);
	(void)redis_pipe_end(c, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct redis_conn *c;
	struct err e = { 0 };

	if (size < 1 || size > 1 << 16)
		return 0;
	log_set_level(LOG_LEVEL_ERROR);
	c = dial(data + 1, size - 1);
	switch (data[0] % 7) {
	case 0:
		greet(c);
		break;
	case 1:
		beat(c);
		break;
	case 2:
		look(c);
		break;
	case 3:
		(void)place_leave(c, &self, &e);
		break;
	case 4:
		pipe_to(c);
		break;
	default:
		gate(c, data[0] % 7 == 5);
		c = NULL;
	}
	redis_hang_up(c);
	close(server);
	return 0;
}
