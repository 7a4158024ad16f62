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
 * the like and has no time, since the journal adds its own; where the journal's
 * socket is, a line goes there instead if it has fields that are the journal's,
 * too (TENANT, CHANNEL, EVENT_ID, ENTRY, STAGE, LINK, APP, MODEL).
 * Of warnings and errors that are alike ten are written in ten seconds, and
 * then how many more there were. Values are quoted
 * and escaped, so no foreign byte can forge a line. Never a message's text
 * (but see base/log_text.h), never a token. Callable from any thread; a line is
 * one write(2) of at most 4096 bytes: a long value is cut, a field that finds
 * no room is left out.
 */
struct log_field {
	const char *key;
	const char *value; /* NULL: the field is left out */
};

/*
 * Tells how many more like some there were, when their ten seconds are over, or
 * all at once before the end. So that it doesn't wait for the next line, some
 * thread calls it now and then. Any thread.
 */
void log_catch_up(bool at_once);

/* Fields for one call: LOG_FIELDS({ "tenant", t }, { "channel", c }). */
#define LOG_FIELDS(...) \
	((const struct log_field[]){ __VA_ARGS__, { NULL, NULL } })

/* Lines above max are left out. The default is LOG_LEVEL_INFO. */
void log_set_level(enum log_level max);

/* Each line an object of strings instead of logfmt. */
void log_set_json(bool yes);

/* 0, or -1 when name is none of error, warn, info, debug. */
int log_level_parse(const char *name, enum log_level *out);

/*
 * Parts of the program, by the folder that a line comes from, can have a level
 * of their own. part is an index below LOG_PARTS; find gives -1 for no part.
 * log_level_of() tells the common level for -1. Any thread.
 */
#define LOG_PARTS 11
const char *log_part_name(int part);
int log_part_find(const char *name);
void log_set_part(int part, enum log_level max);
void log_reset_part(int part); /* as all others again */
enum log_level log_level_of(int part, bool *is_own);
const char *log_level_name(enum log_level level);

/* f may be NULL; else it ends with a NULL key. */
#define log_error(f, ...) log_at(LOG_LEVEL_ERROR, __FILE__, f, __VA_ARGS__)
#define log_warn(f, ...)  log_at(LOG_LEVEL_WARN, __FILE__, f, __VA_ARGS__)
#define log_info(f, ...)  log_at(LOG_LEVEL_INFO, __FILE__, f, __VA_ARGS__)
#define log_debug(f, ...) log_at(LOG_LEVEL_DEBUG, __FILE__, f, __VA_ARGS__)
void log_at(enum log_level level, const char *file, const struct log_field *f,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
