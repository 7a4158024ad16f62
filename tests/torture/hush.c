/* SPDX-License-Identifier: ISC */
#include "torture/hush.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "torture/talk.h"

#define SAID_OUT "I keep out of this thread"
#define LATE_MS  90000 /* what was said so long ago was delivered since */
#define BACK     6     /* hushes whose threads are looked at once more */

static bool in_thread(const struct said *s, const char *channel,
		      const char *thread)
{
	return strcmp(s->channel, channel) == 0 &&
	       strcmp(s->thread, thread) == 0;
}

static struct hush *find(struct talk *t, const struct said *s)
{
	struct hush *h;
	size_t i;

	for (i = t->hushes.n; i > 0; i--) {
		h = &t->hushes.all[i - 1];
		if (in_thread(s, h->channel, h->thread))
			return h;
	}
	return NULL;
}

/* Has it posted there after that, or said to them alone that it keeps out? */
static bool has_spoken(struct talk *t, const char *channel, const char *thread,
		       const char *after, bool alone)
{
	size_t i, n;
	struct sim_msg *m = sim_messages(t->sim, channel, thread, &n);
	bool found = false;

	for (i = 0; i < n && !found; i++)
		found = m[i].bot_id && strcmp(m[i].ts, after) > 0 &&
			m[i].ephemeral == alone &&
			(!alone || strstr(m[i].text, SAID_OUT));
	sim_messages_free(m, n);
	return found;
}

/* What may not have been heard yet can come after it: after the agent was
 * sent out, or was called back. */
static void unsettle(struct talk *t, const struct said *s)
{
	int64_t before = clock_wall_ms() - LATE_MS;
	struct said *o;
	size_t i;

	for (i = 0; i < t->n; i++) {
		o = &t->said[i];
		if (in_thread(o, s->channel, s->thread) && !o->mention &&
		    strtoll(o->ts, NULL, 10) * 1000 > before)
			o->owed = OWED_PERHAPS;
	}
}

static bool mentions_are_answered(struct talk *t, const struct said *s)
{
	const struct said *o;
	size_t i;

	for (i = 0; i < t->n; i++) {
		o = &t->said[i];
		if (o->mention && in_thread(o, s->channel, s->thread) &&
		    !has_spoken(t, o->channel, o->thread, o->ts, false))
			return false;
	}
	return true;
}

bool hush_say(struct talk *t, const struct said *s)
{
	struct sim_say opt = { .thread_ts = s->thread };
	struct hushes *all = &t->hushes;
	char text[64], user[24];
	struct hush *h;

	if (!mentions_are_answered(t, s))
		return false;
	h = find(t, s);
	if (h && h->state != HUSH_OVER)
		return true;
	if (!h) {
		all->all = talk_grow(all->all, all->n, &all->size,
				     sizeof(*all->all));
		h = &all->all[all->n++];
	}
	*h = (struct hush){ .state = HUSH_ASKED };
	memcpy(h->channel, s->channel, sizeof(h->channel));
	memcpy(h->thread, s->thread, sizeof(h->thread));
	snprintf(user, sizeof(user), "U%sP", s->channel + 1);
	snprintf(text, sizeof(text), "<@U%sB> stop listening", s->channel + 1);
	if (sim_say(t->sim, s->channel, user, text, &opt, h->ts) < 0)
		abort();
	unsettle(t, s);
	return true;
}

int hush_thread(struct talk *t)
{
	size_t back = t->hushes.n < BACK ? t->hushes.n : BACK;
	const struct hush *h;
	size_t i;

	if (back == 0)
		return -1;
	h = &t->hushes.all[t->hushes.n - 1 - dice_roll(&t->dice, back)];
	for (i = 0; i < t->n; i++)
		if (in_thread(&t->said[i], h->channel, h->thread))
			return (int)i;
	return -1;
}

enum owed hush_owed(struct talk *t, const struct said *s)
{
	struct hush *h = find(t, s);

	if (!h)
		return OWED_REPLY;
	if (h->state == HUSH_ASKED &&
	    has_spoken(t, h->channel, h->thread, h->ts, true))
		h->state = HUSH_OUT;
	else if (h->state == HUSH_CALLED &&
		 has_spoken(t, h->channel, h->thread, h->ts, false))
		h->state = HUSH_OVER;
	if (h->state == HUSH_OUT)
		return OWED_NOTHING;
	return h->state == HUSH_OVER ? OWED_REPLY : OWED_PERHAPS;
}

void hush_call(struct talk *t, const struct said *s)
{
	struct hush *h = find(t, s);

	if (!h || h->state == HUSH_OVER)
		return;
	/* Is it sure by now? */
	(void)hush_owed(t, s);
	h->state = h->state == HUSH_OUT || h->state == HUSH_CALLED ? HUSH_CALLED
								   : HUSH_DOUBT;
	memcpy(h->ts, s->ts, sizeof(h->ts));
	unsettle(t, s);
}
