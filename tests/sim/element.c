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

enum shape {
	TEXT,
	TEXTS, /* several */
	OPTION,
	OPTIONS,
};

/* What is put in, and how a payload and the element itself call it. */
static const struct kind {
	const char *type;
	enum shape shape;
	const char *key;
	const char *initial;
} kinds[] = {
	{ "plain_text_input", TEXT, "value", "initial_value" },
	{ "number_input", TEXT, "value", "initial_value" },
	{ "email_text_input", TEXT, "value", "initial_value" },
	{ "url_text_input", TEXT, "value", "initial_value" },
	{ "datepicker", TEXT, "selected_date", "initial_date" },
	{ "timepicker", TEXT, "selected_time", "initial_time" },
	{ "users_select", TEXT, "selected_user", "initial_user" },
	{ "channels_select", TEXT, "selected_channel", "initial_channel" },
	{ "conversations_select", TEXT, "selected_conversation",
	  "initial_conversation" },
	{ "multi_users_select", TEXTS, "selected_users", "initial_users" },
	{ "multi_channels_select", TEXTS, "selected_channels",
	  "initial_channels" },
	{ "multi_conversations_select", TEXTS, "selected_conversations",
	  "initial_conversations" },
	{ "static_select", OPTION, "selected_option", "initial_option" },
	{ "radio_buttons", OPTION, "selected_option", "initial_option" },
	{ "overflow", OPTION, "selected_option", "initial_option" },
	{ "checkboxes", OPTIONS, "selected_options", "initial_options" },
	{ "multi_static_select", OPTIONS, "selected_options",
	  "initial_options" },
};

/* NULL: a button or the like. */
static const struct kind *kind_of(const struct json *e)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (is(e, kinds[i].type))
			return &kinds[i];
	}
	return NULL;
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
	const struct kind *k = kind_of(e);

	if (!str_eq(json_str(e, "action_id"), action_id) || !shown_to(e, user))
		return false;
	out->json = e;
	out->part = NULL;
	out->value = value;
	if (is(e, "feedback_buttons"))
		out->part = find_half(e, value);
	else if (k && (k->shape == OPTION || k->shape == OPTIONS))
		out->part = find_option(e, value);
	else if (k)
		return value;
	else
		return !value || str_eq(json_str(e, "value"), value);
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

/* One value in the form of its kind; o is the option, if it is one. */
static void write_choice(struct jwrite *w, const struct kind *k,
			 const struct json *o, const char *value)
{
	bool several = k->shape == TEXTS || k->shape == OPTIONS;
	const char *key = several ? NULL : k->key;

	if (several)
		jw_array(w, k->key);
	if (k->shape == OPTION || k->shape == OPTIONS)
		copy(w, key, o);
	else
		jw_str(w, key, value);
	if (several)
		jw_array_end(w);
}

void element_write(struct sim *s, struct jwrite *w, const struct element *el)
{
	/* Of feedback the half that was pressed has text and value. */
	const struct json *from = is(el->json, "feedback_buttons") ? el->part
								   : el->json;
	const struct kind *k = kind_of(el->json);
	char ts[SIM_TS];

	world_ts(s, ts);
	jw_object(w, NULL);
	copy(w, "type", json_at(el->json, "type"));
	copy(w, "action_id", json_at(el->json, "action_id"));
	copy(w, "block_id", json_at(el->block, "block_id"));
	if (!k) {
		copy(w, "text", json_at(from, "text"));
		copy(w, "value", json_at(from, "value"));
		copy(w, "style", json_at(from, "style"));
		copy(w, "icon", json_at(from, "icon"));
	} else {
		write_choice(w, k, el->part, el->value);
	}
	jw_str(w, "action_ts", ts);
	jw_object_end(w);
}

struct lookup {
	const char *key;
	const struct json *found;
};

static bool is_member(const char *key, const struct json *v, void *arg)
{
	struct lookup *l = arg;

	if (!str_eq(key, l->key))
		return true;
	l->found = v;
	return false;
}

/* Not json_at(), since an app's ids may have dots. */
static const struct json *member(const struct json *j, const char *key)
{
	struct lookup l = { .key = key };

	if (j && key)
		json_each(j, is_member, &l);
	return l.found;
}

/* What a person put in here, by its action or its block. */
static const struct json *value_for(const struct json *values,
				    const struct json *block,
				    const struct json *e)
{
	const struct json *v = member(values, json_str(e, "action_id"));

	return v ? v : member(values, json_str(block, "block_id"));
}

static size_t count_given(const struct json *given)
{
	return json_str(given, "") ? *json_str(given, "") != '\0'
				   : json_len(given, "");
}

static const char *nth(const struct json *given, size_t i)
{
	char at[24];

	if (!json_is_array(given, ""))
		return json_str(given, "");
	snprintf(at, sizeof(at), "%zu", i);
	return json_str(given, at);
}

/* -1: an option that isn't there, or too many. */
static int write_given(struct jwrite *w, const struct kind *k,
		       const struct json *e, const struct json *given)
{
	size_t i, n = count_given(given);
	const struct json *o;

	if (k->shape == TEXT || k->shape == OPTION) {
		o = k->shape == OPTION ? find_option(e, nth(given, 0)) : NULL;
		if (n != 1 || (k->shape == OPTION && !o))
			return -1;
		write_choice(w, k, o, nth(given, 0));
		return 0;
	}
	jw_array(w, k->key);
	for (i = 0; i < n; i++) {
		o = find_option(e, nth(given, i));
		if (k->shape == TEXTS)
			jw_str(w, NULL, nth(given, i));
		else if (o)
			copy(w, NULL, o);
		else
			return -1;
	}
	jw_array_end(w);
	return 0;
}

int element_state(struct jwrite *w, const struct json *block,
		  const struct json *e, const struct json *values)
{
	const struct kind *k = kind_of(e);
	const struct json *given = value_for(values, block, e);
	const struct json *initial;
	int rc = 0;

	if (!k)
		return 0;
	initial = json_at(e, k->initial);
	jw_object(w, json_str(e, "action_id"));
	jw_str(w, "type", k->type);
	if (count_given(given) > 0)
		rc = write_given(w, k, e, given);
	else if (!given && initial)
		copy(w, k->key, initial);
	else if (is(block, "input") && !json_bool(block, "optional", false))
		rc = -1;
	else if (k->shape == OPTIONS || k->shape == TEXTS)
		jw_raw(w, k->key, "[]");
	else
		jw_str(w, k->key, NULL);
	jw_object_end(w);
	return rc;
}
