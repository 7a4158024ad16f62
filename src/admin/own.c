/* SPDX-License-Identifier: ISC */
#include "admin/own.h"

#include <stddef.h>
#include <stdio.h>

#include "admin/admin_in.h"
#include "admin/api.h"
#include "admin/levels.h"
#include "admin/metrics.h"
#include "admin/page.h"
#include "admin/peer.h"
#include "admin/routes.h"
#include "admin/status.h"
#include "admin/top.h"
#include "admin/trail.h"
#include "admin/web.h"
#include "base/buf.h"
#include "base/err.h"

/* 5,000 links of about 200 bytes, with room to spare. */
#define STATUS_MAX ((size_t)16 * 1024 * 1024)

/* What was changed here, and by whom. */
static void note(struct admin *a, const struct route *rt,
		 const struct web_view *v)
{
	char by[TRAIL_BY], what[64];

	(void)snprintf(what, sizeof(what), "%s %s", rt->method, rt->path);
	trail_by(by, (long)v->peer->uid, false);
	trail_add(a->opts.journal, by, what);
}

static int settings(struct admin *a, const struct route *rt,
		    const struct web_view *v, struct buf *out, struct err *e)
{
	bool apply = rt->own == OWN_RELOAD;

	if (!a->opts.settings)
		return err_set(e, ERR_INPUT, "there is no file of settings");
	if (a->opts.settings(a->opts.arg, apply, out, e) < 0)
		return -1;
	if (apply)
		note(a, rt, v);
	return 0;
}

static int levels(struct admin *a, const struct route *rt,
		  const struct web_view *v, struct buf *out, struct err *e)
{
	if (rt->own == OWN_SET_LEVEL) {
		if (levels_set(v->body, v->len, e) < 0)
			return -1;
		note(a, rt, v);
	}
	levels_show(out);
	return 0;
}

/* Each has one of both. */
static const struct {
	int (*page)(const struct admin_opts *o, int64_t started_ms,
		    struct buf *out); /* the status */
	int (*act)(struct admin *a, const struct route *rt,
		   const struct web_view *v, struct buf *out, struct err *e);
	const char *type; /* NULL: JSON */
} answers[] = {
	[OWN_HEALTH] = { .page = status_health },
	[OWN_READY] = { .page = status_ready },
	[OWN_METRICS] = { .page = metrics_page, .type = METRICS_TYPE },
	[OWN_STATUS] = { .page = status_full },
	[OWN_TOP] = { .page = top_page },
	[OWN_DIFF] = { .act = settings },
	[OWN_RELOAD] = { .act = settings },
	[OWN_LEVELS] = { .act = levels },
	[OWN_SET_LEVEL] = { .act = levels },
};

/* By another name a site may have led a browser of this machine here (DNS
 * rebinding). Probes have what name they like, and are told no others. */
static bool is_led_here(const struct route *rt, const struct web_view *v)
{
	return (rt->own == OWN_PAGE || rt->own == OWN_METRICS) && v->loopback &&
	       !page_host_ok(v->host);
}

void own_serve(struct admin *a, const struct route *rt, struct web_request *r,
	       const struct web_view *v)
{
	struct err e = { 0 };
	struct buf out;
	int status = 200;

	if (is_led_here(rt, v)) {
		buf_init(&out, STATUS_MAX);
		err_set(&e, ERR_INPUT, "ask by address, or as localhost");
		api_error(&out, &e);
		web_reply(r, 403, &out);
		return;
	}
	if (rt->own == OWN_PAGE) {
		page_serve(a->page, r, v);
		return;
	}
	buf_init(&out, STATUS_MAX);
	web_type(r, answers[rt->own].type);
	if (answers[rt->own].page) {
		status = answers[rt->own].page(&a->opts, a->started_ms, &out);
	} else if (answers[rt->own].act(a, rt, v, &out, &e) < 0) {
		status = api_status(&e);
		api_error(&out, &e);
	}
	web_reply(r, status, &out);
}
