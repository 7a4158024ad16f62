/* SPDX-License-Identifier: ISC */
#ifndef TESTS_VALVE_H
#define TESTS_VALVE_H

#include <stdbool.h>

/*
 * Stands between a client and a server on unix sockets, and can hold one thing
 * back: what a client sends with certain words in it, and what comes behind it
 * over that connection. Path is gone when it is closed. Failures end the
 * program.
 */
struct valve;

struct valve *valve_open(const char *path, const char *server);
void valve_close(struct valve *v); /* with all connections; NULL is allowed */

/* From now on; words are borrowed until it is let go. */
void valve_hold(struct valve *v, const char *words);
bool valve_holds(struct valve *v); /* something was sent since */
void valve_let_go(struct valve *v);

#endif
