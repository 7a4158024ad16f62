/* SPDX-License-Identifier: ISC */
#include "llm/tokens.h"

#include <stdbool.h>

/*
 * Tokenizers of today cut text into runs of letters, digits, marks and blanks
 * first and look each up in parts. Counted in tenths of a token.
 */
#define TOKEN 10

enum kind {
	LETTER,
	DIGIT,
	BLANK,
	LINE_END,
	MARK,
	WIDE /* not ASCII */
};

static enum kind kind_of(unsigned char c)
{
	if (c >= 0x80)
		return WIDE;
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return LETTER;
	if (c >= '0' && c <= '9')
		return DIGIT;
	if (c == ' ' || c == '\t')
		return BLANK;
	return c == '\n' || c == '\r' ? LINE_END : MARK;
}

/* By the first byte of a character; those behind it cost nothing. */
static size_t wide(unsigned char c)
{
	if (c < 0xc0)
		return 0;
	if (c < 0xe0)
		return 9;
	return c < 0xf0 ? 12 : 25;
}

static size_t letters(size_t n)
{
	return TOKEN + (n - 1) / 5 * TOKEN;
}

/* A single blank belongs to the word behind it. */
static size_t run(enum kind k, size_t n)
{
	switch (k) {
	case LETTER:
		return letters(n);
	case DIGIT:
		return (n + 1) / 2 * TOKEN;
	case BLANK:
		return n > 1 ? TOKEN : 0;
	case LINE_END:
		return TOKEN;
	case MARK:
		return (n + 1) / 2 * TOKEN;
	case WIDE:
		break;
	}
	return 0;
}

size_t llm_tokens(const char *text, size_t n)
{
	size_t i = 0, from, sum = 0;
	enum kind k;

	while (i < n) {
		k = kind_of((unsigned char)text[i]);
		from = i;
		if (k == WIDE) {
			sum += wide((unsigned char)text[i++]);
			continue;
		}
		while (i < n && kind_of((unsigned char)text[i]) == k)
			i++;
		sum += run(k, i - from);
	}
	return (sum + TOKEN - 1) / TOKEN;
}
