/* SPDX-License-Identifier: ISC */
#include "sim/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "sim/api.h"
#include "sim/http.h"
#include "sim/rotate.h"
#include "sim/world.h"

#define JSON_MAX ((size_t)1 << 20)

/* What people have attached, and who has fetched it. */
struct files {
	struct map *by_id; /* of struct file */
	struct vec log;    /* of struct sim_download */
};

struct file {
	struct sim_file is; /* its strings and bytes are its own */
	char *url;
};

static const char login_page[] =
	"<!DOCTYPE html><html lang=\"en-US\"><head>"
	"<title>Sign in | Slack</title></head>"
	"<body><form id=\"signin_form\"></form></body></html>\n";

struct files *files_create(void)
{
	struct files *f = must_alloc(sizeof(*f));

	f->by_id = map_create(0);
	if (!f->by_id)
		abort();
	return f;
}

static void file_free(void *p)
{
	struct file *f = p;

	free((char *)f->is.id);
	free((char *)f->is.name);
	free((char *)f->is.mimetype);
	free((void *)f->is.bytes);
	free((char *)f->is.mode);
	free((char *)f->is.location);
	free(f->url);
	free(f);
}

static void download_free(void *p)
{
	struct sim_download *d = p;

	free(d->path);
	free(d->token);
	free(d);
}

void files_free(struct sim *s)
{
	if (!s->files)
		return;
	map_free(s->files->by_id, file_free);
	vec_free(&s->files->log, download_free);
	free(s->files);
	s->files = NULL;
}

static char *make_url(const struct sim *s, const struct sim_file *f)
{
	char *base = sim_make_url(s, "files", "files/");
	struct buf b;

	buf_init(&b, 4096);
	buf_addf(&b, "%s%s/%s", base, f->id, f->id);
	free(base);
	return must_take(&b);
}

int sim_add_file(struct sim *s, const struct sim_file *from)
{
	struct file *f;
	int rc = -1;

	sim_lock(s);
	if (!map_get(s->files->by_id, from->id)) {
		f = must_alloc(sizeof(*f));
		f->is = *from;
		f->is.id = must_dup(from->id);
		f->is.name = must_dup(from->name);
		f->is.mimetype = must_dup(from->mimetype);
		f->is.mode = must_dup(from->mode ? from->mode : "hosted");
		f->is.location = must_dup(from->location);
		f->is.bytes = must_dupn(from->bytes ? from->bytes : "",
					from->bytes ? from->len : 0);
		f->url = from->url ? must_dup(from->url) : make_url(s, from);
		rc = map_put(s->files->by_id, f->is.id, f);
		if (rc < 0)
			abort();
	}
	sim_unlock(s);
	return rc;
}

bool file_show(struct sim *s, struct jwrite *w, const char *key, const char *id)
{
	struct file *f = map_get(s->files->by_id, id);

	if (!f)
		return false;
	jw_object(w, key);
	jw_str(w, "id", f->is.id);
	jw_int(w, "created", 1700000000);
	jw_str(w, "name", f->is.name);
	jw_str(w, "title", f->is.name);
	jw_str(w, "mimetype", f->is.mimetype);
	jw_str(w, "mode", f->is.mode);
	jw_bool(w, "is_external", strcmp(f->is.mode, "external") == 0);
	jw_str(w, "file_access", "visible");
	jw_int(w, "size", f->is.size > 0 ? f->is.size : (int64_t)f->is.len);
	jw_str(w, "url_private", f->url);
	jw_str(w, "url_private_download", f->url);
	jw_object_end(w);
	return true;
}

/* As in a shared channel. */
static void show_bare(struct jwrite *w, const char *id)
{
	jw_object(w, NULL);
	jw_str(w, "id", id);
	jw_str(w, "file_access", "check_file_info");
	jw_object_end(w);
}

static bool show_one(struct sim *s, struct jwrite *w, const char *id)
{
	struct file *f = map_get(s->files->by_id, id);

	if (f && f->is.bare)
		show_bare(w, id);
	else if (!file_show(s, w, NULL, id))
		return false;
	return true;
}

