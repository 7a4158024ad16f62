/* SPDX-License-Identifier: ISC */
#include "demo/screen.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_MAX   100
#define REPLY_LINES 200

static int drawn; /* lines of the reply that is still being written */

static bool tty(void)
{
	return isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
}

static const char *style(const char *code)
{
	return tty() ? code : "";
}

#define BOLD  style("\033[1m")
#define DIM   style("\033[2m")
#define GREEN style("\033[32m")
#define RED   style("\033[31m")
#define PLAIN style("\033[0m")

static int width(void)
{
	struct winsize w;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) < 0 || w.ws_col < 40 ||
	    w.ws_col > WIDTH_MAX)
		return WIDTH_MAX;
	return w.ws_col;
}

/* mrkdwn's three entities, in place. */
static void decode(char *s)
{
	static const struct {
		const char *name;
		char c;
	} entities[] = { { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' } };
	char *out = s;
	size_t i, n;

	while (*s) {
		for (i = 0; i < 3; i++) {
			n = strlen(entities[i].name);
			if (strncmp(s, entities[i].name, n) == 0)
				break;
		}
		if (i < 3) {
			*out++ = entities[i].c;
			s += n;
		} else {
			*out++ = *s++;
		}
	}
	*out = '\0';
}

/* How many bytes of this line fit into so many columns, cut at a space. */
static size_t fitting(const char *s, size_t len, size_t columns)
{
	size_t i, used = 0, space = 0;

	for (i = 0; i < len; i++) {
		if (((unsigned char)s[i] & 0xc0) != 0x80 && used++ == columns)
			return space ? space : i;
		if (s[i] == ' ')
			space = i;
	}
	return len;
}

/* Prints text wrapped and indented; the number of lines. */
static int print_wrapped(const char *text, int indent)
{
	size_t columns = (size_t)(width() - indent);
	size_t len, n;
	int lines = 0;

	while (*text) {
		len = strcspn(text, "\n");
		do {
			n = fitting(text, len, columns);
			printf("%*s%.*s\n", indent, "", (int)n, text);
			lines++;
			text += n;
			len -= n;
			if (len > 0 && *text == ' ') {
				text++;
				len--;
			}
		} while (len > 0);
		text += *text == '\n';
	}
	return lines;
}

static int print_message(const char *name, const char *text, int indent)
{
	char *copy = strdup(text);
	int lines;

	if (!copy)
		return 0;
	decode(copy);
	printf("%*s%s%s%s\n", indent, "", BOLD, name, PLAIN);
	lines = 1 + print_wrapped(copy, indent);
	free(copy);
	return lines;
}

void screen_channel(const char *title)
{
	static char last[128];

	if (strcmp(last, title) == 0)
		return;
	snprintf(last, sizeof(last), "%s", title);
	printf("\n%s%s%s\n", BOLD, title, PLAIN);
}

void screen_note(const char *fmt, ...)
{
	va_list ap;

	printf("\n%s-- ", DIM);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("%s\n", PLAIN);
	fflush(stdout);
}

void screen_said(const char *name, const char *text, bool in_thread)
{
	print_message(name, text, in_thread ? 6 : 2);
	fflush(stdout);
}

void screen_reply(const char *name, const char *text, bool final)
{
	if (!tty()) {
		/* The placeholder, then the answer; nothing between. */
		if (final || drawn == 0)
			drawn = print_message(name, text, 6);
	} else if (drawn < REPLY_LINES) {
		if (drawn > 0)
			printf("\033[%dA\033[J", drawn);
		drawn = print_message(name, text, 6);
	}
	if (final)
		drawn = 0;
	fflush(stdout);
}

void screen_ephemeral(const char *name, const char *text, const char *to)
{
	print_message(name, text, 6);
	printf("      %sOnly %s sees this.%s\n", DIM, to, PLAIN);
	fflush(stdout);
}

void screen_result(bool ok, const char *what, const char *times)
{
	printf("  %s%s%s %-58s %s%s%s\n", ok ? GREEN : RED,
	       ok ? "ok  " : "FAIL", PLAIN, what, DIM, times, PLAIN);
	fflush(stdout);
}
