/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "store/journal_in.h"
#include "store/keep.h"
#include "store/leases.h"
#include "store/uninstall.h"

/* Workspaces that an app was taken out of (store/uninstall.h). */

#define STEP_ROWS 200
#define LOOK_MS   1000
#define STEP_MS   100 /* between steps while there is more */
#define FAIL_MS   60000

#define DAY_MS INT64_C(86400000)

/* One that is being erased, until that is written down. */
struct journal_gone {
	struct journal_req req; /* must be first */
	struct journal *j;
	struct uninstall u; /* its strings are these */
	char tenant_id[ID_SIZE], tenant[80], app_id[64], workspace_id[64];
	char why[32];
	struct audit_new audit;
	struct err err;
	int64_t rows;
	bool finishing; /* the request is out */
};

void journal_set_grace(struct journal *j, int days)
{
	atomic_store(&j->grace_days, days);
}

/* With several nodes, who does the app's work does this. */
static bool is_ours(const struct journal *j, const char *app_id)
{
	unsigned int part = lease_part(app_id);
	int64_t epoch;

	if (!j->leases)
		return true;
	epoch = lease_epoch(j->leases, part);
	return epoch > 0 && lease_check(j->leases, part, epoch) == LEASE_HELD;
}

static struct journal_gone *gone_create(struct journal *j,
					const struct uninstall *u)
{
	struct journal_gone *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->j = j;
	g->u = *u;
	(void)snprintf(g->tenant_id, sizeof(g->tenant_id), "%s", u->tenant_id);
	(void)snprintf(g->tenant, sizeof(g->tenant), "%s", u->tenant);
	(void)snprintf(g->app_id, sizeof(g->app_id), "%s", u->app_id);
	(void)snprintf(g->workspace_id, sizeof(g->workspace_id), "%s",
		       u->workspace_id);
	(void)snprintf(g->why, sizeof(g->why), "%s", u->why);
	g->u.tenant_id = g->tenant_id;
	g->u.tenant = g->tenant;
	g->u.app_id = g->app_id;
	g->u.workspace_id = g->workspace_id;
	g->u.why = g->why;
	return g;
}

static void tell(const struct journal_gone *g, const char *what)
{
	char rows[24];

	(void)snprintf(rows, sizeof(rows), "%lld", (long long)g->rows);
	log_info(LOG_FIELDS({ "tenant", g->tenant }, { "app", g->app_id },
			    { "workspace", g->workspace_id },
			    { "rows", g->rows > 0 ? rows : NULL }),
		 "%s", what);
}

/* The first whose time is over, of those that are ours. */
struct search {
	struct journal *j;
	int64_t before_ms;
	struct journal_gone *found;
};

static int look_at(const struct uninstall *u, void *arg)
{
	struct search *s = arg;

	if (u->erased_ms > 0 || u->busy || u->noted_ms > s->before_ms ||
	    !is_ours(s->j, u->app_id))
		return 0;
	s->found = gone_create(s->j, u);
	return 1;
}

static bool is_same(const struct journal_gone *a, const struct journal_gone *b)
{
	return strcmp(a->app_id, b->app_id) == 0 &&
	       strcmp(a->workspace_id, b->workspace_id) == 0;
}

/* As it is now: it may be back, or the tenant's last one meanwhile. */
static int find(struct journal *j, struct store *s, struct err *e)
{
	struct search search = {
		.j = j,
		.before_ms = clock_expiry_ms() -
			     atomic_load(&j->grace_days) * DAY_MS,
	};
	struct journal_gone *was = j->gone;

	if (s->ops->uninstalls->each(s, NULL, look_at, &search, e) < 0)
		return -1;
	j->gone = search.found;
	if (j->gone && was && is_same(j->gone, was))
		j->gone->rows = was->rows;
	else if (j->gone)
		tell(j->gone, "erasing what is stored of a workspace that the "
			      "app was taken out of");
	free(was);
	return 0;
}

static int write_finish(struct store *s, void *arg, struct err *e)
{
	struct journal_gone *g = arg;
	int rc = s->ops->uninstalls->finish(s, &g->u, clock_wall_ms(), e);

	/* Told only if it is so. */
	g->req.naudits = rc > 0;
	return rc < 0 ? -1 : 0;
}

/* On the journal's thread. */
static void finished(struct journal_req *r)
{
	struct journal_gone *g = (struct journal_gone *)r;

	if (!r->ok)
		log_warn(LOG_FIELDS({ "reason", g->err.msg }),
			 "cannot write down what was erased");
	else if (r->naudits > 0)
		tell(g, "what was stored of a workspace is erased");
	g->j->gone = NULL;
	free(g);
}

static void finish(struct journal_gone *g)
{
	g->audit = (struct audit_new){
		.tenant_id = g->tenant_id,
		.what = "slack",
		.app = g->app_id,
		.workspace = g->workspace_id,
		.decision = "erased",
		.why = g->why,
	};
	g->finishing = true;
	g->req.kind = JOURNAL_WRITE;
	g->req.write = write_finish;
	g->req.arg = g;
	g->req.audits = &g->audit;
	g->req.err = &g->err;
	g->req.done = finished;
	(void)journal_submit(g->j, &g->req);
}

static int step(struct journal_gone *g, struct store *s, struct err *e)
{
	const struct uninstall *u = &g->u;

	return u->alone ? s->ops->keep->purge(s, u->tenant_id, clock_wall_ms(),
					      STEP_ROWS, e)
			: s->ops->uninstalls->erase(s, u, STEP_ROWS, e);
}

void journal_gone(struct journal *j, int64_t now_ms)
{
	struct store *s = j->db->ops->store(j->db);
	struct err e = { 0 };
	int n = 0;

	if (now_ms < j->gone_at_ms || atomic_load(&j->grace_days) < 0 ||
	    (j->gone && j->gone->finishing) || queue_closed(j->queue))
		return;
	j->gone_at_ms = now_ms + LOOK_MS;
	if (find(j, s, &e) == 0 && j->gone)
		n = step(j->gone, s, &e);
	if (e.kind != ERR_NONE) {
		log_warn(LOG_FIELDS({ "reason", e.msg }),
			 "cannot erase what is stored of a workspace");
		j->gone_at_ms = now_ms + FAIL_MS;
	} else if (n > 0) {
		j->gone->rows += n;
		j->gone_at_ms = now_ms + STEP_MS;
	} else if (j->gone) {
		finish(j->gone);
	}
}

void journal_gone_free(struct journal *j)
{
	free(j->gone);
}
