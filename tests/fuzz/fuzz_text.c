/* SPDX-License-Identifier: ISC */
/* Slack's inbound text: the first line is a name, the rest a message. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "slack/text.h"
#include "slack/ts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char ada[] = "Ada";

static const char *name_of(const char *user, void *arg)
{
	return user[0] == 'U' ? arg : NULL;
}

static void count(const char *user, void *arg)
{
	size_t *n = arg;

	if (strlen(user) > 32)
		abort();
	(*n)++;
}

static void check_name(const char *in)
{
	char out[81];
	size_t n, len;

	slack_name_clean(in, out);
	n = strlen(out);
	if (n == 0 || n > 80 || strpbrk(out, "\r\n<>:"))
		abort();
	for (; n > 0; n -= len) {
		len = utf8_len(out + strlen(out) - n, n);
		if (len == 0)
			abort();
	}
}

static void check_text(const char *in)
{
	struct buf plain, bare;
	size_t users = 0;

	buf_init(&plain, 1 << 20);
	buf_init(&bare, 1 << 20);
	(void)slack_text_plain(in, "UBOT", name_of, ada, &plain);
	if (slack_text_strip(in, "UBOT", &bare) == 0 && bare.len > 0 &&
	    slack_text_mentions(in, "UBOT") && bare.len >= strlen(in))
		abort();
	slack_text_users(in, 5, count, &users);
	if (users > 5)
		abort();
	buf_release(&plain);
	buf_release(&bare);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	char *rest;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	rest = strchr(text, '\n');
	if (rest)
		*rest++ = '\0';
	check_name(text);
	if (ts_valid(text) && ts_ms(text) < 0)
		abort();
	check_text(rest ? rest : text);
	free(text);
	return 0;
}
