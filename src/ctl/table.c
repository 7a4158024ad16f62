/* SPDX-License-Identifier: ISC */
#include "ctl/table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/plain.h"

/* Code points, which is columns for the names that one meets. */
static size_t width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* A command that prints a table has nothing better to do without memory. */
static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

void table_init(struct table *t, size_t columns, const char *const *heads)
{
	size_t i;

	assert(columns > 0 && columns <= TABLE_COLUMNS);
	memset(t, 0, sizeof(*t));
	t->columns = columns;
	for (i = 0; i < columns; i++)
		table_add(t, heads[i]);
}

void table_release(struct table *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		free(t->cells[i]);
	free(t->cells);
	memset(t, 0, sizeof(*t));
}

void table_add(struct table *t, const char *text)
{
	size_t column = t->n % t->columns;
	char *cell;

	cell = must(strdup(text && text[0] ? text : "-"));
	plain_mend(cell);
	if (column == 0)
		t->cells = must(realloc(t->cells,
					(t->n + t->columns) * sizeof(char *)));
	t->cells[t->n++] = cell;
	if (width(cell) > t->width[column])
		t->width[column] = width(cell);
}

void table_addf(struct table *t, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	table_add(t, text);
}

void table_print(const struct table *t, FILE *out)
{
	size_t i, column;

	for (i = 0; i < t->n; i++) {
		column = i % t->columns;
		fputs(t->cells[i], out);
		if (column + 1 == t->columns)
			fputc('\n', out);
		else
			fprintf(out, "%*s",
				(int)(t->width[column] - width(t->cells[i]) +
				      2),
				"");
	}
}

void table_age(char out[TABLE_AGE_SIZE], long long s)
{
	if (s < 0)
		s = 0;
	if (s < 60)
		(void)snprintf(out, TABLE_AGE_SIZE, "%llds", s);
	else if (s < 3600)
		(void)snprintf(out, TABLE_AGE_SIZE, "%lldm", s / 60);
	else if (s < 86400)
		(void)snprintf(out, TABLE_AGE_SIZE, "%lldh %lldm", s / 3600,
			       s / 60 % 60);
	else
		(void)snprintf(out, TABLE_AGE_SIZE, "%lldd %lldh", s / 86400,
			       s / 3600 % 24);
}
