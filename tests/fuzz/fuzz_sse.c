/* SPDX-License-Identifier: ISC */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/sse.h"

#define MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The events of one way of cutting, as one text. */
struct heard {
	struct buf text;
	int rc;
};

static int on_event(const char *data, size_t len, void *arg)
{
	struct heard *h = arg;

	if (data[len] != '\0' || len > MAX)
		abort();
	buf_add(&h->text, data, len);
	buf_addc(&h->text, '\n');
	return len > 4 && memcmp(data, "stop", 4) == 0;
}

static struct heard feed(const char *p, size_t size, size_t step)
{
	struct heard h = { 0 };
	struct sse s;
	size_t n;

	buf_init(&h.text, 1 << 20);
	sse_init(&s, MAX, on_event, &h);
	while (size > 0 && h.rc == 0) {
		n = step < size ? step : size;
		h.rc = sse_feed(&s, p, n);
		p += n;
		size -= n;
	}
	sse_release(&s);
	return h;
}

/* However the bytes are cut, the same events come out. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heard whole, cut;

	if (size > 1 << 16)
		return 0;
	whole = feed((const char *)data, size, size);
	cut = feed((const char *)data, size, size ? data[0] % 7 + 1 : 1);
	if (whole.rc != cut.rc || whole.text.len != cut.text.len ||
	    (whole.text.len > 0 &&
	     memcmp(whole.text.data, cut.text.data, whole.text.len) != 0))
		abort();
	buf_release(&whole.text);
	buf_release(&cut.text);
	return 0;
}
