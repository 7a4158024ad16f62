/* SPDX-License-Identifier: ISC */
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *b, size_t cap)
{
	memset(b, 0, sizeof(*b));
	b->cap = cap < SIZE_MAX / 4 ? cap : SIZE_MAX / 4;
}

void buf_release(struct buf *b)
{
	free(b->data);
	buf_init(b, b->cap);
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->data)
		b->data[0] = '\0';
}

static int fail(struct buf *b)
{
	b->failed = true;
	return -1;
}

/* Room for n more bytes and the NUL. */
static int reserve(struct buf *b, size_t n)
{
	size_t need, size;
	char *p;

	if (b->failed || n > b->cap - b->len)
		return fail(b);
	need = b->len + n + 1;
	if (need <= b->size)
		return 0;
	size = b->size ? b->size : 64;
	while (size < need)
		size *= 2;
	if (size > b->cap + 1)
		size = b->cap + 1;
	p = realloc(b->data, size);
	if (!p)
		return fail(b);
	b->data = p;
	b->size = size;
	return 0;
}

int buf_add(struct buf *b, const void *p, size_t n)
{
	/* size is cap + 1 at most, and 0 without data. */
	if ((b->failed || n >= b->size - b->len) && reserve(b, n) < 0)
		return -1;
	if (n > 0)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = '\0';
	return 0;
}

int buf_adds(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int buf_addc(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || reserve(b, (size_t)n) < 0)
		return fail(b);
	va_start(ap, fmt);
	(void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return 0;
}

void buf_shift(struct buf *b, size_t n)
{
	if (n == 0)
		return;
	b->len -= n;
	memmove(b->data, b->data + n, b->len + 1);
}

char *buf_take(struct buf *b)
{
	char *s = NULL;

	if (!b->failed) {
		s = b->data ? b->data : calloc(1, 1);
		b->data = NULL;
	}
	buf_release(b);
	return s;
}
