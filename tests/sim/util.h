/* SPDX-License-Identifier: ISC */
#ifndef SIM_UTIL_H
#define SIM_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* A simulator that is out of memory has nothing left to say: these abort. */
void *must_alloc(size_t n); /* zeroed */
void *must_grow(void *p, size_t n);
char *must_dup(const char *s); /* NULL: NULL */
char *must_dupn(const char *s, size_t n);
char *must_take(struct buf *b);

/* Pointers in order. */
struct vec {
	void **v;
	size_t n;
	size_t size;
};
void vec_push(struct vec *v, void *p);
void vec_insert(struct vec *v, size_t at, void *p);
void vec_remove(struct vec *v, const void *p); /* the last such */
void vec_free(struct vec *v, void (*drop)(void *p));
/* When there are more than keep, the oldest quarter goes. */
void vec_trim(struct vec *v, size_t keep, void (*drop)(void *p));

/* Is word one of the comma-separated words of list? */
bool list_has(const char *list, const char *word);
bool str_eq(const char *a, const char *b); /* NULL equals NULL */

struct sim;
uint64_t sim_random(struct sim *s);
#define UUID_SIZE 37
void sim_uuid(struct sim *s, char out[UUID_SIZE]);
/* Like Slack's own ids: a prefix and upper-case digits and letters. */
void sim_id(struct sim *s, const char *prefix, char *out, size_t size);

/* Characters of UTF-8, as Slack counts a text. */
size_t chars_len(const char *s);
/* Bytes of the first n characters. */
size_t chars_bytes(const char *s, size_t n);

#endif
