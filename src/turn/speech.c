/* SPDX-License-Identifier: ISC */
#include "turn/speech.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "slack/text.h"

#define NAME_SIZE 81 /* of slack_name_clean() */
#define INDENT    "    "
#define MARK_MAX  64 /* bytes between "<|" and "|>" */
#define ID_CHARS  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* Line ends apart: nothing of these is seen, and some hide what is. Joiners
 * stay, which Persian and emoji need. */
static const struct {
	unsigned int first, last;
} dropped[] = {
	{ 0x00, 0x08 },       { 0x0e, 0x1f },       { 0x7f, 0x84 },
	{ 0x86, 0x9f },       { 0xad, 0xad },       { 0x61c, 0x61c },
	{ 0x180e, 0x180e },   { 0x200b, 0x200b },   { 0x200e, 0x200f },
	{ 0x202a, 0x202e },   { 0x2060, 0x206f },   { 0xfeff, 0xfeff },
	{ 0xfff9, 0xfffb },   { 0xe0000, 0xe007f }, /* tags */
	{ 0xe0100, 0xe01ef }, /* selectors of no script's need */
};

/* Where turns begin and end in the templates of open models: a server may
 * take them for that in what people wrote, too. */
static const char *const marks[] = {
	"[INST]",
	"[/INST]",
	"[SYSTEM_PROMPT]",
	"[/SYSTEM_PROMPT]",
	"[AVAILABLE_TOOLS]",
	"[/AVAILABLE_TOOLS]",
	"[TOOL_CALLS]",
	"[TOOL_RESULTS]",
	"[/TOOL_RESULTS]",
	"<<SYS>>",
	"<</SYS>>",
	"<s>",
	"</s>",
	"<bos>",
	"<eos>",
	"<start_of_turn>",
	"<end_of_turn>",
	"<start_of_image>",
	"<end_of_image>",
};

static bool is_dropped(unsigned int c)
{
	size_t i;

	for (i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++)
		if (c >= dropped[i].first && c <= dropped[i].last)
			return true;
	return false;
}

/* The bytes of a line end at p, of whichever kind; 0 for none. */
static size_t line_end(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	if (u[0] == '\r' && u[1] == '\n')
		return 2;
	if (u[0] == '\n' || u[0] == '\r' || u[0] == '\v' || u[0] == '\f')
		return 1;
	if (u[0] == 0xc2 && u[1] == 0x85) /* U+0085 */
		return 2;
	if (u[0] == 0xe2 && u[1] == 0x80 && (u[2] == 0xa8 || u[2] == 0xa9))
		return 3; /* U+2028, U+2029 */
	return 0;
}

/* Bytes of ASCII that are kept as they are. */
static size_t plain_run(const char *p, size_t left)
{
	size_t n = 0;

	while (n < left &&
	       ((p[n] >= ' ' && p[n] < 0x7f) || (p[n] >= '\t' && p[n] <= '\r')))
		n++;
	return n;
}

/* What is dropped must be gone before marks are looked for. */
static void drop_unseen(struct buf *out, const char *p)
{
	size_t left = strlen(p), n;

	for (; left > 0 && !out->failed; p += n, left -= n) {
		n = plain_run(p, left);
		if (n > 0) {
			(void)buf_add(out, p, n);
			continue;
		}
		n = utf8_len(p, left);
		if (n == 0)
			n = 1; /* no character: dropped too */
		else if (!is_dropped(utf8_point(p, n)))
			(void)buf_add(out, p, n);
	}
}

/* The bytes of '|', or of its wide twin that DeepSeek uses; 0: neither. */
static size_t bar(const char *p)
{
	if (*p == '|')
		return 1;
	return strncmp(p, "\xef\xbd\x9c", 3) == 0 ? 3 : 0;
}

/* "<|name|>", whatever the name; strchr() finds the NUL, too. */
static bool is_barred(const char *p)
{
	size_t i, n = bar(p + 1);

	if (n == 0)
		return false;
	for (i = 1 + n; i < MARK_MAX && !strchr(" \t\r\n<", p[i]); i++) {
		n = bar(p + i);
		if (n > 0 && p[i + n] == '>')
			return true;
	}
	return false;
}

static bool is_mark(const char *p)
{
	size_t i;

	if (*p != '<' && *p != '[')
		return false;
	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (strncmp(p, marks[i], strlen(marks[i])) == 0)
			return true;
	return *p == '<' && is_barred(p);
}

static void write_lines(struct buf *out, const char *p, const char *indent)
{
	size_t n;

	while (*p != '\0' && !out->failed) {
		n = line_end(p);
		if (n > 0) {
			(void)buf_addc(out, '\n');
			(void)buf_adds(out, indent);
			p += n;
			continue;
		}
		/* With the byte at p, which may be one of these. */
		n = 1 + strcspn(p + 1, "\n\r\v\f\xc2\xe2<[");
		(void)buf_addc(out, *p);
		if (is_mark(p))
			(void)buf_addc(out, ' ');
		(void)buf_add(out, p + 1, n - 1);
		p += n;
	}
}

void speech_clean(struct buf *out, const char *text, const char *indent)
{
	struct buf seen;

	buf_init(&seen, out->cap);
	drop_unseen(&seen, text);
	if (seen.failed)
		out->failed = true;
	else if (seen.data)
		write_lines(out, seen.data, indent);
	buf_release(&seen);
}

void speech_write(struct buf *out, const char *name, const char *id,
		  const char *when, const char *text)
{
	char clean[NAME_SIZE];

	slack_name_clean(name ? name : "", clean);
	(void)buf_adds(out, clean);
	if (id && id[strspn(id, ID_CHARS)] == '\0')
		(void)buf_addf(out, " <@%s>", id);
	if (when && when[0] != '\0')
		(void)buf_addf(out, " [%s]", when);
	(void)buf_adds(out, ": ");
	speech_clean(out, text, INDENT);
}
