/* SPDX-License-Identifier: ISC */
#include "sim/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sim/widgets.h"

void line_free(void *line)
{
	struct line *l = line;

	free(l->ts);
	free(l->user);
	free(l);
}

static bool has_widgets(const struct json *m)
{
	struct vec all = { 0 };
	bool yes;

	widgets_take(json_at(m, "blocks"), &all);
	yes = all.n > 0;
	vec_free(&all, widget_free);
	return yes;
}

void lines_add(struct vec *lines, const struct json *m, size_t thread,
	       size_t reply)
{
	struct line *l = must_alloc(sizeof(*l));

	l->ts = must_dup(json_str(m, "ts"));
	l->user = must_dup(json_str(m, "user"));
	if (reply)
		snprintf(l->number, sizeof(l->number), "%zu.%zu", thread,
			 reply);
	else if (thread)
		snprintf(l->number, sizeof(l->number), "%zu", thread);
	l->widgets = has_widgets(m);
	vec_push(lines, l);
}

const char *lines_ts(const struct vec *lines, const char *number)
{
	const struct line *l;
	size_t i;

	for (i = 0; i < lines->n; i++) {
		l = lines->v[i];
		if (*number && strcmp(l->number, number) == 0)
			return l->ts;
	}
	return NULL;
}

const char *lines_number(const struct vec *lines, const char *ts)
{
	const struct line *l;
	size_t i;

	for (i = 0; i < lines->n; i++) {
		l = lines->v[i];
		if (str_eq(l->ts, ts))
			return l->number;
	}
	return "";
}

const char *lines_last(const struct vec *lines, const char *user, bool widgets)
{
	const struct line *l, *last = NULL;
	size_t i;

	for (i = 0; i < lines->n; i++) {
		l = lines->v[i];
		if ((user && !str_eq(l->user, user)) ||
		    (widgets && !l->widgets))
			continue;
		if (!last || strcmp(l->ts, last->ts) > 0)
			last = l;
	}
	return last ? last->ts : NULL;
}
