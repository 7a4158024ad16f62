/* SPDX-License-Identifier: ISC */
#include "llm/slots.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/map.h"

struct owner {
	char *name;
	int busy;
	struct slot *first; /* of his line */
	struct slot **last;
	bool queued; /* his line takes turns with the others */
	struct owner *next;
};

int slots_init(struct slots *s, int most, int each, struct err *e)
{
	int rc;

	memset(s, 0, sizeof(*s));
	s->owners = map_create(0);
	if (!s->owners)
		return err_set(e, ERR_RETRY, "no memory");
	rc = pthread_mutex_init(&s->lock, NULL);
	if (rc != 0) {
		map_free(s->owners, NULL);
		s->owners = NULL;
		return err_set(e, ERR_FATAL, "mutex: %s", strerror(rc));
	}
	s->most = most;
	s->each = each;
	s->last = &s->first;
	return 0;
}

void slots_release(struct slots *s)
{
	if (!s->owners)
		return;
	assert(!s->first && s->busy == 0 && map_count(s->owners) == 0);
	map_free(s->owners, NULL);
	pthread_mutex_destroy(&s->lock);
}

static struct owner *find_owner(struct slots *s, const char *name)
{
	struct owner *o = map_get(s->owners, name);

	if (o)
		return o;
	o = calloc(1, sizeof(*o));
	if (!o)
		return NULL;
	o->name = strdup(name);
	o->last = &o->first;
	if (o->name && map_put(s->owners, name, o) == 0)
		return o;
	free(o->name);
	free(o);
	return NULL;
}

/* He has nothing here any more. */
static void forget_if_idle(struct slots *s, struct owner *o)
{
	if (o->busy > 0 || o->first || o->queued)
		return;
	(void)map_take(s->owners, o->name);
	free(o->name);
	free(o);
}

static bool has_room(const struct slots *s, const struct owner *o)
{
	return (s->most == 0 || s->busy < s->most) &&
	       (s->each == 0 || o->busy < s->each);
}

static void hold(struct slots *s, struct slot *k)
{
	s->busy++;
	k->owner->busy++;
}

/* Behind the others, if he waits and may have one. */
static void queue(struct slots *s, struct owner *o)
{
	if (o->queued || !o->first || (s->each > 0 && o->busy >= s->each))
		return;
	o->queued = true;
	o->next = NULL;
	*s->last = o;
	s->last = &o->next;
}

static struct owner *next_owner(struct slots *s)
{
	struct owner *o = s->first;

	s->first = o->next;
	if (!s->first)
		s->last = &s->first;
	o->queued = false;
	return o;
}

/*
 * Posted under the lock: whoever then finds that it was granted knows that
 * the task is on its way, and doesn't take the loop away before.
 */
static void grant(struct slots *s, struct owner *o)
{
	struct slot *k = o->first;

	o->first = k->next;
	if (!o->first)
		o->last = &o->first;
	s->waiting--;
	hold(s, k);
	k->state = SLOT_GRANTED;
	loop_post(k->loop, &k->task);
}

static void let_in(struct slots *s)
{
	struct owner *o;

	while (s->first && (s->most == 0 || s->busy < s->most)) {
		o = next_owner(s);
		if (o->first && has_room(s, o))
			grant(s, o);
		queue(s, o);
		forget_if_idle(s, o);
	}
}

static bool queue_one(const char *name, void *value, void *arg)
{
	(void)name;
	queue(arg, value);
	return true;
}

void slots_limit(struct slots *s, int most, int each)
{
	pthread_mutex_lock(&s->lock);
	s->most = most;
	s->each = each;
	map_sweep(s->owners, queue_one, s);
	let_in(s);
	pthread_mutex_unlock(&s->lock);
}

int slots_take(struct slots *s, struct slot *k, const char *owner)
{
	int rc = -1;

	pthread_mutex_lock(&s->lock);
	k->owner = find_owner(s, owner);
	if (!k->owner)
		goto out;
	rc = !k->owner->first && !s->first && has_room(s, k->owner);
	if (rc == 1) {
		hold(s, k);
		k->state = SLOT_HELD;
		goto out;
	}
	k->state = SLOT_WAITING;
	k->next = NULL;
	*k->owner->last = k;
	k->owner->last = &k->next;
	s->waiting++;
	queue(s, k->owner);
out:
	pthread_mutex_unlock(&s->lock);
	return rc;
}

void slots_granted(struct slot *k)
{
	k->state = SLOT_HELD;
}

void slots_give(struct slots *s, struct slot *k)
{
	struct owner *o = k->owner;

	pthread_mutex_lock(&s->lock);
	s->busy--;
	o->busy--;
	queue(s, o);
	forget_if_idle(s, o);
	let_in(s);
	pthread_mutex_unlock(&s->lock);
}

enum slot_state slots_leave(struct slots *s, struct slot *k)
{
	enum slot_state was;
	struct slot **p;

	pthread_mutex_lock(&s->lock);
	was = k->state;
	if (was == SLOT_WAITING) {
		for (p = &k->owner->first; *p != k;)
			p = &(*p)->next;
		*p = k->next;
		if (!*p)
			k->owner->last = p;
		s->waiting--;
		forget_if_idle(s, k->owner);
	}
	pthread_mutex_unlock(&s->lock);
	return was;
}

long slots_ahead(struct slots *s, const struct slot *k)
{
	const struct slot *q;
	long n = -1;

	pthread_mutex_lock(&s->lock);
	if (k->state == SLOT_WAITING) {
		n = 0;
		for (q = k->owner->first; q != k; q = q->next)
			n++;
	}
	pthread_mutex_unlock(&s->lock);
	return n;
}

void slots_count(struct slots *s, int *busy, size_t *waiting)
{
	pthread_mutex_lock(&s->lock);
	*busy = s->busy;
	*waiting = s->waiting;
	pthread_mutex_unlock(&s->lock);
}
