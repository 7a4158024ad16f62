/* SPDX-License-Identifier: ISC */
#include "state/place_book.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/siphash.h"

#define NODES_MAX 256
#define AVOID_MS  (10 * 60 * INT64_C(1000))
#define WARN_MS   (60 * 60 * INT64_C(1000))

/* Apps are looked at each half of a lease's time, or as fast as this. */
#define LOOKS_PER_SECOND 2000

/* Looks after a hello until its count is judged: what other nodes had then
 * may be on its way to Redis. */
#define HELLO_LOOKS 2

struct book {
	struct book_opts o;
	char node[ID_SIZE];
	struct map *by_id;
	struct place_list urgent;
	struct place_list waiting; /* wanted, but too many are on their way */
	struct place_list rest;    /* that was looked at longest ago first */
	size_t rising, held, live, stuck;

	char (*ids)[ID_SIZE];
	size_t nids;
};

struct book *book_create(const struct book_opts *o)
{
	struct book *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->o = *o;
	memcpy(b->node, o->node, sizeof(b->node) - 1);
	b->by_id = map_create(0);
	b->ids = calloc(NODES_MAX, sizeof(*b->ids));
	if (b->by_id && b->ids)
		return b;
	book_free(b);
	return NULL;
}

void book_free(struct book *b)
{
	if (!b)
		return;
	map_free(b->by_id, free);
	free(b->ids);
	free(b);
}

static void list_remove(struct place *p)
{
	if (!p->in)
		return;
	if (p->prev)
		p->prev->next = p->next;
	else
		p->in->first = p->next;
	if (p->next)
		p->next->prev = p->prev;
	else
		p->in->last = p->prev;
	p->prev = p->next = NULL;
	p->in = NULL;
}

static void list_add(struct place_list *l, struct place *p)
{
	list_remove(p);
	p->in = l;
	p->prev = l->last;
	if (l->last)
		l->last->next = p;
	else
		l->first = p;
	l->last = p;
}

static uint64_t weight(const char *node, const char *app_id)
{
	static const unsigned char key[SIPHASH_KEY_SIZE] = "konstruct links";
	char both[ID_SIZE + 256];
	size_t n = strlen(app_id);

	memset(both, 0, ID_SIZE);
	memcpy(both, node, strlen(node));
	if (n > 255)
		n = 255;
	memcpy(both + ID_SIZE, app_id, n);
	return siphash(key, both, ID_SIZE + n);
}

/* Of all nodes those with the greatest weights, which all nodes know alike
 * (rendezvous hashing). Without any other we are meant. */
static bool is_meant(const struct book *b, const char *app_id)
{
	uint64_t own = weight(b->node, app_id);
	int before = 0;
	size_t i;

	for (i = 0; i < b->nids && before < b->o.links_per_app; i++)
		before += weight(b->ids[i], app_id) > own;
	return before < b->o.links_per_app;
}

static void set_rising(struct book *b, struct place *p, bool yes)
{
	if (p->rising == yes)
		return;
	p->rising = yes;
	if (yes)
		b->rising++;
	else
		b->rising--;
}

/* Count p in or out, before and after its link or lease changes. */
static void count(struct book *b, const struct place *p, bool in)
{
	size_t one = in ? 1 : (size_t)-1;

	if (!p->held)
		return;
	b->held += one;
	if (p->link == PLACE_LIVE)
		b->live += one;
	if (p->link == PLACE_STUCK)
		b->stuck += one;
}

int book_put(struct book *b, const char *app_id)
{
	struct place *p = map_get(b->by_id, app_id);
	size_t n = strlen(app_id) + 1;

	if (!p) {
		p = calloc(1, sizeof(*p) + n);
		if (!p)
			return -1;
		memcpy(p->app_id, app_id, n);
		if (map_put(b->by_id, app_id, p) < 0) {
			free(p);
			return -1;
		}
	}
	p->gone = false;
	p->desired = is_meant(b, app_id);
	list_add(&b->urgent, p);
	return 0;
}

void book_remove(struct book *b, const char *app_id)
{
	struct place *p = map_get(b->by_id, app_id);

	if (!p)
		return;
	p->gone = true;
	list_add(&b->urgent, p);
}

void book_tell(struct book *b, const char *app_id, enum place_link link,
	       int conns, int told)
{
	struct place *p = map_get(b->by_id, app_id);

	if (!p)
		return;
	count(b, p, false);
	p->link = link;
	count(b, p, true);
	p->conns = conns;
	if (link == PLACE_LIVE || link == PLACE_STUCK)
		set_rising(b, p, false);
	if (told > 0) {
		p->hello = told;
		p->known = p->looks = 0;
	}
	if (p->held)
		list_add(&b->urgent, p);
}

struct ranking {
	struct book *b;
};

static bool rank(const char *app_id, void *value, void *arg)
{
	struct ranking *r = arg;
	struct place *p = value;
	bool was = p->desired;

	p->desired = is_meant(r->b, app_id);
	if (p->desired && !was && !p->held)
		list_add(&r->b->urgent, p);
	return true;
}

static bool is_known(const struct book *b, const char *id)
{
	size_t i;

	for (i = 0; i < b->nids; i++)
		if (strcmp(b->ids[i], id) == 0)
			return true;
	return false;
}

void book_nodes(struct book *b, const char (*ids)[ID_SIZE], size_t n)
{
	struct ranking r = { b };
	bool same;
	size_t i;

	if (n > NODES_MAX)
		n = NODES_MAX;
	same = n == b->nids;
	for (i = 0; i < n && same; i++)
		same = is_known(b, ids[i]);
	if (same)
		return;
	memcpy(b->ids, ids, n * sizeof(*ids));
	b->nids = n;
	map_sweep(b->by_id, rank, &r);
}

