/* SPDX-License-Identifier: ISC */
/* An attached file: the first byte says whether the rest is all of it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "slack/content.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* UTF-8, and nothing that a line of a prompt could break at but "\n". */
static void check_text(const char *p, size_t n)
{
	unsigned int c;
	size_t len;

	for (; n > 0; p += len, n -= len) {
		len = utf8_len(p, n);
		if (len == 0)
			abort();
		c = utf8_point(p, len);
		if ((c < ' ' && c != '\n' && c != '\t') || c == 0x85 ||
		    c == 0x2028 || c == 0x2029)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data + 1;
	enum content_kind k;
	struct buf out;
	bool whole;

	if (size == 0)
		return 0;
	whole = data[0] & 1;
	size--;
	k = content_kind(p, size, whole);
	if ((k == CONTENT_EMPTY) != (size == 0))
		abort();
	(void)content_is_page(p, size);
	buf_init(&out, 3 * size);
	if (content_text(p, size, whole, &out) < 0)
		abort();
	check_text(out.data, out.len);
	buf_release(&out);
	return 0;
}
