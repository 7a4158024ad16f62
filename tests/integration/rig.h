/* SPDX-License-Identifier: ISC */
#ifndef INTEGRATION_RIG_H
#define INTEGRATION_RIG_H

#include <stdbool.h>
#include <sys/types.h>

#include "sim/sim.h"

/*
 * A simulator in this process and the real konstructd as a child, over TLS,
 * with everything on disk in a directory of its own under /tmp. Whatever goes
 * wrong fails the test and shows the daemon's log.
 */
struct rig {
	struct sim *sim;
	char dir[64];
	char config[96];
	char ca[96];
	char log[96];
	char admin[96];  /* the admin socket */
	int health_port; /* of /health; found free at start */
	int notify_fd;
	pid_t pid; /* 0: not running */
};

struct rig_opts {
	bool plain;         /* without TLS */
	const char *config; /* more sections or settings, may be NULL */
	const char *limits; /* inside limits { }, may be NULL */
	const char *slack;  /* inside slack { }, may be NULL */
	bool bare;          /* no world: the test makes its own */
};

/*
 * The simulator with its world, the configuration, no daemon yet. The world:
 * app A1 in workspace T1 (bot UB1, agent Mara), people U1 Alice and U2 Bob,
 * channels C1 (general) and C2, a group direct message M1, and D1, Alice's
 * direct messages.
 */
void rig_open(struct rig *r, const struct rig_opts *o);

/* Puts all installs of the simulator into the store, without a daemon. */
void rig_apply(struct rig *r);

/* Starts the daemon and waits until it says that it is ready. */
void rig_start(struct rig *r);

/* rig_open, rig_apply, rig_start, and the links of all apps are live. */
void rig_up(struct rig *r, const struct rig_opts *o);

void rig_kill(struct rig *r);  /* SIGKILL */
void rig_stop(struct rig *r);  /* SIGTERM; it must exit with 0 */
void rig_close(struct rig *r); /* stops all, removes the directory */

/* Runs konstructctl with these arguments; its exit code. Its output, both
 * streams, is in dir/ctl.out and returned when out isn't NULL (to be freed).
 */
int rig_ctl(struct rig *r, char **out, const char *const *args);

/* Does the daemon's log hold these words? Waits for them up to timeout_ms. */
bool rig_logged(struct rig *r, const char *words, int timeout_ms);

/* GET path of the health port: its status, body returned to be freed. */
int rig_get(struct rig *r, const char *path, char **body);

/* A person says something; fails the test when the simulator refuses. */
void rig_say(struct rig *r, const char *channel, const char *user,
	     const char *text, const char *thread_ts, char ts[SIM_TS]);

/* Waits for the one answer in this thread and returns its text (free it);
 * it is the final one: no placeholder, nothing under way. */
char *rig_answer(struct rig *r, const char *channel, const char *thread_ts);

/* Messages by bots in the thread that aren't deleted or ephemeral. */
size_t rig_replies(struct rig *r, const char *channel, const char *thread_ts);

/* "seconds.000000" so much later than ts. */
void rig_later(const char *ts, int seconds, char out[SIM_TS]);

#endif