static bool assert_anew(const char *app_id, void *value, void *arg)
{
	struct book *b = arg;
	struct place *p = value;

	(void)app_id;
	if (p->held)
		list_add(&b->urgent, p);
	return true;
}

void book_lost(struct book *b)
{
	map_sweep(b->by_id, assert_anew, b);
}

/* Stand in for others only where most of ours works: else it isn't them. */
static bool is_well(const struct book *b)
{
	return 2 * b->live >= b->held - b->stuck;
}

static bool has_room(const struct book *b)
{
	return b->rising < (size_t)b->o.at_once;
}

char book_want(const struct book *b, const struct place *p, int64_t now)
{
	if (p->gone)
		return 'X';
	if (now < p->avoid_ms)
		return 'N';
	if (p->desired)
		return p->held || has_room(b) ? 'D' : 'N';
	if (!p->held && p->short_ms > 0 &&
	    now - p->short_ms >= 3 * b->o.lease_ms / 2 && is_well(b) &&
	    has_room(b))
		return 'S';
	return 'N';
}

/* It would be taken, if there were room. */
static bool is_wanted(const struct place *p, int64_t now)
{
	return !p->gone && !p->held && p->desired && now >= p->avoid_ms;
}

static int64_t sweep_ms(const struct book *b)
{
	int64_t all = (int64_t)map_count(b->by_id) * 1000 / LOOKS_PER_SECOND;
	int64_t half = b->o.lease_ms / 2;

	return all > half ? all : half;
}

/* What was to come up, and hasn't for long, makes room for others. */
static void let_go(struct book *b, struct place *p, int64_t now)
{
	if (p->rising && now - p->held_ms >= 3 * b->o.lease_ms / 2)
		set_rising(b, p, false);
}

static struct place *pop(struct place_list *l)
{
	struct place *p = l->first;

	if (p)
		list_remove(p);
	return p;
}

/* room is left for those that are taken with this batch. */
static struct place *next(struct book *b, int64_t now, size_t *room)
{
	struct place *p;

	if (*room > 0 && b->waiting.first)
		return pop(&b->waiting);
	while (b->urgent.first) {
		p = pop(&b->urgent);
		if (*room > 0 || !is_wanted(p, now))
			return p;
		list_add(&b->waiting, p);
	}
	p = b->rest.first;
	if (p && now - p->look_ms >= sweep_ms(b))
		return pop(&b->rest);
	return NULL;
}

size_t book_next(struct book *b, int64_t now, struct place **out, size_t max)
{
	size_t room = has_room(b) ? (size_t)b->o.at_once - b->rising : 0;
	struct place *p;
	size_t n = 0;

	while (n < max) {
		p = next(b, now, &room);
		if (!p)
			break;
		if (is_wanted(p, now) && room > 0)
			room--;
		let_go(b, p, now);
		out[n++] = p;
	}
	return n;
}

int64_t book_due(const struct book *b, int64_t now, int64_t max)
{
	int64_t in = max;

	if (b->urgent.first || (b->waiting.first && has_room(b)))
		return 0;
	if (b->rest.first)
		in = b->rest.first->look_ms + sweep_ms(b) - now;
	if (in < 0)
		in = 0;
	return in < max ? in : max;
}

static void judge_hello(struct place *p, const struct place_found *f,
			int64_t now, struct place_news *out)
{
	int all = p->conns + f->conns;

	if (p->hello == 0)
		return;
	if (all > p->known)
		p->known = all;
	if (++p->looks < HELLO_LOOKS)
		return;
	out->hello = p->hello;
	out->known = p->known;
	p->hello = 0;
	if (out->hello <= out->known ||
	    (p->warned_ms > 0 && now - p->warned_ms < WARN_MS))
		return;
	p->warned_ms = now;
	out->ghosts = true;
}

static void set_held(struct book *b, struct place *p, bool held, int64_t now)
{
	if (p->held == held)
		return;
	/* The others were enough, and it didn't work here. */
	if (!held && p->link == PLACE_STUCK && !p->gone)
		p->avoid_ms = now + AVOID_MS;
	count(b, p, false);
	p->held = held;
	p->link = held ? PLACE_DIALING : PLACE_NONE;
	count(b, p, true);
	p->held_ms = now;
	set_rising(b, p, held);
	if (!held)
		p->hello = 0;
}

void book_found(struct book *b, struct place *p, const struct place_found *f,
		int64_t now, struct place_news *out)
{
	memset(out, 0, sizeof(*out));
	out->tell = f->held != p->held || f->live != p->live;
	set_held(b, p, f->held, now);
	p->live = f->live;
	p->look_ms = now;
	if (f->held || f->good >= b->o.links_per_app)
		p->short_ms = 0;
	else if (p->short_ms == 0)
		p->short_ms = now;
	if (p->held)
		judge_hello(p, f, now, out);
}

void book_again(struct book *b, struct place *p)
{
	list_add(&b->urgent, p);
}

void book_put_back(struct book *b, struct place *p)
{
	if (!p->gone) {
		list_add(&b->rest, p);
		return;
	}
	set_rising(b, p, false);
	(void)map_take(b->by_id, p->app_id);
	free(p);
}

size_t book_held(const struct book *b)
{
	return b->held;
}

size_t book_live(const struct book *b)
{
	return b->live;
}
