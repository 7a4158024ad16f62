/* SPDX-License-Identifier: ISC */
#include "sim/pane.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "sim/blocks.h"
#include "sim/core.h"
#include "sim/interact.h"

#define VIEW_MAX     ((size_t)250 << 10)
#define BLOCKS_MAX   100
#define TITLE_MAX    24
#define ID_MAX       255
#define METADATA_MAX 3000
#define KEEP         5000

static size_t chars(const struct json *j, const char *path)
{
	const char *s = json_str(j, path);

	return s ? chars_len(s) : 0;
}

static bool label(const struct json *j, const char *key, bool needed)
{
	char at[32];

	if (!json_at(j, key))
		return !needed;
	snprintf(at, sizeof(at), "%s.type", key);
	if (!str_eq(json_str(j, at), "plain_text"))
		return false;
	snprintf(at, sizeof(at), "%s.text", key);
	return chars(j, at) >= 1 && chars(j, at) <= TITLE_MAX;
}

/* Blocks that are for messages only. */
static bool block_ok(const struct json *b, bool *inputs)
{
	const char *type = json_str(b, "type");
	struct block_sums sums = { 0 };

	if (!type || list_has("markdown,context_actions,data_table,table,"
			      "data_visualization,file,task_card,plan",
			      type))
		return false;
	if (strcmp(type, "input") == 0) {
		*inputs = true;
		return json_is_object(b, "element") &&
		       json_is_object(b, "label");
	}
	return block_shape(b, &sums);
}

static bool pane_ok(const struct json *j, bool home)
{
	size_t i, n = json_len(j, "blocks");
	bool inputs = false;
	char at[32];

	if (!str_eq(json_str(j, "type"), home ? "home" : "modal") ||
	    !json_is_array(j, "blocks") || n > BLOCKS_MAX ||
	    chars(j, "callback_id") > ID_MAX ||
	    chars(j, "external_id") > ID_MAX ||
	    chars(j, "private_metadata") > METADATA_MAX)
		return false;
	for (i = 0; i < n; i++) {
		snprintf(at, sizeof(at), "blocks.%zu", i);
		if (!block_ok(json_at(j, at), &inputs))
			return false;
	}
	/* Nobody could send off what they put in. */
	return home || (label(j, "title", true) && label(j, "close", false) &&
			label(j, "submit", inputs));
}

const char *pane_check(const char *json, bool home)
{
	struct err e = { 0 };
	const char *error = NULL;
	struct json *j;

	if (strlen(json) > VIEW_MAX)
		return "view_too_large";
	j = json_parse(json, strlen(json), SIM_BODY_MAX, &e);
	if (!j || !pane_ok(j, home))
		error = "invalid_arguments";
	json_free(j);
	return error;
}

static bool copy_member(const char *key, const struct json *v, void *arg)
{
	struct jwrite *w = arg;
	struct buf b;

	/* What Slack sets itself, an app that sends back what it got has. */
	if (!v || strcmp(key, "blocks") == 0 ||
	    list_has("id,hash,team_id,state,app_id,bot_id,root_view_id,"
		     "previous_view_id,app_installed_team_id",
		     key))
		return true;
	buf_init(&b, SIM_BODY_MAX);
	json_copy(v, &b);
	jw_raw(w, key, b.data);
	buf_release(&b);
	return true;
}

static char *fill(struct sim *s, const char *json)
{
	struct err e = { 0 };
	struct json *j = json_parse(json, strlen(json), SIM_BODY_MAX, &e);
	struct jwrite w;
	struct buf b, blocks;
	char *filled;

	buf_init(&blocks, SIM_BODY_MAX);
	json_copy(json_at(j, "blocks"), &blocks);
	filled = blocks_fill(s, blocks.data);
	buf_init(&b, SIM_BODY_MAX);
	jw_init(&w, &b);
	jw_object(&w, NULL);
	json_each(j, copy_member, &w);
	jw_raw(&w, "blocks", filled);
	jw_object_end(&w);
	free(filled);
	buf_release(&blocks);
	json_free(j);
	return must_take(&b);
}

static void new_hash(struct sim *s, struct pane *v)
{
	snprintf(v->hash, sizeof(v->hash), "%" PRId64 ".%08" PRIx32,
		 sim_wall_ms(s) / 1000, (uint32_t)sim_random(s));
}

struct pane *pane_create(struct sim *s, struct install *i, struct user *u,
			 const char *json, bool home)
{
	struct pane *v = must_alloc(sizeof(*v));

	sim_id(s, "V", v->id, sizeof(v->id));
	memcpy(v->root, v->id, sizeof(v->root));
	v->install = i;
	v->user = u;
	v->home = home;
	v->open = true;
	v->given = fill(s, json);
	new_hash(s, v);
	vec_trim(&s->interact->views, KEEP, pane_free);
	vec_push(&s->interact->views, v);
	sim_changed(s);
	return v;
}

