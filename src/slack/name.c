/* SPDX-License-Identifier: ISC */
#include "slack/text.h"

#include <string.h>
#include <strings.h>

#include "base/utf8.h"

#define NAME_MAX_BYTES 80

/*
 * Names are chosen by whoever is asked about: in a transcript of lines
 * "name: text" they must not be able to end a line or begin a turn.
 */

static const struct {
	unsigned int first, last;
} dropped[] = {
	{ 0x00, 0x08 },        { 0x0e, 0x1f },     { 0x7f, 0x84 },
	{ 0x86, 0x9f },        { 0xad, 0xad },     { 0x61c, 0x61c },
	{ 0x180e, 0x180e },    { 0x200b, 0x200f }, { 0x202a, 0x202e },
	{ 0x2060, 0x206f },    { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff },
	{ 0xfff0, 0xffff },    { 0xe000, 0xf8ff }, /* private use */
	{ 0xe0000, 0x10ffff },                     /* tags, private use */
};

/* The marks between a role and its text, in every costume. */
static const unsigned int marks[] = {
	'<',    '>',    '[',    ']',    '{',    '}',    '|',    ':',
	'#',    '`',    '*',    '\\',   '"',    0x2236, 0xa789, 0xfe13,
	0xfe55, 0xff1a, 0xff1c, 0xff1e, 0xff3b, 0xff3d, 0xff5b, 0xff5d,
	0xff5c, 0xff03, 0xff0a, 0x2039, 0x203a, 0x3008, 0x3009,
};

static bool is_dropped(unsigned int c)
{
	size_t i;

	for (i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++)
		if (c >= dropped[i].first && c <= dropped[i].last)
			return true;
	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (c == marks[i])
			return true;
	return false;
}

static bool is_space(unsigned int c)
{
	return c == ' ' || (c >= 0x09 && c <= 0x0d) || c == 0x85 || c == 0xa0 ||
	       c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
	       c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

static bool is_role(const char *name)
{
	static const char *const roles[] = {
		"system", "developer", "assistant", "user", "tool", "function",
	};
	size_t i;

	for (i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strcasecmp(name, roles[i]) == 0)
			return true;
	return false;
}

/* Appends one character, behind the space that is due; false when full. */
static bool put(char *out, size_t *len, bool space, const char *p, size_t n)
{
	size_t gap = space && *len > 0 ? 1 : 0;

	if (*len + gap + n > NAME_MAX_BYTES)
		return false;
	if (gap > 0)
		out[(*len)++] = ' ';
	memcpy(out + *len, p, n);
	*len += n;
	return true;
}

void slack_name_clean(const char *in, char out[81])
{
	size_t left = in ? strlen(in) : 0;
	bool space = false;
	unsigned int c;
	size_t len = 0;
	size_t n;

	for (; left > 0; in += n, left -= n) {
		n = utf8_len(in, left);
		if (n == 0) {
			n = 1;
			continue;
		}
		c = utf8_point(in, n);
		if (is_space(c)) {
			space = true;
		} else if (!is_dropped(c)) {
			if (!put(out, &len, space, in, n))
				break;
			space = false;
		}
	}
	out[len] = '\0';
	if (len == 0 || is_role(out))
		(void)memcpy(out, "someone", sizeof("someone"));
}
