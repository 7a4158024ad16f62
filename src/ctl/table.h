/* SPDX-License-Identifier: ISC */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS 8

/* Rows whose columns are aligned when all are known. */
struct table {
	size_t columns;
	char **cells;
	size_t n; /* of cells */
	size_t width[TABLE_COLUMNS];
};

/* Begins with the headings. */
void table_init(struct table *t, size_t columns, const char *const *heads);
void table_release(struct table *t);

/* The next cell, row by row; NULL is "-". Copied, with control characters
 * (a terminal's, from a foreign name) as '?'. */
void table_add(struct table *t, const char *text);
void table_addf(struct table *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

void table_print(const struct table *t, FILE *out);

/* "45s", "12m", "3h 5m", "4d 2h" */
#define TABLE_AGE_SIZE 24
void table_age(char out[TABLE_AGE_SIZE], long long seconds);

#endif
