/* SPDX-License-Identifier: ISC */
#include "admin/command.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/admin_in.h"
#include "admin/api.h"
#include "admin/onboard.h"
#include "admin/peer.h"
#include "admin/trail.h"
#include "admin/web.h"
#include "base/buf.h"
#include "base/conf.h"
#include "base/container.h"
#include "base/err.h"
#include "base/live.h"
#include "base/log.h"
#include "base/log_text.h"
#include "link/hub.h"
#include "net/loop.h"
#include "route/ledger.h"
#include "route/router.h"
#include "state/quarantine.h"
#include "store/journal.h"
#include "store/store.h"

/* A command at work: onboarding, then a write, then the reply. */
struct op {
	struct op *next, **link; /* of the admin's ops */
	struct admin *admin;
	struct web_request *request;
	char what[sizeof("DELETE ") + 256]; /* for the log */
	struct api_call call;
	const struct conf *conf; /* the call's */
	struct onboard *onboard; /* NULL: not at work */
	struct journal_req req;
	struct err err;
	struct loop_task task;
};

static void op_free(struct op *op)
{
	if (op->link)
		*op->link = op->next;
	if (op->next)
		op->next->link = op->link;
	onboard_cancel(op->onboard);
	api_end(&op->call);
	live_drop(op->admin->opts.live, op->conf);
	free(op);
}

/* op is gone; e tells of a failure, or is NULL. */
static void op_reply(struct op *op, const struct err *e)
{
	int status = op->call.status;

	if (e) {
		if (status < 400)
			status = api_status(e);
		api_error(&op->call.out, e);
	}
	web_reply(op->request, status, &op->call.out);
	op_free(op);
}

/* The links follow what was committed. */
static void tell_hub(const struct admin *a, const struct api_call *c)
{
	const struct apply_tenant *t;
	const struct apply_connection *conn;
	const struct api_gone *g;
	size_t i, k;

	if (!a->opts.hub)
		return;
	for (i = 0; i < c->apply.n; i++) {
		t = &c->apply.tenants[i];
		for (k = 0; k < t->nconnections; k++) {
			conn = &t->connections[k];
			if (conn->app_token)
				hub_app_put(a->opts.hub, conn->app_id,
					    conn->app_token);
			if (a->opts.quarantine && conn->bot_token)
				(void)quarantine_lift(a->opts.quarantine,
						      conn->app_id,
						      conn->workspace_id);
		}
	}
	for (g = c->gone; g; g = g->next)
		hub_app_remove(a->opts.hub, g->app_id);
	if (!c->connects)
		return;
	if (a->opts.quarantine)
		quarantine_retry(a->opts.quarantine, c->tenant);
	hub_app_connect(a->opts.hub, c->tenant);
}

static int take_up(struct entry *en, void *arg)
{
	const struct admin *a = arg;

	journal_reopened(a->opts.journal, en->ncovered + 1);
	router_submit(a->opts.router, en, NULL);
	return 0;
}

/* What was replayed begins anew. What can't be read now is at the next start.
 */
static void tell_router(const struct admin *a, const struct api_call *c)
{
	const struct api_entry *en;
	struct err e = { 0 };

	/* With several nodes its owner hears of it. */
	if (!c->replays || !a->opts.router || a->opts.cluster)
		return;
	for (en = c->entries; en; en = en->next) {
		if (journal_entry(a->opts.journal, en->id, take_up, (void *)a,
				  &e) < 0)
			log_warn(LOG_FIELDS({ "entry", en->id }),
				 "cannot take up a dead letter: %s", e.msg);
	}
}

/* The tenant that a command is about, or NULL when it is about many. */
static const char *tenant_of(const struct api_call *c)
{
	if (c->tenant[0] != '\0')
		return c->tenant;
	return c->apply.n == 1 ? c->apply.tenants[0].name : NULL;
}

static void submit(struct op *op);

/* What is known of budgets that are no more is not told any longer. */
static void tell_ledger(const struct admin *a, const struct op *op)
{
	static const char gone[] = "DELETE /v1/tenants/";
	const struct api_call *c = &op->call;
	size_t i;

	for (i = 0; i < c->apply.n; i++)
		if (c->apply.tenants[i].budget)
			ledger_forget(a->opts.ledger, c->apply.tenants[i].name);
	if (strncmp(op->what, gone, strlen(gone)) == 0 &&
	    c->of_tenant[0] == '\0')
		ledger_forget(a->opts.ledger, c->tenant);
}

