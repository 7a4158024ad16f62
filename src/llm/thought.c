/* SPDX-License-Identifier: ISC */
#include "llm/thought.h"

#include <stdbool.h>
#include <string.h>

static const char opening[] = "<think>";
static const char closing[] = "</think>";

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The mark's next byte, or none of it. */
static bool matches(struct thought *t, const char *mark, char c)
{
	if (mark[t->n] != c)
		t->n = c == mark[0] ? 1 : 0;
	else
		t->n++;
	return mark[t->n] == '\0';
}

/* How much of p is blank, or may be the opening. */
static size_t skip_before(struct thought *t, const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && t->state == THOUGHT_BEFORE) {
		if (t->n == 0 && is_blank(p[i])) {
			i++;
		} else if (p[i] == opening[t->n]) {
			i++;
			t->n++;
			if (opening[t->n] == '\0')
				t->state = THOUGHT_IN;
		} else {
			t->state = THOUGHT_SAID;
		}
	}
	if (t->state == THOUGHT_IN)
		t->n = 0;
	return i;
}

static size_t skip_thought(struct thought *t, const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && t->state == THOUGHT_IN)
		if (matches(t, closing, p[i++]))
			t->state = THOUGHT_BEHIND;
	if (t->state == THOUGHT_BEHIND)
		t->n = 0;
	while (i < n && t->state == THOUGHT_BEHIND && is_blank(p[i]))
		i++;
	if (i < n && t->state == THOUGHT_BEHIND)
		t->state = THOUGHT_NONE;
	return i;
}

/* What looked like the mark was none: all of this piece counts, and what an
 * earlier one had of it. */
static int take_back(struct thought *t, size_t held,
		     int (*say)(const char *p, size_t n, void *arg), void *arg)
{
	/* The end of a thought begins alike, with one byte. */
	t->n = held == 1 ? 1 : 0;
	t->at_line = held == 0;
	return held > 0 ? say(opening, held, arg) : 0;
}

/* How many bytes of p there are up to behind the end, on a line of its own, of
 * a thought whose beginning is in the prompt; 0: it isn't there. Where the
 * marks are spoken of, both are. */
static size_t find_end(struct thought *t, const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n && !t->opened; i++) {
		t->m = p[i] == opening[t->m] ? t->m + 1 : p[i] == '<';
		t->opened = opening[t->m] == '\0';
		if ((t->n > 0 || t->at_line) && p[i] == closing[t->n]) {
			t->at_line = false;
			if (closing[++t->n] == '\0')
				return i + 1;
		} else {
			t->n = 0;
			t->at_line = p[i] == '\n' ||
				     (t->at_line && is_blank(p[i]));
		}
	}
	return 0;
}

int thought_feed(struct thought *t, const char *p, size_t n,
		 int (*say)(const char *p, size_t n, void *arg), void *arg)
{
	size_t held = t->n, k = 0;
	int rc = 0;

	if (t->state == THOUGHT_BEFORE) {
		k = skip_before(t, p, n);
		if (t->state == THOUGHT_SAID) {
			rc = take_back(t, held, say, arg);
			k = 0;
		}
	}
	if (rc == 0 && t->state == THOUGHT_SAID) {
		k = find_end(t, p, n);
		if (k > 0) {
			t->state = THOUGHT_BEHIND;
			t->n = 0;
			rc = say(NULL, 0, arg);
		}
	}
	if (rc == 0 && t->state <= THOUGHT_BEHIND)
		k += skip_thought(t, p + k, n - k);
	if (rc == 0 && t->state > THOUGHT_BEHIND && k < n)
		rc = say(p + k, n - k, arg);
	return rc;
}

int thought_end(struct thought *t,
		int (*say)(const char *p, size_t n, void *arg), void *arg)
{
	if (t->state != THOUGHT_BEFORE || t->n == 0)
		return 0;
	t->state = THOUGHT_NONE;
	return say(opening, t->n, arg);
}
