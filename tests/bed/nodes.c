/* SPDX-License-Identifier: ISC */
#include "bed/nodes.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "pg.h"

/* Node i, which is called a, b or c if there are several. */
static int make_bed(struct nodes *ns, size_t i, const struct bed_opts *o,
		    struct err *e)
{
	struct bed_opts mine = *o;
	char daemon[512];

	if (ns->shared) {
		(void)snprintf(daemon, sizeof(daemon), "%s\n node = \"%c\"\n",
			       o->daemon ? o->daemon : "", (char)('a' + i));
		mine.daemon = daemon;
		mine.store_url = ns->pg->url;
		mine.state_url = ns->redis.url;
	}
	return i == 0 ? bed_make(&ns->beds[0], &mine, e)
		      : bed_join(&ns->beds[i], &ns->beds[0], &mine, e);
}

int nodes_make(struct nodes *ns, size_t n, const struct bed_opts *o,
	       struct err *e)
{
	size_t want = n > 0 ? n : 1;

	memset(ns, 0, sizeof(*ns));
	if (n > NODES_MAX)
		return err_set(e, ERR_INPUT, "at most %d nodes", NODES_MAX);
	ns->shared = n > 0;
	if (ns->shared) {
		ns->pg = pg_start();
		redis_box_start(&ns->redis, NULL);
	}
	for (; ns->n < want; ns->n++) {
		if (make_bed(ns, ns->n, o, e) < 0)
			return -1;
	}
	return 0;
}

int nodes_start(struct nodes *ns, struct err *e)
{
	size_t i;

	if (bed_apply(&ns->beds[0], e) < 0)
		return -1;
	for (i = 0; i < ns->n; i++) {
		if (bed_start(&ns->beds[i], e) < 0)
			return -1;
	}
	return 0;
}

bool nodes_quiet(const struct nodes *ns)
{
	size_t i;

	for (i = 0; i < ns->n; i++) {
		if (!bed_quiet(&ns->beds[i]))
			return false;
	}
	return !ns->shared || pg_ask("SELECT count(*) FROM journal"
				     " WHERE done_ms IS NULL") == 0;
}

void nodes_remove(struct nodes *ns)
{
	size_t i;

	for (i = ns->n; i > 0; i--)
		bed_remove(&ns->beds[i - 1]);
	if (!ns->shared)
		return;
	redis_box_remove(&ns->redis);
	pg_stop();
}
