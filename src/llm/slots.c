/* SPDX-License-Identifier: ISC */
#include "llm/slots.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"

int slots_init(struct slots *s, int most, struct err *e)
{
	int rc;

	memset(s, 0, sizeof(*s));
	rc = pthread_mutex_init(&s->lock, NULL);
	if (rc != 0)
		return err_set(e, ERR_FATAL, "mutex: %s", strerror(rc));
	s->most = most;
	s->last = &s->first;
	return 0;
}

void slots_release(struct slots *s)
{
	assert(!s->first && s->busy == 0);
	pthread_mutex_destroy(&s->lock);
}

bool slots_take(struct slots *s, struct slot *k)
{
	bool got;

	pthread_mutex_lock(&s->lock);
	got = s->most == 0 || s->busy < s->most;
	if (got) {
		s->busy++;
		k->state = SLOT_HELD;
	} else {
		k->state = SLOT_WAITING;
		k->next = NULL;
		*s->last = k;
		s->last = &k->next;
	}
	pthread_mutex_unlock(&s->lock);
	return got;
}

void slots_granted(struct slot *k)
{
	k->state = SLOT_HELD;
}

/*
 * Posted under the lock: whoever then finds that it was granted knows that
 * the task is on its way, and doesn't take the loop away before.
 */
void slots_give(struct slots *s)
{
	struct slot *k;

	pthread_mutex_lock(&s->lock);
	k = s->first;
	if (k) {
		s->first = k->next;
		if (!s->first)
			s->last = &s->first;
		k->state = SLOT_GRANTED;
		loop_post(k->loop, &k->task);
	} else {
		s->busy--;
	}
	pthread_mutex_unlock(&s->lock);
}

enum slot_state slots_leave(struct slots *s, struct slot *k)
{
	enum slot_state was;
	struct slot **p;

	pthread_mutex_lock(&s->lock);
	was = k->state;
	if (was == SLOT_WAITING) {
		for (p = &s->first; *p != k;)
			p = &(*p)->next;
		*p = k->next;
		if (!*p)
			s->last = p;
	}
	pthread_mutex_unlock(&s->lock);
	return was;
}
