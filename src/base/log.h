/* SPDX-License-Identifier: ISC */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERROR = 0,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/*
 * One line per event on stderr, in logfmt: time, level, msg, then the fields.
 * Under systemd (JOURNAL_STREAM names stderr) the line starts with "<6>" and
 * the like and has no time, since the journal adds its own. Values are quoted
 * and escaped, so no foreign byte can forge a line. Never a message's text,
 * never a token. Callable from any thread; a line is one write(2) of at most
 * 4096 bytes: a long value is cut, a field that finds no room is left out.
 */
struct log_field {
	const char *key;
	const char *value; /* NULL: the field is left out */
};

/* Fields for one call: LOG_FIELDS({ "tenant", t }, { "channel", c }). */
#define LOG_FIELDS(...) \
	((const struct log_field[]){ __VA_ARGS__, { NULL, NULL } })

/* Lines above max are left out. The default is LOG_LEVEL_INFO. */
void log_set_level(enum log_level max);

/* Each line an object of strings instead of logfmt. */
void log_set_json(bool yes);

/* 0, or -1 when name is none of error, warn, info, debug. */
int log_level_parse(const char *name, enum log_level *out);

/* f may be NULL; else it ends with a NULL key. */
void log_error(const struct log_field *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void log_warn(const struct log_field *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void log_info(const struct log_field *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void log_debug(const struct log_field *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
