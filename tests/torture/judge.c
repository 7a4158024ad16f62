/* SPDX-License-Identifier: ISC */
#include "torture/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "torture/story.h"

#define END_BUILT_IN "I will go on from here."
#define END_SENTENCE "(ref. "
#define STORIES_MAX  5

/* One post of ours. */
struct post {
	const struct sim_msg *m;
	char entry[48];
	int part;
};

struct court {
	const struct nodes *nodes;
	struct sim *sim;
	const struct talk *talk;
	struct verdicts *v;
	size_t stories;

	/* One channel at a time. */
	struct sim_msg *msgs;
	size_t nmsgs;
	struct post *posts;
	size_t nposts;
};

static void read_metadata(struct post *p)
{
	const char *text = p->m->metadata;
	struct err e = { 0 };
	struct json *j;
	const char *entry;

	p->part = -1;
	if (!text)
		return;
	j = json_parse(text, strlen(text), 1 << 16, &e);
	entry = json_str(j, "event_payload.entry");
	if (entry)
		snprintf(p->entry, sizeof(p->entry), "%s", entry);
	p->part = (int)json_int(j, "event_payload.part", -1);
	json_free(j);
}

static void open_channel(struct court *c, const char *channel)
{
	size_t i;

	c->msgs = sim_messages(c->sim, channel, NULL, &c->nmsgs);
	c->posts = calloc(c->nmsgs + 1, sizeof(*c->posts));
	c->nposts = 0;
	for (i = 0; i < c->nmsgs; i++) {
		if (!c->msgs[i].bot_id || c->msgs[i].deleted ||
		    c->msgs[i].ephemeral)
			continue;
		c->posts[c->nposts].m = &c->msgs[i];
		read_metadata(&c->posts[c->nposts++]);
	}
}

static void close_channel(struct court *c)
{
	sim_messages_free(c->msgs, c->nmsgs);
	free(c->posts);
}

static void complain(struct court *c, const struct said *s, const char *thread,
		     const char *what)
{
	printf("%s: %s in %s, thread %s\n", what, s ? s->word : "a reply",
	       s ? s->channel : c->msgs[0].channel, thread);
	if (c->stories++ < STORIES_MAX)
		story_print(c->nodes, s ? s->channel : c->msgs[0].channel,
			    thread, s ? s->ts : NULL);
}

static bool has_twin(const struct court *c, const struct post *p)
{
	const struct post *q;

	for (q = c->posts; q < p; q++)
		if (q->part == p->part && strcmp(q->entry, p->entry) == 0)
			return true;
	return false;
}

/* In the text or, when that is cut short, in the blocks. */
static bool says(const struct sim_msg *m, const char *word)
{
	return strstr(m->text, word) || (m->blocks && strstr(m->blocks, word));
}

/* Which message is it the answer to? NULL for a bare sentence. */
static const struct said *asked_by(const struct court *c, const struct post *p)
{
	const struct said *s;
	size_t i;

	for (i = 0; i < c->talk->n; i++) {
		s = &c->talk->said[i];
		if (strcmp(s->thread, p->m->thread_ts) == 0 &&
		    strcmp(s->channel, p->m->channel) == 0 &&
		    says(p->m, s->word))
			return s;
	}
	return NULL;
}

/* Each line once, over all posts of the entry. */
static bool is_whole(const struct court *c, const struct post *first,
		     const struct said *s)
{
	const struct post *p;
	char line[64];
	int i, seen;

	for (i = 0; i < TALK_LINES; i++) {
		talk_line(s, i, line);
		seen = 0;
		for (p = c->posts; p < c->posts + c->nposts; p++)
			if (strcmp(p->entry, first->entry) == 0)
				seen += says(p->m, line);
		if (seen != 1)
			return false;
	}
	return true;
}

enum ending {
	HALF,
	ANSWER,
	SENTENCE
};

