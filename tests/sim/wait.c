/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <time.h>

#include "sim/core.h"
#include "sim/world.h"

/* Until there is a change after "seen", or the time comes. */
static void wait_change(struct sim *s, uint64_t seen, int64_t until_us)
{
	struct timespec t = { .tv_sec = until_us / 1000000,
			      .tv_nsec = until_us % 1000000 * 1000 };

	pthread_mutex_lock(&s->change_lock);
	while (s->changes == seen &&
	       pthread_cond_timedwait(&s->change, &s->change_lock, &t) == 0)
		;
	pthread_mutex_unlock(&s->change_lock);
}

int sim_wait(struct sim *s, bool (*pred)(struct sim *s, void *arg), void *arg,
	     int timeout_ms)
{
	int64_t until = sim_clock_us() + timeout_ms * INT64_C(1000);
	uint64_t seen;
	bool ok;

	for (;;) {
		pthread_mutex_lock(&s->change_lock);
		seen = s->changes;
		pthread_mutex_unlock(&s->change_lock);
		sim_lock(s);
		ok = pred(s, arg);
		sim_unlock(s);
		if (ok)
			return 0;
		if (sim_clock_us() >= until)
			return -1;
		wait_change(s, seen, until);
	}
}

/* What the helpers below wait for. */
struct want {
	const char *app_id;
	const char *channel;
	const char *thread_ts;
	const char *words;
	const char *user;
	const char *method;
	size_t n;
};

static bool links_up(struct sim *s, void *arg)
{
	const struct want *w = arg;
	size_t n = sim_links(s, w->app_id);

	return w->n == 0 ? n == 0 : n >= w->n;
}

int sim_wait_links(struct sim *s, const char *app_id, size_t n, int timeout_ms)
{
	struct want w = { .app_id = app_id, .n = n };

	return sim_wait(s, links_up, &w, timeout_ms);
}

static bool in_thread(const struct msg *m, const char *thread_ts)
{
	return !thread_ts || strcmp(m->thread_ts, thread_ts) == 0;
}

/* How many messages of the channel are as wanted. */
static size_t count(struct sim *s, const struct want *w,
		    bool (*fits)(const struct msg *m, const struct want *w))
{
	struct channel *ch = world_channel(s->world, w->channel);
	size_t n = 0;
	size_t i;

	for (i = 0; ch && i < ch->msgs.n; i++)
		n += fits(ch->msgs.v[i], w);
	return n;
}

static bool is_reply(const struct msg *m, const struct want *w)
{
	return m->bot_id && msg_visible(m) && in_thread(m, w->thread_ts);
}

static bool replied(struct sim *s, void *arg)
{
	const struct want *w = arg;

	return count(s, w, is_reply) >= w->n;
}

int sim_wait_reply(struct sim *s, const char *channel, const char *thread_ts,
		   size_t n, int timeout_ms)
{
	struct want w = { .channel = channel, .thread_ts = thread_ts, .n = n };

	return sim_wait(s, replied, &w, timeout_ms);
}

static bool has_words(const struct msg *m, const struct want *w)
{
	if (!m->bot_id || m->deleted || !in_thread(m, w->thread_ts))
		return false;
	return strstr(m->text, w->words) ||
	       (m->blocks && strstr(m->blocks, w->words));
}

static bool said(struct sim *s, void *arg)
{
	return count(s, arg, has_words) > 0;
}

int sim_wait_text(struct sim *s, const char *channel, const char *thread_ts,
		  const char *words, int timeout_ms)
{
	struct want w = { .channel = channel,
			  .thread_ts = thread_ts,
			  .words = words };

	return sim_wait(s, said, &w, timeout_ms);
}

static bool is_ephemeral(const struct msg *m, const struct want *w)
{
	return m->to_user && strcmp(m->to_user, w->user) == 0;
}

static bool noticed(struct sim *s, void *arg)
{
	const struct want *w = arg;

	return count(s, w, is_ephemeral) >= w->n;
}

int sim_wait_ephemeral(struct sim *s, const char *channel, const char *user,
		       size_t n, int timeout_ms)
{
	struct want w = { .channel = channel, .user = user, .n = n };

	return sim_wait(s, noticed, &w, timeout_ms);
}

static bool called(struct sim *s, void *arg)
{
	const struct want *w = arg;

	return sim_count(s, w->method) >= w->n;
}

int sim_wait_calls(struct sim *s, const char *method, size_t n, int timeout_ms)
{
	struct want w = { .method = method, .n = n };

	return sim_wait(s, called, &w, timeout_ms);
}

static bool asked(struct sim *s, void *arg)
{
	const struct want *w = arg;

	return s->stats.asks >= w->n;
}

int sim_wait_asks(struct sim *s, size_t n, int timeout_ms)
{
	struct want w = { .n = n };

	return sim_wait(s, asked, &w, timeout_ms);
}

static bool all_acked(struct sim *s, void *arg)
{
	(void)arg;
	return s->stats.unacked == 0;
}

int sim_wait_acked(struct sim *s, int timeout_ms)
{
	return sim_wait(s, all_acked, NULL, timeout_ms);
}
