/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/grants.h"
#include "store/journal.h"
#include "store/store.h"

/* One on its way to the journal. */
struct hurry {
	struct journal_req req; /* must be first */
	struct grant g;
	struct err err;
};

static void hurry_free(struct hurry *h)
{
	grant_release(&h->g);
	free(h);
}

static int write_hurry(struct store *s, void *arg, struct err *e)
{
	struct hurry *h = arg;

	return s->ops->grants->hurry(s, &h->g, e);
}

static void hurried(struct journal_req *r)
{
	hurry_free((struct hurry *)r);
}

void grant_hurry(struct journal *j, const struct connection *c)
{
	struct hurry *h = calloc(1, sizeof(*h));

	if (!h)
		return;
	h->g = (struct grant){ .tenant_id = strdup(c->tenant_id),
			       .channel_type = strdup(c->channel_type),
			       .app_id = strdup(c->app_id),
			       .workspace_id = strdup(c->workspace_id) };
	if (!h->g.tenant_id || !h->g.channel_type || !h->g.app_id ||
	    !h->g.workspace_id) {
		hurry_free(h);
		return;
	}
	h->req = (struct journal_req){ .kind = JOURNAL_WRITE,
				       .write = write_hurry,
				       .done = hurried,
				       .arg = h,
				       .err = &h->err };
	(void)journal_submit(j, &h->req);
}
