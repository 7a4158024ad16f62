/* SPDX-License-Identifier: ISC */
#include "base/json.h"

#include <limits.h>
#include <string.h>

/* json-c has a type of that name; our function has to stand aside here. */
#define json_bool json_c_bool
#include <json-c/json.h>
#undef json_bool

#include "base/buf.h"
#include "base/err.h"
#include "base/json_lint.h"

#define DEPTH_MAX 32
#define KEY_MAX   64

/* struct json is json-c's object under another name. */
static struct json_object *obj(const struct json *j)
{
	return (struct json_object *)j;
}

static void *refuse(const char *text, size_t at, const char *why, struct err *e)
{
	const char *p = text;
	int line = 1;

	/* Without any text there may be no pointer either. */
	while (at > 0 &&
	       (p = memchr(p, '\n', (size_t)(text + at - p))) != NULL) {
		line++;
		p++;
	}
	(void)err_set(e, ERR_INPUT, "invalid JSON in line %d: %s", line, why);
	return NULL;
}

static struct json_object *parse(const char *text, size_t len, struct err *e)
{
	enum json_tokener_error no;
	struct json_tokener *tok;
	struct json_object *o;

	tok = json_tokener_new_ex(DEPTH_MAX);
	if (!tok) {
		err_set(e, ERR_RETRY, "cannot parse JSON: no memory");
		return NULL;
	}
	/* UTF-8 is json_lint's: it is stricter, and faster. */
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
	o = json_tokener_parse_ex(tok, text, (int)len);
	no = json_tokener_get_error(tok);
	if (!o)
		(void)refuse(text, json_tokener_get_parse_end(tok),
			     no == json_tokener_continue
				     ? "it ends too early"
				     : json_tokener_error_desc(no),
			     e);
	json_tokener_free(tok);
	return o;
}

struct json *json_parse(const char *text, size_t len, size_t max, struct err *e)
{
	struct json_object *o;
	const char *why;
	size_t at;

	if (len > max || len > INT_MAX) {
		err_set(e, ERR_INPUT, "JSON is too large: %zu bytes", len);
		return NULL;
	}
	why = json_lint(text, len, &at);
	if (why)
		return refuse(text, at, why, e);
	o = parse(text, len, e);
	if (o && !json_object_is_type(o, json_type_object) &&
	    !json_object_is_type(o, json_type_array)) {
		err_set(e, ERR_INPUT, "JSON is no object and no array");
		json_object_put(o);
		o = NULL;
	}
	return (struct json *)o;
}

void json_free(struct json *j)
{
	json_object_put(obj(j));
}

static void wipe_strings(struct json_object *o)
{
	struct json_object_iterator i, end;
	size_t k;

	if (json_object_is_type(o, json_type_string)) {
		explicit_bzero((char *)(uintptr_t)json_object_get_string(o),
			       (size_t)json_object_get_string_len(o));
	} else if (json_object_is_type(o, json_type_array)) {
		for (k = 0; k < json_object_array_length(o); k++)
			wipe_strings(json_object_array_get_idx(o, k));
	} else if (json_object_is_type(o, json_type_object)) {
		i = json_object_iter_begin(o);
		end = json_object_iter_end(o);
		for (; !json_object_iter_equal(&i, &end);
		     json_object_iter_next(&i))
			wipe_strings(json_object_iter_peek_value(&i));
	}
}

void json_wipe(struct json *j)
{
	if (j)
		wipe_strings(obj(j));
	json_free(j);
}

/* json-c takes a negative or too large index for SIZE_MAX and gives NULL. */
static struct json_object *element(struct json_object *o, const char *seg,
				   size_t n)
{
	size_t i = 0;
	size_t at;

	if (n == 0 || n > 9)
		return NULL;
	for (at = 0; at < n; at++) {
		if (seg[at] < '0' || seg[at] > '9')
			return NULL;
		i = i * 10 + (size_t)(seg[at] - '0');
	}
	return json_object_array_get_idx(o, i);
}

static struct json_object *member(struct json_object *o, const char *seg,
				  size_t n)
{
	struct json_object *v = NULL;
	char key[KEY_MAX];

	if (n >= sizeof(key))
		return NULL;
	memcpy(key, seg, n);
	key[n] = '\0';
	json_object_object_get_ex(o, key, &v);
	return v;
}

