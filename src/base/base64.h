/* SPDX-License-Identifier: ISC */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>

struct buf;

/* Appends n bytes in base64 (RFC 4648, with padding); 0 or -1. */
int base64_add(struct buf *out, const void *p, size_t n);

#endif
