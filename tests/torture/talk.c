/* SPDX-License-Identifier: ISC */
#include "torture/talk.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "sim/act.h"

#define FOLLOW_BACK 40 /* a follow-up goes to one of the last threads */
#define LASTING     40 /* words of an answer that lasts, one a second */
#define SLICE_MS    50

#define PLEAS   5  /* percent of what is said are commands, */
#define DIALOGS 6  /* or are asked in a dialog about a message, */
#define FILES   12 /* and come with a file; */
#define IMAGES  40 /* of which so many are images; */
#define HUSHED  10 /* go to a thread that the agent was sent out of, */
#define CALLING 25 /* where so many of them call it back */

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

/* Not where it may never be stopped, or begin too late for anybody's patience.
 */
static bool may_last(const struct talk *t, const struct said *s)
{
	int k = atoi(s->channel + 1);

	return !cast_is_troubled(&t->cast, k) && k != t->cast.broke &&
	       k != t->cast.rotator;
}

static void script(struct talk *t, struct said *s)
{
	s->lasting = !t->steadfast && s->owed == OWED_REPLY &&
		     dice_percent(&t->dice, 4) && may_last(t, s);
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

void *talk_grow(void *p, size_t n, size_t *size, size_t one)
{
	if (n < *size)
		return p;
	*size = *size ? 2 * *size : 256;
	p = reallocarray(p, *size, one);
	if (!p)
		abort();
	return p;
}

struct said *talk_add(struct talk *t)
{
	t->said = talk_grow(t->said, t->n, &t->size, sizeof(*t->said));
	memset(&t->said[t->n], 0, sizeof(*t->said));
	return &t->said[t->n];
}

static const struct said *hushed_thread(struct talk *t)
{
	int i = hush_thread(t);

	return i >= 0 ? &t->said[i] : NULL;
}

/* Does somebody know that the budget is used up? */
static bool is_broke(struct talk *t, const struct said *s)
{
	struct sim_msg *m;
	size_t i, n;
	bool found = false;

	if (atoi(s->channel + 1) != t->cast.broke)
		return false;
	m = sim_messages(t->sim, s->channel, NULL, &n);
	for (i = 0; i < n && !found; i++)
		found = m[i].ephemeral && strstr(m[i].text, TALK_BROKE);
	sim_messages_free(m, n);
	return found;
}

/* In a thread that the agent is part of, or was. */
static void reply_to(struct talk *t, struct said *s, const struct said *before)
{
	memcpy(s->channel, before->channel, sizeof(s->channel));
	memcpy(s->thread, before->thread, sizeof(s->thread));
	s->owed = hush_owed(t, s);
	if (s->owed != OWED_REPLY && dice_percent(&t->dice, CALLING)) {
		s->mention = true;
		s->owed = OWED_REPLY;
	}
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
	else if (kind < 40 + HUSHED)
		before = hushed_thread(t);
	s->mention = !before && kind < 70;
	if (before)
		reply_to(t, s, before);
	else
		snprintf(s->channel, sizeof(s->channel), "%c%05d",
			 s->mention ? 'C' : 'D', k);
}

/* What may not be heard of is said all the same. */
static void choose_owed(struct talk *t, struct said *s)
{
	if (is_broke(t, s))
		s->owed = OWED_NOTHING;
	else if (t->away && atoi(s->channel + 1) == t->cast.leaver)
		s->owed = OWED_PERHAPS;
}

size_t talk_image(const struct said *s, char out[TALK_IMAGE])
{
	return (size_t)snprintf(out, TALK_IMAGE, "\x89PNG\r\n\x1a\n %s",
				s->file);
}

static void attach_file(struct talk *t, struct said *s, struct sim_say *opt)
{
	struct sim_file f = { .id = s->file,
			      .name = "notes.txt",
			      .mimetype = "text/plain" };
	char text[TALK_IMAGE];

	snprintf(s->file, sizeof(s->file), "F%06zuF", t->n);
	s->image = dice_percent(&t->dice, IMAGES);
	f.len = (size_t)snprintf(text, sizeof(text), "the code is %s\n",
				 s->file);
	if (s->image) {
		f.name = "plan.png";
		f.mimetype = "image/png";
		f.len = talk_image(s, text);
	}
	f.bytes = text;
	if (sim_add_file(t->sim, &f) < 0)
		abort();
	opt->file_ids = s->file;
}

void talk_said(struct talk *t, size_t said)
{
	const struct said *s = &t->said[said];

	if (s->mention)
		hush_call(t, s);
	if (!t->steadfast && s->owed != OWED_NOTHING)
		whims_plan(t, said);
}

static void say(struct talk *t, struct said *s, struct sim_say *opt)
{
	char text[96], user[24];

	choose_owed(t, s);
	snprintf(s->word, sizeof(s->word), "q%06zuq", t->n);
	snprintf(user, sizeof(user), "U%sP", s->channel + 1);
	talk_text(s, s->word, text);
	opt->thread_ts = s->thread[0] ? s->thread : NULL;
	script(t, s);
	if (dice_percent(&t->dice, FILES))
		attach_file(t, s, opt);
	s->late = s->mention && !opt->thread_ts && !s->lasting &&
		  !t->steadfast && dice_percent(&t->dice, 10);
	if (sim_say(t->sim, s->channel, user, s->late ? s->word : text, opt,
		    s->ts) < 0 ||
	    (s->late && sim_edit(t->sim, s->channel, s->ts, text) < 0)) {
		fprintf(stderr, "torture: cannot say '%s'\n", text);
		abort();
	}
	if (!opt->thread_ts)
		memcpy(s->thread, s->ts, sizeof(s->thread));
	talk_said(t, t->n++);
}

static void say_one(struct talk *t)
{
	struct sim_say opt = { .redeliver = dice_percent(&t->dice, 4) };
	struct said *s;

	if (dice_percent(&t->dice, PLEAS)) {
		plea_say(t);
		return;
	}
	if (dice_percent(&t->dice, DIALOGS)) {
		dialog_ask(t);
		return;
	}
	s = talk_add(t);
	choose_place(t, s);
	say(t, s, &opt);
}

void talk_say_last(struct talk *t)
{
	struct sim_say opt = { 0 };
	struct said *s;
	int k;

	t->steadfast = true;
	for (k = 0; k < t->tenants; k++) {
		s = talk_add(t);
		s->mention = s->last = true;
		snprintf(s->channel, sizeof(s->channel), "C%05d", k);
		opt.file_ids = NULL;
		say(t, s, &opt);
	}
}

size_t talk_stop_all(struct talk *t)
{
	const struct said *s;
	char app[16], user[24];
	size_t i, n = 0;

	for (i = 0; i < t->n; i++) {
		s = &t->said[i];
		snprintf(app, sizeof(app), "A%s", s->channel + 1);
		snprintf(user, sizeof(user), "U%sP", s->channel + 1);
		if (strcmp(s->ts, s->thread) == 0)
			n += sim_stop_session(t->sim, app, s->channel,
					      s->thread, user) == 0;
	}
	return n;
}

static void pause_for(struct talk *t, int ms)
{
	int slice;

	for (; ms > 0; ms -= slice) {
		slice = ms < SLICE_MS ? ms : SLICE_MS;
		poll(NULL, 0, slice);
		whims_do(t);
		pleas_do(t);
		dialogs_do(t);
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
	free(t->hushes.all);
	free(t->pleas.all);
	free(t->dialogs.due);
	whims_release(&t->whims);
}