void pane_revise(struct sim *s, struct pane *v, const char *json)
{
	char *given = fill(s, json);

	free(v->given);
	free(v->errors);
	v->given = given;
	v->errors = NULL;
	new_hash(s, v);
	sim_changed(s);
}

void pane_free(void *pane)
{
	struct pane *v = pane;

	free(v->given);
	free(v->errors);
	free(v);
}

struct pane *pane_find(const struct sim *s, const char *id)
{
	struct pane *v;
	size_t i;

	for (i = s->interact->views.n; id && i > 0; i--) {
		v = s->interact->views.v[i - 1];
		if (strcmp(v->id, id) == 0)
			return v;
	}
	return NULL;
}

static bool has_external_id(const struct pane *v, const char *id)
{
	struct err e = { 0 };
	struct json *j =
		json_parse(v->given, strlen(v->given), SIM_BODY_MAX, &e);
	bool yes = str_eq(json_str(j, "external_id"), id);

	json_free(j);
	return yes;
}

struct pane *pane_by_external_id(const struct sim *s, const struct install *in,
				 const char *external_id)
{
	struct pane *v;
	size_t i;

	for (i = s->interact->views.n; external_id && i > 0; i--) {
		v = s->interact->views.v[i - 1];
		if (v->open && v->install == in &&
		    has_external_id(v, external_id))
			return v;
	}
	return NULL;
}

/* The newest that is open. */
static struct pane *newest(const struct sim *s, const struct install *in,
			   const struct user *u, bool home)
{
	struct pane *v;
	size_t i;

	for (i = s->interact->views.n; i > 0; i--) {
		v = s->interact->views.v[i - 1];
		if (v->open && v->home == home && v->install == in &&
		    v->user == u)
			return v;
	}
	return NULL;
}

struct pane *pane_home(const struct sim *s, const struct install *in,
		       const struct user *u)
{
	return newest(s, in, u, true);
}

struct pane *pane_top(const struct sim *s, const struct install *in,
		      const struct user *u)
{
	return newest(s, in, u, false);
}

size_t pane_depth(const struct sim *s, const struct pane *of)
{
	const struct pane *v;
	size_t i, n = 0;

	for (i = 0; i < s->interact->views.n; i++) {
		v = s->interact->views.v[i];
		n += v->open && strcmp(v->root, of->root) == 0;
	}
	return n;
}

void pane_stack(struct pane *v, const struct pane *below)
{
	memcpy(v->root, below->root, sizeof(v->root));
	memcpy(v->previous, below->id, sizeof(v->previous));
}

void pane_shut(struct sim *s, struct pane *v)
{
	v->open = false;
	sim_changed(s);
}

void pane_shut_all(struct sim *s, const struct pane *of)
{
	struct pane *v;
	size_t i;

	for (i = 0; i < s->interact->views.n; i++) {
		v = s->interact->views.v[i];
		if (strcmp(v->root, of->root) == 0)
			v->open = false;
	}
	sim_changed(s);
}

static void or_empty(struct jwrite *w, const struct json *j, const char *key)
{
	const char *v = json_str(j, key);

	jw_str(w, key, v ? v : "");
}

static bool write_given(const char *key, const struct json *v, void *arg)
{
	if (list_has("callback_id,private_metadata,external_id", key))
		return true;
	return copy_member(key, v, arg);
}

void pane_write(struct jwrite *w, const char *key, const struct pane *v,
		const char *state)
{
	struct err e = { 0 };
	struct json *j =
		json_parse(v->given, strlen(v->given), SIM_BODY_MAX, &e);
	struct buf blocks;

	buf_init(&blocks, SIM_BODY_MAX);
	json_copy(json_at(j, "blocks"), &blocks);
	jw_object(w, key);
	jw_str(w, "id", v->id);
	jw_str(w, "team_id", v->user->team->id);
	json_each(j, write_given, w);
	jw_raw(w, "blocks", blocks.data);
	or_empty(w, j, "private_metadata");
	or_empty(w, j, "callback_id");
	or_empty(w, j, "external_id");
	jw_raw(w, "state", state ? state : "{\"values\":{}}");
	jw_str(w, "hash", v->hash);
	if (!json_at(j, "clear_on_close"))
		jw_bool(w, "clear_on_close", false);
	if (!json_at(j, "notify_on_close"))
		jw_bool(w, "notify_on_close", false);
	if (!json_at(j, "submit"))
		jw_str(w, "submit", NULL);
	jw_str(w, "previous_view_id", *v->previous ? v->previous : NULL);
	jw_str(w, "root_view_id", v->root);
	jw_str(w, "app_id", v->install->app->id);
	jw_str(w, "app_installed_team_id", v->install->team->id);
	jw_str(w, "bot_id", v->install->bot_id);
	jw_object_end(w);
	buf_release(&blocks);
	json_free(j);
}
