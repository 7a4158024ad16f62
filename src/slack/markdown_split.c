/* SPDX-License-Identifier: ISC */
#include <stdbool.h>
#include <string.h>

#include "slack/markdown.h"
#include "slack/markdown_in.h"

/* Where a part may end, from best to worst. */
enum cut {
	CUT_PARAGRAPH,
	CUT_LINE,
	CUT_SENTENCE,
	CUT_WORD,
	CUT_CHARACTER,
	CUTS
};

struct place {
	size_t at;
	bool fence; /* is one open there? */
};

struct split {
	const char *text;
	size_t len;
	size_t max;
	bool fence;
	size_t opened; /* where the text inside of the fence begins */
	struct place best[CUTS];
};

/* The length of what must stay whole at i: a mark, a link, a character. */
static size_t unit(const struct split *s, size_t i)
{
	const char *p = s->text + i;
	size_t left = s->len - i;
	const char *end = NULL;
	size_t n = 1;

	if (left >= 3 && memcmp(p, "```", 3) == 0)
		return 3;
	if (*p == '<')
		end = memchr(p, '>', left);
	else if (*p == '&')
		end = memchr(p, ';', left < 8 ? left : 8);
	if (end && (size_t)(end - p) < s->max)
		return (size_t)(end - p) + 1;
	if ((unsigned char)*p >= 0xc0) {
		while (n < left && n < 4 &&
		       ((unsigned char)p[n] & 0xc0) == 0x80)
			n++;
	}
	return n;
}

/* A fence must have text on both sides of the cut. */
static bool may_cut(const struct split *s, size_t at)
{
	if (!s->fence)
		return true;
	if (at <= s->opened)
		return false;
	return s->len - at < 3 || memcmp(s->text + at, "```", 3) != 0;
}

static void note(struct split *s, enum cut kind, size_t at)
{
	if (!may_cut(s, at) && kind != CUT_CHARACTER)
		return;
	s->best[kind].at = at;
	s->best[kind].fence = s->fence;
}

bool mrkdwn_ends_sentence(const char *text, size_t at)
{
	static const char *const marks[] = { "。", "！", "？" };
	size_t i;

	for (i = 0; at >= 3 && i < sizeof(marks) / sizeof(marks[0]); i++)
		if (memcmp(text + at - 3, marks[i], 3) == 0)
			return true;
	return false;
}

/* The unit before i is done: what kind of place is i? */
static void look(struct split *s, size_t i)
{
	char prev = s->text[i - 1];
	char before = i > 1 ? s->text[i - 2] : '\n';

	note(s, CUT_CHARACTER, i);
	if (prev == '\n') {
		note(s, CUT_LINE, i);
		if (before == '\n' && !s->fence)
			note(s, CUT_PARAGRAPH, i);
	} else if (prev == ' ') {
		note(s, CUT_WORD, i);
		if (strchr(".!?", before) && !s->fence)
			note(s, CUT_SENTENCE, i);
	} else if (!s->fence && mrkdwn_ends_sentence(s->text, i)) {
		note(s, CUT_SENTENCE, i);
	}
}

static void toggle(struct split *s, size_t i)
{
	s->fence = !s->fence;
	s->opened = i + 3;
	if (s->fence && i + 3 < s->len && s->text[i + 3] == '\n')
		s->opened++;
}

/* A cut that leaves the part nearly empty is no good, however fine. */
static const struct place *choose(const struct split *s)
{
	size_t least = s->max / 3;
	int k;

	for (k = CUT_PARAGRAPH; k < CUT_CHARACTER; k++) {
		if (s->best[k].at > 0 && s->best[k].at >= least)
			return &s->best[k];
	}
	return &s->best[CUT_CHARACTER];
}

size_t mrkdwn_split(const char *text, size_t len, size_t max, bool *fence)
{
	struct split s = { .text = text, .len = len, .fence = *fence };
	const struct place *p;
	size_t i = 0, n;

	s.max = max;
	while (i < len) {
		n = unit(&s, i);
		if (i + n > max)
			break;
		if (n == 3 && memcmp(text + i, "```", 3) == 0)
			toggle(&s, i);
		i += n;
		look(&s, i);
	}
	if (i == len) {
		*fence = s.fence;
		return len;
	}
	p = choose(&s);
	if (p->at == 0) /* max is smaller than one unit */
		return unit(&s, 0);
	*fence = p->fence;
	return p->at;
}
