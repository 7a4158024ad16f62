/* SPDX-License-Identifier: ISC */
#include "streams.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "sim/sim.h"

#define CHANNELS   10
#define PIECES     40
#define FIRST_MS   20000 /* when the first of them ends */
#define SPREAD_MS  60000
#define TIMEOUT_MS 180000
#define RUNS_MAX   200

struct end {
	int64_t model_us;
	int64_t seen_us;
};

static void script(struct sim *s, int i, int n)
{
	struct sim_llm r = { .first_ms = 200 };
	char mark[32];
	struct buf b;
	int k;

	snprintf(mark, sizeof(mark), "question-%03d", i);
	buf_init(&b, 1 << 16);
	for (k = 0; k < PIECES; k++)
		buf_addf(&b, "%-23s\n",
			 k % 5 == 4 ? "" : "and some words, and");
	buf_addf(&b, "end-%03d", i);
	r.contains = mark;
	r.text = b.data;
	r.piece = 24;
	r.token_ms = (FIRST_MS + SPREAD_MS * i / n) / PIECES;
	sim_llm(s, &r);
	buf_release(&b);
}

static int ask(struct sim *s, int i)
{
	char channel[16], text[64];

	snprintf(channel, sizeof(channel), "CS%04d", i % CHANNELS);
	snprintf(text, sizeof(text), "<@U00001B> question-%03d", i);
	return sim_say(s, channel, "U00001P", text, NULL, NULL);
}

static int make_channels(struct sim *s)
{
	char id[16];
	int i;

	for (i = 0; i < CHANNELS; i++) {
		snprintf(id, sizeof(id), "CS%04d", i);
		if (sim_add_channel(s, id, "T00001", id, "channel") < 0 ||
		    sim_join(s, id, "U00001P") < 0 ||
		    sim_join(s, id, "U00001B") < 0)
			return -1;
	}
	return 0;
}

static void model_ends(struct sim *s, struct end *ends, int n)
{
	struct sim_ask *a;
	size_t i, count;
	const char *p;
	long k;

	a = sim_asks(s, &count);
	for (i = 0; i < count; i++) {
		p = strstr(a[i].last, "question-");
		k = p ? strtol(p + 9, NULL, 10) : -1;
		if (k >= 0 && k < n)
			ends[k].model_us = a[i].end_us;
	}
	sim_asks_free(a, count);
}

/* When the end was first to be read in this message, as text. */
static void look_at(const struct sim_msg *m, struct end *ends, int n)
{
	const char *p;
	size_t i;
	long k;

	for (i = 0; m->bot_id && i < m->nversions; i++) {
		p = strstr(m->versions[i].text, "end-");
		k = p ? strtol(p + 4, NULL, 10) : -1;
		if (k >= 0 && k < n &&
		    (ends[k].seen_us == 0 ||
		     m->versions[i].at_us < ends[k].seen_us))
			ends[k].seen_us = m->versions[i].at_us;
	}
}

static void seen(struct sim *s, struct end *ends, int n)
{
	struct sim_msg *m;
	char id[16];
	size_t count, k;
	int i;

	for (i = 0; i < CHANNELS; i++) {
		snprintf(id, sizeof(id), "CS%04d", i);
		m = sim_messages(s, id, NULL, &count);
		for (k = 0; k < count; k++)
			look_at(&m[k], ends, n);
		sim_messages_free(m, count);
	}
}

static size_t limited(struct sim *s)
{
	struct sim_call *c;
	size_t i, count, n = 0;

	c = sim_calls(s, NULL, &count);
	for (i = 0; i < count; i++)
		n += c[i].status == 429;
	sim_calls_free(c, count);
	return n;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int sum_up(struct sim *s, const struct end *ends, int n,
		  struct streams *out)
{
	double took[RUNS_MAX];
	int i;

	for (i = 0; i < n; i++) {
		if (ends[i].model_us == 0 || ends[i].seen_us == 0)
			return -1;
		took[i] = (double)(ends[i].seen_us - ends[i].model_us) / 1000;
	}
	qsort(took, (size_t)n, sizeof(took[0]), by_value);
	out->p50_ms = took[n / 2];
	out->max_ms = took[n - 1];
	out->limited = limited(s);
	out->edits = sim_count(s, "chat.update");
	out->posts = sim_count(s, "chat.postMessage") - (size_t)n;
	return 0;
}

int streams_run(struct sim *s, int n, struct streams *out)
{
	struct end ends[RUNS_MAX] = { { 0, 0 } };
	struct sim_settings set;
	char word[16], channel[16];
	int i;

	if (n > RUNS_MAX || make_channels(s) < 0)
		return -1;
	sim_settings(s, &set);
	set.limits = true;
	sim_set(s, &set);
	for (i = 0; i < n; i++)
		script(s, i, n);
	for (i = 0; i < n; i++)
		if (ask(s, i) < 0)
			return -1;
	for (i = 0; i < n; i++) {
		snprintf(word, sizeof(word), "end-%03d", i);
		snprintf(channel, sizeof(channel), "CS%04d", i % CHANNELS);
		if (sim_wait_text(s, channel, NULL, word, TIMEOUT_MS) < 0)
			return -1;
	}
	model_ends(s, ends, n);
	seen(s, ends, n);
	return sum_up(s, ends, n, out);
}