static enum ending ending_of(const struct court *c, const struct post *p,
			     const struct said *s)
{
	const struct post *q;

	if (says(p->m, END_BUILT_IN))
		return ANSWER;
	/* Below what there was of an answer, it may stand in a later part. */
	for (q = c->posts; q < c->posts + c->nposts; q++)
		if (strcmp(q->entry, p->entry) == 0 && says(q->m, END_SENTENCE))
			return SENTENCE;
	return s && s->longish && is_whole(c, p, s) ? ANSWER : HALF;
}

/* What each message got, and each thread in sentences that name nobody. */
struct tally {
	unsigned char *replies; /* by index in talk->said */
	unsigned char *bare;    /* of the thread's first message */
};

static size_t root_of(const struct court *c, const struct sim_msg *m)
{
	size_t i;

	for (i = 0; i < c->talk->n; i++)
		if (strcmp(c->talk->said[i].ts, m->thread_ts) == 0 &&
		    strcmp(c->talk->said[i].channel, m->channel) == 0)
			break;
	return i;
}

static void judge_post(struct court *c, const struct post *p, struct tally *t)
{
	const struct said *s = asked_by(c, p);
	enum ending end;
	size_t root;

	if (has_twin(c, p)) {
		c->v->twice++;
		complain(c, s, p->m->thread_ts, "posted twice");
		return;
	}
	if (p->part != 0)
		return;
	end = ending_of(c, p, s);
	if (end == HALF) {
		c->v->stuck++;
		complain(c, s, p->m->thread_ts, "stuck");
	}
	root = root_of(c, p->m);
	if (s)
		t->replies[s - c->talk->said]++;
	else if (root < c->talk->n)
		t->bare[root]++;
	if (end == ANSWER)
		c->v->answered++;
	else if (end == SENTENCE)
		c->v->sentences++;
}

static void judge_said(struct court *c, struct tally *t, size_t i)
{
	const struct said *s = &c->talk->said[i];
	size_t root = i;

	if (t->replies[i] > 1) {
		c->v->twice++;
		complain(c, s, s->thread, "answered twice");
	}
	if (t->replies[i] > 0)
		return;
	while (strcmp(c->talk->said[root].ts, s->thread) != 0)
		root--;
	if (t->bare[root] > 0) {
		t->bare[root]--;
		return;
	}
	c->v->lost++;
	complain(c, s, s->thread, "lost");
}

static void judge_channel(struct court *c, const char *channel, struct tally *t)
{
	size_t i;

	open_channel(c, channel);
	for (i = 0; i < c->nposts; i++)
		judge_post(c, &c->posts[i], t);
	for (i = 0; i < c->talk->n; i++)
		if (strcmp(c->talk->said[i].channel, channel) == 0)
			judge_said(c, t, i);
	for (i = 0; i < c->talk->n; i++) {
		if (strcmp(c->talk->said[i].channel, channel) != 0 ||
		    t->bare[i] == 0)
			continue;
		c->v->twice += t->bare[i];
		complain(c, &c->talk->said[i], c->talk->said[i].thread,
			 "a sentence too many");
	}
	close_channel(c);
}

void judge(const struct nodes *ns, const struct talk *t, struct verdicts *v)
{
	struct court c = {
		.nodes = ns, .sim = ns->beds[0].sim, .talk = t, .v = v
	};
	struct tally tally = { calloc(t->n + 1, 1), calloc(t->n + 1, 1) };
	struct sim_stats st;
	char channel[16];
	int k;

	memset(v, 0, sizeof(*v));
	for (k = 0; k < t->tenants; k++) {
		snprintf(channel, sizeof(channel), "C%05d", k);
		judge_channel(&c, channel, &tally);
		snprintf(channel, sizeof(channel), "D%05d", k);
		judge_channel(&c, channel, &tally);
	}
	sim_stats(c.sim, &st);
	v->given_up = st.given_up + st.unacked;
	free(tally.replies);
	free(tally.bare);
}
