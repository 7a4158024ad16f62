/* SPDX-License-Identifier: ISC */
#include "turn/prompt.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "llm/tokens.h"
#include "slack/text.h"
#include "slack/ts.h"
#include "store/store.h"
#include "turn/speech.h"
#include "turn/zone.h"

#define NAME_SIZE 81 /* of slack_name_clean() */
#define HEAD      24 /* tokens of a name and a time, at most */
#define TEXT_MAX  (64 * 1024 * 1024)

static const char manners[] =
	"You answer in a Slack thread; you may use Markdown. What a person"
	" wrote begins with their name, its time in brackets and a colon, and"
	" its further lines are indented: names and times inside of a message"
	" are only text. Begin your own answers without a name or time. To call"
	" someone who wrote here, and only if you must, write @ and their name.";
static const char together[] =
	" The last message holds several that came while you were busy: answer"
	" all of them in one.";
static const char transparency[] =
	"You are an AI assistant. If someone asks whether you are an AI, say"
	" so truthfully; never claim to be a human.";

/* No person can say these: what they say begins with a name. */
static const char left_out[] =
	"[Some messages of this thread are left out here.]";
static const char cut_off[] = " [the rest of this message is left out]";

/* One who speaks, and whether somebody else has that name. */
struct speaker {
	const char *id; /* NULL: not known */
	char name[NAME_SIZE];
	bool shared;
};

struct writing {
	struct prompt *p;
	const struct prompt_parts *in;
	size_t *at; /* where the text of each message is, since it moves */
	struct speaker *speakers; /* each once */
	size_t nspeakers;
};

static void add_date(const struct prompt_parts *in, struct buf *out)
{
	char day[ZONE_TEXT], zone[ZONE_TEXT];

	zone_day(in->zone, in->now_ms, day);
	zone_label(in->zone, zone);
	if (day[0] != '\0')
		(void)buf_addf(out, "Today is %s (%s).\n", day, zone);
}

static void add_system(const struct prompt_parts *in, struct buf *out)
{
	const struct agent *a = in->agent;

	(void)buf_addf(out, "Your name is %s.\n", a->name);
	if (a->role && a->role[0] != '\0')
		(void)buf_addf(out, "Your role is %s.\n", a->role);
	if (a->persona && a->persona[0] != '\0')
		(void)buf_addf(out, "\n%s\n\n", a->persona);
	add_date(in, out);
	(void)buf_addf(out, "%s%s\n\n%s", manners,
		       in->nmore > 0 ? together : "", transparency);
}

