/* SPDX-License-Identifier: ISC */
#include "route/ledger.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "base/metric.h"
#include "route/router.h"
#include "store/journal.h"
#include "store/store.h"

/* Of one tenant; beyond that nothing is kept, and so nothing is marked. */
#define ROWS_MAX  10000
#define KEY_SIZE  256
#define NAME_SIZE 64

enum mark_state {
	MARK_NONE,
	MARK_ASKED, /* the journal has it */
	MARK_MADE,
};

struct row {
	char tenant[NAME_SIZE];
	char who[NAME_SIZE];
	int item;
	int64_t used, most;
	int64_t full_ms;
	enum mark_state mark;
};

/* Of one tenant, under the budget that it had at the last look. */
struct book {
	char budget[BUDGET_TEXT];
	struct map *rows; /* by item and who */
};

struct ledger {
	struct journal *journal;
	pthread_mutex_t lock;
	struct map *books; /* by tenant's name */
	bool closed;
};

/* A mark on its way through the journal. */
struct marking {
	struct journal_req req; /* must be first */
	struct ledger *ledger;
	char key[KEY_SIZE];
	char tenant_id[ID_SIZE];
	char since[11];
	struct row row;
	bool first;
};

static void book_free(void *value)
{
	struct book *b = value;

	map_free(b->rows, free);
	free(b);
}

/* NULL: no memory. */
static struct book *book_of(struct ledger *l, const struct ledger_who *w)
{
	struct book *b = map_take(l->books, w->tenant);

	/* What was known goes with the budget that it was known of. */
	if (b && strcmp(b->budget, w->budget) != 0) {
		book_free(b);
		b = NULL;
	}
	if (!b) {
		b = calloc(1, sizeof(*b));
		if (!b)
			return NULL;
		b->rows = map_create(ROWS_MAX);
		(void)snprintf(b->budget, sizeof(b->budget), "%s", w->budget);
	}
	if (!b->rows || map_put(l->books, w->tenant, b) < 0) {
		book_free(b);
		return NULL;
	}
	return b;
}

void ledger_forget(struct ledger *l, const char *tenant)
{
	struct book *b;

	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	b = map_take(l->books, tenant);
	pthread_mutex_unlock(&l->lock);
	if (b)
		book_free(b);
}

struct ledger *ledger_create(struct journal *j, struct err *e)
{
	struct ledger *l = calloc(1, sizeof(*l));

	if (l)
		l->books = map_create(0);
	if (!l || !l->books) {
		free(l);
		err_set(e, ERR_RETRY, "no memory");
		return NULL;
	}
	l->journal = j;
	pthread_mutex_init(&l->lock, NULL);
	return l;
}

void ledger_close(struct ledger *l)
{
	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	l->closed = true;
	pthread_mutex_unlock(&l->lock);
}

