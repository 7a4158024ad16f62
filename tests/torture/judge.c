/* SPDX-License-Identifier: ISC */
#include "torture/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "torture/ledger.h"
#include "torture/story.h"

#define END_BUILT_IN "I will go on from here."
#define END_SENTENCE "(ref. "
#define STORIES_MAX  5

/* One post of ours. */
struct post {
	const struct sim_msg *m;
	char entry[48];
	char covers[1000]; /* other entries, a space between two */
	int part;
};

struct court {
	const struct nodes *nodes;
	struct sim *sim;
	const struct talk *talk;
	struct verdicts *v;
	struct ledger *ledger;
	unsigned char *replies; /* by index in talk->said */
	unsigned char *claimed; /* of one post: whom it says that it answers, */
	unsigned char *named;   /* and what the model was asked about */
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
	entry = json_str(j, "event_payload.covers");
	if (entry)
		snprintf(p->covers, sizeof(p->covers), "%s", entry);
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

static bool in_thread_of(const struct said *s, const struct post *p)
{
	return strcmp(s->thread, p->m->thread_ts) == 0 &&
	       strcmp(s->channel, p->m->channel) == 0;
}

static void claim(struct court *c, const struct post *p, const char *entry)
{
	const char *post = ledger_post(c->ledger, entry);
	const struct said *s;
	char at[64];
	size_t i;

	for (i = 0; post && i < c->talk->n; i++) {
		s = &c->talk->said[i];
		snprintf(at, sizeof(at), "%s:%s", s->channel, s->ts);
		if (in_thread_of(s, p) && strcmp(at, post) == 0)
			c->claimed[i] = 1;
	}
}

/* What it answers, by its metadata and the journal, and by its text. */
static void look_at(struct court *c, const struct post *p)
{
	char ids[1000];
	char *id, *rest = ids;
	size_t i;

	memset(c->claimed, 0, c->talk->n);
	memset(c->named, 0, c->talk->n);
	claim(c, p, p->entry);
	snprintf(ids, sizeof(ids), "%s", p->covers);
	while ((id = strsep(&rest, " ")) != NULL)
		claim(c, p, id);
	for (i = 0; i < c->talk->n; i++)
		if (in_thread_of(&c->talk->said[i], p))
			c->named[i] = says(p->m, c->talk->said[i].word);
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

/* One of those that the model was asked about is answered by lines. */
static bool is_long_answer(const struct court *c, const struct post *p)
{
	size_t i;

	for (i = 0; i < c->talk->n; i++)
		if (c->named[i] && c->talk->said[i].longish &&
		    is_whole(c, p, &c->talk->said[i]))
			return true;
	return false;
}

static enum ending ending_of(const struct court *c, const struct post *p)
{
	const struct post *q;

	if (says(p->m, END_BUILT_IN))
		return ANSWER;
	/* Below what there was of an answer, it may stand in a later part. */
	for (q = c->posts; q < c->posts + c->nposts; q++)
		if (strcmp(q->entry, p->entry) == 0 && says(q->m, END_SENTENCE))
			return SENTENCE;
	return is_long_answer(c, p) ? ANSWER : HALF;
}

/* The first that it claims or names, for a story. */
static const struct said *first_of(const struct court *c)
{
	size_t i;

	for (i = 0; i < c->talk->n; i++)
		if (c->claimed[i] || c->named[i])
			return &c->talk->said[i];
	return NULL;
}

/* A whole answer is to those that it was asked about; a sentence may have come
 * before the model named them. */
static bool is_honest(const struct court *c, enum ending end)
{
	size_t i;

	for (i = 0; i < c->talk->n; i++)
		if (c->named[i] > c->claimed[i] ||
		    (end == ANSWER && c->claimed[i] > c->named[i]))
			return false;
	return true;
}

static void count(struct court *c, enum ending end)
{
	size_t i, n = 0;

	for (i = 0; i < c->talk->n; i++) {
		n += c->claimed[i];
		c->replies[i] += c->claimed[i];
	}
	if (end == ANSWER)
		c->v->answered += n;
	else if (end == SENTENCE)
		c->v->sentences += n;
	if (n > 1) {
		c->v->together += n;
		c->v->groups++;
	}
}

static void judge_post(struct court *c, const struct post *p)
{
	enum ending end;

	look_at(c, p);
	if (has_twin(c, p)) {
		c->v->twice++;
		complain(c, first_of(c), p->m->thread_ts, "posted twice");
		return;
	}
	if (p->part != 0)
		return;
	end = ending_of(c, p);
	if (end == HALF) {
		c->v->stuck++;
		complain(c, first_of(c), p->m->thread_ts, "stuck");
	}
	if (!first_of(c) || !is_honest(c, end)) {
		c->v->mixed++;
		complain(c, first_of(c), p->m->thread_ts,
			 "answers others than it says");
	}
	count(c, end);
}

static void judge_said(struct court *c, size_t i)
{
	const struct said *s = &c->talk->said[i];

	if (c->replies[i] == 1)
		return;
	if (c->replies[i] > 1)
		c->v->twice++;
	else
		c->v->lost++;
	complain(c, s, s->thread,
		 c->replies[i] > 1 ? "answered twice" : "lost");
}

static void judge_channel(struct court *c, const char *channel)
{
	size_t i;

	open_channel(c, channel);
	for (i = 0; i < c->nposts; i++)
		judge_post(c, &c->posts[i]);
	for (i = 0; i < c->talk->n; i++)
		if (strcmp(c->talk->said[i].channel, channel) == 0)
			judge_said(c, i);
	close_channel(c);
}

void judge(const struct nodes *ns, const struct talk *t, struct verdicts *v)
{
	struct court c = { .nodes = ns,
			   .sim = ns->beds[0].sim,
			   .talk = t,
			   .v = v,
			   .ledger = ledger_read(ns),
			   .replies = calloc(t->n + 1, 1),
			   .claimed = calloc(t->n + 1, 1),
			   .named = calloc(t->n + 1, 1) };
	struct sim_stats st;
	char channel[16];
	int k;

	memset(v, 0, sizeof(*v));
	for (k = 0; k < t->tenants; k++) {
		snprintf(channel, sizeof(channel), "C%05d", k);
		judge_channel(&c, channel);
		snprintf(channel, sizeof(channel), "D%05d", k);
		judge_channel(&c, channel);
	}
	sim_stats(c.sim, &st);
	v->given_up = st.given_up + st.unacked;
	ledger_free(c.ledger);
	free(c.replies);
	free(c.claimed);
	free(c.named);
}
