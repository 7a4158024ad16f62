/* SPDX-License-Identifier: ISC */
#ifndef SLACK_UNDONE_H
#define SLACK_UNDONE_H

#include <stdbool.h>

/*
 * Posts of ours that this process has deleted itself. Slack tells of that as it
 * does when a person deletes them, and doesn't say who it was. The newest are
 * known, thousands of them; what is forgotten passes for a person's doing. Any
 * thread; nothing blocks.
 */
void undone_note(const char *channel, const char *ts);
bool undone_is(const char *channel, const char *ts);

#endif
