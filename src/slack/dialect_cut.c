/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/utf8.h"
#include "slack/dialect.h"
#include "slack/dialect_in.h"
#include "slack/markdown_in.h"
#include "slack/mention.h"

/* Where a piece may end, from best to worst. */
enum place {
	BEFORE_HEADING,
	PARAGRAPH,
	LINE,
	SENTENCE,
	WORD,
	CHARACTER,
	PLACES
};

struct cutter {
	const char *text;
	size_t len;
	size_t at;
	size_t units, max; /* of what stands before at */
	bool fence;        /* inside of one */
	size_t ticks;      /* of its opening */
	bool table;        /* in the rows of one */
	struct dialect_cut again;
	struct dialect_cut best[PLACES];
};

size_t dialect_units(const char *p, size_t n)
{
	size_t i = 0, sum = 0, k;

	while (i < n) {
		k = utf8_len(p + i, n - i);
		sum += k == 4 ? 2 : 1;
		i += k > 0 ? k : 1;
	}
	return sum;
}

static size_t line_end(const struct cutter *c, size_t at)
{
	const char *nl = memchr(c->text + at, '\n', c->len - at);

	return nl ? (size_t)(nl - c->text) + 1 : c->len;
}

static size_t ticks_at(const struct cutter *c, size_t at)
{
	size_t n = 0;

	while (at + n < c->len && c->text[at + n] == '`')
		n++;
	return n;
}

static void note(struct cutter *c, enum place kind, size_t at)
{
	c->best[kind] = c->again;
	c->best[kind].end = at;
}

/* The lines that end at at: which kind of place is between them and the
 * next? */
static void note_line(struct cutter *c, size_t at)
{
	bool blank = at >= 2 && c->text[at - 2] == '\n';

	if (at >= c->len || c->text[at] == '\n')
		return;
	if (c->fence && ticks_at(c, at) >= c->ticks)
		return; /* an empty rest of a fence isn't worth it */
	if (blank && !c->fence && c->text[at] == '#')
		note(c, BEFORE_HEADING, at);
	else if (blank && !c->fence)
		note(c, PARAGRAPH, at);
	else
		note(c, LINE, at);
}

/* The length of what must stay whole at i, in a line of text. */
static size_t unit(const struct cutter *c, size_t i, size_t end)
{
	const char *p = c->text + i;
	const char *q = NULL;
	size_t left = end - i, n;

	if (*p == '\\' && left > 1 && (unsigned char)p[1] < 0x80)
		return 2;
	if (*p == MENTION_BEGIN)
		q = memchr(p, MENTION_END, left);
	else if (*p == '<')
		q = memchr(p, '>', left);
	else if (*p == '&')
		q = memchr(p, ';', left < 8 ? left : 8);
	if (q)
		return (size_t)(q - p) + 1;
	n = utf8_len(p, left);
	return n > 0 ? n : 1;
}

/* "[label](url)" at i; 0 when it isn't whole there. */
static size_t link_at(const struct cutter *c, size_t i, size_t end)
{
	size_t k = i + 1;

	while (k < end && k - i < 3500 && c->text[k] != ']')
		k += c->text[k] == '\\' ? 2 : 1;
	if (k + 1 >= end || c->text[k] != ']' || c->text[k + 1] != '(')
		return 0;
	while (k < end && k - i < 3500 && c->text[k] != ')')
		k++;
	return k < end && c->text[k] == ')' ? k + 1 - i : 0;
}

