/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_USAGE_H
#define ADMIN_USAGE_H

struct api_call;
struct err;
struct store;

/*
 * The commands behind admin/api.h on what was used, and on budgets. "BY:SINCE"
 * says what to tell apart (tenant, model, day, channel, person) and from which
 * day on ("2026-11-01", of UTC); what was used most comes first, but for days.
 */
int usage_all(struct api_call *c, struct store *s, struct err *e);
int usage_one(struct api_call *c, struct store *s, struct err *e);

#endif
