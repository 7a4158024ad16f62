/* SPDX-License-Identifier: ISC */
#ifndef LINK_DIALQ_H
#define LINK_DIALQ_H

#include "link/alarm.h"
#include "slack/pace.h"

struct link;

/*
 * Links that wait for their turn to dial, first come first served, as fast as
 * the whole process may. I/O thread only.
 */
struct dialq {
	struct alarms *alarms;
	struct alarm alarm;
	struct pace pace;
	void (*dial)(struct link *l);
	struct link *first;
	struct link **tail;
};

/* per_second 0: unpaced. 0, or -1: no memory. */
int dialq_init(struct dialq *q, struct alarms *as, int per_second, int burst,
	       void (*dial)(struct link *l));
void dialq_rate(struct dialq *q, int per_second);
void dialq_release(struct dialq *q); /* forgets who is inside */

/* dial may be called before this returns. A link that is inside stays. */
void dialq_push(struct dialq *q, struct link *l);
void dialq_remove(struct dialq *q, struct link *l); /* if inside */

#endif
