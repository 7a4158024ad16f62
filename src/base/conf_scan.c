/* SPDX-License-Identifier: ISC */
#include "base/conf_scan.h"

#include <string.h>

struct scan {
	char *p;
	char *end;
	int line;
	int open_line; /* of the last section that was opened */
	int depth;
	const char *wrong;
};

static char peek(const struct scan *s)
{
	return s->p + 1 < s->end ? s->p[1] : '\0';
}

static const char *check_byte(const struct scan *s)
{
	unsigned char c = (unsigned char)*s->p;

	if ((c < ' ' && c != '\n' && c != '\t' && c != '\r') || c == 0x7f)
		return "control character";
	if (c == '$' && peek(s) == '{')
		return "'${': the environment is not read";
	return NULL;
}

/* Goes one byte on, which has to be there. */
static void advance(struct scan *s)
{
	if (!s->wrong)
		s->wrong = check_byte(s);
	if (*s->p == '\n' && !s->wrong)
		s->line++;
	s->p++;
}

static void blank_comment(struct scan *s)
{
	while (s->p < s->end && *s->p != '\n')
		*s->p++ = ' ';
}

static void skip_string(struct scan *s)
{
	char quote = *s->p;
	int line = s->line;

	advance(s);
	while (s->p < s->end && *s->p != quote && !s->wrong) {
		if (*s->p == '\\' && s->p + 1 < s->end)
			advance(s);
		advance(s);
	}
	if (s->wrong)
		return;
	if (s->p == s->end) {
		s->line = line;
		s->wrong = "string is not closed";
		return;
	}
	advance(s);
}

static void scan_one(struct scan *s)
{
	switch (*s->p) {
	case '#':
		blank_comment(s);
		return;
	case '"':
	case '\'':
		skip_string(s);
		return;
	case '/':
		if (peek(s) == '/' || peek(s) == '*')
			s->wrong = "a comment starts with '#', and a value "
				   "with '//' needs quotes";
		break;
	case '{':
		s->depth++;
		s->open_line = s->line;
		break;
	case '}':
		s->depth--;
		break;
	}
	advance(s);
}

const char *conf_scan(char *text, size_t len, int *line)
{
	struct scan s = { .p = text, .end = text + len, .line = 1 };

	while (s.p < s.end && !s.wrong)
		scan_one(&s);
	if (!s.wrong && s.depth > 0) {
		s.line = s.open_line;
		s.wrong = "section is not closed";
	}
	*line = s.line;
	return s.wrong;
}
