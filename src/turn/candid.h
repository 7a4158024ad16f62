/* SPDX-License-Identifier: ISC */
#ifndef TURN_CANDID_H
#define TURN_CANDID_H

struct prompt;
struct shape;
struct turn;

/* What was asked and said, into the log: of tenants for which an admin has
 * said so, for as long as that holds. */
void candid_asked(const struct turn *t, const struct prompt *p);
void candid_answered(const struct turn *t, const char *end);
void candid_sent(const struct turn *t, const struct shape *s);

#endif
