/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "route/leave.h"
#include "store/journal.h"
#include "store/store.h"
#include "store/uninstall.h"

static void tell_trail(struct leave *l)
{
	l->audit = (struct audit_new){
		.tenant_id = l->tenant_id,
		.what = "slack",
		.app = l->app_id,
		.workspace = l->workspace_id,
		.decision = "uninstalled",
		.why = l->event,
	};
}

int leave_write(struct leave *l, struct store *s, struct err *e)
{
	struct connection c = { 0 };
	int64_t now = clock_wall_ms();
	int rc;

	rc = s->ops->resolve(s, "slack", l->app_id, l->workspace_id, &c, e);
	if (rc <= 0)
		return rc;
	rc = s->ops->uninstalls->note(s, &c, l->event,
				      l->at_ms > 999 ? l->at_ms : now, now, e);
	(void)snprintf(l->tenant_id, sizeof(l->tenant_id), "%s", c.tenant_id);
	tell_trail(l);
	if (rc > 0)
		log_warn(LOG_FIELDS({ "tenant", c.tenant.name },
				    { "app", l->app_id },
				    { "workspace", l->workspace_id },
				    { "event", l->event }),
			 "what is stored of a workspace is to be erased, as "
			 "the app was taken out of it");
	connection_release(&c);
	return rc;
}

/* On its way to the journal. */
struct back {
	struct journal_req req; /* must be first */
	struct connection c;    /* only what says which */
	int64_t at_ms;
	struct audit_new audit;
	struct err err;
};

static void back_free(struct back *b)
{
	connection_release(&b->c);
	free(b);
}

static int write_back(struct store *s, void *arg, struct err *e)
{
	struct back *b = arg;
	int rc = s->ops->uninstalls->back(s, &b->c, b->at_ms, e);

	b->req.naudits = rc > 0;
	return rc < 0 ? -1 : 0;
}

/* On the journal's thread. Without it the next message tells the same. */
static void written(struct journal_req *r)
{
	struct back *b = (struct back *)r;

	if (r->ok && r->naudits > 0)
		log_info(LOG_FIELDS({ "tenant", b->c.tenant_id },
				    { "app", b->c.app_id },
				    { "workspace", b->c.workspace_id }),
			 "the app is in a workspace again: nothing is erased");
	back_free(b);
}

static struct back *back_create(const struct connection *c, int64_t at_ms)
{
	struct back *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->at_ms = at_ms;
	b->c.tenant_id = strdup(c->tenant_id);
	b->c.app_id = strdup(c->app_id);
	b->c.workspace_id = strdup(c->workspace_id);
	if (b->c.tenant_id && b->c.app_id && b->c.workspace_id)
		return b;
	back_free(b);
	return NULL;
}

void leave_back(struct journal *j, const struct connection *c, int64_t at_ms)
{
	struct back *b = back_create(c, at_ms);

	if (!b)
		return;
	b->audit = (struct audit_new){
		.tenant_id = b->c.tenant_id,
		.what = "slack",
		.app = b->c.app_id,
		.workspace = b->c.workspace_id,
		.decision = "installed again",
	};
	b->req.kind = JOURNAL_WRITE;
	b->req.write = write_back;
	b->req.arg = b;
	b->req.audits = &b->audit;
	b->req.err = &b->err;
	b->req.done = written;
	(void)journal_submit(j, &b->req);
}
