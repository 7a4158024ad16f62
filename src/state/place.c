/* SPDX-License-Identifier: ISC */
#include "state/place.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/queue.h"
#include "state/place_book.h"
#include "state/place_redis.h"
#include "state/redis_conn.h"

/* After Redis failed. */
#define RETRY_MS 500

/* How long to wait for what the store knows, at the start. */
#define ASK_MS    50
#define ASK_TRIES 60

enum msg_kind {
	MSG_PUT,
	MSG_REMOVE,
	MSG_TELL,
};

struct msg {
	struct node node; /* must be first */
	enum msg_kind kind;
	enum place_link link;
	int conns, told;
	char app_id[];
};

struct places {
	struct places_opts o; /* strings are copied */
	char node[ID_SIZE], home[ID_SIZE], name[64];
	struct redis_server server;
	struct queue *queue;
	pthread_t thread;
	bool started;

	/* The thread's. */
	struct place_self self;
	struct book *book;
	struct redis_conn *conn;
	struct place_beat beat;
	int64_t beat_at;  /* the next, by clock_ms() */
	int64_t retry_at; /* not before, after a failure */
	bool beaten;      /* ever */
	int asked;

	pthread_mutex_t lock; /* for all below */
	struct place_node nodes[PLACE_NODES];
	size_t nnodes;
	bool well;
	char why[240];
};

static void post(struct places *ps, enum msg_kind kind, const char *app_id,
		 const struct msg *with)
{
	size_t n = strlen(app_id) + 1;
	struct msg *m = malloc(sizeof(*m) + n);

	if (!m) {
		log_error(LOG_FIELDS({ "app", app_id }),
			  "cannot tell what became of a link: no memory");
		return;
	}
	*m = *with;
	m->kind = kind;
	memcpy(m->app_id, app_id, n);
	queue_push(ps->queue, &m->node);
}

void places_put(struct places *ps, const char *app_id)
{
	post(ps, MSG_PUT, app_id, &(struct msg){ 0 });
}

void places_remove(struct places *ps, const char *app_id)
{
	post(ps, MSG_REMOVE, app_id, &(struct msg){ 0 });
}

void places_tell(struct places *ps, const char *app_id, enum place_link link,
		 int conns, int told)
{
	const struct msg m = { .link = link, .conns = conns, .told = told };

	post(ps, MSG_TELL, app_id, &m);
}

static void take_one(struct places *ps, const struct msg *m)
{
	switch (m->kind) {
	case MSG_PUT:
		if (book_put(ps->book, m->app_id) < 0)
			log_error(LOG_FIELDS({ "app", m->app_id }),
				  "no room for another app");
		break;
	case MSG_REMOVE:
		book_remove(ps->book, m->app_id);
		break;
	case MSG_TELL:
		book_tell(ps->book, m->app_id, m->link, m->conns, m->told);
		break;
	}
}

static void take_all(struct places *ps, struct node *n)
{
	struct node *next;

	for (; n; n = next) {
		next = n->next;
		take_one(ps, (struct msg *)n);
		free(n);
	}
}

static void set_well(struct places *ps, const char *why)
{
	bool was;

	pthread_mutex_lock(&ps->lock);
	was = ps->well;
	ps->well = !why;
	(void)snprintf(ps->why, sizeof(ps->why), "%s", why ? why : "");
	pthread_mutex_unlock(&ps->lock);
	if (was && why)
		log_warn(NULL, "links stay where they are: %s", why);
	else if (!was && !why && ps->beaten)
		log_info(NULL, "links are shared among nodes again");
}

static void fail(struct places *ps, const struct err *e)
{
	redis_hang_up(ps->conn);
	ps->conn = NULL;
	ps->retry_at = clock_ms() + RETRY_MS;
	set_well(ps, e->msg);
}

static bool connected(struct places *ps, struct err *e)
{
	if (!ps->conn)
		ps->conn = redis_dial(&ps->server, e);
	return ps->conn != NULL;
}

