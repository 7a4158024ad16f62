/* SPDX-License-Identifier: ISC */
#include "admin/admin.h"

#include <stdlib.h>
#include <string.h>

#include "admin/admin_in.h"
#include "admin/api.h"
#include "admin/command.h"
#include "admin/health.h"
#include "admin/levels.h"
#include "admin/metrics.h"
#include "admin/page.h"
#include "admin/status.h"
#include "admin/top.h"
#include "admin/trail.h"
#include "admin/web.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "net/http.h"
#include "net/loop.h"
#include "store/journal.h"
#include "store/store.h"

/* 5,000 links of about 200 bytes, with room to spare. */
#define STATUS_MAX ((size_t)16 * 1024 * 1024)

/* What both listeners have. */
static const struct {
	const char *path;
	bool local;       /* on the unix socket only */
	const char *type; /* NULL: JSON */
	int (*answer)(const struct admin_opts *o, int64_t started_ms,
		      struct buf *out);
} pages[] = {
	{ "/health", false, NULL, status_health },
	{ "/ready", false, NULL, status_ready },
	{ "/metrics", false, METRICS_TYPE, metrics_page },
	{ "/v1/status", true, NULL, status_full },
	{ "/v1/top", true, NULL, top_page },
};

/* The settings, on the unix socket only. */
static bool serve_settings(struct admin *a, struct web_request *r,
			   const struct web_view *v)
{
	bool apply = strcmp(v->path, "/v1/reload") == 0;
	struct err e = { 0 };
	char by[TRAIL_BY];
	struct buf out;
	int status = 200;

	if (!v->local || !a->opts.settings ||
	    (!apply && strcmp(v->path, "/v1/config/diff") != 0))
		return false;
	buf_init(&out, STATUS_MAX);
	if (strcmp(v->method, apply ? "POST" : "GET") != 0) {
		status = 405;
		err_set(&e, ERR_INPUT, "only %s", apply ? "POST" : "GET");
	} else if (a->opts.settings(a->opts.arg, apply, &out, &e) < 0) {
		status = api_status(&e);
	} else if (apply) {
		trail_by(by, v->uid, false);
		trail_add(a->opts.journal, by, "POST /v1/reload");
	}
	if (status != 200) {
		buf_reset(&out);
		api_error(&out, &e);
	}
	web_reply(r, status, &out);
	return true;
}

/* Of the log, on the unix socket only. */
static bool serve_levels(struct admin *a, struct web_request *r,
			 const struct web_view *v)
{
	bool set = strcmp(v->method, "PUT") == 0;
	struct err e = { 0 };
	char by[TRAIL_BY];
	struct buf out;
	int status = 200;

	if (!v->local || strcmp(v->path, "/v1/log-level") != 0)
		return false;
	buf_init(&out, STATUS_MAX);
	if (!set && strcmp(v->method, "GET") != 0) {
		status = 405;
		err_set(&e, ERR_INPUT, "only GET and PUT");
	} else if (set && levels_set(v->body, v->len, &e) < 0) {
		status = api_status(&e);
	} else if (set) {
		trail_by(by, v->uid, false);
		trail_add(a->opts.journal, by, "PUT /v1/log-level");
	}
	if (status == 200)
		levels_show(&out);
	else
		api_error(&out, &e);
	web_reply(r, status, &out);
	return true;
}

static void serve(struct web_request *r, const struct web_view *v, void *arg)
{
	struct admin *a = arg;
	struct err e = { 0 };
	struct buf out;
	int status = 404;
	size_t i;

	if (serve_settings(a, r, v) || serve_levels(a, r, v) ||
	    page_serve(a->page, r, v))
		return;
	buf_init(&out, STATUS_MAX);
	for (i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (strcmp(pages[i].path, v->path) != 0 ||
		    (pages[i].local && !v->local))
			continue;
		status = 405;
		if (strcmp(v->method, "GET") != 0)
			break;
		web_type(r, pages[i].type);
		status = pages[i].answer(&a->opts, a->started_ms, &out);
		break;
	}
	if (status == 404 && v->local) {
		command_serve(a, r, v);
		return;
	}
	if (out.len == 0) {
		err_set(&e, ERR_INPUT, "%s",
			status == 405 ? "only GET" : "not found");
		api_error(&out, &e);
	}
	web_reply(r, status, &out);
}

static int open_parts(struct admin *a, struct err *e)
{
	const struct conf *c = a->opts.conf;
	const struct http_opts ho = { .way = &c->slack_way,
				      .box = a->opts.way };
	const struct web_opts wo = {
		.loop = a->opts.loop,
		.listen = c->listen,
		.socket = c->admin_socket,
		.body_max = api_body_max,
		.serve = serve,
		.arg = a,
	};
	const struct store_ops *ops = store_find(c->store_url, e);

	if (!ops)
		return -1;
	a->store = ops->open(c->store_url, a->opts.keyring, false, e);
	if (!a->store)
		return -1;
	a->opts.store = a->store;
	a->http = http_create(a->opts.loop, &ho, e);
	if (!a->http)
		return -1;
	a->web = web_create(&wo, e);
	if (!a->web)
		return -1;
	/* Its timer would keep a loop turning that web_create() unwinds. */
	a->page = page_create(&a->opts, a->started_ms, e);
	return a->page ? 0 : -1;
}

struct admin *admin_create(const struct admin_opts *o, struct err *e)
{
	struct admin *a = calloc(1, sizeof(*a));

	if (!a) {
		err_set(e, ERR_RETRY, "no memory");
		return NULL;
	}
	a->opts = *o;
	a->started_ms = clock_ms();
	if (pthread_mutex_init(&a->lock, NULL) != 0) {
		err_set(e, ERR_FATAL, "cannot make the admin's mutex");
		goto fail_alloc;
	}
	if (pthread_cond_init(&a->idle, NULL) != 0) {
		err_set(e, ERR_FATAL, "cannot make the admin's condition");
		goto fail_lock;
	}
	if (open_parts(a, e) == 0)
		return a;
	admin_free(a);
	return NULL;

fail_lock:
	pthread_mutex_destroy(&a->lock);
fail_alloc:
	free(a);
	return NULL;
}

void admin_free(struct admin *a)
{
	if (!a)
		return;
	command_abandon_asking(a);
	http_free(a->http);

	pthread_mutex_lock(&a->lock);
	while (a->writing > 0)
		pthread_cond_wait(&a->idle, &a->lock);
	pthread_mutex_unlock(&a->lock);
	/* What was written since the loop stopped is posted there, and run
	 * when web_free() turns the loop once more. */
	page_free(a->page);
	web_free(a->web);
	command_abandon_all(a);

	if (a->store)
		a->store->ops->close(a->store);
	pthread_cond_destroy(&a->idle);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

bool admin_alive(struct admin *a, char *why, unsigned int size)
{
	struct health_beat beats[HEALTH_BEATS];

	return health_alive(beats, health_beats(&a->opts, beats), why, size);
}

bool admin_healthy(struct admin *a, char *why, unsigned int size)
{
	struct health_beat beats[HEALTH_BEATS];
	struct journal_stats js = { 0 };

	if (a->opts.journal)
		journal_stats(a->opts.journal, &js);
	return health_well(beats, health_beats(&a->opts, beats), &js,
			   a->opts.gate, why, size) &&
	       health_leases(a->opts.cluster, why, size);
}
