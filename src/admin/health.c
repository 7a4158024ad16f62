/* SPDX-License-Identifier: ISC */
#include "admin/health.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "admin/admin.h"
#include "link/canaries.h"
#include "link/hub.h"
#include "link/renew.h"
#include "net/loop.h"
#include "route/router.h"
#include "state/gate.h"
#include "store/cluster.h"
#include "store/journal.h"
#include "turn/worker.h"

size_t health_beats(const struct admin_opts *o,
		    struct health_beat out[HEALTH_BEATS])
{
	size_t n = 0;

	if (o->journal)
		out[n++] = (struct health_beat){ "journal",
						 journal_beat_age(o->journal) };
	if (o->io)
		out[n++] = (struct health_beat){ "I/O loop",
						 loop_beat_age(o->io) };
	if (o->dial)
		out[n++] = (struct health_beat){ "dial loop",
						 loop_beat_age(o->dial) };
	if (o->router)
		out[n++] = (struct health_beat){ "router",
						 router_beat_age(o->router) };
	if (o->workers)
		out[n++] = (struct health_beat){ "worker",
						 workers_beat_age(o->workers) };
	if (o->renewer)
		out[n++] = (struct health_beat){ "renewal of tokens",
						 renew_beat_age(o->renewer) };
	if (o->canaries)
		out[n++] =
			(struct health_beat){ "canaries",
					      canaries_beat_age(o->canaries) };
	if (o->loop)
		out[n++] = (struct health_beat){ "admin loop",
						 loop_beat_age(o->loop) };
	return n;
}

static bool __attribute__((format(printf, 3, 4)))
ill(char *why, size_t size, const char *fmt, ...)
{
	va_list ap;

	if (!why)
		return false;
	va_start(ap, fmt);
	(void)vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return false;
}

bool health_alive(const struct health_beat *b, size_t n, char *why, size_t size)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (b[i].age_ms > HEALTH_STUCK_MS)
			return ill(why, size,
				   "%s is stuck: no sign of life for %" PRId64
				   " s",
				   b[i].part, b[i].age_ms / 1000);
	return true;
}

bool health_well(const struct health_beat *b, size_t n,
		 const struct journal_stats *js, struct gate *gate, char *why,
		 size_t size)
{
	char reason[HEALTH_WHY_SIZE] = "";

	if (!health_alive(b, n, why, size))
		return false;
	if (js && js->failing && js->spilled > 0)
		return ill(why, size, "%zu envelopes are spilled: %s",
			   js->spilled, js->msg);
	if (js && js->failing)
		return ill(why, size, "journal can't write: %s", js->msg);
	if (gate && !gate->ops->healthy(gate, reason, sizeof(reason)))
		return ill(why, size, "messages wait: %s", reason);
	return true;
}

bool health_leases(struct cluster *c, char *why, size_t size)
{
	char reason[HEALTH_WHY_SIZE] = "";

	if (c && !cluster_healthy(c, reason, sizeof(reason)))
		return ill(why, size, "no leases can be had: %s", reason);
	return true;
}
