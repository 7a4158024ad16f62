/* SPDX-License-Identifier: ISC */
#ifndef CTL_PLAIN_H
#define CTL_PLAIN_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Text as it may go to a terminal. Names come from afar, and reasons from
 * whoever was asked: what would move the cursor, turn the direction of
 * writing, or is no UTF-8, becomes a "?".
 */

/* lines: they and tabs stay. NULL is "?". */
void plain_put(const char *s, bool lines, FILE *out);
void plain_printf(FILE *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* In place, where it can only become shorter; one line. */
void plain_mend(char *s);

#endif
