/* SPDX-License-Identifier: ISC */
#include "sim/widgets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"

static const struct json *nth(const struct json *j, const char *list, size_t i)
{
	char at[48];

	snprintf(at, sizeof(at), "%s%s%zu", list, *list ? "." : "", i);
	return json_at(j, at);
}

void widget_free(void *widget)
{
	struct widget *w = widget;

	free(w->action_id);
	free(w->value);
	free(w->label);
	free(w);
}

static void add(struct vec *out, const struct json *e, const char *value,
		const char *label)
{
	struct widget *w = must_alloc(sizeof(*w));

	w->action_id = must_dup(json_str(e, "action_id"));
	w->value = must_dup(value);
	w->label = must_dup(label ? label : "?");
	vec_push(out, w);
}

static void take_element(const struct json *e, struct vec *out)
{
	const struct json *o;
	size_t i;

	if (!json_str(e, "action_id"))
		return;
	if (str_eq(json_str(e, "type"), "feedback_buttons")) {
		add(out, e, "up", json_str(e, "positive_button.text.text"));
		add(out, e, "down", json_str(e, "negative_button.text.text"));
	} else if (json_is_array(e, "options")) {
		for (i = 0; i < json_len(e, "options"); i++) {
			o = nth(e, "options", i);
			add(out, e, json_str(o, "value"),
			    json_str(o, "text.text"));
		}
	} else {
		add(out, e, NULL, json_str(e, "text.text"));
	}
}

static void take_block(const struct json *b, struct vec *out)
{
	size_t i;

	if (json_at(b, "accessory"))
		take_element(json_at(b, "accessory"), out);
	for (i = 0; i < json_len(b, "elements"); i++)
		take_element(nth(b, "elements", i), out);
}

void widgets_take(const struct json *blocks, struct vec *out)
{
	size_t i;

	for (i = 0; i < json_len(blocks, ""); i++)
		take_block(nth(blocks, "", i), out);
}

/* Those of one block or of all, numbered on from *n. */
static void show(const struct vec *all, size_t from, struct buf *out)
{
	const struct widget *w;
	size_t i;

	for (i = from; i < all->n; i++) {
		w = all->v[i];
		buf_addf(out, "%s[%zu %s]", i > from ? " " : "", i + 1,
			 w->label);
	}
}

void widgets_show(const struct json *blocks, struct buf *out)
{
	struct vec all = { 0 };

	widgets_take(blocks, &all);
	show(&all, 0, out);
	vec_free(&all, widget_free);
}

static void show_input(const struct json *b, struct buf *out)
{
	const struct json *e = json_at(b, "element");
	const char *id = json_str(e, "action_id");
	size_t i;

	buf_addf(out, "%s%s  %s=", json_str(b, "label.text"),
		 json_bool(b, "optional", false) ? " (optional)" : "",
		 id ? id : json_str(b, "block_id"));
	for (i = 0; i < json_len(e, "options"); i++)
		buf_addf(out, "%s%s", i ? "|" : "",
			 json_str(nth(e, "options", i), "value"));
	buf_addc(out, '\n');
}

static void show_texts(const struct json *b, struct buf *out)
{
	const char *text = json_str(b, "text.text");
	size_t i;

	if (!text)
		text = json_str(b, "text");
	if (text)
		buf_addf(out, "%s\n", text);
	for (i = 0; i < json_len(b, "fields"); i++)
		buf_addf(out, "%s\n", json_str(nth(b, "fields", i), "text"));
	if (!str_eq(json_str(b, "type"), "context"))
		return;
	for (i = 0; i < json_len(b, "elements"); i++) {
		text = json_str(nth(b, "elements", i), "text");
		if (text)
			buf_addf(out, "%s\n", text);
	}
}

static bool show_error(const char *key, const struct json *v, void *arg)
{
	buf_addf(arg, "! %s%s%s\n", key, *key ? ": " : "",
		 v && json_str(v, "") ? json_str(v, "") : "");
	return true;
}

void panel_show(const struct json *view, const struct json *errors,
		struct buf *out)
{
	const char *title = json_str(view, "title.text");
	struct vec all = { 0 };
	const struct json *b;
	size_t i, before;

	buf_addf(out, "=== %s ===\n", title ? title : "Home");
	for (i = 0; i < json_len(view, "blocks"); i++) {
		b = nth(view, "blocks", i);
		before = all.n;
		if (json_is_object(b, "element"))
			show_input(b, out);
		show_texts(b, out);
		take_block(b, &all);
		show(&all, before, out);
		if (all.n > before)
			buf_addc(out, '\n');
	}
	if (errors)
		json_each(errors, show_error, out);
	if (json_str(view, "submit.text"))
		buf_addf(out, "=== /submit: %s ===\n",
			 json_str(view, "submit.text"));
	vec_free(&all, widget_free);
}
