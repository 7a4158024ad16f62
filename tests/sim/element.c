/* SPDX-License-Identifier: ISC */
#include "sim/element.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "sim/core.h"
#include "sim/world.h"

static bool is(const struct json *e, const char *type)
{
	return str_eq(json_str(e, "type"), type);
}

/* Menus and the like, whose options the app wrote. */
static bool has_options(const struct json *e)
{
	return is(e, "static_select") || is(e, "overflow") ||
	       is(e, "radio_buttons") || is(e, "checkboxes");
}

static const struct json *find_option(const struct json *e, const char *value)
{
	char at[48];
	size_t i;

	for (i = 0; i < json_len(e, "options"); i++) {
		snprintf(at, sizeof(at), "options.%zu.value", i);
		if (!value || !str_eq(json_str(e, at), value))
			continue;
		snprintf(at, sizeof(at), "options.%zu", i);
		return json_at(e, at);
	}
	return NULL;
}

/* The names stand for whichever button is the good and the bad one. */
static const struct json *find_half(const struct json *e, const char *value)
{
	static const char *const halves[][2] = {
		{ "positive_button", "up" }, { "negative_button", "down" }
	};
	const struct json *half;
	size_t i;

	for (i = 0; value && i < 2; i++) {
		half = json_at(e, halves[i][0]);
		if (str_eq(json_str(half, "value"), value))
			return half;
	}
	for (i = 0; value && i < 2; i++) {
		if (strcmp(value, halves[i][1]) == 0)
			return json_at(e, halves[i][0]);
	}
	return NULL;
}

/* An icon may be there for some people only. */
static bool shown_to(const struct json *e, const char *user)
{
	size_t i, n = json_len(e, "visible_to_user_ids");
	char at[48];

	for (i = 0; i < n; i++) {
		snprintf(at, sizeof(at), "visible_to_user_ids.%zu", i);
		if (str_eq(json_str(e, at), user))
			return true;
	}
	return n == 0;
}

static bool fits(const struct json *e, const char *action_id, const char *value,
		 const char *user, struct element *out)
{
	if (!str_eq(json_str(e, "action_id"), action_id) || !shown_to(e, user))
		return false;
	out->json = e;
	out->part = NULL;
	out->value = value;
	if (is(e, "feedback_buttons"))
		out->part = find_half(e, value);
	else if (has_options(e))
		out->part = find_option(e, value);
	else if (is(e, "button") || is(e, "icon_button"))
		return !value || str_eq(json_str(e, "value"), value);
	else
		return value;
	return out->part;
}

static bool in_block(const struct json *b, const char *action_id,
		     const char *value, const char *user, struct element *out)
{
	char at[32];
	size_t i;

	out->block = b;
	if (json_is_object(b, "accessory") &&
	    fits(json_at(b, "accessory"), action_id, value, user, out))
		return true;
	for (i = 0; i < json_len(b, "elements"); i++) {
		snprintf(at, sizeof(at), "elements.%zu", i);
		if (fits(json_at(b, at), action_id, value, user, out))
			return true;
	}
	return false;
}

bool element_find(const struct json *blocks, const char *action_id,
		  const char *value, const char *user, struct element *out)
{
	char at[24];
	size_t i;

	for (i = 0; i < json_len(blocks, ""); i++) {
		snprintf(at, sizeof(at), "%zu", i);
		if (in_block(json_at(blocks, at), action_id, value, user, out))
			return true;
	}
	return false;
}

static void copy(struct jwrite *w, const char *key, const struct json *j)
{
	struct buf b;

	if (!j)
		return;
	buf_init(&b, SIM_BODY_MAX);
	json_copy(j, &b);
	jw_raw(w, key, b.data);
	buf_release(&b);
}

static void write_choice(struct jwrite *w, const struct element *el)
{
	static const struct {
		const char *type;
		const char *key;
	} plain[] = {
		{ "users_select", "selected_user" },
		{ "conversations_select", "selected_conversation" },
		{ "channels_select", "selected_channel" },
		{ "datepicker", "selected_date" },
		{ "timepicker", "selected_time" },
		{ "plain_text_input", "value" },
	};
	size_t i;

	if (is(el->json, "checkboxes")) {
		jw_array(w, "selected_options");
		copy(w, NULL, el->part);
		jw_array_end(w);
		return;
	}
	if (has_options(el->json)) {
		copy(w, "selected_option", el->part);
		return;
	}
	for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (is(el->json, plain[i].type))
			jw_str(w, plain[i].key, el->value);
	}
}

void element_write(struct sim *s, struct jwrite *w, const struct element *el)
{
	/* Of feedback the half that was pressed has text and value. */
	const struct json *from = is(el->json, "feedback_buttons") ? el->part
								   : el->json;
	char ts[SIM_TS];

	world_ts(s, ts);
	jw_object(w, NULL);
	copy(w, "type", json_at(el->json, "type"));
	copy(w, "action_id", json_at(el->json, "action_id"));
	copy(w, "block_id", json_at(el->block, "block_id"));
	if (is(el->json, "button") || is(el->json, "icon_button") ||
	    is(el->json, "feedback_buttons")) {
		copy(w, "text", json_at(from, "text"));
		copy(w, "value", json_at(from, "value"));
		copy(w, "style", json_at(from, "style"));
		copy(w, "icon", json_at(from, "icon"));
	} else {
		write_choice(w, el);
	}
	jw_str(w, "action_ts", ts);
	jw_object_end(w);
}
