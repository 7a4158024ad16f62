/* SPDX-License-Identifier: ISC */
#include "admin/field.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "admin/apply.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/secret.h"
#include "slack/words.h"

#define NUMBER_MAX 1000000
#define ID_MAX     32

/* Going over one object's members. */
struct walk {
	const char *place;
	const struct fields *fields;
	size_t nfields;
	struct err *e;
	int rc;
};

int field_bad(struct err *e, const char *place, const char *key,
	      const char *what)
{
	return err_set(e, ERR_INPUT, "%s%.60s: %s", place, key, what);
}

bool field_id_valid(const char *s)
{
	size_t i;

	for (i = 0; s[i]; i++)
		if (!isdigit((unsigned char)s[i]) &&
		    !isupper((unsigned char)s[i]))
			return false;
	return i > 0;
}

static bool printable(const char *s, bool lines)
{
	for (; *s; s++) {
		if (lines && strchr("\n\r\t", *s))
			continue;
		if (iscntrl((unsigned char)*s))
			return false;
	}
	return true;
}

static bool token_valid(const char *s, const char *prefix)
{
	size_t i;

	if (strncmp(s, prefix, strlen(prefix)) != 0)
		return false;
	for (i = strlen(prefix); s[i]; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '-')
			return false;
	return i > strlen(prefix);
}

static const char *app_token_fault(const char *s)
{
	if (token_valid(s, "xoxb-") || token_valid(s, "xoxe.xoxb-"))
		return "a bot token; an app-level one begins with xapp-";
	if (!token_valid(s, "xapp-"))
		return "not an app-level token (xapp-...)";
	return NULL;
}

static const char *bot_token_fault(const char *s)
{
	if (token_valid(s, "xapp-"))
		return "an app-level token; a bot token begins with xoxb-";
	if (!token_valid(s, "xoxb-") && !token_valid(s, "xoxe.xoxb-"))
		return "not a bot token (xoxb-... or xoxe.xoxb-...)";
	return NULL;
}

/* What is wrong with a string, or NULL. */
static const char *string_fault(const struct field *f, const char *s)
{
	if (strlen(s) > f->max)
		return "too long";
	switch (f->kind) {
	case F_NAME:
		if (!apply_name_valid(s))
			return "only letters, digits, '.', '_' and '-', "
			       "a letter or digit first";
		break;
	case F_ID:
		if (!field_id_valid(s))
			return "not an id of Slack's";
		break;
	case F_APP_TOKEN:
		return app_token_fault(s);
	case F_BOT_TOKEN:
		return bot_token_fault(s);
	case F_REFRESH_TOKEN:
		if (!token_valid(s, "xoxe-"))
			return "not a refresh token (xoxe-...)";
		break;
	case F_LOCALE:
		if (s[0] != '\0' && !words_speak(s))
			return "not a language that we speak (en, de)";
		break;
	case F_LINE:
	case F_TEXT:
		if (!printable(s, f->kind == F_TEXT))
			return "has control characters";
		break;
	case F_NUMBER:
	case F_BOOL:
	case F_COUNT:
	case F_DAYS:
	case F_CHANNELS:
	case F_PEOPLE:
	case F_GROUPS:
	case F_BOTS:
	case F_NESTED:
		break;
	}
	return NULL;
}

static int take_string(const struct walk *w, const struct field *f, char *to,
		       const struct json *value)
{
	char **dst = (char **)(void *)(to + f->offset);
	const char *s = json_str(value, "");
	const char *fault;

	if (!s)
		return field_bad(w->e, w->place, f->key, "not a string");
	fault = string_fault(f, s);
	if (fault)
		return field_bad(w->e, w->place, f->key, fault);
	secret_free(*dst);
	*dst = strdup(s);
	if (!*dst)
		return err_set(w->e, ERR_RETRY, "no memory");
	return 0;
}

static int take_number(const struct walk *w, const struct field *f, char *to,
		       const struct json *value)
{
	int *dst = (int *)(void *)(to + f->offset);
	int64_t n = json_int(value, "", INT64_MIN);

	if (n < -1 || n > NUMBER_MAX)
		return field_bad(
			w->e, w->place, f->key,
			"not a number from 0 to 1000000, nor -1 for the "
			"configuration's");
	*dst = (int)n;
	return 0;
}

static int take_days(const struct walk *w, const struct field *f, char *to,
		     const struct json *value)
{
	int *dst = (int *)(void *)(to + f->offset);
	int64_t n = json_int(value, "", -2);

	if (n < -1 || n > (int64_t)f->max)
		return err_set(w->e, ERR_INPUT,
			       "%s%.60s: not a number of days from 0 to %zu,"
			       " or -1",
			       w->place, f->key, f->max);
	*dst = (int)n;
	return 0;
}

