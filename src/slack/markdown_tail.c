/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "slack/markdown.h"
#include "slack/markdown_in.h"

/*
 * A look at the end of unfinished Markdown: only its last paragraph or line
 * matters, and whether a fence is open there. It guesses as a reader would
 * and need not agree with CommonMark in every corner.
 */

#define OPEN_MAX 8

struct mark {
	char c;
	size_t n;
};

struct tail {
	const char *md;
	size_t len;
	size_t keep;
	size_t code_n; /* backticks of an open code span */
	struct mark open[OPEN_MAX];
	size_t nopen;
};

static bool is_space(char c)
{
	return isspace((unsigned char)c) != 0;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) != 0 || (unsigned char)c >= 0x80;
}

static size_t run_of(const char *md, size_t at, size_t len)
{
	size_t n = 1;

	while (at + n < len && md[at + n] == md[at])
		n++;
	return n;
}

/* Does a line begin something new, so that no emphasis reaches into it? */
static bool starts_block(const char *p, size_t n)
{
	size_t i = 0;

	if (n == 0)
		return true;
	if (strchr("#|>", p[0]))
		return true;
	if (strchr("-+*", p[0]))
		return n > 1 && is_space(p[1]);
	while (i < n && i < 9 && isdigit((unsigned char)p[i]))
		i++;
	return i > 0 && i < n && (p[i] == '.' || p[i] == ')');
}

/* The fence that a line opens or closes, as its length; 0 for none. */
static size_t fence_of(const char *p, size_t n)
{
	size_t run;

	if (n < 3 || (p[0] != '`' && p[0] != '~'))
		return 0;
	run = run_of(p, 0, n);
	return run >= 3 ? run : 0;
}

static bool blank(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!is_space(p[i]))
			return false;
	}
	return true;
}

/*
 * Where the last paragraph begins; *fence is the code fence that is open at
 * the end, or none.
 */
static size_t last_block(const char *md, size_t len, struct mark *fence)
{
	size_t at = 0, start = 0, line, end, run;
	struct mark f = { 0, 0 };

	while (at < len) {
		const char *nl = memchr(md + at, '\n', len - at);

		end = nl ? (size_t)(nl - md) : len;
		line = at;
		while (line < end && strchr(" \t>", md[line]))
			line++;
		run = fence_of(md + line, end - line);
		if (f.n == 0 && run > 0) {
			f.c = md[line];
			f.n = run;
		} else if (f.n > 0 && run >= f.n && md[line] == f.c &&
			   blank(md + line + run, end - line - run)) {
			f.n = 0;
			start = end;
		} else if (f.n > 0 || starts_block(md + line, end - line)) {
			start = line;
		}
		at = end + 1;
	}
	*fence = f;
	return start;
}

static void push(struct tail *t, char c, size_t n)
{
	if (t->nopen < OPEN_MAX && n <= 3) {
		t->open[t->nopen].c = c;
		t->open[t->nopen].n = n;
		t->nopen++;
	}
}

/* Closes what a run of n marks can close; what is left of the run. */
static size_t pop(struct tail *t, char c, size_t n)
{
	struct mark *top;
	size_t k;

	while (n > 0 && t->nopen > 0) {
		top = &t->open[t->nopen - 1];
		if (top->c != c)
			break;
		k = n < top->n ? n : top->n;
		top->n -= k;
		n -= k;
		if (top->n == 0)
			t->nopen--;
	}
	return n;
}

/* A run of emphasis marks at i; returns its length. */
static size_t emphasis(struct tail *t, size_t i, size_t start)
{
	char c = t->md[i];
	size_t n = run_of(t->md, i, t->len);
	size_t left = n;
	char prev = i > start ? t->md[i - 1] : ' ';
	char next = i + n < t->len ? t->md[i + n] : ' ';
	bool opens = !is_space(next);
	bool closes = !is_space(prev);

	if (c == '_') {
		opens = opens && !is_word(prev);
		closes = closes && !is_word(next);
	}
	if (closes)
		left = pop(t, c, n);
	if (left == 0)
		return n;
	if (i + n == t->len)
		t->keep = i + n - left;
	else if (opens && (c != '~' || left == 2)) /* "~5" is about */
		push(t, c, left);
	return n;
}

