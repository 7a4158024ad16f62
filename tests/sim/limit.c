/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "sim/api.h"

/* Calls of one method by one app in one workspace, in the present minute. */
struct window {
	int64_t start_us;
	int n;
};

void limits_free(void *window)
{
	free(window);
}

static int seconds_up(int64_t us)
{
	return us <= 0 ? 1 : (int)((us + 999999) / 1000000);
}

int limit_call(struct sim *s, const struct method *m, const struct app *a,
	       const struct install *i)
{
	int64_t len = s->set.limit_window_ms * INT64_C(1000);
	int64_t now = sim_clock_us();
	struct window *w;
	char key[160];

	if (!s->set.limits || m->per_minute == 0)
		return 0;
	snprintf(key, sizeof(key), "%s %s %s", m->name, a->id,
		 i ? i->team->id : "");
	w = map_get(s->api->limits, key);
	if (!w) {
		w = must_alloc(sizeof(*w));
		w->start_us = now;
		if (map_put(s->api->limits, key, w) < 0)
			abort();
	}
	if (now - w->start_us >= len) {
		w->start_us = now;
		w->n = 0;
	}
	if (w->n >= m->per_minute)
		return seconds_up(w->start_us + len - now);
	w->n++;
	return 0;
}

/* A message a second in each channel, over all methods that post. */
int limit_post(struct sim *s, struct channel *ch)
{
	int64_t second = s->set.limit_window_ms * INT64_C(1000) / 60;
	int64_t now = sim_clock_us();
	double burst = s->set.post_burst > 0 ? s->set.post_burst : 1;

	if (!s->set.limits)
		return 0;
	if (ch->post_us == 0)
		ch->post_credit = burst;
	else if (second > 0)
		ch->post_credit += (double)(now - ch->post_us) / (double)second;
	if (ch->post_credit > burst)
		ch->post_credit = burst;
	ch->post_us = now;
	if (ch->post_credit < 1)
		return 1;
	ch->post_credit -= 1;
	return 0;
}