/* The nodes that are alive take part. */
static void share(struct places *ps)
{
	static _Thread_local char ids[PLACE_NODES][ID_SIZE];
	const struct place_beat *b = &ps->beat;
	size_t i, n = 0;

	for (i = 0; i < b->n; i++)
		if (b->nodes[i].alive)
			memcpy(ids[n++], b->nodes[i].id, ID_SIZE);
	book_nodes(ps->book, (const char(*)[ID_SIZE])ids, n);

	pthread_mutex_lock(&ps->lock);
	memcpy(ps->nodes, b->nodes, b->n * sizeof(*b->nodes));
	ps->nnodes = b->n;
	pthread_mutex_unlock(&ps->lock);
}

static void log_quiet(const struct places *ps)
{
	char ms[24];

	(void)snprintf(ms, sizeof(ms), "%lld", (long long)ps->beat.quiet_ms);
	log_info(LOG_FIELDS({ "ms", ms }),
		 "no links are taken: others may renew theirs first");
}

/* When another's time ends before it is ours to beat, we look right then. */
static void set_next(struct places *ps, int64_t now)
{
	int64_t in = ps->self.lease_ms / 5;

	if (ps->beat.next_ms < in)
		in = ps->beat.next_ms + 1;
	if (ps->beat.quiet_ms > 0 && ps->beat.quiet_ms < in)
		in = ps->beat.quiet_ms + 1;
	ps->beat_at = now + in;
}

static int beat(struct places *ps, bool alone, struct err *e)
{
	int64_t now = clock_ms();
	int64_t was_quiet = ps->beat.quiet_ms;

	if (place_beat(ps->conn, &ps->self, book_held(ps->book),
		       book_live(ps->book), alone, &ps->beat, e) < 0)
		return -1;
	set_next(ps, now);
	if (ps->beat.quiet_ms > 0 && was_quiet == 0)
		log_quiet(ps);
	if (ps->beat.lost && ps->beaten)
		book_lost(ps->book);
	share(ps);
	set_well(ps, NULL);
	ps->beaten = true;
	return 0;
}

static void tell(struct places *ps, const struct place *p,
		 const struct place_news *news)
{
	char told[12], known[12];

	if (news->tell && !p->gone)
		ps->o.told(p->app_id, p->held, p->live, ps->o.arg);
	if (!news->ghosts)
		return;
	(void)snprintf(told, sizeof(told), "%d", news->hello);
	(void)snprintf(known, sizeof(known), "%d", news->known);
	log_warn(LOG_FIELDS({ "app", p->app_id }, { "connections", told },
			    { "ours", known }),
		 "the app has connections that aren't ours");
}

/* False: there was nothing to look at. */
static bool look(struct places *ps, int *rc, struct err *e)
{
	struct place *all[PLACE_LOOK_MAX];
	struct place_found found[PLACE_LOOK_MAX];
	struct place_news news;
	char wants[PLACE_LOOK_MAX];
	int64_t now = clock_ms();
	size_t n = book_next(ps->book, now, all, PLACE_LOOK_MAX);
	size_t i;

	for (i = 0; i < n; i++)
		wants[i] = book_want(ps->book, all[i], now);
	*rc = 0;
	if (n > 0)
		*rc = place_look(ps->conn, &ps->self, all, wants, n, found, e);
	for (i = 0; i < n; i++) {
		if (*rc < 0) {
			book_again(ps->book, all[i]);
			continue;
		}
		book_found(ps->book, all[i], &found[i], now, &news);
		tell(ps, all[i], &news);
		book_put_back(ps->book, all[i]);
	}
	return n > 0;
}

/* What the first beat is to know: whether links may be out there that an
 * emptied Redis doesn't know. */
static int linked(struct places *ps)
{
	int n;

	if (ps->beaten || !ps->o.linked)
		return 1;
	n = ps->o.linked(ps->o.arg);
	if (n < 0 && ++ps->asked > ASK_TRIES)
		n = 1;
	return n;
}

/* Milliseconds until there is more to do. */
static int64_t step(struct places *ps)
{
	struct err e = { 0 };
	int64_t now = clock_ms();
	int rc = 0;
	int n;

	if (now < ps->retry_at)
		return ps->retry_at - now;
	if (!ps->conn || now >= ps->beat_at) {
		n = linked(ps);
		if (n < 0)
			return ASK_MS;
		if (!connected(ps, &e) || beat(ps, n == 0, &e) < 0)
			goto fail;
		return 0;
	}
	if (look(ps, &rc, &e) && rc == 0)
		return 0;
	if (rc == 0)
		return book_due(ps->book, now, ps->beat_at - now);
	if (e.kind == ERR_LIMIT) { /* we are forgotten, and come again */
		ps->beat_at = 0;
		return 0;
	}
fail:
	fail(ps, &e);
	return RETRY_MS;
}

