/* SPDX-License-Identifier: ISC */
#include "torture/court.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/map.h"

#define END_BUILT_IN "I will go on from here."
#define END_SENTENCE "(ref. "
#define END_STOPPED  "Stopped."
#define UNREAD       "I couldn't read"
#define CHAIN_MAX    16 /* answers again to answers again */

static void read_mark(struct post *p)
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
	p->last = json_int(j, "event_payload.final", 0) == 1;
	json_free(j);
}

void court_open(struct court *c, const char *channel)
{
	size_t i;

	c->channel = channel;
	c->msgs = sim_messages(c->sim, channel, NULL, &c->nmsgs);
	c->posts = calloc(c->nmsgs + 1, sizeof(*c->posts));
	c->nposts = 0;
	c->calls = sim_calls(c->sim, "response_url", &c->ncalls);
	for (i = 0; i < c->nmsgs; i++) {
		if (!c->msgs[i].bot_id || c->msgs[i].deleted ||
		    c->msgs[i].ephemeral || c->msgs[i].hook)
			continue;
		c->posts[c->nposts].m = &c->msgs[i];
		read_mark(&c->posts[c->nposts++]);
	}
}

void court_close(struct court *c)
{
	sim_messages_free(c->msgs, c->nmsgs);
	sim_calls_free(c->calls, c->ncalls);
	free(c->posts);
}

void court_entry(const struct court *c, const char *ts, char entry[48])
{
	struct post p = { 0 };
	size_t i;

	for (i = 0; i < c->nmsgs; i++) {
		if (strcmp(c->msgs[i].ts, ts) != 0)
			continue;
		p.m = &c->msgs[i];
		read_mark(&p);
		break;
	}
	memcpy(entry, p.entry, sizeof(p.entry));
}

size_t court_count(const struct court *c, const char *entry)
{
	const struct post *p;
	size_t n = 0;

	for (p = c->posts; p < c->posts + c->nposts; p++)
		n += p->part == 0 && p->last && strcmp(p->entry, entry) == 0;
	return n;
}