void ledger_free(struct ledger *l)
{
	if (!l)
		return;
	map_free(l->books, book_free);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static void warn(const struct row *r)
{
	const struct budget_item it = budget_item(r->item);
	char used[24], most[24];

	(void)snprintf(used, sizeof(used), "%" PRId64, r->used);
	(void)snprintf(most, sizeof(most), "%" PRId64, r->most);
	log_warn(
		LOG_FIELDS({ "tenant", r->tenant },
			   { "budget", budget_name(r->item) },
			   { "channel",
			     it.scope == USAGE_CHANNEL ? r->who : NULL },
			   { "user", it.scope == USAGE_PERSON ? r->who : NULL },
			   { "used", used }, { "most", most }),
		"budget is nearly used up");
	metric_add(METRIC_TENANTS, r->tenant, METRIC_NEAR_BUDGET, 1);
}

/* On the journal's thread, as marked(). */
static int put_mark(struct store *s, void *arg, struct err *e)
{
	struct marking *m = arg;
	const struct usage_mark mark = {
		.tenant_id = m->tenant_id,
		.since = m->since,
		.budget = budget_name(m->row.item),
		.who = m->row.who,
		.at_ms = clock_wall_ms(),
	};
	int rc = s->ops->usage->mark(s, &mark, e);

	m->first = rc > 0;
	return rc < 0 ? -1 : 0;
}

static void marked(struct journal_req *req)
{
	struct marking *m = (struct marking *)req;
	struct ledger *l = m->ledger;
	struct book *b;
	struct row *r;

	if (req->ok && m->first)
		warn(&m->row);
	pthread_mutex_lock(&l->lock);
	b = map_get(l->books, m->row.tenant);
	r = b ? map_get(b->rows, m->key) : NULL;
	if (r && r->mark == MARK_ASKED && r->full_ms == m->row.full_ms)
		r->mark = req->ok ? MARK_MADE : MARK_NONE;
	pthread_mutex_unlock(&l->lock);
	free(m);
}

/* With the lock held: the journal outlives what it is given here. */
static void mark(struct ledger *l, struct row *r, const char *key,
		 const char *tenant_id, const char *since)
{
	struct marking *m;

	if (l->closed || r->mark != MARK_NONE)
		return;
	m = calloc(1, sizeof(*m));
	if (!m)
		return;
	m->req.kind = JOURNAL_WRITE;
	m->req.write = put_mark;
	m->req.arg = m;
	m->req.done = marked;
	m->ledger = l;
	m->row = *r;
	(void)snprintf(m->key, sizeof(m->key), "%s", key);
	(void)snprintf(m->tenant_id, sizeof(m->tenant_id), "%s", tenant_id);
	(void)snprintf(m->since, sizeof(m->since), "%s", since);
	r->mark = MARK_ASKED;
	(void)journal_submit(l->journal, &m->req);
}

static bool is_current(const char *key, void *value, void *arg)
{
	struct row *r = value;
	const int64_t *now_ms = arg;

	(void)key;
	if (r->full_ms > *now_ms)
		return true;
	free(r);
	return false;
}

/* The row of that key, a new one in a new period; NULL without room. */
static struct row *row_of(struct book *b, const char *key, int64_t full_ms,
			  int64_t now_ms)
{
	struct row *r = map_get(b->rows, key);

	if (r && r->full_ms == full_ms)
		return r;
	if (r) {
		*r = (struct row){ .full_ms = full_ms };
		return r;
	}
	r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	if (map_put(b->rows, key, r) < 0) {
		map_sweep(b->rows, is_current, &now_ms);
		if (map_put(b->rows, key, r) < 0) {
			free(r);
			return NULL;
		}
	}
	r->full_ms = full_ms;
	return r;
}

static const char *who_of(const struct ledger_who *w, enum usage_scope scope)
{
	switch (scope) {
	case USAGE_CHANNEL:
		return w->channel;
	case USAGE_PERSON:
		return w->user;
	case USAGE_TENANT:
	case USAGE_SCOPES:
		break;
	}
	return "";
}

/* All that is known of one look at the store. */
struct look {
	struct budget b;
	struct budget_days d;
	struct usage_sums used;
	struct budget_finding found;
};

static void keep(struct ledger *l, struct book *b, const struct ledger_who *w,
		 const struct look *k, int i, int64_t now_ms)
{
	const struct budget_item it = budget_item(i);
	const char *who = who_of(w, it.scope);
	bool near = k->found.near & (1U << i);
	char key[KEY_SIZE];
	struct row *r;

	(void)snprintf(key, sizeof(key), "%d:%s", i, who);
	if (k->b.most[i] == 0 || (!near && it.scope != USAGE_TENANT)) {
		free(map_take(b->rows, key));
		return;
	}
	r = row_of(b, key, k->d.full_ms[it.period], now_ms);
	if (!r)
		return;
	(void)snprintf(r->tenant, sizeof(r->tenant), "%s", w->tenant);
	(void)snprintf(r->who, sizeof(r->who), "%s", who);
	r->item = i;
	r->used = k->used.n[it.scope][it.kind][it.period];
	r->most = k->b.most[i];
	if (near)
		mark(l, r, key, w->tenant_id, budget_since(&k->d, it.period));
}

static void keep_all(struct ledger *l, const struct ledger_who *w,
		     const struct look *k, int64_t now_ms)
{
	struct book *b;
	int i;

	pthread_mutex_lock(&l->lock);
	b = book_of(l, w);
	for (i = 0; b && i < BUDGET_ITEMS; i++)
		keep(l, b, w, k, i, now_ms);
	pthread_mutex_unlock(&l->lock);
}

int ledger_look(struct ledger *l, struct store *s, const struct ledger_who *w,
		int64_t now_ms, struct ledger_finding *out, struct err *e)
{
	struct look k = { 0 };
	const struct usage_ask a = {
		.tenant_id = w->tenant_id,
		.channel = w->channel,
		.user = w->user,
		.today = k.d.today,
		.month = k.d.month,
	};

	*out = (struct ledger_finding){ .over = -1 };
	if (budget_parse(&k.b, w->budget, e) < 0)
		return -1;
	budget_days(now_ms, &k.d);
	if (s->ops->usage->sums(s, &a, &k.used, e) < 0)
		return -1;
	budget_judge(&k.b, &k.used, &k.found);
	if (l)
		keep_all(l, w, &k, now_ms);
	out->over = k.found.over;
	if (out->over >= 0)
		out->full_ms = k.d.full_ms[budget_item(out->over).period];
	return 0;
}

/* A look that waits for a router's thread. */
struct later {
	struct router_read rd; /* must be first */
	struct ledger *ledger;
	char tenant_id[ID_SIZE];
	char tenant[NAME_SIZE];
	char budget[BUDGET_TEXT];
	char channel[NAME_SIZE];
	char user[NAME_SIZE];
};

/* What can't be read now is looked at before the next turn. */
static void run_later(struct router_read *rd, struct store *s)
{
	struct later *a = (struct later *)rd;
	const struct ledger_who w = { a->tenant_id, a->tenant, a->budget,
				      a->channel, a->user };
	struct ledger_finding found;
	struct err e = { 0 };

	if (ledger_look(a->ledger, s, &w, clock_wall_ms(), &found, &e) < 0)
		log_debug(LOG_FIELDS({ "tenant", a->tenant }),
			  "cannot look at budgets: %s", e.msg);
	free(a);
}

void ledger_look_later(struct ledger *l, struct router *r,
		       const struct ledger_who *w)
{
	struct later *a;

	if (!l || !w->budget || w->budget[0] == '\0')
		return;
	a = calloc(1, sizeof(*a));
	if (!a)
		return;
	a->rd.run = run_later;
	a->ledger = l;
	(void)snprintf(a->tenant_id, sizeof(a->tenant_id), "%s", w->tenant_id);
	(void)snprintf(a->tenant, sizeof(a->tenant), "%s", w->tenant);
	(void)snprintf(a->budget, sizeof(a->budget), "%s", w->budget);
	(void)snprintf(a->channel, sizeof(a->channel), "%s", w->channel);
	(void)snprintf(a->user, sizeof(a->user), "%s", w->user);
	router_read(r, w->tenant_id, &a->rd);
}

struct telling {
	void (*fn)(const struct ledger_view *v, void *arg);
	void *arg;
	int64_t now_ms;
};

static bool tell(const char *key, void *value, void *arg)
{
	const struct telling *t = arg;
	const struct row *r = value;
	const struct ledger_view v = {
		.tenant = r->tenant,
		.item = r->item,
		.who = r->who,
		.used = r->used,
		.most = r->most,
		.full_ms = r->full_ms,
	};

	(void)key;
	if (r->full_ms > t->now_ms)
		t->fn(&v, t->arg);
	return true;
}

static bool tell_book(const char *tenant, void *value, void *arg)
{
	struct book *b = value;

	(void)tenant;
	map_sweep(b->rows, tell, arg);
	return true;
}

void ledger_each(struct ledger *l, int64_t now_ms,
		 void (*fn)(const struct ledger_view *v, void *arg), void *arg)
{
	struct telling t = { fn, arg, now_ms };

	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	map_sweep(l->books, tell_book, &t);
	pthread_mutex_unlock(&l->lock);
}
