/* SPDX-License-Identifier: ISC */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An accepted file can be shown; a refused one says where it is wrong. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	struct conf c;
	FILE *null;

	if (conf_parse(&c, "f", (const char *)data, size, &e) < 0) {
		if (strncmp(e.msg, "f:", 2) != 0)
			abort();
		return 0;
	}
	null = fopen("/dev/null", "w");
	if (!null || !conf_model(&c, "main"))
		abort();
	conf_show(&c, null);
	fclose(null);
	conf_release(&c);
	return 0;
}
