/* SPDX-License-Identifier: ISC */
#include <stddef.h>
#include <stdint.h>

#include "admin/apply.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct apply_agent g;
	struct apply a;
	struct err e = { 0 };

	if (apply_parse(&a, text, size, &e) == 0)
		apply_release(&a);
	if (apply_parse_tenant(&a, text, size, &e) == 0)
		apply_release(&a);
	if (apply_parse_agent(&g, text, size, &e) == 0)
		apply_agent_release(&g);
	return 0;
}