static void leave(struct places *ps)
{
	struct err e = { 0 };

	if (!ps->beaten)
		return;
	if (!connected(ps, &e) || place_leave(ps->conn, &ps->self, &e) < 0)
		log_warn(NULL, "leases on links are left to expire: %s", e.msg);
}

static void *run(void *arg)
{
	struct places *ps = arg;
	int64_t wait = 0;

	(void)pthread_setname_np(pthread_self(), "places");
	while (!queue_closed(ps->queue)) {
		take_all(ps, queue_pop_all(ps->queue, (int)wait));
		wait = step(ps);
	}
	leave(ps);
	return NULL;
}

static int copy_names(struct places *ps)
{
	const struct places_opts *o = &ps->o;
	int a = snprintf(ps->node, sizeof(ps->node), "%s", o->node);
	int b = snprintf(ps->home, sizeof(ps->home), "%s", o->home);

	(void)snprintf(ps->name, sizeof(ps->name), "%s", o->name);
	ps->self = (struct place_self){
		.node = ps->node,
		.home = ps->home,
		.name = ps->name,
		.lease_ms = o->lease_ms,
		.links_per_app = o->links_per_app,
		.leave_ms = o->leave_ms,
	};
	return a < ID_SIZE && b < ID_SIZE ? 0 : -1;
}

struct places *places_create(const struct places_opts *o, struct err *e)
{
	struct places *ps = calloc(1, sizeof(*ps));
	struct book_opts bo = {
		.node = o->node,
		.lease_ms = o->lease_ms,
		.links_per_app = o->links_per_app,
		.at_once = o->at_once,
	};

	if (!ps) {
		err_set(e, ERR_RETRY, "cannot allocate the links' places");
		return NULL;
	}
	ps->o = *o;
	(void)pthread_mutex_init(&ps->lock, NULL);
	(void)snprintf(ps->why, sizeof(ps->why), "redis was not asked yet");
	if (copy_names(ps) < 0) {
		err_set(e, ERR_INPUT, "id of the node is too long");
		goto fail;
	}
	if (redis_server_init(&ps->server, o->url, o->user, o->password_file,
			      e) < 0)
		goto fail;
	ps->queue = queue_create();
	ps->book = book_create(&bo);
	if (ps->queue && ps->book)
		return ps;
	err_set(e, ERR_RETRY, "cannot allocate the links' places");
fail:
	places_free(ps);
	return NULL;
}

int places_start(struct places *ps, struct err *e)
{
	int rc = pthread_create(&ps->thread, NULL, run, ps);

	if (rc != 0)
		return err_set(e, ERR_FATAL, "cannot start a thread: %s",
			       strerror(rc));
	ps->started = true;
	return 0;
}

void places_stop(struct places *ps)
{
	if (!ps || !ps->started)
		return;
	queue_close(ps->queue);
	(void)pthread_join(ps->thread, NULL);
	ps->started = false;
}

static void drop_all(struct queue *q)
{
	struct node *n, *next;

	for (n = queue_pop_all(q, 0); n; n = next) {
		next = n->next;
		free(n);
	}
}

void places_free(struct places *ps)
{
	if (!ps)
		return;
	places_stop(ps);
	redis_hang_up(ps->conn);
	if (ps->queue)
		drop_all(ps->queue);
	queue_free(ps->queue);
	book_free(ps->book);
	redis_server_release(&ps->server);
	pthread_mutex_destroy(&ps->lock);
	free(ps);
}

void places_each(struct places *ps,
		 void (*fn)(const struct place_node *n, void *arg), void *arg)
{
	size_t i;

	pthread_mutex_lock(&ps->lock);
	for (i = 0; i < ps->nnodes; i++)
		fn(&ps->nodes[i], arg);
	pthread_mutex_unlock(&ps->lock);
}

bool places_healthy(struct places *ps, char *why, size_t size)
{
	bool well;

	pthread_mutex_lock(&ps->lock);
	well = ps->well;
	if (!well && why)
		(void)snprintf(why, size, "%s", ps->why);
	pthread_mutex_unlock(&ps->lock);
	return well;
}
