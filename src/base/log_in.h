/* SPDX-License-Identifier: ISC */
#ifndef BASE_LOG_IN_H
#define BASE_LOG_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

/* What the files of the log share. */

/* log_part.c: is a line of this level of that source file wanted? */
bool log_part_wants(enum log_level level, const char *file);

/*
 * log_repeat.c: may a warning or an error like this be written now? Counts it
 * if not. What was left out of one before that is due now goes to out: how
 * often, 0: nothing is.
 */
#define LOG_REPEAT_TEXT 160
struct log_left {
	unsigned int n;
	enum log_level level;
	char text[LOG_REPEAT_TEXT];
};
bool log_repeat_may(enum log_level level, const char *fmt, const char *msg,
		    const struct log_field *f, int64_t now_ms);
bool log_repeat_due(int64_t now_ms, struct log_left *out);

/* log.c: a line of level debug, whatever the level, with text for its last
 * field; see base/log_text.h. */
void log_text_line(const struct log_field *f, const char *msg,
		   const char *text);

/* Where that is, for tests; before the first line. */
void log_journal_at(const char *path);
/*
 * log_journal.c: to the journal's own socket, with fields. 0, or -1: it isn't
 * there, or doesn't keep up, or there are no fields. Those go to stderr: whose
 * datagram it was the journal finds out afterwards, and not of a process that
 * has ended, so that the unit's log would lack why it can't start.
 */
int log_journal_send(int priority, const char *text, size_t len,
		     const struct log_field *f);

#endif
