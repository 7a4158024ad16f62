/* SPDX-License-Identifier: ISC */
#include "ctl/rows.h"

#include "base/clock.h"
#include "base/json.h"

long long rows_int(const struct json *j, const char *path)
{
	return (long long)json_int(j, path, 0);
}

void rows_text(struct table *t, const struct json *row, const char *key)
{
	table_add(t, json_str(row, key));
}

void rows_number(struct table *t, const struct json *row, const char *key)
{
	table_addf(t, "%lld", rows_int(row, key));
}

void rows_yes(struct table *t, const struct json *row, const char *key)
{
	table_add(t, json_bool(row, key, false) ? "yes" : "no");
}

static void add_span(struct table *t, long long ms)
{
	char age[TABLE_AGE_SIZE];

	table_age(age, ms / 1000);
	table_add(t, age);
}

void rows_age(struct table *t, const struct json *row, const char *key)
{
	add_span(t, (long long)clock_wall_ms() - rows_int(row, key));
}

void rows_left(struct table *t, const struct json *row, const char *key)
{
	add_span(t, rows_int(row, key) - (long long)clock_wall_ms());
}

void rows_pair(struct table *t, const struct json *j, const char *key)
{
	table_add(t, key);
	rows_text(t, j, key);
}

static void add_row(struct table *t, const struct column *c,
		    const struct json *row)
{
	for (; c->head; c++)
		c->add(t, row, c->key);
}

void rows_print(const struct column *columns, const struct json *list,
		FILE *out)
{
	const char *heads[TABLE_COLUMNS];
	struct table t;
	size_t i, n = 0;

	while (n < TABLE_COLUMNS && columns[n].head) {
		heads[n] = columns[n].head;
		n++;
	}
	table_init(&t, n, heads);
	for (i = 0; i < json_len(list, ""); i++)
		add_row(&t, columns, json_nth(list, "", i));
	table_print(&t, out);
	table_release(&t);
}

void rows_section(const struct column *columns, const struct json *list,
		  FILE *out)
{
	if (json_len(list, "") == 0)
		return;
	fputc('\n', out);
	rows_print(columns, list, out);
}
