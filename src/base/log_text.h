/* SPDX-License-Identifier: ISC */
#ifndef BASE_LOG_TEXT_H
#define BASE_LOG_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"

/*
 * The text of people's messages is in no line of the log, but for tenants that
 * an admin has named, until a time that was set then. That it is so is warned
 * of when it begins and ends, and every hour. Any thread; times are those of
 * clock_wall_ms().
 */

/* As the store has it, whenever it is read; a time that is over: not, or not
 * any more. name is what the warnings say. */
void log_text_set(const char *tenant_id, const char *name, int64_t until_ms);

/* Ends what is over, and warns of the rest. Once a second or so. */
void log_text_tick(int64_t now_ms);

/* So that nothing is prepared in vain. */
bool log_text_is(const char *tenant_id);

/*
 * A line of level debug, whatever the level is, if the tenant is one of those:
 * fields as log_debug() has them, and text last, escaped, cut after about 3000
 * bytes. Under journald's rules it is a line as any.
 */
void log_text(const char *tenant_id, const struct log_field *f, const char *msg,
	      const char *text);

/* fn is called under a lock: be quick. */
void log_text_each(void (*fn)(const char *name, int64_t until_ms, void *arg),
		   void *arg);

#endif