static struct json_object *step(struct json_object *o, const char *seg,
				size_t n)
{
	if (json_object_is_type(o, json_type_object))
		return member(o, seg, n);
	if (json_object_is_type(o, json_type_array))
		return element(o, seg, n);
	return NULL;
}

static struct json_object *walk(const struct json *j, const char *path)
{
	struct json_object *o = obj(j);
	size_t n;

	while (o && *path) {
		n = strcspn(path, ".");
		o = step(o, path, n);
		path += n;
		if (*path == '.')
			path++;
	}
	return o;
}

const struct json *json_at(const struct json *j, const char *path)
{
	return (const struct json *)walk(j, path);
}

const char *json_bytes(const struct json *j, const char *path, size_t *n)
{
	struct json_object *o = walk(j, path);

	if (!json_object_is_type(o, json_type_string))
		return NULL;
	*n = (size_t)json_object_get_string_len(o);
	return json_object_get_string(o);
}

const char *json_str(const struct json *j, const char *path)
{
	size_t n = 0;
	const char *s = json_bytes(j, path, &n);

	return s && strlen(s) == n ? s : NULL;
}

int64_t json_int(const struct json *j, const char *path, int64_t fallback)
{
	struct json_object *o = walk(j, path);
	int64_t v;

	if (!json_object_is_type(o, json_type_int))
		return fallback;
	/* json-c saturates: a number at the limit may have been any larger */
	v = json_object_get_int64(o);
	return v == INT64_MAX || v == INT64_MIN ? fallback : v;
}

bool json_bool(const struct json *j, const char *path, bool fallback)
{
	struct json_object *o = walk(j, path);

	if (!json_object_is_type(o, json_type_boolean))
		return fallback;
	return json_object_get_boolean(o);
}

/* json-c says that a NULL object is of type null, never of these. */
bool json_is_object(const struct json *j, const char *path)
{
	return json_object_is_type(walk(j, path), json_type_object);
}

bool json_is_array(const struct json *j, const char *path)
{
	return json_object_is_type(walk(j, path), json_type_array);
}

size_t json_len(const struct json *j, const char *path)
{
	struct json_object *o = walk(j, path);

	if (!json_object_is_type(o, json_type_array))
		return 0;
	return json_object_array_length(o);
}

const struct json *json_nth(const struct json *j, const char *path, size_t i)
{
	struct json_object *o = walk(j, path);

	if (!json_object_is_type(o, json_type_array))
		return NULL;
	return (const struct json *)json_object_array_get_idx(o, i);
}

void json_each(const struct json *j,
	       bool (*fn)(const char *key, const struct json *value, void *arg),
	       void *arg)
{
	struct lh_entry *m;

	if (!json_object_is_type(obj(j), json_type_object))
		return;
	lh_foreach(json_object_get_object(obj(j)), m)
	{
		if (!fn(lh_entry_k(m), lh_entry_v(m), arg))
			return;
	}
}

static void copy_value(struct jwrite *w, const char *key,
		       struct json_object *o);

static bool copy_member(const char *key, const struct json *value, void *arg)
{
	copy_value(arg, key, obj(value));
	return true;
}

static void copy_array(struct jwrite *w, const char *key, struct json_object *o)
{
	size_t n = json_object_array_length(o);
	size_t i;

	jw_array(w, key);
	for (i = 0; i < n; i++)
		copy_value(w, NULL, json_object_array_get_idx(o, i));
	jw_array_end(w);
}

/* As deep as the parser allowed. Numbers are left to json-c, which keeps
 * their text. */
static void copy_value(struct jwrite *w, const char *key, struct json_object *o)
{
	switch (json_object_get_type(o)) {
	case json_type_object:
		jw_object(w, key);
		json_each((const struct json *)o, copy_member, w);
		jw_object_end(w);
		break;
	case json_type_array:
		copy_array(w, key, o);
		break;
	case json_type_string:
		jw_strn(w, key, json_object_get_string(o),
			(size_t)json_object_get_string_len(o));
		break;
	case json_type_boolean:
		jw_bool(w, key, json_object_get_boolean(o));
		break;
	case json_type_null:
		jw_str(w, key, NULL);
		break;
	case json_type_int:
	case json_type_double:
		jw_raw(w, key, json_object_to_json_string(o));
		break;
	}
}

int json_copy(const struct json *j, struct buf *out)
{
	struct jwrite w;

	jw_init(&w, out);
	copy_value(&w, NULL, obj(j));
	return out->failed ? -1 : 0;
}
