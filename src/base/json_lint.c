/* SPDX-License-Identifier: ISC */
#include "base/json_lint.h"

#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

/* All that may stand outside strings; the letters are those of true, false,
 * null and of exponents. */
static const bool outside[256] = {
	[' '] = 1, ['\t'] = 1, ['\n'] = 1, ['\r'] = 1, ['{'] = 1, ['}'] = 1,
	['['] = 1, [']'] = 1,  [':'] = 1,  [','] = 1,  ['0'] = 1, ['1'] = 1,
	['2'] = 1, ['3'] = 1,  ['4'] = 1,  ['5'] = 1,  ['6'] = 1, ['7'] = 1,
	['8'] = 1, ['9'] = 1,  ['+'] = 1,  ['-'] = 1,  ['.'] = 1, ['E'] = 1,
	['t'] = 1, ['r'] = 1,  ['u'] = 1,  ['e'] = 1,  ['f'] = 1, ['a'] = 1,
	['l'] = 1, ['s'] = 1,  ['n'] = 1,
};

struct lint {
	const char *p;
	const char *end;
	const char *wrong;
	bool nul; /* the last string had a \u0000 */
};

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static void lint_escape(struct lint *l)
{
	if (l->end - l->p >= 6 && memcmp(l->p, "\\u0000", 6) == 0)
		l->nul = true;
	l->p += l->end - l->p >= 2 ? 2 : 1;
}

static void lint_utf8(struct lint *l)
{
	size_t n = utf8_len(l->p, (size_t)(l->end - l->p));

	if (n == 0)
		l->wrong = "invalid UTF-8";
	l->p += n;
}

/* From behind the opening quote to behind the closing one. */
static void lint_string(struct lint *l)
{
	l->nul = false;
	while (!l->wrong && l->p < l->end && *l->p != '"') {
		if (is_plain((unsigned char)*l->p))
			l->p++;
		else if (*l->p == '\\')
			lint_escape(l);
		else if ((unsigned char)*l->p < 0x20)
			l->wrong = "control character in a string";
		else
			lint_utf8(l);
	}
	if (!l->wrong && l->p == l->end)
		l->wrong = "string not closed";
	l->p++;
}

static bool digit_follows(const struct lint *l)
{
	return l->end - l->p > 1 && l->p[1] >= '0' && l->p[1] <= '9';
}

const char *json_lint(const char *text, size_t len, size_t *at)
{
	struct lint l = { .p = text, .end = text + len };

	while (!l.wrong && l.p < l.end) {
		if (*l.p == '"') {
			l.p++;
			lint_string(&l);
			continue;
		}
		if (!outside[(unsigned char)*l.p])
			l.wrong = "unexpected character";
		else if (*l.p == ':' && l.nul)
			l.wrong = "NUL in a key";
		else if (*l.p == '.' && !digit_follows(&l))
			l.wrong = "number ends with a point";
		l.p++;
	}
	/* Each fault is stepped over. */
	*at = l.wrong ? (size_t)(l.p - text) - 1 : 0;
	return l.wrong;
}
