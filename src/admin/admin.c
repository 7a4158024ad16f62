/* SPDX-License-Identifier: ISC */
#include "admin/admin.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "admin/admin_in.h"
#include "admin/api.h"
#include "admin/command.h"
#include "admin/health.h"
#include "admin/listen.h"
#include "admin/own.h"
#include "admin/page.h"
#include "admin/peer.h"
#include "admin/role.h"
#include "admin/routes.h"
#include "admin/web.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"
#include "net/http.h"
#include "net/loop.h"
#include "store/journal.h"
#include "store/store.h"

#define REFUSAL_MAX ((size_t)4096)

static void refuse(struct web_request *r, int status, const struct err *e)
{
	struct buf out;

	buf_init(&out, REFUSAL_MAX);
	api_error(&out, e);
	web_reply(r, status, &out);
}

static void forbid(struct admin *a, struct web_request *r,
		   const struct web_view *v, enum role role)
{
	struct err e = { 0 };
	char uid[24];

	(void)snprintf(uid, sizeof(uid), "%lu", (unsigned long)v->peer->uid);
	log_warn(LOG_FIELDS({ "uid", uid }, { "role", role_name(role) },
			    { "method", v->method }, { "path", v->path }),
		 "admin request refused");
	(void)role_refuse(&a->roles, v->peer, role, &e);
	refuse(r, 403, &e);
}

/* Whoever has no role learns nothing, not even what there is. */
static bool allowed(const struct route *rt, const struct web_view *v,
		    enum role role)
{
	if (!v->peer)
		return true;
	if (role == ROLE_NONE)
		return false;
	return !rt || rt->needs == NEEDS_READ || role == ROLE_ADMIN;
}

static void serve(struct web_request *r, const struct web_view *v, void *arg)
{
	struct admin *a = arg;
	enum role role = v->peer ? role_of(&a->roles, v->peer) : ROLE_NONE;
	char star[ROUTE_STAR], second[ROUTE_STAR];
	const struct route *rt;
	struct err e = { 0 };
	bool known;

	rt = routes_find(v->method, v->path, !v->peer, star, second, &known);
	if (!allowed(rt, v, role)) {
		forbid(a, r, v, role);
	} else if (!rt) {
		err_set(&e, ERR_INPUT, "no such command: %s %.100s", v->method,
			v->path);
		refuse(r, known ? 405 : 404, &e);
	} else if (rt->own) {
		own_serve(a, rt, r, v);
	} else {
		command_serve(a, r, v);
	}
}

static bool is_admin(const struct peer *p, void *arg)
{
	const struct admin *a = arg;

	return role_of(&a->roles, p) == ROLE_ADMIN;
}

/* A directory that is closed keeps out whom the socket would let in. */
static void check_way(const char *socket)
{
	char copy[PATH_MAX];
	const char *dir;
	struct stat st;

	(void)snprintf(copy, sizeof(copy), "%s", socket);
	dir = dirname(copy);
	if (stat(dir, &st) == 0 && !(st.st_mode & S_IXOTH))
		log_warn(LOG_FIELDS({ "directory", dir }),
			 "others cannot get to the admin socket: chmod o+x");
}

/* What an admin has made of its mode meanwhile stays then. */
static bool is_same(const struct roles *a, const struct roles *b)
{
	return a->admin == b->admin && a->has_read == b->has_read &&
	       a->read == b->read;
}

int admin_guard(struct admin *a, const struct roles *r, struct err *e)
{
	const char *socket = a->opts.conf->admin_socket;
	bool same = a->guarded && is_same(&a->roles, r);
	char text[16];
	int mode;

	a->roles = *r;
	if (same)
		return 0;
	mode = listen_open_to(socket, r, e);
	a->guarded = mode >= 0;
	if (mode < 0)
		return -1;
	if (mode & S_IWOTH)
		check_way(socket);
	(void)snprintf(text, sizeof(text), "0%o", (unsigned int)mode);
	log_info(LOG_FIELDS({ "socket", socket }, { "mode", text },
			    { "admins", r->admin_name },
			    { "readers", r->has_read ? r->read_name : NULL }),
		 "admin socket is open");
	return 0;
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
		.keeps = is_admin,
		.arg = a,
	};
	const struct store_ops *ops = store_find(c->store_url, e);
	struct roles roles;

	if (!ops || role_settle(&roles, c, e) < 0)
		return -1;
	a->store = ops->open(c->store_url, a->opts.keyring, false, e);
	if (!a->store)
		return -1;
	a->opts.store = a->store;
	a->http = http_create(a->opts.loop, &ho, e);
	if (!a->http)
		return -1;
	a->web = web_create(&wo, e);
	if (!a->web || admin_guard(a, &roles, e) < 0)
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
