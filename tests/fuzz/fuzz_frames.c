/* SPDX-License-Identifier: ISC */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "net/frames.h"

/* What a server sends to konstructctl doctor. The first byte says how it is
 * cut: the same comes of it however that is. */
#define MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum frames_end feed(const uint8_t *p, size_t size, size_t step,
			    struct buf *text, unsigned int *code)
{
	enum frames_end end = FRAMES_MORE;
	struct frames f = { 0 };
	struct buf in;
	size_t n;

	buf_init(&in, MAX + 16);
	buf_init(text, MAX);
	while (size > 0 && end == FRAMES_MORE) {
		n = step < size ? step : size;
		if (n > in.cap - in.len)
			n = in.cap - in.len;
		if (n == 0 || buf_add(&in, p, n) < 0)
			abort();
		end = frames_read(&f, &in, text);
		p += n;
		size -= n;
	}
	buf_release(&in);
	*code = f.code;
	return end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int one_code, other_code;
	enum frames_end one, other;
	struct buf a, b;

	if (size < 1)
		return 0;
	one = feed(data + 1, size - 1, MAX, &a, &one_code);
	other = feed(data + 1, size - 1, 1 + data[0] % 64, &b, &other_code);
	if (one != other || one_code != other_code || a.len != b.len ||
	    (a.len > 0 && memcmp(a.data, b.data, a.len) != 0))
		abort();
	if (one == FRAMES_CLOSED && one_code == 0 && size < 4)
		abort();
	buf_release(&a);
	buf_release(&b);
	return 0;
}
