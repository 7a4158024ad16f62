/* SPDX-License-Identifier: ISC */
#ifndef CTL_ROWS_H
#define CTL_ROWS_H

#include <stdio.h>

#include "ctl/table.h"

struct json;

/* Tables of what the daemon answers. Like a table, they end the program
 * when memory is short. */

/* Adds the cell that key of row is; what isn't there is "-" or 0. */
typedef void rows_cell(struct table *t, const struct json *row,
		       const char *key);
rows_cell rows_text, rows_number, rows_yes;
rows_cell rows_age;  /* how long ago a time is, in ms of the wall clock */
rows_cell rows_left; /* how long until then; "0s" when it is over */

struct column {
	const char *head;
	const char *key;
	rows_cell *add;
};

/* The heads, and a row for each element of list; the last column has no
 * head. */
void rows_print(const struct column *columns, const struct json *list,
		FILE *out);
/* The same behind an empty line; nothing for an empty list. */
void rows_section(const struct column *columns, const struct json *list,
		  FILE *out);

/* Two cells, for a table of names and values: key, and its text. */
void rows_pair(struct table *t, const struct json *j, const char *key);

/* For printf(); 0 when it isn't there. */
long long rows_int(const struct json *j, const char *path);

#endif
