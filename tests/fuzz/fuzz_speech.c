/* SPDX-License-Identifier: ISC */
/*
 * What people say, as a model is told it. The first line is a name and time
 * zone, the rest is text: whatever they are, only one speaker is named.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "llm/tokens.h"
#include "turn/speech.h"
#include "turn/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD " <@U1> [2026-01-02 09:14]: "

static void must(int ok)
{
	if (!ok)
		abort();
}

/* UTF-8, and each line end followed by the indent. */
static void check_text(const char *p)
{
	size_t left = strlen(p), n;

	for (; left > 0; p += n, left -= n) {
		n = utf8_len(p, left);
		must(n > 0);
		must(*p == '\n' || *p == '\t' || (unsigned char)*p >= ' ');
		must(*p != '\n' || strncmp(p + 1, "    ", 4) == 0);
	}
}

static void check_zone(const char *tz, int64_t offset)
{
	char out[ZONE_TEXT];
	struct zone z;

	zone_set(&z, tz, offset);
	zone_label(&z, out);
	must(!strpbrk(out, "\r\n[]"));
	zone_minute(&z, offset, out);
	zone_day(&z, offset, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out, again;
	int64_t offset = 0;
	char *text, *rest, *head;

	text = malloc(size + 1);
	must(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	memcpy(&offset, data, size < 8 ? size : 8);
	rest = strchr(text, '\n');
	if (rest)
		*rest++ = '\0';
	check_zone(text, offset);
	buf_init(&out, 1 << 24);
	buf_init(&again, 1 << 24);
	speech_write(&out, text, "U1", "2026-01-02 09:14", rest ? rest : "");
	must(!out.failed);
	check_text(out.data);
	head = strstr(out.data, HEAD);
	must(head && !memchr(out.data, '\n', (size_t)(head - out.data)));
	must(!memchr(out.data, '[', (size_t)(head - out.data)));
	must(!strstr(out.data, "<|im_start|>") && !strstr(out.data, "[INST]"));
	must(llm_tokens(out.data, out.len) * 2 <= out.len * 5);
	speech_clean(&again, head, "");
	must(again.len == 0 || llm_tokens(again.data, again.len) > 0);
	buf_release(&out);
	buf_release(&again);
	free(text);
	return 0;
}
