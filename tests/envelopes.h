/* SPDX-License-Identifier: ISC */
#ifndef TESTS_ENVELOPES_H
#define TESTS_ENVELOPES_H

/*
 * Frames as Slack sends them, around an event of the test's: app A1, installed
 * in workspace T1 with the bot user UBOT, event Ev1, envelope "e-1". Heap
 * strings.
 */
char *event_frame(const char *event);

/* The same with other outer members, as "\"authorizations\":[...]". */
char *event_frame_with(const char *outer, const char *event);

/* What "authorizations" is in event_frame(). */
extern const char authorized[];

#endif
