/* SPDX-License-Identifier: ISC */
#ifndef SLACK_TS_H
#define SLACK_TS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Slack's ts is a string that names a message within its channel,
 * "1700000000.123456": never a number to compute with, except for its age.
 */
#define TS_SIZE 32

/* One to twelve digits, a dot, digits; shorter than TS_SIZE. */
bool ts_valid(const char *ts);

/* Milliseconds since 1970, or 0 when not valid. */
int64_t ts_ms(const char *ts);

#endif
