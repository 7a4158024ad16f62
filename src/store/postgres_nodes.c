/* SPDX-License-Identifier: ISC */
#include "store/postgres_nodes.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"

#define LIST_SIZE (LEASE_PARTS * 3 + 3)
#define TIDY_MAX  1000

int node_join(struct postgres *s, const char *home, const char *name,
	      int lease_ms, struct err *e)
{
	char lease[POSTGRES_NUMBER];
	const char *const params[] = { s->node, home, name,
				       postgres_number(lease, lease_ms) };

	return postgres_do(s, PQ_NODE_JOIN, NULL, params, e);
}

int node_leave(struct postgres *s, struct err *e)
{
	const char *const params[] = { s->node };

	return postgres_do(s, PQ_NODE_LEAVE, NULL, params, e);
}

int node_has(struct postgres *s, const char *keys, struct err *e)
{
	const char *const params[] = { s->node, keys };

	return postgres_do(s, PQ_NODE_KEYS, NULL, params, e);
}

/* As an array of SQL's. */
static const char *list(char out[LIST_SIZE], const bool parts[LEASE_PARTS])
{
	size_t n = 0;
	int i;

	for (i = 0; i < LEASE_PARTS; i++) {
		if (parts[i])
			n += (size_t)snprintf(out + n, LIST_SIZE - n, "%c%d",
					      n == 0 ? '{' : ',', i);
	}
	(void)snprintf(out + n, LIST_SIZE - n, n == 0 ? "{}" : "}");
	return out;
}

static void take_part(struct node_beat *b, const PGresult *r, int row)
{
	struct node_part *p = &b->parts[b->nparts];
	int64_t part = postgres_int(r, row, 0);

	if (part < 0)
		b->sharing = (size_t)postgres_int(r, row, 1);
	if (part < 0 || part >= LEASE_PARTS || b->nparts == LEASE_PARTS)
		return;
	p->part = (unsigned int)part;
	p->epoch = postgres_int(r, row, 1);
	p->taken = (size_t)postgres_int(r, row, 2);
	p->waiting = postgres_bool(r, row, 3);
	b->nparts++;
}

int node_beat(struct postgres *s, struct node_beat *b, struct err *e)
{
	char lease[POSTGRES_NUMBER], links[POSTGRES_NUMBER];
	char leave[LIST_SIZE], drop[LIST_SIZE];
	const char *const params[] = {
		s->node,
		postgres_number(lease, b->lease_ms),
		b->wants ? "t" : "f",
		postgres_number(links, (int64_t)b->links),
		list(leave, b->leave),
		list(drop, b->drop),
	};
	PGresult *r = postgres_run(s, PQ_NODE_BEAT, NULL, params, e);
	int i;

	b->nparts = b->sharing = 0;
	for (i = 0; r && i < PQntuples(r); i++)
		take_part(b, r, i);
	PQclear(r);
	return r ? 0 : -1;
}

static void take_node(struct cluster_node *n, const PGresult *r, int row)
{
	*n = (struct cluster_node){
		.links = (size_t)postgres_int(r, row, 2),
		.age_ms = postgres_int(r, row, 3),
		.alive = postgres_bool(r, row, 4),
		.backlog = (size_t)postgres_int(r, row, 6),
	};
	(void)snprintf(n->id, sizeof(n->id), "%s", postgres_text(r, row, 0));
	(void)snprintf(n->name, sizeof(n->name), "%s",
		       postgres_text(r, row, 1));
	(void)snprintf(n->parts, sizeof(n->parts), "%s",
		       postgres_text(r, row, 5));
}

int node_list(struct postgres *s, int lease_ms, struct cluster_node *out,
	      size_t most, struct err *e)
{
	char lease[POSTGRES_NUMBER];
	const char *const params[] = { postgres_number(lease, lease_ms) };
	PGresult *r = postgres_run(s, PQ_NODES, NULL, params, e);
	int n = r ? PQntuples(r) : -1;
	int i;

	if (n > (int)most)
		n = (int)most;
	for (i = 0; i < n; i++)
		take_node(&out[i], r, i);
	PQclear(r);
	return n;
}

static int let_go(struct postgres *s, const char *id, struct err *e)
{
	const char *const params[] = { id, s->node };

	log_warn(LOG_FIELDS({ "entry", id }), "nobody was at work on an entry");
	return postgres_do(s, PQ_WORK_LET_GO, NULL, params, e);
}

int node_tidy(struct postgres *s, int64_t before_ms,
	      bool (*fn)(const char *id, int64_t epoch, void *arg), void *arg,
	      struct err *e)
{
	char before[POSTGRES_NUMBER], most[POSTGRES_NUMBER];
	const char *const params[] = { s->node,
				       postgres_number(before, before_ms),
				       postgres_number(most, TIDY_MAX) };
	PGresult *r = postgres_run(s, PQ_WORK_IDLE, NULL, params, e);
	int rc = r ? 0 : -1;
	const char *id;
	int i;

	for (i = 0; rc == 0 && i < PQntuples(r); i++) {
		id = postgres_text(r, i, 0);
		if (!fn(id, postgres_int(r, i, 1), arg))
			rc = let_go(s, id, e);
	}
	PQclear(r);
	return rc;
}

bool node_hear(struct postgres *s, int fd, int timeout_ms,
	       void (*fn)(const char *news, void *arg), void *arg)
{
	bool there = s->c && PQstatus(s->c) == CONNECTION_OK;
	struct pollfd p[] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = there ? PQsocket(s->c) : -1, .events = POLLIN },
	};
	PGnotify *n;

	(void)poll(p, 2, timeout_ms);
	if (!there)
		return false;
	/* What came during a query is there already. */
	there = p[1].revents == 0 || PQconsumeInput(s->c) == 1;
	for (n = PQnotifies(s->c); n; n = PQnotifies(s->c)) {
		fn(n->extra, arg);
		PQfreemem(n);
	}
	if (!there)
		postgres_hang_up(s);
	return there;
}
