/* SPDX-License-Identifier: ISC */
#ifndef SLACK_PERMALINK_H
#define SLACK_PERMALINK_H

#include "slack/ts.h"

#define PERMALINK_MAX     500
#define PERMALINK_CHANNEL 24

/*
 * What "Copy link" gives: https://WS.slack.com/archives/C.../p1234567890123456,
 * of a reply with ?thread_ts=... behind. 0 with the channel and the message's
 * own ts, or -1.
 */
int permalink_parse(const char *link, char channel[PERMALINK_CHANNEL],
		    char ts[TS_SIZE]);

#endif
