/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/utf8.h"
#include "slack/dialect_in.h"
#include "slack/markdown_in.h"

/*
 * CommonMark lets "**" close only where it doesn't stand between punctuation
 * and a letter. In Chinese and Japanese there are no spaces to help it, so
 * that models' "**「a」**b" would show its stars. A zero width space beside
 * the punctuation counts as a letter.
 */

static bool is_punct(unsigned int c)
{
	return (c >= 0x3001 && c <= 0x3003) || (c >= 0x3008 && c <= 0x3011) ||
	       (c >= 0x3014 && c <= 0x301f) || (c >= 0xff01 && c <= 0xff0f) ||
	       (c >= 0xff1a && c <= 0xff20) || (c >= 0xff3b && c <= 0xff3d) ||
	       (c >= 0xff5b && c <= 0xff65) || (c >= 0x2018 && c <= 0x201f) ||
	       c == 0x2026 || c == 0x2014 || c == ')' || c == '(' || c == '"' ||
	       c == '.' || c == '%' || c == '!' || c == '?' || c == ',' ||
	       c == ':' || c == '[' || c == ']' || c == '`';
}

static bool is_cjk(unsigned int c)
{
	return c >= 0x2e80 && c <= 0xffef && !is_punct(c);
}

struct look {
	const char *md;
	size_t len;
	bool code;  /* inside of a span or a fence */
	bool open;  /* an emphasis is */
	size_t run; /* of the backticks that opened the code */
};

static unsigned int before(const struct look *l, size_t i)
{
	size_t k = i;

	while (k > 0 && i - k < 4) {
		k--;
		if (((unsigned char)l->md[k] & 0xc0) != 0x80)
			break;
	}
	if (k == i || utf8_len(l->md + k, i - k) != i - k)
		return ' ';
	return utf8_point(l->md + k, i - k);
}

static unsigned int after(const struct look *l, size_t i)
{
	size_t n = i < l->len ? utf8_len(l->md + i, l->len - i) : 0;

	return n > 0 ? utf8_point(l->md + i, n) : ' ';
}

static size_t run_of(const struct look *l, size_t i)
{
	size_t n = 1;

	while (i + n < l->len && l->md[i + n] == l->md[i])
		n++;
	return n;
}

static void stars(struct look *l, size_t i, size_t n, struct buf *out)
{
	unsigned int b = before(l, i), a = after(l, i + n);
	bool left = l->open && is_punct(b) && is_cjk(a);
	bool right = !l->open && is_cjk(b) && is_punct(a);

	if (left)
		(void)buf_adds(out, MRKDWN_ZWSP);
	(void)buf_add(out, l->md + i, n);
	if (right)
		(void)buf_adds(out, MRKDWN_ZWSP);
	l->open = !l->open;
}

static void backticks(struct look *l, size_t n)
{
	if (!l->code) {
		l->code = true;
		l->run = n;
	} else if (n == l->run || (l->run >= 3 && n > l->run)) {
		l->code = false;
	}
}

/* "[^1]: and what it says", at the beginning of a line. */
static bool is_note(const struct look *l, size_t i)
{
	return l->md[i] == '[' && i + 1 < l->len && l->md[i + 1] == '^' &&
	       !l->code && (i == 0 || l->md[i - 1] == '\n');
}

/* Bytes that mean nothing here. */
static size_t plain_run(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] != '*' && p[i] != '`' && p[i] != '\n' &&
	       p[i] != '\\' && p[i] != '[')
		i++;
	return i;
}

void dialect_mend(const char *md, size_t len, struct buf *out)
{
	struct look l = { .md = md, .len = len };
	size_t i = 0, n;

	while (i < len) {
		n = plain_run(md + i, len - i);
		if (n > 0) {
			(void)buf_add(out, md + i, n);
			i += n;
			continue;
		}
		n = strchr("*`\n", md[i]) && md[i] ? run_of(&l, i) : 1;
		if (md[i] == '*' && !l.code) {
			stars(&l, i, n, out);
			i += n;
			continue;
		}
		if (md[i] == '`')
			backticks(&l, n);
		else if (md[i] == '\n' && n > 1) {
			l.open = false;
			l.code = l.code && l.run >= 3;
		} else {
			n = md[i] == '\\' && i + 1 < len ? 2 : 1;
			if (is_note(&l, i))
				(void)buf_addc(out, '\\');
		}
		(void)buf_add(out, md + i, n);
		i += n;
	}
}
