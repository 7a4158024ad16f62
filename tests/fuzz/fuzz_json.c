/* SPDX-License-Identifier: ISC */
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was accepted must be written as what is accepted, and stay the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	struct buf first, second;
	struct json *j, *again;

	j = json_parse((const char *)data, size, 1 << 20, &e);
	if (!j)
		return 0;
	(void)json_str(j, "payload.event.blocks.0.text");
	(void)json_int(j, "0.1", 0);
	buf_init(&first, SIZE_MAX);
	buf_init(&second, SIZE_MAX);
	if (json_copy(j, &first) < 0)
		abort();
	again = json_parse(first.data, first.len, SIZE_MAX, &e);
	if (!again || json_copy(again, &second) < 0)
		abort();
	if (first.len != second.len)
		abort();
	json_free(j);
	json_free(again);
	buf_release(&first);
	buf_release(&second);
	return 0;
}
