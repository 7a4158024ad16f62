/* SPDX-License-Identifier: ISC */
#ifndef TORTURE_STORY_H
#define TORTURE_STORY_H

#include "bed/nodes.h"

/*
 * Prints all that is known of a thread: its messages and their versions, the
 * calls that named it, the journal and the daemons' logs. ts, if not NULL, is
 * the message that it is about.
 */
void story_print(const struct nodes *ns, const char *channel,
		 const char *thread, const char *ts);

/* What was shown about a command. */
void story_print_plea(const struct nodes *ns, const char *channel,
		      const char *hook);

#endif
