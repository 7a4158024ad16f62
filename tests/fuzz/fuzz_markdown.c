/* SPDX-License-Identifier: ISC */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "slack/markdown.h"
#include "turn/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
	if (!ok)
		abort();
}

/* A "<" of the output begins a link of ours, and nothing else. */
static void check_pings(const struct buf *b)
{
	const char *p = b->data;
	const char *end = b->data + b->len;

	while ((p = memchr(p, '<', (size_t)(end - p)))) {
		must(strncasecmp(p + 1, "http", 4) == 0 ||
		     strncasecmp(p + 1, "mailto:", 7) == 0);
		p = memchr(p, '>', (size_t)(end - p));
		must(p != NULL);
	}
}

static void check_split(const struct buf *b, size_t max)
{
	bool fence = false;
	size_t at = 0, n;

	while (at < b->len) {
		n = mrkdwn_split(b->data + at, b->len - at, max, &fence);
		must(n > 0 && n <= max && at + n <= b->len);
		at += n;
	}
	must(at == b->len);
}

static void check_parts(const char *md, size_t len)
{
	struct reply r;
	struct buf part;
	size_t k;

	must(reply_init(&r, md, len) == 0);
	for (k = 0; k < r.n; k++) {
		buf_init(&part, MRKDWN_PART_MAX + 8);
		must(reply_part(&r, k, &part) == 0);
		must(part.len > 0);
		buf_release(&part);
	}
	reply_release(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *md = (const char *)data;
	size_t cap = 16 * size + 64;
	struct buf out;

	buf_init(&out, cap);
	if (mrkdwn_render(md, size, &out) == 0 && out.len > 0) {
		must(out.len <= cap);
		check_pings(&out);
		check_split(&out, 16);
		check_split(&out, MRKDWN_PART_MAX);
	}
	check_parts(md, size);

	buf_reset(&out);
	must(reply_interim(md, size, &out) == 0);
	must(out.len <= MRKDWN_PART_MAX + 16);
	buf_release(&out);
	return 0;
}
