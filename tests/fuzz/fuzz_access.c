/* SPDX-License-Identifier: ISC */
/* Who may ask, as the store has it: an agent's own settings in the first line,
 * the tenant's in the rest. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "route/access.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
	if (!ok)
		abort();
}

static void count(const char *group, void *arg)
{
	must(group != NULL);
	++*(size_t *)arg;
}

static void judge(const struct access *a)
{
	struct access_facts f = { .channel = "C1", .user = "U1" };
	enum access_answer is;
	unsigned int i;
	size_t n = 0;

	for (i = 0; i < 256; i++) {
		f.direct = i & 1;
		f.is_bot = i & 2;
		f.mention = i & 4;
		f.bot_id = i & 8 ? "B1" : NULL;
		f.guest = f.stranger = (enum access_fact)(i >> 4 & 3);
		f.in_allowed = f.in_denied = (enum access_fact)(i >> 6 & 3);
		is = access_judge(a, &f);
		must(is <= ACCESS_UNSURE);
		must(is == ACCESS_YES || is == ACCESS_ASK ||
		     access_why(is) != NULL);
	}
	access_each_group(a, false, count, &n);
	access_each_group(a, true, count, &n);
	must(access_bot_answers(a) >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct err e = { 0 };
	struct access *a;
	char *rest;

	must(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	rest = strchr(text, '\n');
	if (rest)
		*rest++ = '\0';
	a = access_create(text, rest, &e);
	must(a || e.msg[0] != '\0');
	if (a)
		judge(a);
	access_free(a);
	free(text);
	return 0;
}
