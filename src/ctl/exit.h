/* SPDX-License-Identifier: ISC */
#ifndef CTL_EXIT_H
#define CTL_EXIT_H

struct err;

/* Exit codes are those of sysexits.h, as konstructctl(1) lists them. */

/* Says what is wrong on the standard error; returns code. */
int exit_say(int code, const char *msg);

/* The code of a command that got no answer; fatal is that of ERR_FATAL. */
int exit_of_err(const struct err *e, int fatal);

/* And of one that got an answer with this HTTP status. */
int exit_of_status(int status);

#endif
