/* SPDX-License-Identifier: ISC */
#include "integration/gap.h"

#include <check.h>
#include <stdio.h>

#include "integration/rig.h"

void gap_make(struct rig *r, int minutes)
{
	char sql[128];

	/* A row of each app. */
	snprintf(sql, sizeof(sql),
		 "UPDATE seen SET at_ms = at_ms - %d * 60000 RETURNING 1",
		 minutes);
	ck_assert_int_eq(rig_sql(r, sql), 1);
}

void gap_say(struct rig *r, const char *channel, const char *user,
	     const char *text, const char *thread_ts, char ts[])
{
	struct sim_say o = { .thread_ts = thread_ts, .events = "" };

	ck_assert_int_eq(sim_say(r->sim, channel, user, text, &o, ts), 0);
}

void gap_deliver(struct rig *r, const char *channel, const char *user,
		 const char *text, const char *thread_ts, const char *ts)
{
	char event[1024];
	int n;

	n = snprintf(event, sizeof(event),
		     "{\"type\":\"message\",\"user\":\"%s\",\"ts\":\"%s\","
		     "\"text\":\"%s\",\"channel\":\"%s\","
		     "\"channel_type\":\"%s\",\"event_ts\":\"%s\"%s%s%s}",
		     user, ts, text, channel,
		     channel[0] == 'D' ? "im" : "channel", ts,
		     thread_ts ? ",\"thread_ts\":\"" : "",
		     thread_ts ? thread_ts : "", thread_ts ? "\"" : "");
	ck_assert_int_lt(n, (int)sizeof(event));
	ck_assert_int_eq(sim_event(r->sim, "A1", "T1", event), 0);
}