/* May text of theirs stand in the log? Other nodes find out. */
static void tell_log(const struct admin *a, const struct api_call *c)
{
	struct tenant t = { 0 };
	struct err e = { 0 };
	size_t i;

	for (i = 0; i < c->apply.n; i++) {
		if (c->apply.tenants[i].text_minutes == APPLY_KEEP ||
		    a->store->ops->tenant_by_name(
			    a->store, c->apply.tenants[i].name, &t, &e) <= 0)
			continue;
		log_text_set(t.id, t.name, t.text_until_ms);
		tenant_release(&t);
	}
}

/* On the admin's thread again, after the commit. */
static void written(struct loop_task *t)
{
	struct op *op = container_of(t, struct op, task);
	const char *tenant = tenant_of(&op->call);

	if (!op->req.ok) {
		log_warn(LOG_FIELDS({ "command", op->what },
				    { "tenant", tenant }),
			 "admin command failed: %s", op->err.msg);
		op_reply(op, &op->err);
		return;
	}
	if (op->call.again) {
		submit(op);
		return;
	}
	tell_hub(op->admin, &op->call);
	tell_router(op->admin, &op->call);
	tell_ledger(op->admin, op);
	tell_log(op->admin, &op->call);
	log_info(LOG_FIELDS({ "command", op->what }, { "tenant", tenant }),
		 "admin command done");
	op_reply(op, NULL);
}

/* On the journal's thread. */
static void write_done(struct journal_req *r)
{
	struct op *op = r->arg;
	struct admin *a = op->admin;

	loop_post(a->opts.loop, &op->task);
	pthread_mutex_lock(&a->lock);
	if (--a->writing == 0)
		pthread_cond_signal(&a->idle);
	pthread_mutex_unlock(&a->lock);
}

static int run_write(struct store *s, void *arg, struct err *e)
{
	struct op *op = arg;

	return api_run(&op->call, s, e);
}

static void submit(struct op *op)
{
	struct admin *a = op->admin;

	op->req.kind = JOURNAL_WRITE;
	op->req.audits = op->call.again ? NULL : trail_of(&op->call);
	op->req.naudits = op->call.again ? 0 : 1;
	op->req.write = run_write;
	op->req.done = write_done;
	op->req.arg = op;
	op->req.err = &op->err;
	op->task.run = written;
	pthread_mutex_lock(&a->lock);
	a->writing++;
	pthread_mutex_unlock(&a->lock);
	(void)journal_submit(a->opts.journal, &op->req);
}

static void onboarded(const struct err *e, void *arg)
{
	struct op *op = arg;

	op->onboard = NULL;
	if (e->kind != ERR_NONE)
		op_reply(op, e);
	else
		submit(op);
}

static void read_now(struct op *op)
{
	struct err e = { 0 };

	if (api_run(&op->call, op->admin->store, &e) < 0)
		op_reply(op, &e);
	else
		op_reply(op, NULL);
}

static void start(struct op *op)
{
	struct admin *a = op->admin;
	struct err e = { 0 };

	if (!api_writes(&op->call)) {
		read_now(op);
		return;
	}
	if (!api_lacks_ids(&op->call)) {
		submit(op);
		return;
	}
	op->onboard = onboard_start(a->http, a->opts.conf->slack_api_url,
				    &op->call.apply, onboarded, op, &e);
	if (!op->onboard)
		op_reply(op, &e);
}

void command_serve(struct admin *a, struct web_request *r,
		   const struct web_view *v)
{
	struct op *op = calloc(1, sizeof(*op));
	struct err e = { 0 };
	struct buf empty;
	int rc;

	if (!op) {
		buf_init(&empty, 0);
		web_reply(r, 503, &empty);
		return;
	}
	op->admin = a;
	op->request = r;
	(void)snprintf(op->what, sizeof(op->what), "%s %s", v->method, v->path);
	op->next = a->ops;
	op->link = &a->ops;
	if (op->next)
		op->next->link = &op->next;
	a->ops = op;
	op->conf = live_take(a->opts.live, a->opts.conf);
	rc = api_begin(&op->call, op->conf, v->method, v->path, v->body, v->len,
		       &e);
	op->call.keyring = a->opts.keyring;
	trail_by(op->call.by, (long)v->peer->uid, false);
	if (rc < 0)
		op_reply(op, &e);
	else
		start(op);
}

/* The client is told, if the connection lasts that long. */
static void abandon(struct op *op)
{
	struct err e = { 0 };

	err_set(&e, ERR_RETRY, "the daemon stops");
	op_reply(op, &e);
}

void command_abandon_asking(struct admin *a)
{
	struct op *op, *next;

	for (op = a->ops; op; op = next) {
		next = op->next;
		if (op->onboard)
			abandon(op);
	}
}

void command_abandon_all(struct admin *a)
{
	while (a->ops)
		abandon(a->ops);
}