/* Within one line that is too long; marks counts what is open there. */
static void note_inside(struct cutter *c, size_t from, size_t end)
{
	size_t i = from, n, open = 0;
	char mark = '\0';

	while (i < end) {
		n = c->text[i] == '[' && !c->fence ? link_at(c, i, end) : 0;
		if (n == 0)
			n = unit(c, i, end);
		c->units += dialect_units(c->text + i, n);
		if (c->units > c->max)
			return;
		if (n == 1 && strchr("*~`", c->text[i]) && !c->fence) {
			n = 1;
			while (i + n < end && c->text[i + n] == c->text[i])
				n++;
			c->units += n - 1;
			if (open == 0) {
				open = n;
				mark = c->text[i];
			} else if (n == open && mark == c->text[i]) {
				open = 0;
			}
		}
		i += n;
		if (c->units <= c->max && i < end)
			note(c, CHARACTER, i);
		if (c->units > c->max || open > 0 || i >= end)
			continue;
		if (!c->fence && mrkdwn_ends_sentence(c->text, i))
			note(c, SENTENCE, i);
		if (c->text[i - 1] != ' ')
			continue;
		note(c, WORD, i);
		if (!c->fence && i >= 2 && strchr(".!?", c->text[i - 2]))
			note(c, SENTENCE, i);
	}
}

/* A piece may begin inside of a line that was too long. */
static bool begins_line(const struct cutter *c)
{
	return c->at == 0 || c->text[c->at - 1] == '\n';
}

/* Goes over one line; false when it doesn't fit any more. */
static bool line(struct cutter *c)
{
	size_t end = line_end(c, c->at);
	size_t n = dialect_units(c->text + c->at, end - c->at);
	size_t ticks = ticks_at(c, c->at);
	bool row = !c->fence && c->text[c->at] == '|' && begins_line(c);

	if (c->units + n > c->max) {
		if (!row)
			note_inside(c, c->at, end);
		return false;
	}
	c->units += n;
	if (c->fence && ticks >= c->ticks) {
		c->fence = false;
		c->again.again_len = 0;
	} else if (!c->fence && ticks >= 3) {
		c->fence = true;
		c->ticks = ticks;
		c->again.again_at = c->at;
		c->again.again_len = end - c->at;
		c->at = end;
		return true; /* no cut right behind it */
	} else if (row && !c->table) {
		c->table = true; /* the heading and the rule below it */
		c->again.again_at = c->at;
		c->at = end;
		end = line_end(c, end);
		c->units += dialect_units(c->text + c->at, end - c->at);
		c->again.again_len = end - c->again.again_at;
		c->at = end;
		return true;
	} else if (!row && c->table) {
		c->table = false;
		c->again.again_len = 0;
	}
	c->at = end;
	note_line(c, end);
	return true;
}

static void take_up(struct cutter *c, const struct dialect_cut *again)
{
	c->again.again_at = again->again_at;
	c->again.again_len = again->again_len;
	if (again->again_len == 0)
		return;
	c->units = dialect_units(c->text + again->again_at, again->again_len);
	c->ticks = ticks_at(c, again->again_at);
	c->fence = c->ticks >= 3;
	c->table = !c->fence;
}

/* A cut that leaves the piece nearly empty is no good, however fine. */
static const struct dialect_cut *choose(const struct cutter *c, size_t from)
{
	size_t least = from + (c->at - from) / 3;
	int k;

	for (k = BEFORE_HEADING; k < CHARACTER; k++) {
		if (c->best[k].end > from && c->best[k].end >= least)
			return &c->best[k];
	}
	for (k = LINE; k < PLACES; k++) {
		if (c->best[k].end > from)
			return &c->best[k];
	}
	return NULL;
}

void dialect_cut(const char *text, size_t len, size_t from, size_t max,
		 const struct dialect_cut *again, struct dialect_cut *cut)
{
	struct cutter c = { .text = text, .len = len, .at = from };
	const struct dialect_cut *best;

	/* Room for the mark that closes a fence. */
	c.max = max > 64 ? max - 16 : max;
	take_up(&c, again);
	while (c.at < len && line(&c))
		;
	*cut = (struct dialect_cut){ .end = len };
	if (c.at >= len)
		return;
	best = choose(&c, from);
	if (best)
		*cut = *best;
	else
		cut->end = line_end(&c, from); /* a row that is too long */
}
