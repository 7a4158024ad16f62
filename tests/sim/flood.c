/* SPDX-License-Identifier: ISC */
#include "sim/flood.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/core.h"
#include "sim/events.h"
#include "sim/say.h"

#define TICK_US   1000
#define AT_ONCE   512 /* messages of one tick, so that the loop goes on */
#define MARK      "[flood "
#define COUNT_MAX 20000000

/* What became of one message. Times are 0 until it happens. */
struct item {
	int64_t sent_us;
	int64_t posted_us;
	int64_t asked_us;
	int64_t told_us;
	int64_t edit_us;
	bool tail; /* the answer's end can be known by its text */
	bool final;
};

struct flood {
	struct sim_flood is;
	size_t base; /* numbers of earlier floods lie below */
	size_t count;
	size_t next;
	size_t unacked;
	struct item *items;
	uint32_t *acks; /* microseconds of each envelope */
	size_t nacks;
	size_t acks_size;
	struct sim_flood_times times;
	struct timer timer;
	char *padding;
};

struct flood *flood_create(void)
{
	return must_alloc(sizeof(struct flood));
}

void flood_free(struct sim *s)
{
	if (!s->flood)
		return;
	free(s->flood->items);
	free(s->flood->acks);
	free(s->flood->padding);
	free(s->flood);
	s->flood = NULL;
}

static struct item *item_of(struct flood *f, size_t n)
{
	return n > f->base && n <= f->base + f->count
		       ? &f->items[n - f->base - 1]
		       : NULL;
}

static struct msg passing(struct channel *ch, struct user *u, const char *text,
			  size_t n)
{
	struct msg m = { .channel = ch, .user = u, .text = text, .flooded = n };

	return m;
}

static void send_one(struct sim *s, struct flood *f)
{
	int tenant = f->is.first + (int)(f->next % (size_t)f->is.tenants);
	bool dm = f->is.kind == SIM_FLOOD_DM;
	size_t n = f->base + ++f->next;
	char mention[32] = "";
	struct channel *ch;
	struct user *u;
	struct msg m;
	char id[16];
	struct buf b;

	snprintf(id, sizeof(id), "%c%05d", dm ? 'D' : 'C', tenant);
	ch = world_channel(s->world, id);
	snprintf(id, sizeof(id), "U%05dP", tenant);
	u = world_user(s->world, id);
	if (!ch || !u)
		return;
	if (f->is.kind == SIM_FLOOD_MENTION)
		snprintf(mention, sizeof(mention), "<@U%05dB> ", tenant);
	buf_init(&b, SIM_BODY_MAX);
	buf_addf(&b, "%sWhat do you think? " MARK "%zu]%s", mention, n,
		 f->padding);
	if (f->is.kind == SIM_FLOOD_CHATTER && !f->is.store) {
		m = passing(ch, u, b.data, n);
		world_ts(s, m.ts);
		tell_new(s, &m, "message", false);
	} else {
		say(s, ch, u, b.data, NULL, n);
	}
	buf_release(&b);
	f->times.sent++;
}

static void fill(struct sim *s, struct flood *f)
{
	size_t window = f->is.window ? f->is.window : 1000;
	size_t due = f->count;
	int i;

	if (f->is.rate > 0) {
		window = SIZE_MAX;
		due = (size_t)((double)(sim_clock_us() - f->times.first_us) *
			       f->is.rate / 1e6) +
		      1;
	}
	for (i = 0; i < AT_ONCE && f->next < f->count && f->next < due &&
		    f->unacked < window;
	     i++)
		send_one(s, f);
}

static void tick(struct sim *s, void *arg)
{
	struct flood *f = arg;

	fill(s, f);
	if (f->next < f->count)
		timer_arm(s, &f->timer, TICK_US, tick, f);
}

int sim_flood(struct sim *s, const struct sim_flood *from)
{
	struct flood *f = s->flood;

	if (from->count < 1 || from->count > COUNT_MAX || from->tenants < 1 ||
	    from->padding > SIM_BODY_MAX / 2)
		return -1;
	sim_lock(s);
	timer_cancel(s, &f->timer);
	free(f->items);
	free(f->padding);
	f->base += f->count;
	f->is = *from;
	f->count = (size_t)from->count;
	f->next = f->unacked = f->nacks = 0;
	f->items = must_alloc(f->count * sizeof(*f->items));
	f->padding = must_alloc(from->padding + 1);
	memset(f->padding, 'x', from->padding);
	memset(&f->times, 0, sizeof(f->times));
	f->times.first_us = sim_clock_us();
	timer_arm(s, &f->timer, 0, tick, f);
	sim_unlock(s);
	return 0;
}

void sim_flood_stop(struct sim *s)
{
	sim_lock(s);
	timer_cancel(s, &s->flood->timer);
	s->flood->count = s->flood->next;
	sim_unlock(s);
}