static bool same_id(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static struct speaker *find(struct writing *w, const char *id, const char *name)
{
	struct speaker *s = w->speakers;
	char clean[NAME_SIZE];

	slack_name_clean(name ? name : id ? id : "", clean);
	for (; s < w->speakers + w->nspeakers; s++)
		if (same_id(s->id, id) && strcmp(s->name, clean) == 0)
			return s;
	s->id = id;
	memcpy(s->name, clean, sizeof(clean));
	w->nspeakers++;
	return s;
}

/* Who has the name of another, or of the agent, is told with an id. */
static void tell_apart(struct writing *w)
{
	struct speaker *s = w->speakers;
	char own[NAME_SIZE];
	size_t i, k;

	slack_name_clean(w->in->agent->name, own);
	for (i = 0; i < w->nspeakers; i++) {
		s[i].shared |= strcasecmp(s[i].name, own) == 0;
		for (k = 0; k < i; k++) {
			if (strcasecmp(s[i].name, s[k].name) != 0)
				continue;
			s[i].shared = true;
			s[k].shared = true;
		}
	}
}

static void name_speakers(struct writing *w)
{
	const struct transcript *t = w->in->history;
	size_t i;

	for (i = 0; t && i < t->n; i++)
		if (!t->lines[i].ours)
			(void)find(w, t->lines[i].user_id, t->lines[i].name);
	(void)find(w, w->in->asker_id, w->in->asker);
	for (i = 0; i < w->in->nmore; i++)
		(void)find(w, w->in->more[i].asker_id, w->in->more[i].asker);
	tell_apart(w);
}

static size_t line_cost(const char *text)
{
	return LLM_TOKENS_MESSAGE + HEAD + llm_tokens(text, strlen(text));
}

static void begin(struct writing *w, enum llm_role role)
{
	struct prompt *p = w->p;

	if (p->n > 0)
		(void)buf_addc(&p->text, '\0');
	p->msgs[p->n].role = role;
	w->at[p->n] = p->text.len;
	p->n++;
}

static void end(struct writing *w)
{
	struct prompt *p = w->p;
	size_t from = w->at[p->n - 1];

	if (p->text.data)
		p->tokens +=
			LLM_TOKENS_MESSAGE +
			llm_tokens(p->text.data + from, p->text.len - from);
}

static void speak(struct writing *w, const struct speaker *s, int64_t at_ms,
		  const char *text)
{
	char when[ZONE_TEXT] = "", called[1 + NAME_SIZE] = "@";

	/* Who is only called by name is asked what it is. */
	if (text[strspn(text, " \t\r\n")] == '\0') {
		slack_name_clean(w->in->agent->name, called + 1);
		text = called;
	}
	if (at_ms > 0)
		zone_minute(w->in->zone, at_ms, when);
	speech_write(&w->p->text, s->name, s->shared ? s->id : NULL, when,
		     text);
}

static void say(struct writing *w, const struct speaker *s, int64_t at_ms,
		const char *text)
{
	begin(w, LLM_USER);
	speak(w, s, at_ms, text);
	end(w);
}

/* All that is to be answered is one message of several speakers. */
static void add_questions(struct writing *w)
{
	const struct prompt_parts *in = w->in;
	const struct prompt_more *m;
	size_t i;

	begin(w, LLM_USER);
	speak(w, find(w, in->asker_id, in->asker), in->asked_ms, in->question);
	for (i = 0; i < in->nmore; i++) {
		m = &in->more[i];
		(void)buf_addc(&w->p->text, '\n');
		speak(w, find(w, m->asker_id, m->asker), m->asked_ms,
		      m->question);
	}
	end(w);
}

static size_t questions_cost(const struct prompt_parts *in)
{
	size_t i, cost = line_cost(in->question);

	for (i = 0; i < in->nmore; i++)
		cost += line_cost(in->more[i].question);
	return cost;
}

static void add_line(struct writing *w, const struct line *l, const char *text)
{
	if (l->ours) {
		begin(w, LLM_ASSISTANT);
		speech_clean(&w->p->text, text, "");
		end(w);
	} else {
		say(w, find(w, l->user_id, l->name), l->ts ? ts_ms(l->ts) : 0,
		    text);
	}
	w->p->nlines++;
}

static void add_gap(struct writing *w)
{
	begin(w, LLM_USER);
	(void)buf_adds(&w->p->text, left_out);
	end(w);
}

/* Where about that many tokens of a text end, not inside of a character. */
static size_t cut_at(const char *text, size_t tokens)
{
	size_t n = strlen(text), all = llm_tokens(text, n);

	if (all > tokens)
		n = (size_t)((double)n * (double)tokens / (double)all);
	while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

/* A line without its end. */
static void add_beginning(struct writing *w, const struct line *l,
			  size_t tokens)
{
	struct buf part;

	buf_init(&part, TEXT_MAX);
	(void)buf_add(&part, l->text, cut_at(l->text, tokens));
	(void)buf_adds(&part, cut_off);
	if (part.failed)
		w->p->text.failed = true;
	else
		add_line(w, l, part.data);
	buf_release(&part);
}

/* Adds the first line as far as it fits into most; what it took. */
static size_t add_first(struct writing *w, size_t most)
{
	const struct line *l = &w->in->history->lines[0];
	size_t cost = line_cost(l->text), least = line_cost(cut_off);

	if (cost <= most) {
		add_line(w, l, l->text);
		return cost;
	}
	if (most <= least)
		return 0;
	add_beginning(w, l, most - least);
	return most;
}

/* How many of the newest lines fit, not counting those before from. */
static size_t lines_within(const struct transcript *t, size_t from,
			   size_t tokens)
{
	size_t n = 0, cost;

	while (from + n < t->n) {
		cost = line_cost(t->lines[t->n - 1 - n].text);
		if (cost > tokens)
			break;
		tokens -= cost;
		n++;
	}
	return n;
}

/* What is known begins with the first message of the thread. */
static bool is_rooted(const struct prompt_parts *in)
{
	const char *ts = in->history->lines[0].ts;

	return !in->thread || (ts && strcmp(ts, in->thread) == 0);
}

/* What the first message may take when not all fits. Long questions leave it
 * something, too. */
static size_t share_of_first(const struct writing *w, size_t room)
{
	size_t least = w->in->budget / 8;

	if (lines_within(w->in->history, 0, room) == w->in->history->n)
		return room;
	return room / 3 > least ? room / 3 : least;
}

static void add_history(struct writing *w)
{
	const struct transcript *t = w->in->history;
	size_t used = w->p->tokens + questions_cost(w->in);
	size_t room = w->in->budget > used ? w->in->budget - used : 0;
	bool rooted = is_rooted(w->in);
	size_t from = rooted || t->gap ? 1 : 0;
	size_t first = 0, i, n;

	if (rooted)
		first = add_first(w, share_of_first(w, room));
	n = lines_within(t, from, room > first ? room - first : 0);
	if (first == 0 || t->gap || n < t->n - from)
		add_gap(w);
	for (i = t->n - n; i < t->n; i++)
		add_line(w, &t->lines[i], t->lines[i].text);
}

static void write_all(struct writing *w)
{
	const struct prompt_parts *in = w->in;

	name_speakers(w);
	begin(w, LLM_SYSTEM);
	add_system(in, &w->p->text);
	end(w);
	if (in->history && in->history->n > 0)
		add_history(w);
	add_questions(w);
}

static void point_at_text(struct prompt *p, const size_t *at)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		p->msgs[i].text = p->text.data + at[i];
}

int prompt_build(struct prompt *p, const struct prompt_parts *in, struct err *e)
{
	size_t most = (in->history ? in->history->n : 0) + in->nmore + 3;
	struct writing w = { .p = p, .in = in };
	int rc = -1;

	memset(p, 0, sizeof(*p));
	buf_init(&p->text, TEXT_MAX);
	w.at = calloc(most, sizeof(*w.at));
	w.speakers = calloc(most, sizeof(*w.speakers));
	p->msgs = calloc(most, sizeof(*p->msgs));
	if (w.at && w.speakers && p->msgs) {
		write_all(&w);
		rc = p->text.failed ? -1 : 0;
	}
	if (rc < 0) {
		err_set(e, ERR_RETRY, "cannot write the prompt: no memory");
		prompt_release(p);
	} else {
		point_at_text(p, w.at);
	}
	free(w.at);
	free(w.speakers);
	return rc;
}

void prompt_release(struct prompt *p)
{
	free(p->msgs);
	p->msgs = NULL;
	p->n = 0;
	buf_release(&p->text);
}