static int take_count(const struct walk *w, const struct field *f, char *to,
		      const struct json *value)
{
	int *dst = (int *)(void *)(to + f->offset);
	int64_t n = json_int(value, "", -1);

	if (n < 0 || n > (int64_t)f->max)
		return err_set(w->e, ERR_INPUT,
			       "%s%.60s: not a number from 0 to %zu", w->place,
			       f->key, f->max);
	*dst = (int)n;
	return 0;
}

static int take_bool(const struct walk *w, const struct field *f, char *to,
		     const struct json *value)
{
	int *dst = (int *)(void *)(to + f->offset);
	bool v = json_bool(value, "", false);

	if (!v && json_bool(value, "", true))
		return field_bad(w->e, w->place, f->key,
				 "neither true nor false");
	*dst = v;
	return 0;
}

/* How ids of a kind begin, and what is said of others. */
static const struct {
	const char *letters;
	const char *fault;
} id_kinds[] = {
	[F_CHANNELS] = { "CDG", "no channel's id (C123...)" },
	[F_PEOPLE] = { "UW", "no person's id (U123...)" },
	[F_GROUPS] = { "S", "no user group's id (S123...)" },
	[F_BOTS] = { "B", "no bot's id (B123...)" },
};

static bool is_of(enum field_kind kind, const char *id)
{
	return id && strlen(id) <= ID_MAX && field_id_valid(id) &&
	       strchr(id_kinds[kind].letters, id[0]);
}

static int take_ids(const struct walk *w, const struct field *f, char *to,
		    const struct json *value)
{
	char **dst = (char **)(void *)(to + f->offset);
	size_t i, n = json_len(value, "");
	struct buf list;
	struct jwrite jw;
	const char *id;

	if (!json_is_array(value, "") || n > f->max)
		return field_bad(w->e, w->place, f->key,
				 "not a list, or too long a one");
	buf_init(&list, (ID_MAX + 3) * (n + 1));
	jw_init(&jw, &list);
	jw_array(&jw, NULL);
	for (i = 0; i < n; i++) {
		id = json_str(json_nth(value, "", i), "");
		if (!is_of(f->kind, id)) {
			buf_release(&list);
			return err_set(w->e, ERR_INPUT,
				       "%s%.60s: '%.40s' is %s", w->place,
				       f->key, id ? id : "?",
				       id_kinds[f->kind].fault);
		}
		jw_str(&jw, NULL, id);
	}
	jw_array_end(&jw);
	free(*dst);
	*dst = list.failed ? NULL : buf_take(&list);
	buf_release(&list);
	return *dst ? 0 : err_set(w->e, ERR_RETRY, "no memory");
}

static int take(const struct walk *w, const struct field *f, char *to,
		const struct json *value)
{
	switch (f->kind) {
	case F_NAME:
	case F_ID:
	case F_APP_TOKEN:
	case F_BOT_TOKEN:
	case F_LOCALE:
	case F_REFRESH_TOKEN:
	case F_LINE:
	case F_TEXT:
		return take_string(w, f, to, value);
	case F_NUMBER:
		return take_number(w, f, to, value);
	case F_BOOL:
		return take_bool(w, f, to, value);
	case F_COUNT:
		return take_count(w, f, to, value);
	case F_DAYS:
		return take_days(w, f, to, value);
	case F_CHANNELS:
	case F_PEOPLE:
	case F_GROUPS:
	case F_BOTS:
		return take_ids(w, f, to, value);
	case F_NESTED:
		break;
	}
	return 0;
}

static const struct field *find(const struct field *f, const char *key)
{
	for (; f && f->key; f++)
		if (strcmp(f->key, key) == 0)
			return f;
	return NULL;
}

static bool visit(const char *key, const struct json *value, void *arg)
{
	const struct field *f = NULL;
	struct walk *w = arg;
	size_t i;

	for (i = 0; i < w->nfields; i++) {
		f = find(w->fields[i].table, key);
		if (f)
			break;
	}
	w->rc = f ? take(w, f, w->fields[i].to, value)
		  : field_bad(w->e, w->place, key, "unknown field");
	return w->rc == 0;
}

int field_walk(const struct json *j, const char *place, const struct fields *f,
	       size_t nfields, struct err *e)
{
	struct walk w = { place, f, nfields, e, 0 };
	size_t n = strlen(place);

	if (!json_is_object(j, ""))
		return err_set(e, ERR_INPUT, "%.*s: not an object",
			       n ? (int)n - 1 : 4, n ? place : "body");
	json_each(j, visit, &w);
	return w.rc;
}
