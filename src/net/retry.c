/* SPDX-License-Identifier: ISC */
#include "net/retry.h"

#include <assert.h>
#include <stdint.h>

#include "base/secret.h"

static const unsigned int link_ms[] = { 1000,  2000,  4000, 8000,
					16000, 32000, 60000 };
static const unsigned int slow_ms[] = { 30000,  60000,  120000,
					240000, 480000, 600000 };
static const unsigned int call_ms[] = { 250, 500, 1000, 2000, 4000, 8000 };

#define TABLE(a)                              \
	{                                     \
		a, sizeof(a) / sizeof((a)[0]) \
	}

const struct retry_table retry_link = TABLE(link_ms);
const struct retry_table retry_slow = TABLE(slow_ms);
const struct retry_table retry_call = TABLE(call_ms);

unsigned int retry_delay_ms(const struct retry_table *t, unsigned int n,
			    unsigned int floor_ms)
{
	unsigned int whole, ms;
	uint32_t r;

	assert(t->n > 0);
	whole = t->ms[n < t->n ? n : t->n - 1];
	random_bytes(&r, sizeof(r));
	ms = whole - r % (whole / 2 + 1);
	return ms > floor_ms ? ms : floor_ms;
}
