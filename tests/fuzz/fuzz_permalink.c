/* SPDX-License-Identifier: ISC */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "slack/permalink.h"

/* A link as somebody pastes it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char channel[PERMALINK_CHANNEL], ts[TS_SIZE];
	char *link = malloc(size + 1);

	if (!link)
		abort();
	memcpy(link, data, size);
	link[size] = '\0';
	if (permalink_parse(link, channel, ts) == 0 &&
	    (channel[0] == '\0' || strpbrk(channel, ":/ ") || !ts_valid(ts)))
		abort();
	free(link);
	return 0;
}
