/* SPDX-License-Identifier: ISC */
#include "link/dialq.h"

#include "link/link.h"

static void pump(void *arg)
{
	struct dialq *q = arg;
	struct link *l;
	int64_t wait;

	while (q->first) {
		wait = pace_take(&q->pace, q->alarms->now());
		if (wait > 0) {
			alarm_set(q->alarms, &q->alarm, wait);
			return;
		}
		l = q->first;
		dialq_remove(q, l);
		q->dial(l);
	}
}

int dialq_init(struct dialq *q, struct alarms *as, int per_second, int burst,
	       void (*dial)(struct link *l))
{
	q->alarms = as;
	q->dial = dial;
	q->first = NULL;
	q->tail = &q->first;
	pace_init(&q->pace, per_second * 60, burst, as->now());
	return alarm_init(as, &q->alarm, pump, q);
}

/* Who waits learns it when the alarm rings. */
void dialq_rate(struct dialq *q, int per_second)
{
	pace_rate(&q->pace, per_second * 60, q->alarms->now());
}

void dialq_release(struct dialq *q)
{
	alarm_release(q->alarms, &q->alarm);
}

void dialq_push(struct dialq *q, struct link *l)
{
	if (l->queued)
		return;
	l->queued = true;
	l->queue_next = NULL;
	*q->tail = l;
	q->tail = &l->queue_next;
	/* Else the alarm is set. */
	if (q->first == l)
		pump(q);
}

void dialq_remove(struct dialq *q, struct link *l)
{
	struct link **p;

	if (!l->queued)
		return;
	for (p = &q->first; *p != l; p = &(*p)->queue_next)
		;
	*p = l->queue_next;
	if (!*p)
		q->tail = p;
	l->queued = false;
}
