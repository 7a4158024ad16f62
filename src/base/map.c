/* SPDX-License-Identifier: ISC */
#include "base/map.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/siphash.h"

struct entry {
	struct entry *next;
	void *value;
	uint64_t hash;
	char key[];
};

struct map {
	struct entry **slots;
	size_t nslots; /* a power of two */
	size_t count;
	size_t max;
	unsigned char secret[SIPHASH_KEY_SIZE];
};

#define SLOTS_AT_START 16

struct map *map_create(size_t max)
{
	struct map *m;

	m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->slots = calloc(SLOTS_AT_START, sizeof(struct entry *));
	if (!m->slots) {
		free(m);
		return NULL;
	}
	m->nslots = SLOTS_AT_START;
	m->max = max;
	random_bytes(m->secret, sizeof(m->secret));
	return m;
}

void map_free(struct map *m, void (*drop)(void *value))
{
	struct entry *en, *next;
	size_t i;

	if (!m)
		return;
	for (i = 0; i < m->nslots; i++) {
		for (en = m->slots[i]; en; en = next) {
			next = en->next;
			if (drop)
				drop(en->value);
			free(en);
		}
	}
	free(m->slots);
	free(m);
}

/* Where the entry hangs, or where it would. */
static struct entry **find(const struct map *m, const char *key, uint64_t hash)
{
	struct entry **at = &m->slots[hash & (m->nslots - 1)];

	while (*at && ((*at)->hash != hash || strcmp((*at)->key, key) != 0))
		at = &(*at)->next;
	return at;
}

static uint64_t hash_of(const struct map *m, const char *key)
{
	return siphash(m->secret, key, strlen(key));
}

void *map_get(const struct map *m, const char *key)
{
	struct entry *en = *find(m, key, hash_of(m, key));

	return en ? en->value : NULL;
}

static int grow(struct map *m)
{
	size_t n = m->nslots * 2;
	struct entry **slots;
	struct entry *en, *next;
	size_t i;

	slots = calloc(n, sizeof(struct entry *));
	if (!slots)
		return -1;
	for (i = 0; i < m->nslots; i++) {
		for (en = m->slots[i]; en; en = next) {
			next = en->next;
			en->next = slots[en->hash & (n - 1)];
			slots[en->hash & (n - 1)] = en;
		}
	}
	free(m->slots);
	m->slots = slots;
	m->nslots = n;
	return 0;
}

int map_put(struct map *m, const char *key, void *value)
{
	size_t len = strlen(key);
	uint64_t hash = siphash(m->secret, key, len);
	struct entry **at;
	struct entry *en;

	assert(value);
	if (m->max > 0 && m->count >= m->max)
		return -1;
	if (m->count >= m->nslots && grow(m) < 0)
		return -1;
	at = find(m, key, hash);
	assert(!*at);
	en = malloc(sizeof(*en) + len + 1);
	if (!en)
		return -1;
	en->next = NULL;
	en->value = value;
	en->hash = hash;
	memcpy(en->key, key, len + 1);
	*at = en;
	m->count++;
	return 0;
}

static void *unlink_entry(struct map *m, struct entry **at)
{
	struct entry *en = *at;
	void *value = en->value;

	*at = en->next;
	free(en);
	m->count--;
	return value;
}

void *map_take(struct map *m, const char *key)
{
	struct entry **at = find(m, key, hash_of(m, key));

	return *at ? unlink_entry(m, at) : NULL;
}

size_t map_count(const struct map *m)
{
	return m->count;
}

void map_sweep(struct map *m,
	       bool (*keep)(const char *key, void *value, void *arg), void *arg)
{
	struct entry **at;
	size_t i;

	for (i = 0; i < m->nslots; i++) {
		at = &m->slots[i];
		while (*at) {
			if (keep((*at)->key, (*at)->value, arg))
				at = &(*at)->next;
			else
				unlink_entry(m, at);
		}
	}
}

/* FNV-1a, and murmur3's last mix, since FNV's low bits differ too little. */
unsigned int hash_str(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	h ^= h >> 16;
	h *= 0x85ebca6bu;
	h ^= h >> 13;
	h *= 0xc2b2ae35u;
	h ^= h >> 16;
	return h;
}
