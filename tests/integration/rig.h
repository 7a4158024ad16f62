/* SPDX-License-Identifier: ISC */
#ifndef INTEGRATION_RIG_H
#define INTEGRATION_RIG_H

#include <stdbool.h>

#include "bed/bed.h"

/*
 * A test bed with a small world, for Check: whatever goes wrong fails the
 * test and shows the daemon's log. The world: app A1 in workspace T1 (bot
 * UB1, agent Mara), people U1 Alice and U2 Bob, channels C1 (general) and C2,
 * a group direct message M1, and D1, Alice's direct messages. No pacing.
 */
struct rig {
	struct bed bed;
	struct sim *sim; /* the bed's */
};

/* The world and the configuration; nothing runs yet. limits is for the
 * section of that name, NULL: none set. */
void rig_open(struct rig *r, const char *limits);
/* The store of all rigs that are opened from now on; NULL: SQLite. */
void rig_set_store(const char *url);
void rig_set_state(const char *url); /* NULL: local */

/* Stores the world's tenants and starts the daemon; all links are live. */
void rig_start(struct rig *r);
void rig_up(struct rig *r); /* rig_open and rig_start */
void rig_kill(struct rig *r);
void rig_stop(struct rig *r); /* it must exit with 0 */
void rig_close(struct rig *r);

/* Runs konstructctl with these arguments; its exit code, and its output to be
 * freed. */
int rig_ctl(struct rig *r, char **out, const char *const *args);

/* Does the daemon's log hold these words? Waits for them up to timeout_ms. */
bool rig_logged(struct rig *r, const char *words, int timeout_ms);

/* GET path of the health port: its status; body, if wanted, to be freed. */
int rig_get(struct rig *r, const char *path, char **body);

/* A person says something; fails the test when the simulator refuses. */
void rig_say(struct rig *r, const char *channel, const char *user,
	     const char *text, const char *thread_ts, char ts[SIM_TS]);

/* Waits until the thread has a reply and the daemon has nothing under way;
 * the last reply's text, to be freed. */
char *rig_answer(struct rig *r, const char *channel, const char *thread_ts);

/* Messages by bots in the thread that aren't deleted or ephemeral. */
size_t rig_replies(struct rig *r, const char *channel, const char *thread_ts);

/* "seconds.000000" so much later than ts. */
void rig_later(const char *ts, int seconds, char out[SIM_TS]);

#endif
