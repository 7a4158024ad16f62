/* SPDX-License-Identifier: ISC */
#include "sim/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "sim/core.h"

void *must_alloc(size_t n)
{
	void *p = calloc(1, n ? n : 1);

	if (!p)
		abort();
	return p;
}

void *must_grow(void *p, size_t n)
{
	p = realloc(p, n);
	if (!p)
		abort();
	return p;
}

char *must_dup(const char *s)
{
	return s ? must_dupn(s, strlen(s)) : NULL;
}

char *must_dupn(const char *s, size_t n)
{
	char *p = must_alloc(n + 1);

	memcpy(p, s, n);
	return p;
}

char *must_take(struct buf *b)
{
	char *p = buf_take(b);

	if (!p)
		abort();
	return p;
}

static void vec_room(struct vec *v)
{
	if (v->n < v->size)
		return;
	v->size = v->size ? v->size * 2 : 8;
	v->v = must_grow(v->v, v->size * sizeof(*v->v));
}

void vec_push(struct vec *v, void *p)
{
	vec_room(v);
	v->v[v->n++] = p;
}

void vec_insert(struct vec *v, size_t at, void *p)
{
	vec_room(v);
	memmove(v->v + at + 1, v->v + at, (v->n - at) * sizeof(*v->v));
	v->v[at] = p;
	v->n++;
}

void vec_remove(struct vec *v, const void *p)
{
	size_t i;

	for (i = v->n; i > 0; i--) {
		if (v->v[i - 1] != p)
			continue;
		memmove(v->v + i - 1, v->v + i, (v->n - i) * sizeof(*v->v));
		v->n--;
		return;
	}
}

void vec_free(struct vec *v, void (*drop)(void *p))
{
	size_t i;

	for (i = 0; drop && i < v->n; i++)
		drop(v->v[i]);
	free(v->v);
	memset(v, 0, sizeof(*v));
}

void vec_trim(struct vec *v, size_t keep, void (*drop)(void *p))
{
	size_t cut = keep / 4 + 1;
	size_t i;

	if (v->n <= keep)
		return;
	if (cut > v->n)
		cut = v->n;
	for (i = 0; i < cut; i++)
		drop(v->v[i]);
	memmove(v->v, v->v + cut, (v->n - cut) * sizeof(*v->v));
	v->n -= cut;
}

bool list_has(const char *list, const char *word)
{
	size_t n = strlen(word);
	const char *p = list;

	while (p && *p) {
		p += strspn(p, ", ");
		if (strncmp(p, word, n) == 0 && strcspn(p, ", ") == n)
			return true;
		p += strcspn(p, ", ");
	}
	return false;
}

bool str_eq(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* xorshift64*: fast, and the same again for the same seed. */
uint64_t sim_random(struct sim *s)
{
	s->rng ^= s->rng >> 12;
	s->rng ^= s->rng << 25;
	s->rng ^= s->rng >> 27;
	return s->rng * UINT64_C(2685821657736338717);
}

void sim_uuid(struct sim *s, char out[UUID_SIZE])
{
	static const char hex[] = "0123456789abcdef";
	uint64_t bits[2] = { sim_random(s), sim_random(s) };
	size_t i, at = 0;

	for (i = 0; i < 32; i++) {
		if (i == 8 || i == 12 || i == 16 || i == 20)
			out[at++] = '-';
		out[at++] = hex[bits[i / 16] >> (i % 16 * 4) & 15];
	}
	out[at] = '\0';
	out[14] = '4';
}

void sim_id(struct sim *s, const char *prefix, char *out, size_t size)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
	uint64_t bits = sim_random(s);
	char tail[11];
	size_t i;

	for (i = 0; i < sizeof(tail) - 1; i++)
		tail[i] = digits[bits >> (i * 5) & 31];
	tail[i] = '\0';
	snprintf(out, size, "%s%s", prefix, tail);
}

size_t chars_len(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

size_t chars_bytes(const char *s, size_t n)
{
	size_t i = 0;

	while (s[i]) {
		if (((unsigned char)s[i] & 0xc0) != 0x80) {
			if (n == 0)
				break;
			n--;
		}
		i++;
	}
	return i;
}
