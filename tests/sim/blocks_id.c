/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "sim/blocks.h"
#include "sim/core.h"

/* What a block or an element lacks, Slack gives it. */
struct fill {
	struct sim *s;
	struct jwrite w;
};

static bool is_one_of(const char *word, const char *list)
{
	return word && list_has(list, word);
}

/* Most messages have none, and are posted by the thousand. */
static bool may_take_input(const char *json)
{
	return strstr(json, "actions\"") || strstr(json, "\"accessory\"") ||
	       strstr(json, "\"input\"");
}

static bool takes_input(const struct json *block)
{
	return is_one_of(json_str(block, "type"),
			 "actions,context_actions,input") ||
	       json_at(block, "accessory");
}

static void copy(struct jwrite *w, const char *key, const struct json *j)
{
	struct buf b;

	buf_init(&b, SIM_BODY_MAX);
	json_copy(j, &b);
	jw_raw(w, key, b.data ? b.data : "null");
	buf_release(&b);
}

static void end_with_id(struct fill *f, const struct json *j, const char *id)
{
	char text[8];

	if (!json_str(j, id)) {
		sim_id(f->s, "", text, sizeof(text));
		jw_str(&f->w, id, text);
	}
	jw_object_end(&f->w);
}

static bool write_member(const char *key, const struct json *v, void *arg)
{
	struct fill *f = arg;

	copy(&f->w, key, v);
	return true;
}

static void write_element(struct fill *f, const char *key, const struct json *e)
{
	jw_object(&f->w, key);
	json_each(e, write_member, f);
	end_with_id(f, e, "action_id");
}

static bool write_block_member(const char *key, const struct json *v, void *arg)
{
	struct fill *f = arg;
	char at[24];
	size_t i;

	if (strcmp(key, "elements") == 0 && json_is_array(v, "")) {
		jw_array(&f->w, key);
		for (i = 0; i < json_len(v, ""); i++) {
			snprintf(at, sizeof(at), "%zu", i);
			write_element(f, NULL, json_at(v, at));
		}
		jw_array_end(&f->w);
	} else if (is_one_of(key, "accessory,element") &&
		   json_is_object(v, "")) {
		write_element(f, key, v);
	} else {
		copy(&f->w, key, v);
	}
	return true;
}

char *blocks_fill(struct sim *s, const char *json)
{
	const struct json *block;
	struct fill f = { .s = s };
	struct err e = { 0 };
	struct json *j;
	struct buf b;
	char at[24];
	size_t i;

	if (!may_take_input(json))
		return must_dup(json);
	j = json_parse(json, strlen(json), SIM_BODY_MAX, &e);
	buf_init(&b, 2 * SIM_BODY_MAX);
	jw_init(&f.w, &b);
	jw_array(&f.w, NULL);
	for (i = 0; i < json_len(j, ""); i++) {
		snprintf(at, sizeof(at), "%zu", i);
		block = json_at(j, at);
		if (!takes_input(block)) {
			copy(&f.w, NULL, block);
			continue;
		}
		jw_object(&f.w, NULL);
		json_each(block, write_block_member, &f);
		end_with_id(&f, block, "block_id");
	}
	jw_array_end(&f.w);
	json_free(j);
	return must_take(&b);
}
