/* SPDX-License-Identifier: ISC */
#ifndef TORTURE_STORY_H
#define TORTURE_STORY_H

#include "bed/bed.h"

/*
 * Prints all that is known of a thread: its messages and their versions, the
 * calls that named it, the daemon's journal and log. ts, if not NULL, is the
 * message that it is about.
 */
void story_print(const struct bed *b, const char *channel, const char *thread,
		 const char *ts);

#endif
