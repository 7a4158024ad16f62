/* SPDX-License-Identifier: ISC */
#include "state/gate.h"

#include <string.h>

#include "base/err.h"

static const struct {
	const char *scheme;
	const struct gate_ops *ops;
} backends[] = {
	{ "local", &gate_local },
	{ "redis", &gate_redis },
	{ "unix", &gate_redis },
};
static const size_t nbackends = sizeof(backends) / sizeof(backends[0]);

const struct gate_ops *gate_find(const char *url, struct err *e)
{
	size_t n = strcspn(url, ":");
	size_t i;

	for (i = 0; i < nbackends; i++) {
		if (strlen(backends[i].scheme) == n &&
		    memcmp(url, backends[i].scheme, n) == 0)
			return backends[i].ops;
	}
	/* The scheme only: the rest may hold a password. */
	err_set(e, ERR_INPUT,
		"no state for '%.*s', only 'local', 'redis://host:port/db' "
		"and 'unix:/path'",
		n < 40 ? (int)n : 40, url);
	return NULL;
}

int gate_suits(const char *state_url, const char *store_url, struct err *e)
{
	const struct gate_ops *ops = gate_find(state_url, e);

	if (!ops)
		return -1;
	if (ops == &gate_local || strncmp(store_url, "postgres", 8) == 0)
		return 0;
	return err_set(e, ERR_INPUT,
		       "state in Redis is for nodes that share a store: it "
		       "needs store url = \"postgresql://...\", or else state "
		       "url = \"local\"");
}