bool court_has_twin(const struct court *c, const struct post *p)
{
	const struct post *q;

	for (q = c->posts; q < p; q++)
		if (q->part == p->part && strcmp(q->entry, p->entry) == 0 &&
		    (q->last || !p->last))
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

static bool is_of(const struct court *c, const struct said *s,
		  const char *entry)
{
	const char *is = s->by_dialog ? ledger_trigger(c->ledger, entry)
				      : ledger_post(c->ledger, entry);
	char at[64];

	if (!is || s->by_dialog)
		return is && strcmp(s->trigger, is) == 0;
	snprintf(at, sizeof(at), "%s:%s", s->channel, s->ts);
	return strcmp(at, is) == 0;
}

static void claim(struct court *c, const struct post *p, const char *entry,
		  bool again)
{
	const struct said *s;
	size_t i;

	for (i = 0; i < c->talk->n; i++) {
		s = &c->talk->said[i];
		if (!in_thread_of(s, p) || !is_of(c, s, entry))
			continue;
		c->about[i].claimed = true;
		c->about[i].again = again;
	}
}

/* The entry whose answer was asked for again. */
static void first_entry(const struct court *c, const struct post *p,
			struct post *out)
{
	const char *on;
	size_t i, k;

	*out = *p;
	for (i = 0; i < CHAIN_MAX; i++) {
		on = ledger_again(c->ledger, out->entry);
		on = on ? strchr(on, ':') : NULL;
		if (!on)
			return;
		for (k = 0; k < c->nmsgs; k++)
			if (strcmp(c->msgs[k].ts, on + 1) == 0)
				out->m = &c->msgs[k];
		out->entry[0] = out->covers[0] = '\0';
		read_mark(out);
	}
}

static void claim_all(struct court *c, const struct post *p,
		      const struct post *mark, bool again)
{
	char ids[sizeof(mark->covers)];
	char *id, *rest = ids;

	memcpy(ids, mark->covers, sizeof(ids));
	claim(c, p, mark->entry, again);
	while ((id = strsep(&rest, " ")) != NULL)
		claim(c, p, id, again);
}

/* Below what there was of an answer it may stand in a later part. */
static bool ends_with(const struct court *c, const struct post *p,
		      const char *words)
{
	const struct post *q;

	for (q = c->posts; q < c->posts + c->nposts; q++)
		if (strcmp(q->entry, p->entry) == 0 && says(q->m, words))
			return true;
	return false;
}

/* Of an image the model was asked. */
static bool knows_file(const struct court *c, const struct post *p,
		       const struct said *s)
{
	return s->image ? map_get(c->seen, s->file) != NULL
			: ends_with(c, p, s->file);
}

/* A dialog's question is asked with the message that it is about. */
static void leave_out_quoted(struct court *c)
{
	const struct said *s;
	struct about *a;
	size_t i;

	for (i = 0; i < c->talk->n; i++) {
		s = &c->talk->said[i];
		a = &c->about[s->about];
		if (s->by_dialog && c->about[i].claimed && !a->claimed)
			a->old_words = a->new_words = false;
	}
}

void court_look(struct court *c, const struct post *p)
{
	bool again = ledger_again(c->ledger, p->entry) != NULL;
	struct post first;
	struct about *a;
	const struct said *s;
	size_t i;

	memset(c->about, 0, c->talk->n * sizeof(*c->about));
	if (again) {
		first_entry(c, p, &first);
		claim_all(c, p, &first, true);
	}
	claim_all(c, p, p, false);
	for (i = 0; i < c->talk->n; i++) {
		s = &c->talk->said[i];
		a = &c->about[i];
		if (!in_thread_of(s, p))
			continue;
		a->old_words = says(p->m, s->word);
		a->new_words = s->later[0] != '\0' && says(p->m, s->later);
		a->file_words = a->claimed && s->file[0] != '\0' &&
				knows_file(c, p, s);
		a->unread = a->claimed && ends_with(c, p, UNREAD);
		if (a->again && !a->old_words && !a->new_words)
			a->claimed = false;
	}
	leave_out_quoted(c);
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

/* Has somebody deleted a part of it? */
static bool is_torn(const struct court *c, const struct post *p)
{
	const struct whims *w = &c->talk->whims;
	char entry[48];
	size_t i;

	for (i = 0; i < w->nacts; i++) {
		if (w->acts[i].kind != WHIM_WIPE ||
		    strcmp(w->acts[i].channel, c->channel) != 0)
			continue;
		court_entry(c, w->acts[i].ts, entry);
		if (strcmp(entry, p->entry) == 0)
			return true;
	}
	return false;
}

/* One of those that the model was asked about is answered by lines. */
static bool is_long_answer(const struct court *c, const struct post *p)
{
	size_t i;

	for (i = 0; i < c->talk->n; i++)
		if (c->about[i].old_words && c->talk->said[i].longish &&
		    is_whole(c, p, &c->talk->said[i]))
			return true;
	return false;
}

/* ---- commands ---- */

/* What Slack has shown without our hearing of it may be shown once more. */
static bool is_known(const struct court *c, const struct sim_msg *m)
{
	size_t i;

	for (i = 0; i < c->ncalls; i++)
		if (strcmp(c->calls[i].ts, m->ts) == 0)
			return c->calls[i].done_us > 0;
	return false;
}

static bool is_answer(const struct sim_msg *m, const char *word)
{
	return says(m, END_SENTENCE) ||
	       (says(m, END_BUILT_IN) && says(m, word));
}

void court_hear_plea(const struct court *c, const struct plea *p,
		     const struct doom *d, struct plea_plight *out)
{
	const struct sim_msg *m;
	int64_t last = p->at_us;

	out->shared = p->shared[0] != '\0';
	for (m = c->msgs; m < c->msgs + c->nmsgs; m++) {
		if (!m->hook)
			continue;
		if (strcmp(m->hook, p->shared) == 0 && !m->ephemeral)
			out->presents++;
		if (strcmp(m->hook, p->hook) != 0 || !is_answer(m, p->word))
			continue;
		out->seen++;
		out->answers += is_known(c, m);
		last = m->versions[0].at_us;
	}
	out->deaths = doom_between(d, p->at_us, last);
}

bool court_lasted(const struct post *p)
{
	return says(p->m, TALK_LASTED);
}

enum ending court_ending(const struct court *c, const struct post *p)
{
	if (ends_with(c, p, END_STOPPED))
		return STOPPED;
	if (says(p->m, END_BUILT_IN) || court_lasted(p))
		return ANSWER;
	if (ends_with(c, p, END_SENTENCE))
		return SENTENCE;
	return is_long_answer(c, p) || is_torn(c, p) ? ANSWER : HALF;
}
