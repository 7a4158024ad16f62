/* SPDX-License-Identifier: ISC */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Hash table from strings to pointers. Keys are copied; the hash is keyed
 * (SipHash) with random bytes, since keys come from outside. Not thread-safe.
 */
struct map;

/* NULL when memory is short. max is the most entries; 0 is no limit. */
struct map *map_create(size_t max);

/* drop, if not NULL, is called for each value. NULL map is allowed. */
void map_free(struct map *m, void (*drop)(void *value));

void *map_get(const struct map *m, const char *key);

/*
 * 0, or -1 when full or memory is short. The key must not be there yet;
 * values must not be NULL.
 */
int map_put(struct map *m, const char *key, void *value);

/* Removes the entry and returns its value, or NULL when there is none. */
void *map_take(struct map *m, const char *key);

size_t map_count(const struct map *m);

/* Every entry once, in no order. When keep returns false it is removed. */
void map_sweep(struct map *m,
	       bool (*keep)(const char *key, void *value, void *arg),
	       void *arg);

/* The hash that map uses, for choosing a thread or a partition: unkeyed. */
unsigned int hash_str(const char *s);

#endif