void flood_sent(struct sim *s, size_t n, int attempt, bool went_out)
{
	struct flood *f = s->flood;
	struct item *it = item_of(f, n);

	if (!it)
		return;
	if (went_out) {
		f->times.sent_us = sim_clock_us();
		if (it->sent_us == 0)
			it->sent_us = f->times.sent_us;
	}
	if (attempt == 0) {
		f->times.envelopes++;
		f->unacked++;
	}
}

void flood_acked(struct sim *s, size_t n, int64_t took_us)
{
	struct flood *f = s->flood;

	if (!item_of(f, n))
		return;
	if (f->nacks == f->acks_size) {
		f->acks_size = f->acks_size ? f->acks_size * 2 : 4096;
		f->acks = must_grow(f->acks, f->acks_size * sizeof(*f->acks));
	}
	f->acks[f->nacks++] = (uint32_t)took_us;
	f->times.acked++;
	f->times.acked_us = sim_clock_us();
	if (f->unacked > 0)
		f->unacked--;
	if (f->is.rate <= 0)
		fill(s, f);
}

void flood_posted(struct sim *s, const struct msg *m)
{
	struct item *it = item_of(s->flood, m->flooded);

	if (it && it->posted_us == 0)
		it->posted_us = sim_clock_us();
}

static bool is_whole(const struct item *it, const struct msg *m)
{
	return !it->tail || strstr(m->text, FLOOD_TAIL) ||
	       (m->blocks && strstr(m->blocks, FLOOD_TAIL));
}

void flood_edited(struct sim *s, const struct msg *m)
{
	struct flood *f = s->flood;
	struct item *it = item_of(f, m->flooded);

	if (!it || it->told_us == 0 || it->final || !is_whole(it, m))
		return;
	it->final = true;
	it->edit_us = sim_clock_us();
	f->times.answered++;
	f->times.final_us = it->edit_us;
}

size_t flood_asked(struct sim *s, const char *last)
{
	const char *p = strstr(last, MARK);
	struct item *it;
	size_t n;

	if (!p)
		return 0;
	n = strtoul(p + strlen(MARK), NULL, 10);
	it = item_of(s->flood, n);
	if (!it)
		return 0;
	if (it->asked_us == 0)
		it->asked_us = sim_clock_us();
	return n;
}

void flood_told(struct sim *s, size_t n, const char *text)
{
	struct item *it = item_of(s->flood, n);

	if (!it)
		return;
	it->tail = strstr(text, FLOOD_TAIL);
	it->told_us = sim_clock_us();
}

static bool flood_over(struct sim *s, void *arg)
{
	struct flood *f = s->flood;

	(void)arg;
	return f->next >= f->count && f->times.acked >= f->times.envelopes &&
	       (f->is.kind == SIM_FLOOD_CHATTER ||
		f->times.answered >= f->count);
}

int sim_flood_wait(struct sim *s, int timeout_ms)
{
	return sim_wait(s, flood_over, NULL, timeout_ms);
}

static int64_t span(const struct item *it, enum sim_latency_kind k)
{
	int64_t from = it->sent_us;
	int64_t to = 0;

	switch (k) {
	case SIM_LATENCY_ACK:
		break;
	case SIM_LATENCY_PLACEHOLDER:
		to = it->posted_us;
		break;
	case SIM_LATENCY_ASK:
		to = it->asked_us;
		break;
	case SIM_LATENCY_FINAL:
		from = it->told_us;
		to = it->edit_us;
		break;
	case SIM_LATENCY_TOTAL:
		to = it->edit_us;
		break;
	}
	return from && to ? to - from : -1;
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void percentiles(uint32_t *v, size_t n, struct sim_latency *out)
{
	memset(out, 0, sizeof(*out));
	if (n == 0)
		return;
	qsort(v, n, sizeof(*v), by_size);
	out->n = n;
	out->p50_us = v[n / 2];
	out->p90_us = v[n * 90 / 100];
	out->p99_us = v[n * 99 / 100];
	out->max_us = v[n - 1];
}

void sim_latency(struct sim *s, enum sim_latency_kind k,
		 struct sim_latency *out)
{
	struct flood *f = s->flood;
	size_t n = 0;
	uint32_t *v;
	int64_t us;
	size_t i;

	sim_lock(s);
	v = must_alloc((f->count + f->nacks) * sizeof(*v));
	if (k == SIM_LATENCY_ACK) {
		n = f->nacks;
		if (n)
			memcpy(v, f->acks, n * sizeof(*v));
	}
	for (i = 0; i < f->next; i++) {
		us = span(&f->items[i], k);
		if (us >= 0)
			v[n++] = (uint32_t)us;
	}
	sim_unlock(s);
	percentiles(v, n, out);
	free(v);
}

void sim_flood_times(struct sim *s, struct sim_flood_times *out)
{
	sim_lock(s);
	*out = s->flood->times;
	sim_unlock(s);
}
