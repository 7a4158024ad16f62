/* SPDX-License-Identifier: ISC */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

/*
 * Reading. A parsed document is immutable and stays whole until json_free()
 * of its root; everything else is borrowed from it. No two threads may use
 * one document at the same time.
 */
struct json;

/*
 * One object or array and nothing behind it, at most 32 deep, in UTF-8. NULL
 * with e filled (ERR_INPUT) when it is anything else, or larger than max
 * bytes. Of keys given twice the last counts.
 */
struct json *json_parse(const char *text, size_t len, size_t max,
			struct err *e);
void json_free(struct json *j); /* NULL is allowed */
/* The same of what holds secrets: its strings are wiped. */
void json_wipe(struct json *j);

/*
 * Path is keys and indices with dots between: "event.files.0.name"; "" is j
 * itself. NULL when there is no such place, when null stands there, or when
 * j is NULL. Keys of 64 bytes and more can't be named.
 */
const struct json *json_at(const struct json *j, const char *path);

/* NULL unless the value is a string without NUL bytes. */
const char *json_str(const struct json *j, const char *path);

/* The same with its NUL bytes, if it has some: *n bytes. */
const char *json_bytes(const struct json *j, const char *path, size_t *n);

/* The value as it stands, or the fallback if absent or of another type. */
int64_t json_int(const struct json *j, const char *path, int64_t fallback);
bool json_bool(const struct json *j, const char *path, bool fallback);

bool json_is_object(const struct json *j, const char *path);
bool json_is_array(const struct json *j, const char *path);
size_t json_len(const struct json *j, const char *path); /* of an array */
/* Its i-th element, as json_at(). */
const struct json *json_nth(const struct json *j, const char *path, size_t i);

/*
 * Members of an object in their order; stops when fn returns false. Value is
 * NULL for null.
 */
void json_each(const struct json *j,
	       bool (*fn)(const char *key, const struct json *value, void *arg),
	       void *arg);

/* The value as compact JSON text appended to out; 0 or -1. */
int json_copy(const struct json *j, struct buf *out);

/*
 * Writing, straight into a buffer. Failure is out->failed, looked at once at
 * the end. Key is NULL inside an array (and for the outermost value). Strings
 * that aren't UTF-8 are written with U+FFFD for the bytes that aren't.
 */
struct jwrite {
	struct buf *out;
	bool comma; /* a value stands before this one */
};

void jw_init(struct jwrite *w, struct buf *out);
void jw_object(struct jwrite *w, const char *key);
void jw_array(struct jwrite *w, const char *key);
void jw_object_end(struct jwrite *w);
void jw_array_end(struct jwrite *w);
void jw_str(struct jwrite *w, const char *key, const char *v); /* NULL: null */
void jw_strn(struct jwrite *w, const char *key, const char *v, size_t n);
void jw_int(struct jwrite *w, const char *key, int64_t v);
void jw_bool(struct jwrite *w, const char *key, bool v);
void jw_raw(struct jwrite *w, const char *key, const char *json);

#endif
