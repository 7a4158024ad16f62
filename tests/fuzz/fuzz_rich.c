/* SPDX-License-Identifier: ISC */
/* A message's blocks and attachments, as JSON. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "slack/rich.h"
#include "slack/shared.h"
#include "slack/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX ((size_t)1 << 20)

/* "<" begins nothing but what slack_text_plain() takes out again. */
static void check_form(const char *s)
{
	for (s = strchr(s, '<'); s; s = strchr(s + 1, '<')) {
		if (!strchr("@#!", s[1]) || !strchr(s, '>'))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	struct json *j = json_parse((const char *)data, size, INPUT_MAX, &e);
	struct buf tables, text, shared, plain;

	if (!j)
		return 0;
	buf_init(&tables, INPUT_MAX);
	buf_init(&text, 5000);
	buf_init(&shared, 5000);
	buf_init(&plain, INPUT_MAX);
	rich_tables(j, &tables);
	rich_text(json_at(j, "blocks"), &text);
	shared_text(j, &shared);
	if (tables.failed || text.failed || shared.failed)
		abort();
	if (tables.data) {
		check_form(tables.data);
		(void)slack_text_plain(tables.data, NULL, NULL, NULL, &plain);
	}
	if (text.data)
		(void)slack_text_plain(text.data, NULL, NULL, NULL, &plain);
	if (shared.data)
		(void)slack_text_plain(shared.data, NULL, NULL, NULL, &plain);
	buf_release(&shared);
	buf_release(&tables);
	buf_release(&text);
	buf_release(&plain);
	json_free(j);
	return 0;
}
