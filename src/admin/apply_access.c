/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/apply.h"
#include "admin/field.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "route/access.h"
#include "store/store.h"

#define IDS_MAX     1000
#define GROUPS_MAX  20 /* each is a question to Slack */
#define ANSWERS_MAX 1000

/* Where its members go to be looked at, and no further. */
struct probe {
	char *ids;
	int n;
};
#define IDS offsetof(struct probe, ids)
#define N   offsetof(struct probe, n)

/* As access_keys has them. */
static const struct field fields[] = {
	{ "channels_allowed", F_CHANNELS, IDS, IDS_MAX },
	{ "channels_denied", F_CHANNELS, IDS, IDS_MAX },
	{ "people_allowed", F_PEOPLE, IDS, IDS_MAX },
	{ "people_denied", F_PEOPLE, IDS, IDS_MAX },
	{ "groups_allowed", F_GROUPS, IDS, GROUPS_MAX },
	{ "groups_denied", F_GROUPS, IDS, GROUPS_MAX },
	{ "guests", F_BOOL, N, 0 },
	{ "strangers", F_BOOL, N, 0 },
	{ "direct_messages", F_BOOL, N, 0 },
	{ "bots_allowed", F_BOTS, IDS, IDS_MAX },
	{ "bot_answers", F_COUNT, N, ANSWERS_MAX },
	{ NULL, F_NESTED, 0, 0 },
};

static bool copy_set(const char *key, const struct json *value, void *arg)
{
	struct jwrite *w = arg;
	struct buf text;

	if (!value)
		return true;
	buf_init(&text, ACCESS_TEXT_MAX);
	if (json_copy(value, &text) < 0)
		w->out->failed = true;
	else
		jw_raw(w, key, text.data);
	buf_release(&text);
	return true;
}

/* All but what is null. */
static struct json *only_set(const struct json *j, struct err *e)
{
	struct json *set = NULL;
	struct jwrite w;
	struct buf text;

	buf_init(&text, ACCESS_TEXT_MAX);
	jw_init(&w, &text);
	jw_object(&w, NULL);
	json_each(j, copy_set, &w);
	jw_object_end(&w);
	if (text.failed)
		err_set(e, ERR_INPUT, "access: too much");
	else
		set = json_parse(text.data, text.len, ACCESS_TEXT_MAX, e);
	buf_release(&text);
	return set;
}

static int check(const struct json *j, const char *place, struct err *e)
{
	struct probe probe = { 0 };
	const struct fields f = { fields, &probe };
	struct json *set;
	int rc;

	if (!json_is_object(j, ""))
		return field_walk(j, place, &f, 1, e);
	set = only_set(j, e);
	rc = set ? field_walk(set, place, &f, 1, e) : -1;
	free(probe.ids);
	json_free(set);
	return rc;
}

int apply_parse_access(char **out, const struct json *j, const char *place,
		       struct err *e)
{
	char inside[96];
	struct buf text;

	(void)snprintf(inside, sizeof(inside), "%saccess.", place);
	if (check(j, inside, e) < 0)
		return -1;
	buf_init(&text, ACCESS_TEXT_MAX);
	if (json_copy(j, &text) == 0)
		*out = buf_take(&text);
	else
		err_set(e, ERR_RETRY, "no memory");
	buf_release(&text);
	return *out ? 0 : -1;
}

/* Whether a member is there, if only as null. */
struct presence {
	const char *key;
	bool found;
};

static bool look(const char *key, const struct json *value, void *arg)
{
	struct presence *p = arg;

	(void)value;
	p->found = strcmp(key, p->key) == 0;
	return !p->found;
}

static bool tells(const struct json *j, const char *key)
{
	struct presence p = { .key = key };

	json_each(j, look, &p);
	return p.found;
}

static void merge_member(struct jwrite *w, const struct json *old,
			 const struct json *patch, const char *key)
{
	const struct json *from = tells(patch, key) ? patch : old;
	struct buf text;

	if (!json_at(from, key))
		return;
	buf_init(&text, ACCESS_TEXT_MAX);
	if (json_copy(json_at(from, key), &text) < 0)
		w->out->failed = true;
	else
		jw_raw(w, key, text.data);
	buf_release(&text);
}

/* What of old the patch doesn't replace, or end by a null. */
static int merge(const char *old_text, const char *patch_text, struct buf *out,
		 struct err *e)
{
	struct json *old = NULL;
	struct json *patch;
	struct jwrite w;
	size_t i;
	int rc = -1;

	patch = json_parse(patch_text, strlen(patch_text), ACCESS_TEXT_MAX, e);
	if (!patch)
		return -1;
	if (old_text)
		old = json_parse(old_text, strlen(old_text), ACCESS_TEXT_MAX,
				 e);
	if (old_text && !old)
		goto out;
	jw_init(&w, out);
	jw_object(&w, NULL);
	for (i = 0; access_keys[i]; i++)
		merge_member(&w, old, patch, access_keys[i]);
	jw_object_end(&w);
	rc = out->failed ? err_set(e, ERR_INPUT, "access: too much") : 0;
out:
	json_free(old);
	json_free(patch);
	return rc;
}

int apply_write_access(struct store *s, const char *tenant_id,
		       const char *agent_id, const char *patch, struct err *e)
{
	char *old = NULL;
	struct buf text;
	int rc;

	if (!patch)
		return 0;
	buf_init(&text, ACCESS_TEXT_MAX);
	rc = s->ops->access(s, tenant_id, agent_id, &old, e);
	if (rc >= 0)
		rc = merge(old, patch, &text, e);
	if (rc >= 0)
		rc = s->ops->access_put(
			s, tenant_id, agent_id,
			strcmp(text.data, "{}") == 0 ? NULL : text.data, e);
	free(old);
	buf_release(&text);
	return rc;
}
