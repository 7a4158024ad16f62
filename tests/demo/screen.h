/* SPDX-License-Identifier: ISC */
#ifndef DEMO_SCREEN_H
#define DEMO_SCREEN_H

#include <stdbool.h>

#include "sim/sim.h"

/*
 * Slack in a terminal: a channel's heading, messages with names, replies
 * indented under their thread. On a terminal a reply that is edited is
 * rewritten in place; else only its first and its last text are printed.
 */

/* "#general at Acme": printed when it isn't the current one. */
void screen_channel(const char *title);

/* A few words about what comes now. */
void screen_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void screen_said(const char *name, const char *text, bool in_thread);

/* A reply as it is now; call it again as it changes. */
void screen_reply(const char *name, const char *text, bool final);

/* What only one person sees. */
void screen_ephemeral(const char *name, const char *text, const char *to);

/* A line of the closing list. */
void screen_result(bool ok, const char *what, const char *times);

#endif
