/* SPDX-License-Identifier: ISC */
#ifndef INTEGRATION_GAP_H
#define INTEGRATION_GAP_H

struct rig;

/* The daemon is down: as if it had been so for that long. SQLite only. */
void gap_make(struct rig *r, int minutes);

/* Said when nobody is there to hear it, and never delivered. */
void gap_say(struct rig *r, const char *channel, const char *user,
	     const char *text, const char *thread_ts, char ts[]);

/* What Slack delivers after all, long after. */
void gap_deliver(struct rig *r, const char *channel, const char *user,
		 const char *text, const char *thread_ts, const char *ts);

#endif
