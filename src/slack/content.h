/* SPDX-License-Identifier: ISC */
#ifndef SLACK_CONTENT_H
#define SLACK_CONTENT_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/*
 * What the bytes of an attached file are, by the bytes alone: names and types
 * are whatever the sender's machine made of them.
 */
enum content_kind {
	CONTENT_EMPTY = 0,
	CONTENT_TEXT, /* UTF-8, UTF-16 with its mark, or Western 8-bit */
	CONTENT_PNG,
	CONTENT_JPEG,
	CONTENT_GIF,
	CONTENT_WEBP,
	CONTENT_OTHER,
};

/* Enough for content_kind() to tell images and most else from text. */
#define CONTENT_HEAD 1024

/* Of the first n bytes; whole: there are no more. */
enum content_kind content_kind(const char *p, size_t n, bool whole);

/* "image/png"; NULL unless it is an image. */
const char *content_image_type(enum content_kind k);

/*
 * Appends what is CONTENT_TEXT as UTF-8: lines of any kind end in "\n", control
 * characters and terminal escapes are left out, and so is a character whose end
 * is cut off, unless it is the whole. 0, or -1 when out is full or memory is
 * short.
 */
int content_text(const char *p, size_t n, bool whole, struct buf *out);

/* Does it begin like a page of HTML? */
bool content_is_page(const char *p, size_t n);

#endif