/* A run of backticks at i; returns the length of the span, or of the run. */
static size_t code_span(struct tail *t, size_t i)
{
	size_t n = run_of(t->md, i, t->len);
	size_t at = i + n;
	size_t m;

	while (at < t->len) {
		if (t->md[at] != '`') {
			at++;
			continue;
		}
		m = run_of(t->md, at, t->len);
		at += m;
		if (m == n)
			return at - i;
	}
	if (i + n == t->len) {
		t->keep = i;
	} else if (n <= 3) {
		t->code_n = n;
	}
	return t->len - i;
}

static void scan(struct tail *t, size_t start)
{
	size_t i = start;

	while (i < t->len) {
		switch (t->md[i]) {
		case '\\':
			i += 2;
			break;
		case '`':
			i += code_span(t, i);
			break;
		case '*':
		case '_':
		case '~':
			i += emphasis(t, i, start);
			break;
		default:
			i++;
		}
	}
}

/*
 * A last line that is only the beginning of something: "-" and "=" would
 * turn the line above into a heading, two backticks into text of the code.
 */
static size_t drop_partial(const char *md, size_t len, const char *marks)
{
	size_t at = len;

	while (at > 0 && strchr(marks, md[at - 1]) && md[at - 1] != '\0')
		at--;
	return at < len && at > 0 && md[at - 1] == '\n' ? at : len;
}

static size_t line_start(const char *md, size_t at)
{
	while (at > 0 && md[at - 1] != '\n')
		at--;
	return at;
}

/* The lines of a table that end at len; *first is where they begin. */
static size_t pipe_lines(const char *md, size_t len, size_t *first)
{
	size_t n = 0, at = line_start(md, len);

	while (at < len && md[at] == '|') {
		n++;
		*first = at;
		if (at == 0 || n > 2)
			break;
		at = line_start(md, at - 1);
	}
	return n;
}

static bool is_rule(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!strchr("|:- ", p[i]) || p[i] == '\0')
			return false;
	}
	return true;
}

static size_t columns(const char *p, size_t n)
{
	size_t i, cols = 0;

	for (i = 0; i < n && p[i] != '\n'; i++) {
		if (p[i] == '\\')
			i++;
		else if (p[i] == '|')
			cols++;
		else if (cols == 0)
			break;
	}
	i = i < n ? i : n;
	while (i > 0 && is_space(p[i - 1]))
		i--;
	return i > 1 && p[i - 1] == '|' ? cols - 1 : cols;
}

/*
 * A heading isn't a table before the rule below it is whole: that is what to
 * append to len bytes, of which some may be taken off again.
 */
static size_t table_tail(const char *md, size_t len, char *tail, size_t room)
{
	size_t first = 0, n, cols, i;

	n = len > 0 ? pipe_lines(md, len, &first) : 0;
	if (n == 2 &&
	    is_rule(md + line_start(md, len), len - line_start(md, len)))
		len = line_start(md, len) - 1;
	else if (n != 1)
		return len;
	cols = columns(md + first, len - first);
	if (cols == 0 || 4 * cols + 4 > room)
		return len;
	*tail++ = '\n';
	for (i = 0; i < cols; i++) {
		memcpy(tail, "|---", 4);
		tail += 4;
	}
	memcpy(tail, "|", 2);
	return len;
}

