/* SPDX-License-Identifier: ISC */
#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"
#include "ctl/ctl.h"

#define VALUE_MAX ((size_t)1024 * 1024)

/* JSON with a line for each member, so that two of them can be compared line
 * by line. */
struct printing {
	int depth;
	bool comma;
};

static void print_value(const struct json *j, int depth);

static void begin_line(struct printing *p)
{
	printf("%s\n%*s", p->comma ? "," : "", 2 * p->depth, "");
	p->comma = true;
}

static void print_key(const char *key)
{
	struct jwrite w;
	struct buf text;

	buf_init(&text, VALUE_MAX);
	jw_init(&w, &text);
	jw_str(&w, NULL, key);
	printf("%s: ", text.data ? text.data : "\"?\"");
	buf_release(&text);
}

static bool print_member(const char *key, const struct json *value, void *arg)
{
	struct printing *p = arg;

	begin_line(p);
	print_key(key);
	print_value(value, p->depth);
	return true;
}

static void print_plain(const struct json *j)
{
	struct buf text;

	buf_init(&text, VALUE_MAX);
	if (!j || json_copy(j, &text) < 0)
		fputs("null", stdout);
	else
		fputs(text.data, stdout);
	buf_release(&text);
}

/* A list of ids stays in one line. */
static bool is_plain(const struct json *j)
{
	size_t i;

	for (i = 0; i < json_len(j, ""); i++) {
		if (json_is_object(json_nth(j, "", i), ""))
			return false;
	}
	return true;
}

static void print_list(const struct json *j, struct printing *p)
{
	size_t i;

	putchar('[');
	for (i = 0; i < json_len(j, ""); i++) {
		begin_line(p);
		print_value(json_nth(j, "", i), p->depth);
	}
	printf("\n%*s]", 2 * (p->depth - 1), "");
}

static void print_value(const struct json *j, int depth)
{
	struct printing p = { .depth = depth + 1 };

	if (json_is_object(j, "")) {
		putchar('{');
		json_each(j, print_member, &p);
		printf("\n%*s}", 2 * depth, "");
	} else if (json_is_array(j, "") && !is_plain(j)) {
		print_list(j, &p);
	} else {
		print_plain(j);
	}
}

void print_export(const struct json *j)
{
	print_value(j, 0);
	putchar('\n');
}
