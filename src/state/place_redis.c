/* SPDX-License-Identifier: ISC */
#include "state/place_redis.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "state/redis_conn.h"

#define NODES_KEY "konstruct:nodes"
#define KEY_SIZE  300
#define COUNT_MAX 1000000

struct number {
	char s[24];
};

static const char *text_of(struct number *n, int64_t value)
{
	(void)snprintf(n->s, sizeof(n->s), "%" PRId64, value);
	return n->s;
}

static const char *now_of(struct number *n, const struct place_self *s)
{
	return s->now_ms > 0 ? text_of(n, s->now_ms) : "";
}

static int strange(struct err *e)
{
	return err_set(e, ERR_RETRY, "redis: no answer of ours");
}

/* "until:home:held:live:name" */
static void read_node(struct place_node *n, const char *text)
{
	unsigned long long held = 0, live = 0;
	int at = 0;

	(void)sscanf(text, "%*[^:]:%*[^:]:%llu:%llu:%n", &held, &live, &at);
	n->held = (size_t)held;
	n->live = (size_t)live;
	(void)snprintf(n->name, sizeof(n->name), "%s", at > 0 ? text + at : "");
}

static int add_node(struct place_beat *b, const char *self, const redisReply *r)
{
	struct place_node *n = &b->nodes[b->n];
	int64_t rest;

	if (r->type != REDIS_REPLY_ARRAY || r->elements != 3 ||
	    r->element[0]->type != REDIS_REPLY_STRING ||
	    r->element[0]->len >= sizeof(n->id) ||
	    r->element[1]->type != REDIS_REPLY_INTEGER ||
	    r->element[2]->type != REDIS_REPLY_STRING)
		return -1;
	if (b->n == PLACE_NODES)
		return 0;
	(void)snprintf(n->id, sizeof(n->id), "%s", r->element[0]->str);
	read_node(n, r->element[2]->str);
	rest = r->element[1]->integer;
	n->alive = rest > 0;
	if (n->alive && strcmp(n->id, self) != 0 && rest < b->next_ms)
		b->next_ms = rest;
	b->n++;
	return 0;
}

static int read_beat(const struct place_self *s, const redisReply *r,
		     struct place_beat *out)
{
	size_t i;

	if (r->type != REDIS_REPLY_ARRAY || r->elements < 3 ||
	    r->element[0]->type != REDIS_REPLY_INTEGER ||
	    r->element[1]->type != REDIS_REPLY_INTEGER)
		return -1;
	out->lost = r->element[0]->integer != 0;
	out->quiet_ms = r->element[1]->integer;
	out->next_ms = s->lease_ms;
	out->n = 0;
	for (i = 2; i < r->elements; i++)
		if (add_node(out, s->node, r->element[i]) < 0)
			return -1;
	return 0;
}

int place_beat(struct redis_conn *c, const struct place_self *s, size_t held,
	       size_t live, bool alone, struct place_beat *out, struct err *e)
{
	struct number now, lease, h, l;
	const char *argv[] = { NODES_KEY,
			       now_of(&now, s),
			       s->node,
			       s->home,
			       text_of(&lease, s->lease_ms),
			       alone ? "1" : "0",
			       text_of(&h, (int64_t)held),
			       text_of(&l, (int64_t)live),
			       s->name };
	redisReply *r = redis_eval(c, SCRIPT_PLACE_BEAT, 1, 9, argv, e);
	int rc;

	if (!r)
		return -1;
	rc = read_beat(s, r, out);
	freeReplyObject(r);
	return rc < 0 ? strange(e) : 0;
}

static char state_of(const struct place *p)
{
	if (!p->held)
		return '-';
	switch (p->link) {
	case PLACE_LIVE:
		return 'l';
	case PLACE_STUCK:
		return 's';
	case PLACE_NONE:
	case PLACE_DIALING:
		break;
	}
	return 'd';
}

/* How many there are of something, whatever stands there. */
static int count_at(const redisReply *r, size_t i)
{
	long long n = r->element[i]->integer;

	if (n < 0)
		return 0;
	return n < COUNT_MAX ? (int)n : COUNT_MAX;
}

static int read_found(const redisReply *r, size_t n, struct place_found *out,
		      struct err *e)
{
	size_t i;

	if (r->type == REDIS_REPLY_ARRAY && r->elements == 0)
		return err_set(e, ERR_LIMIT, "redis: forgot this node");
	if (r->type != REDIS_REPLY_ARRAY || r->elements != 4 * n)
		return strange(e);
	for (i = 0; i < r->elements; i++)
		if (r->element[i]->type != REDIS_REPLY_INTEGER)
			return strange(e);
	for (i = 0; i < n; i++)
		out[i] = (struct place_found){
			.held = count_at(r, 4 * i) != 0,
			.good = count_at(r, 4 * i + 1),
			.live = count_at(r, 4 * i + 2),
			.conns = count_at(r, 4 * i + 3),
		};
	return 0;
}

int place_look(struct redis_conn *c, const struct place_self *s,
	       struct place *const *places, const char *wants, size_t n,
	       struct place_found *out, struct err *e)
{
	char keys[PLACE_LOOK_MAX][KEY_SIZE], args[PLACE_LOOK_MAX][16];
	const char *argv[2 * PLACE_LOOK_MAX + 5] = { NODES_KEY };
	struct number now, per_app, lease;
	int argc = 1;
	redisReply *r;
	size_t i;
	int rc;

	assert(n <= PLACE_LOOK_MAX);
	for (i = 0; i < n; i++) {
		(void)snprintf(keys[i], sizeof(keys[i]), "konstruct:links:%s",
			       places[i]->app_id);
		argv[argc++] = keys[i];
	}
	argv[argc++] = now_of(&now, s);
	argv[argc++] = s->node;
	argv[argc++] = text_of(&per_app, s->links_per_app);
	argv[argc++] = text_of(&lease, s->lease_ms);
	for (i = 0; i < n; i++) {
		(void)snprintf(args[i], sizeof(args[i]), "%c%c%u", wants[i],
			       state_of(places[i]),
			       (unsigned int)places[i]->conns);
		argv[argc++] = args[i];
	}
	r = redis_eval(c, SCRIPT_PLACE_LOOK, (int)n + 1, argc, argv, e);
	if (!r)
		return -1;
	rc = read_found(r, n, out, e);
	freeReplyObject(r);
	return rc;
}

int place_leave(struct redis_conn *c, const struct place_self *s, struct err *e)
{
	struct number now, stay;
	const char *argv[] = { NODES_KEY, now_of(&now, s), s->node, s->home,
			       text_of(&stay, s->leave_ms) };
	redisReply *r = redis_eval(c, SCRIPT_PLACE_LEAVE, 1, 5, argv, e);

	if (!r)
		return -1;
	freeReplyObject(r);
	return 0;
}