char *files_json(struct sim *s, const char *ids)
{
	struct jwrite w;
	struct buf b;
	char id[64];
	size_t n;

	buf_init(&b, JSON_MAX);
	jw_init(&w, &b);
	jw_array(&w, NULL);
	for (; *ids; ids += n + (ids[n] == ',')) {
		n = strcspn(ids, ",");
		snprintf(id, sizeof(id), "%.*s", (int)n, ids);
		if (!show_one(s, &w, id)) {
			buf_release(&b);
			return NULL;
		}
	}
	jw_array_end(&w);
	return must_take(&b);
}

static struct sim_download *log_download(struct sim *s, const struct request *r)
{
	struct sim_download *d = must_alloc(sizeof(*d));

	d->path = must_dup(r->path);
	d->token = must_dup(http_bearer(r));
	vec_trim(&s->files->log, s->keep, download_free);
	vec_push(&s->files->log, d);
	sim_changed(s);
	return d;
}

static bool may_read(struct sim *s, const char *token)
{
	struct install *i = token ? map_get(s->world->bot_tokens, token) : NULL;

	return i && !token_error(i, token) && list_has(i->scopes, "files:read");
}

/* "/files/ID/..." */
static struct file *find(struct sim *s, const char *path)
{
	char id[64];

	path += strlen("/files/");
	snprintf(id, sizeof(id), "%.*s", (int)strcspn(path, "/"), path);
	return map_get(s->files->by_id, id);
}

static void reply(struct conn *c, const struct file *f)
{
	char extra[2200];

	if (f->is.location) {
		snprintf(extra, sizeof(extra), "Location: %.2100s\r\n",
			 f->is.location);
		http_reply(c, 302, "text/html", extra, "", 0);
	} else {
		http_reply(c, f->is.status ? f->is.status : 200, f->is.mimetype,
			   NULL, f->is.bytes, f->is.len);
	}
}

/* Did it go wrong? */
static bool meets_fault(struct conn *c)
{
	const struct fault *f = fault_take(c->s, "file", NULL, NULL);
	char extra[40];

	if (!f)
		return false;
	(void)snprintf(extra, sizeof(extra), "Retry-After: %d\r\n",
		       (f->ms + 999) / 1000);
	if (f->kind == SIM_FAULT_HANG || f->kind == SIM_FAULT_DELAY)
		http_hold(c);
	else if (f->kind == SIM_FAULT_STATUS)
		http_reply(c, f->status ? f->status : 500, "text/html", NULL,
			   "", 0);
	else if (f->kind == SIM_FAULT_RATE)
		http_reply(c, 429, "text/html", extra, "", 0);
	else
		conn_kill(c, true);
	return true;
}

void file_serve(struct conn *c, const struct request *r)
{
	struct sim_download *d = log_download(c->s, r);
	struct file *f = find(c->s, r->path);

	if (f && f->is.hang) {
		http_hold(c);
		return;
	}
	if (meets_fault(c))
		return;
	d->status = !f ? 404 : f->is.location ? 302 : 200;
	if (!f)
		http_reply(c, 404, "text/html", NULL, "", 0);
	else if (!f->is.open && !may_read(c->s, d->token))
		http_reply(c, 200, "text/html; charset=utf-8", NULL, login_page,
			   sizeof(login_page) - 1);
	else
		reply(c, f);
	d->given = d->status == 200 && (f->is.open || may_read(c->s, d->token));
}

struct sim_download *sim_downloads(struct sim *s, size_t *n)
{
	const struct sim_download *from;
	struct sim_download *out;
	size_t i;

	sim_lock(s);
	*n = s->files->log.n;
	out = must_alloc((*n + 1) * sizeof(*out));
	for (i = 0; i < *n; i++) {
		from = s->files->log.v[i];
		out[i].path = must_dup(from->path);
		out[i].token = must_dup(from->token);
		out[i].status = from->status;
		out[i].given = from->given;
	}
	sim_unlock(s);
	return out;
}

void sim_downloads_free(struct sim_download *d, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free(d[i].path);
		free(d[i].token);
	}
	free(d);
}
