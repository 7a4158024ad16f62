/* SPDX-License-Identifier: ISC */
#include "torture/talk.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define FOLLOW_BACK 40 /* a follow-up goes to one of the last threads */
#define LASTING     40 /* words of an answer that lasts, one a second */
#define SLICE_MS    50

void talk_text(const struct said *s, const char *word, char out[96])
{
	if (s->mention)
		snprintf(out, 96, "<@U%sB> tell me about %s", s->channel + 1,
			 word);
	else
		snprintf(out, 96, "tell me about %s", word);
}

void talk_line(const struct said *s, int i, char out[64])
{
	snprintf(out, 64, "line %03d of %s, as it was asked for", i, s->word);
}

static void script_longish(struct talk *t, const struct said *s)
{
	struct sim_llm r = {
		.contains = s->word, .echo = true, .piece = 400, .token_ms = 20
	};
	struct buf text;
	char line[64];
	int i;

	buf_init(&text, 1 << 20);
	buf_addf(&text, "A long one.\n\n");
	for (i = 0; i < TALK_LINES; i++) {
		talk_line(s, i, line);
		buf_addf(&text, "%s\n\n", line);
	}
	r.text = text.data;
	sim_llm(t->sim, &r);
	buf_release(&text);
}

static void script_slow(struct talk *t, const struct said *s)
{
	struct sim_llm r = { .contains = s->word, .token_ms = 120 };

	sim_llm(t->sim, &r);
}

/* It may be asked about as often as the daemon is killed. */
static void script_lasting(struct talk *t, const struct said *s)
{
	struct sim_llm r = {
		.contains = s->word, .echo = true, .piece = 20, .token_ms = 1000
	};
	struct buf text;
	int i;

	buf_init(&text, 1 << 16);
	for (i = 0; i < LASTING; i++)
		buf_addf(&text, "Word %03d of many. ", i);
	buf_adds(&text, TALK_LASTED);
	r.text = text.data;
	sim_llm(t->sim, &r);
	buf_release(&text);
}

static void script(struct talk *t, struct said *s)
{
	s->lasting = !t->steadfast && dice_percent(&t->dice, 4) &&
		     atoi(s->channel + 1) != t->outcast;
	s->longish = !s->lasting && dice_percent(&t->dice, 12);
	if (s->lasting)
		script_lasting(t, s);
	else if (s->longish)
		script_longish(t, s);
	else if (dice_percent(&t->dice, 25))
		script_slow(t, s);
}

static bool has_reply(struct talk *t, const struct said *s)
{
	size_t i, n;
	struct sim_msg *m = sim_messages(t->sim, s->channel, s->thread, &n);
	bool found = false;

	for (i = 0; i < n; i++)
		found = found || (m[i].bot_id && !m[i].deleted);
	sim_messages_free(m, n);
	return found;
}

/* A thread that the agent takes part in; NULL when there is none. */
static const struct said *engaged_thread(struct talk *t)
{
	size_t back = t->n < FOLLOW_BACK ? t->n : FOLLOW_BACK;
	const struct said *s;

	if (back == 0)
		return NULL;
	s = &t->said[t->n - 1 - dice_roll(&t->dice, back)];
	return s->channel[0] == 'C' && has_reply(t, s) ? s : NULL;
}

/* Where somebody has spoken just now, and more is said at once. */
static const struct said *busy_thread(struct talk *t)
{
	const struct said *s = t->n > 0 ? &t->said[t->n - 1] : NULL;

	return s && s->channel[0] == 'C' && has_reply(t, s) ? s : NULL;
}

static struct said *add(struct talk *t)
{
	if (t->n == t->size) {
		t->size = t->size ? 2 * t->size : 1024;
		t->said = reallocarray(t->said, t->size, sizeof(*t->said));
		if (!t->said)
			abort();
	}
	memset(&t->said[t->n], 0, sizeof(*t->said));
	return &t->said[t->n];
}

/* Where, and in which thread, by whom is decided by the channel's number. */
static void choose_place(struct talk *t, struct said *s)
{
	uint64_t kind = dice_roll(&t->dice, 100);
	int k = (int)dice_roll(&t->dice, (uint64_t)t->tenants);
	const struct said *before = NULL;

	if (kind < 20)
		before = busy_thread(t);
	else if (kind < 40)
		before = engaged_thread(t);
	s->mention = !before && kind < 70;
	if (before) {
		memcpy(s->channel, before->channel, sizeof(s->channel));
		memcpy(s->thread, before->thread, sizeof(s->thread));
	} else {
		snprintf(s->channel, sizeof(s->channel), "%c%05d",
			 s->mention ? 'C' : 'D', k);
	}
}

static void say_one(struct talk *t)
{
	struct said *s = add(t);
	struct sim_say opt = { .redeliver = dice_percent(&t->dice, 4) };
	char text[96], user[24];

	choose_place(t, s);
	snprintf(s->word, sizeof(s->word), "q%06zuq", t->n);
	snprintf(user, sizeof(user), "U%sP", s->channel + 1);
	talk_text(s, s->word, text);
	opt.thread_ts = s->thread[0] ? s->thread : NULL;
	script(t, s);
	s->late = s->mention && !s->lasting && dice_percent(&t->dice, 10);
	if (sim_say(t->sim, s->channel, user, s->late ? s->word : text, &opt,
		    s->ts) < 0 ||
	    (s->late && sim_edit(t->sim, s->channel, s->ts, text) < 0)) {
		fprintf(stderr, "torture: cannot say '%s'\n", text);
		abort();
	}
	if (!opt.thread_ts)
		memcpy(s->thread, s->ts, sizeof(s->thread));
	t->n++;
	if (!t->steadfast)
		whims_plan(t, t->n - 1);
}

static void pause_for(struct talk *t, int ms)
{
	int slice;

	for (; ms > 0; ms -= slice) {
		slice = ms < SLICE_MS ? ms : SLICE_MS;
		poll(NULL, 0, slice);
		whims_do(t);
	}
}

static void *run(void *arg)
{
	struct talk *t = arg;
	int mean = (int)(1000 / t->rate);

	while (!t->stop) {
		say_one(t);
		pause_for(t, dice_ms(&t->dice, mean, 1, 2000));
	}
	return NULL;
}

int talk_start(struct talk *t)
{
	return pthread_create(&t->thread, NULL, run, t) == 0 ? 0 : -1;
}

void talk_end(struct talk *t)
{
	t->stop = true;
	pthread_join(t->thread, NULL);
}

void talk_release(struct talk *t)
{
	free(t->said);
	whims_release(&t->whims);
}
