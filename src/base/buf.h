/* SPDX-License-Identifier: ISC */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Bytes that grow up to a ceiling given at birth. What does not fit is
 * refused whole and failed stays set until buf_reset(), so that a writer may
 * append many times and look once at the end. data is NUL-terminated whenever
 * it isn't NULL; the NUL doesn't count into len.
 */
struct buf {
	char *data;
	size_t len;
	size_t size;
	size_t cap; /* len never exceeds it */
	bool failed;
};

void buf_init(struct buf *b, size_t cap);
void buf_release(struct buf *b);

/* Empty again, failure forgotten, memory kept. */
void buf_reset(struct buf *b);

/* Each returns 0, or -1 with b->failed set and the contents unchanged. */
int buf_add(struct buf *b, const void *p, size_t n);
int buf_adds(struct buf *b, const char *s);
int buf_addc(struct buf *b, char c);
int buf_addf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Drop the first n bytes (n <= len). */
void buf_shift(struct buf *b, size_t n);

/*
 * The contents as a heap string that the caller frees; b is empty again.
 * NULL when the buffer failed or memory is short. Empty gives "".
 */
char *buf_take(struct buf *b);

#endif
