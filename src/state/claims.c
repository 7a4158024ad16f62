/* SPDX-License-Identifier: ISC */
#include "state/claims.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/siphash.h"

#define HOUR_MS (3600 * 1000LL)
#define KEEP_MS (25 * HOUR_MS)

/*
 * A generation ends after an hour, or when it is full; a look-up asks every
 * one. The oldest is given up for a new one beyond GENERATIONS: that is 1.5 GB
 * and 400 answered messages a second all day long.
 */
#define GENERATIONS 48
#define PLACES_MIN  1024
#define PLACES_MAX  (1u << 20) /* powers of two */

struct generation {
	struct claim *places; /* open addressing, filled to three quarters */
	size_t nplaces;
	size_t count;
	int64_t begun_ms;
	int64_t last_ms; /* of the youngest claim */
};

struct claims {
	struct generation gen[GENERATIONS]; /* oldest first */
	size_t n;
	unsigned char secret[SIPHASH_KEY_SIZE];
};

struct claims *claims_create(void)
{
	struct claims *c = calloc(1, sizeof(*c));

	if (c)
		random_bytes(c->secret, sizeof(c->secret));
	return c;
}

void claims_free(struct claims *c)
{
	size_t i;

	if (!c)
		return;
	for (i = 0; i < c->n; i++)
		free(c->gen[i].places);
	free(c);
}

static uint64_t hash_of(const struct claims *c, const char *key)
{
	uint64_t h = siphash(c->secret, key, strlen(key));

	return h != 0 ? h : 1;
}

/* Where the hash is, or where it would be. */
static struct claim *place_of(const struct generation *g, uint64_t hash)
{
	size_t i = hash & (g->nplaces - 1);

	while (g->places[i].hash != 0 && g->places[i].hash != hash)
		i = (i + 1) & (g->nplaces - 1);
	return &g->places[i];
}

/* Youngest first: a twin comes within seconds. */
const struct claim *claims_find(const struct claims *c, const char *key)
{
	uint64_t hash = hash_of(c, key);
	const struct claim *found;
	size_t i;

	for (i = c->n; i > 0; i--) {
		found = place_of(&c->gen[i - 1], hash);
		if (found->hash != 0)
			return found;
	}
	return NULL;
}

static bool is_full(const struct generation *g)
{
	return g->count >= g->nplaces / 4 * 3;
}

static int grow(struct generation *g)
{
	struct generation bigger = *g;
	size_t i;

	bigger.nplaces *= 2;
	bigger.places = calloc(bigger.nplaces, sizeof(*bigger.places));
	if (!bigger.places)
		return -1;
	for (i = 0; i < g->nplaces; i++) {
		if (g->places[i].hash != 0)
			*place_of(&bigger, g->places[i].hash) = g->places[i];
	}
	free(g->places);
	*g = bigger;
	return 0;
}

static void drop_oldest(struct claims *c)
{
	free(c->gen[0].places);
	c->n--;
	memmove(&c->gen[0], &c->gen[1], c->n * sizeof(c->gen[0]));
}

static struct generation *begin(struct claims *c, int64_t now_ms)
{
	struct generation g = { .nplaces = PLACES_MIN, .begun_ms = now_ms };

	g.places = calloc(g.nplaces, sizeof(*g.places));
	if (!g.places)
		return NULL;
	if (c->n == GENERATIONS)
		drop_oldest(c);
	c->gen[c->n] = g;
	return &c->gen[c->n++];
}

/* The generation that takes another claim. */
static struct generation *current(struct claims *c, int64_t now_ms)
{
	struct generation *g = c->n > 0 ? &c->gen[c->n - 1] : NULL;

	if (!g || llabs(now_ms - g->begun_ms) >= HOUR_MS)
		return begin(c, now_ms);
	if (!is_full(g))
		return g;
	if (g->nplaces == PLACES_MAX)
		return begin(c, now_ms);
	return grow(g) < 0 ? NULL : g;
}

int claims_add(struct claims *c, const char *key, const char *entry,
	       bool refused, int64_t now_ms)
{
	struct generation *g = current(c, now_ms);
	struct claim *at;

	if (!g)
		return -1;
	at = place_of(g, hash_of(c, key));
	if (at->hash == 0)
		g->count++;
	at->hash = hash_of(c, key);
	(void)snprintf(at->entry, sizeof(at->entry), "%s", entry);
	at->refused = refused;
	g->last_ms = now_ms;
	return 0;
}

void claims_sweep(struct claims *c, int64_t now_ms)
{
	if (c->n > 0 && now_ms - c->gen[0].last_ms >= KEEP_MS)
		drop_oldest(c);
}

size_t claims_count(const struct claims *c)
{
	size_t i, n = 0;

	for (i = 0; i < c->n; i++)
		n += c->gen[i].count;
	return n;
}
