/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/api.h"
#include "admin/onboard.h"
#include "admin/trail.h"
#include "base/buf.h"
#include "base/conf.h"
#include "base/container.h"
#include "base/err.h"
#include "base/keyring.h"
#include "base/queue.h"
#include "ctl/ctl.h"
#include "net/http.h"
#include "net/local.h"
#include "net/loop.h"
#include "store/journal.h"
#include "store/keys.h"
#include "store/store.h"

struct offline {
	const struct conf *conf;
	struct keyring *keyring;
	struct journal *journal; /* writes, in one transaction each */
	struct store *store;     /* reads */
};

/* Something that another thread does while this one waits. */
struct wait {
	struct node node; /* must be first */
	struct loop_task task;
	struct queue *ended;
	struct offline *o;
	struct api_call *call;
	struct http *http;
	struct onboard *onboard;
	struct journal_req req;
	struct err err;
};

static int refuse_running(const char *socket, struct err *e)
{
	struct err ignored = { 0 };
	struct buf out;
	int status;

	buf_init(&out, (size_t)1024 * 1024);
	status = local_call(socket, "GET", "/health", NULL, 0, &out, &ignored);
	buf_release(&out);
	if (status < 0 && ignored.kind != ERR_FATAL)
		return 0;
	return err_set(e, ERR_RETRY,
		       "a daemon runs at '%s'; leave --offline out", socket);
}

/*
 * What root makes here, the daemon couldn't write to. The unit runs as the
 * owner of the state directory.
 */
static int refuse_root(const char *dir, struct err *e)
{
	struct stat st;

	if (stat(dir, &st) < 0) {
		if (errno == ENOENT && mkdir(dir, 0700) == 0)
			return 0;
		return err_set(e, ERR_FATAL, "cannot use directory '%s': %s",
			       dir, strerror(errno));
	}
	if (geteuid() != 0 || st.st_uid == 0)
		return 0;
	return err_set(e, ERR_FATAL,
		       "run this as the owner of '%s', not as root:"
		       " runuser -u konstruct -- konstructctl ...",
		       dir);
}

static int open_keyring(struct offline *o, struct err *e)
{
	char path[4096];

	if (conf_key_path(o->conf, path, sizeof(path), e) < 0)
		return -1;
	o->keyring = keyring_open(path, true, e);
	return o->keyring ? 0 : -1;
}

static int open_store(struct offline *o, struct err *e)
{
	const char *url = o->conf->store_url;
	const struct store_ops *ops = store_find(url, e);

	if (!ops)
		return -1;
	o->journal = journal_create(url, o->keyring, 1, e);
	if (!o->journal)
		return -1;
	journal_set_history(o->journal, o->conf->history_days);
	o->store = ops->open(url, o->keyring, false, e);
	if (!o->store)
		return -1;
	return keys_settle(o->store, o->keyring, o->conf->key_file[0] == '\0',
			   e);
}

struct offline *offline_open(const struct conf *conf, struct err *e)
{
	struct offline *o;

	if (refuse_running(conf->admin_socket, e) < 0 ||
	    refuse_root(conf->state_dir, e) < 0)
		return NULL;
	o = calloc(1, sizeof(*o));
	if (!o) {
		err_set(e, ERR_RETRY, "no memory");
		return NULL;
	}
	o->conf = conf;
	if (open_keyring(o, e) == 0 && open_store(o, e) == 0)
		return o;
	offline_close(o);
	return NULL;
}

void offline_close(struct offline *o)
{
	if (!o)
		return;
	if (o->store)
		o->store->ops->close(o->store);
	journal_free(o->journal);
	keyring_free(o->keyring);
	free(o);
}

/* On the journal's thread. */
static int run_write(struct store *s, void *arg, struct err *e)
{
	struct wait *w = arg;

	return api_run(w->call, s, e);
}

static void write_done(struct journal_req *r)
{
	struct wait *w = r->arg;

	queue_push(w->ended, &w->node);
}

static int write_call(struct offline *o, struct wait *w, struct err *e)
{
	w->req.kind = JOURNAL_WRITE;
	w->req.audits = trail_of(w->call);
	w->req.naudits = 1;
	w->req.write = run_write;
	w->req.done = write_done;
	w->req.arg = w;
	w->req.err = &w->err;
	do {
		(void)journal_submit(o->journal, &w->req);
		(void)queue_pop(w->ended, -1);
		w->req.naudits = 0;
	} while (w->req.ok && w->call->again);
	if (w->req.ok)
		return 0;
	*e = w->err;
	return -1;
}

/* On the loop's thread, as is start_asking(). */
static void asked(const struct err *e, void *arg)
{
	struct wait *w = arg;

	w->err = *e;
	queue_push(w->ended, &w->node);
}

static void start_asking(struct loop_task *t)
{
	struct wait *w = container_of(t, struct wait, task);

	w->onboard = onboard_start(w->http, w->o->conf->slack_api_url,
				   &w->call->apply, asked, w, &w->err);
	if (!w->onboard)
		queue_push(w->ended, &w->node);
}

static int ask_slack(struct offline *o, struct wait *w, struct err *e)
{
	const struct http_opts ho = { .way = &o->conf->slack_way };
	struct loop *l = loop_create("slack", e);
	int rc = -1;

	if (!l)
		return -1;
	w->http = http_create(l, &ho, e);
	if (!w->http || loop_start(l, e) < 0)
		goto out;
	w->task.run = start_asking;
	loop_post(l, &w->task);
	(void)queue_pop(w->ended, -1);
	rc = w->err.kind == ERR_NONE ? 0 : -1;
	if (rc < 0)
		*e = w->err;
out:
	loop_stop(l);
	http_free(w->http);
	loop_free(l);
	return rc;
}

static int run_call(struct offline *o, struct api_call *call, struct err *e)
{
	struct wait w = { .o = o, .call = call };
	int rc = -1;

	call->keyring = o->keyring;
	trail_by(call->by, (long)geteuid(), true);
	if (!api_writes(call))
		return api_run(call, o->store, e);
	w.ended = queue_create();
	if (!w.ended)
		return err_set(e, ERR_RETRY, "no memory");
	if (!api_lacks_ids(call) || ask_slack(o, &w, e) == 0)
		rc = write_call(o, &w, e);
	queue_free(w.ended);
	return rc;
}

int offline_request(struct offline *o, const char *method, const char *path,
		    const char *body, size_t len, struct buf *out,
		    struct err *e)
{
	struct api_call call;
	int status = 200;

	if (api_begin(&call, o->conf, method, path, body, len, e) < 0 ||
	    run_call(o, &call, e) < 0) {
		status = call.status < 400 ? api_status(e) : call.status;
		api_error(&call.out, e);
	}
	if (buf_add(out, call.out.data, call.out.len) < 0)
		status = err_set(e, ERR_FATAL, "the answer is too large");
	api_end(&call);
	return status;
}
