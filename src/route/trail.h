/* SPDX-License-Identifier: ISC */
#ifndef ROUTE_TRAIL_H
#define ROUTE_TRAIL_H

#include "store/audit.h"

struct agent;
struct message;

/*
 * Who asked which agent where, and what was decided, for the audit trail. All
 * strings are borrowed; agent's are NULL where none was chosen.
 */
void trail_ask(struct audit_new *a, const struct message *m,
	       const struct agent *agent, const char *decision,
	       const char *why);

#endif
