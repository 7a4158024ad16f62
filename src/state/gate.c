/* SPDX-License-Identifier: ISC */
#include "state/gate.h"

#include <string.h>

#include "base/err.h"

static const struct gate_ops *const backends[] = { &gate_local };
static const size_t nbackends = sizeof(backends) / sizeof(backends[0]);

const struct gate_ops *gate_find(const char *url, struct err *e)
{
	size_t n = strcspn(url, ":");
	size_t i;

	for (i = 0; i < nbackends; i++) {
		if (strlen(backends[i]->name) == n &&
		    memcmp(url, backends[i]->name, n) == 0)
			return backends[i];
	}
	err_set(e, ERR_INPUT, "no state for '%.40s', only 'local'", url);
	return NULL;
}