size_t mrkdwn_tail(const char *md, size_t len, char tail[MRKDWN_TAIL_SIZE])
{
	struct tail t = { .md = md, .len = len, .keep = len };
	struct mark fence;
	size_t start;
	size_t k = 0;

	tail[0] = '\0';
	start = last_block(md, len, &fence);
	if (fence.n > 0)
		return drop_partial(md, len, "`~");
	t.len = t.keep = drop_partial(md, len, "-=*_");
	scan(&t, start);
	if (t.nopen == 0 && t.code_n == 0)
		return table_tail(md, t.keep, tail, MRKDWN_TAIL_SIZE);

	while (t.keep > start && is_space(md[t.keep - 1]))
		t.keep--;
	memset(tail, '`', t.code_n);
	k += t.code_n;
	while (t.nopen > 0) {
		t.nopen--;
		memset(tail + k, t.open[t.nopen].c, t.open[t.nopen].n);
		k += t.open[t.nopen].n;
	}
	tail[k] = '\0';
	if (k < 32 &&
	    table_tail(md, t.keep, tail + k, MRKDWN_TAIL_SIZE - k) < t.keep)
		tail[k] = '\0';
	return t.keep;
}

/* ---- links that aren't whole yet ---- */

#define HALF_LABEL 200 /* longer ones are no label, but brackets */
#define HALF_URL   2000

/* "[label](" with what may follow, at p: the bytes of a whole link, 0 when it
 * is none, n when it goes on behind the end. */
static size_t link_span(const char *p, size_t n)
{
	size_t i = 1, deep = 0;

	while (i < n && p[i] != ']') {
		if (p[i] == '\n' || p[i] == '[' || i > HALF_LABEL)
			return 0;
		i += p[i] == '\\' ? 2 : 1;
	}
	if (i + 1 >= n)
		return n;
	if (p[i + 1] != '(')
		return 0;
	for (i += 2; i < n; i++) {
		if (p[i] == '\n' || i > HALF_LABEL + HALF_URL)
			return 0;
		if (p[i] == ')' && deep == 0)
			return i + 1;
		deep += (p[i] == '(') - (p[i] == ')');
	}
	return n;
}

/* The same of "<https://...>" and of a bare URL, which end with a blank. */
static size_t url_span(const char *p, size_t n)
{
	static const char *const schemes[] = { "http://", "https://",
					       "mailto:" };
	bool angle = *p == '<';
	const char *url = angle ? p + 1 : p;
	size_t left = n - (size_t)(url - p);
	size_t i, k;

	for (i = 0; i < 3; i++) {
		k = strlen(schemes[i]);
		if (strncasecmp(url, schemes[i], left < k ? left : k) == 0)
			break;
	}
	if (i == 3 || (!angle && left < k))
		return 0;
	for (k = 0; k < left && !is_space(url[k]); k++)
		if (k > HALF_URL || (angle && url[k] == '>'))
			return 0;
	return k == left ? n : 0;
}

static size_t half_at(const struct tail *t, size_t i, size_t start)
{
	const char *p = t->md + i;

	if (*p == '[')
		return link_span(p, t->len - i);
	if (*p == '<')
		return url_span(p, t->len - i);
	if (strchr("hHmM", *p) && *p != '\0' &&
	    (i == start || !is_word(t->md[i - 1])))
		return url_span(p, t->len - i);
	return 0;
}

size_t mrkdwn_whole_links(const char *md, size_t len)
{
	struct tail t = { .md = md, .len = len, .keep = len };
	struct mark fence;
	size_t i, n, start;

	start = last_block(md, len, &fence);
	for (i = start; fence.n == 0 && i < len; i += n) {
		n = 1;
		if (md[i] == '\\') {
			n = 2;
		} else if (md[i] == '`') {
			n = code_span(&t, i);
		} else if (len - i <= HALF_LABEL + HALF_URL &&
			   half_at(&t, i, start) == len - i) {
			return i > start && md[i] == '[' && md[i - 1] == '!'
				       ? i - 1
				       : i;
		}
	}
	return len;
}

/* ---- what is open ---- */

void mrkdwn_close(struct buf *md)
{
	struct mark fence;

	(void)last_block(md->data ? md->data : "", md->len, &fence);
	if (fence.n > 0)
		(void)buf_addc(md, '\n');
	for (; fence.n > 0; fence.n--)
		(void)buf_addc(md, fence.c);
}
