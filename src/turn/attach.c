/* SPDX-License-Identifier: ISC */
#include "turn/attach.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "llm/tokens.h"
#include "net/http.h"
#include "slack/api.h"
#include "slack/download.h"
#include "turn/attach_in.h"

/* Beyond what on_data takes: the piece with which it ends. */
#define SLACK_MAX (256 * 1024)

static const char *const why_names[ATTACH_WHYS] = {
	[ATTACH_READ] = "read",       [ATTACH_KIND] = "kind",
	[ATTACH_BLIND] = "blind",     [ATTACH_LARGE] = "large",
	[ATTACH_MANY] = "many",       [ATTACH_SCOPE] = "scope",
	[ATTACH_OUTSIDE] = "outside", [ATTACH_GONE] = "gone",
	[ATTACH_FAILED] = "failed",   [ATTACH_LATE] = "late",
	[ATTACH_ROOM] = "room",
};

const char *attach_why_name(enum attach_why why)
{
	return why_names[why];
}

/* UTF-16 has two bytes for a letter that is one in UTF-8. */
static size_t text_max(const struct attach *a)
{
	return 2 * LLM_TOKENS_BYTES * a->o.text_tokens + CONTENT_HEAD;
}

static size_t raw_max(const struct attach *a)
{
	size_t most = text_max(a);

	return most > a->o.image_bytes ? most : a->o.image_bytes;
}

static bool hold(struct attachment *f, size_t n)
{
	atomic_size_t *held = f->of->o.held;

	if (atomic_fetch_add(held, n) + n > f->of->o.held_max) {
		atomic_fetch_sub(held, n);
		return false;
	}
	f->held += n;
	return true;
}

static void let_go(struct attachment *f, size_t n)
{
	atomic_fetch_sub(f->of->o.held, n);
	f->held -= n;
}

static void drop_raw(struct attachment *f)
{
	let_go(f, f->raw.len);
	buf_release(&f->raw);
}

/* It is decided; the last one tells. */
static void settle(struct attachment *f, enum attach_why why,
		   const char *detail)
{
	struct attach *a = f->of;

	f->busy = false;
	f->why = why;
	(void)snprintf(f->detail, sizeof(f->detail), "%s",
		       detail ? detail : "");
	if (why != ATTACH_READ)
		drop_raw(f);
	if (--a->busy == 0 && !a->adding)
		a->o.done(a->o.arg);
}

/*
 * Slack's page to sign in, in place of a file that the app may not read, has
 * status 200. A page that somebody attached is as long as it was said to be,
 * or doesn't talk of signing in.
 */
static bool is_login(const struct attachment *f)
{
	const char *type = f->is.mimetype ? f->is.mimetype : "";
	int64_t got = (int64_t)f->raw.len;

	if (!content_is_page(f->raw.data, f->raw.len) ||
	    (f->whole && got == f->is.size))
		return false;
	return !strstr(type, "html") ||
	       memmem(f->raw.data, f->raw.len, "signin", 6) ||
	       memmem(f->raw.data, f->raw.len, "Sign in", 7);
}

static int make_text(struct attachment *f)
{
	struct buf out;

	buf_init(&out, 3 * f->raw.len + 1);
	if (content_text(f->raw.data, f->raw.len, f->whole, &out) == 0)
		f->text = buf_take(&out);
	buf_release(&out);
	drop_raw(f);
	if (!f->text || !hold(f, strlen(f->text)))
		return -1;
	f->cost = attach_cost(f->text);
	return 0;
}

static void keep_image(struct attachment *f)
{
	struct attach *a = f->of;

	if (a->image_bytes + f->raw.len > ATTACH_IMAGES_MAX) {
		settle(f, ATTACH_LARGE, "together with the others");
		return;
	}
	a->image_bytes += f->raw.len;
	a->images[a->nimages++] = (struct llm_image){
		.type = content_image_type(f->kind),
		.bytes = f->raw.data,
		.len = f->raw.len,
	};
	settle(f, ATTACH_READ, NULL);
}

/* All that is wanted of it is here. */
static void finish(struct attachment *f)
{
	f->kind = content_kind(f->raw.data ? f->raw.data : "", f->raw.len,
			       f->whole);
	if (f->raw.len > 0 && is_login(f)) {
		settle(f, ATTACH_SCOPE, "a page to sign in");
	} else if (content_image_type(f->kind)) {
		keep_image(f);
	} else if (f->kind == CONTENT_OTHER) {
		settle(f, ATTACH_KIND, NULL);
	} else if (make_text(f) < 0) {
		settle(f, ATTACH_ROOM, NULL);
	} else {
		settle(f, ATTACH_READ, NULL);
	}
}

/* From its first bytes: is there a use for more? */
static enum attach_why judge(struct attachment *f)
{
	const struct attach *a = f->of;

	f->judged = true;
	f->kind = content_kind(f->raw.data, f->raw.len, false);
	if (f->kind == CONTENT_OTHER)
		return ATTACH_KIND;
	if (!content_image_type(f->kind))
		return ATTACH_READ;
	if (a->o.image_bytes == 0)
		return ATTACH_BLIND;
	return f->is.size > (int64_t)a->o.image_bytes ? ATTACH_LARGE
						      : ATTACH_READ;
}

static size_t wanted(const struct attachment *f)
{
	if (f->judged && content_image_type(f->kind))
		return f->of->o.image_bytes;
	return text_max(f->of);
}

static int stop(struct attachment *f, enum attach_why why)
{
	f->why = why;
	return 1;
}

static int on_data(const char *p, size_t n, void *arg)
{
	struct attachment *f = arg;
	enum attach_why why = ATTACH_READ;

	if (n > f->raw.cap - f->raw.len)
		n = f->raw.cap - f->raw.len;
	if (!hold(f, n))
		return stop(f, ATTACH_ROOM);
	if (buf_add(&f->raw, p, n) < 0) {
		let_go(f, n);
		return stop(f, ATTACH_ROOM);
	}
	if (!f->judged && f->raw.len >= CONTENT_HEAD)
		why = judge(f);
	if (why != ATTACH_READ)
		return stop(f, why);
	if (f->raw.len <= wanted(f))
		return 0;
	return stop(f, f->judged && content_image_type(f->kind) ? ATTACH_LARGE
								: ATTACH_READ);
}

static void on_done(enum download_end end, const char *why, void *arg)
{
	struct attachment *f = arg;

	f->download = NULL;
	switch (end) {
	case DOWNLOAD_DONE:
		f->whole = true;
		/* One shorter than its head was not judged yet. */
		if (!f->judged && f->raw.len > 0)
			f->why = judge(f);
		if (f->why == ATTACH_KIND)
			f->why = ATTACH_READ; /* the whole of it decides */
		break;
	case DOWNLOAD_ENOUGH:
		break;
	case DOWNLOAD_FOREIGN:
		f->why = ATTACH_OUTSIDE;
		break;
	case DOWNLOAD_GONE:
		f->why = ATTACH_GONE;
		break;
	case DOWNLOAD_FAILED:
		f->why = ATTACH_FAILED;
		break;
	}
	if (f->why == ATTACH_READ)
		finish(f);
	else
		settle(f, f->why, why);
}

static void fetch(struct attachment *f)
{
	struct attach *a = f->of;
	const struct download_opts o = {
		.api_url = a->api_url,
		.url = f->is.url,
		.token = a->token,
		.max = raw_max(a) + SLACK_MAX,
		.on_data = on_data,
		.on_done = on_done,
		.arg = f,
	};
	enum download_end end;

	buf_init(&f->raw, raw_max(a) + 1);
	f->download = slack_download(a->o.http, &o, &end);
	if (f->download)
		return;
	settle(f, end == DOWNLOAD_FOREIGN ? ATTACH_OUTSIDE : ATTACH_FAILED,
	       NULL);
}

/* Canvases and lists come as pages that Slack makes. */
static bool is_slacks_own(const struct message_file *f)
{
	static const char type[] = "application/vnd.slack-";

	return f->mimetype && strncmp(f->mimetype, type, sizeof(type) - 1) == 0;
}

static void fetch_from(struct attachment *f)
{
	switch (f->is.place) {
	case FILE_HERE:
		if (is_slacks_own(&f->is))
			settle(f, ATTACH_KIND, NULL);
		else
			fetch(f);
		break;
	case FILE_OUTSIDE:
		settle(f, ATTACH_OUTSIDE, NULL);
		break;
	case FILE_GONE:
	case FILE_UNTOLD:
		settle(f, ATTACH_GONE, NULL);
		break;
	}
}

static int take_info(struct attachment *f, const struct json *body)
{
	struct message_file told;
	struct err e = { 0 };

	if (message_file_take(&told, json_at(body, "file"), &e) < 0)
		return -1;
	message_file_release(&f->is);
	f->is = told;
	return 0;
}

static enum attach_why why_of(const struct slack_result *r)
{
	if (r->fault == SLACK_CONFIG)
		return ATTACH_SCOPE;
	/* file_not_found, file_deleted, not_visible */
	return r->fault == SLACK_OURS ? ATTACH_GONE : ATTACH_FAILED;
}

static void on_info(const struct slack_result *r, void *arg)
{
	struct attachment *f = arg;

	f->info = NULL;
	if (r->fault != SLACK_OK)
		settle(f, why_of(r), r->error);
	else if (take_info(f, r->body) < 0)
		settle(f, ATTACH_FAILED, "no memory");
	else
		fetch_from(f);
}

static void ask_info(struct attachment *f)
{
	struct attach *a = f->of;
	struct err e = { 0 };
	struct buf form;

	buf_init(&form, 256);
	http_form(&form, "file", f->is.id);
	f->info = slack_call(a->o.http, a->api_url, "files.info", a->token,
			     &form, on_info, f, &e);
	buf_release(&form);
	if (!f->info)
		settle(f, ATTACH_FAILED, e.msg);
}

static void begin(struct attachment *f)
{
	if (f->of->n > f->of->o.most)
		settle(f, ATTACH_MANY, NULL);
	else if (f->is.place == FILE_UNTOLD)
		ask_info(f);
	else
		fetch_from(f);
}

static char *copy_of(const char *s)
{
	return s ? strdup(s) : NULL;
}

static int copy_file(struct message_file *to, const struct message_file *from)
{
	to->id = copy_of(from->id);
	to->name = copy_of(from->name);
	to->mimetype = copy_of(from->mimetype);
	to->url = copy_of(from->url);
	to->size = from->size;
	to->place = from->place;
	return (from->id && !to->id) || (from->name && !to->name) ||
			       (from->mimetype && !to->mimetype) ||
			       (from->url && !to->url)
		       ? -1
		       : 0;
}

static void file_free(struct attachment *f)
{
	slack_cancel(f->info);
	slack_download_cancel(f->download);
	let_go(f, f->held);
	buf_release(&f->raw);
	free(f->text);
	message_file_release(&f->is);
	free(f);
}

int attach_add(struct attach *a, const struct message_file *from, bool earlier)
{
	struct attachment *f;

	if (a->n >= ATTACH_MAX)
		return 0;
	f = calloc(1, sizeof(*f));
	if (!f)
		return -1;
	f->of = a;
	if (copy_file(&f->is, from) < 0) {
		file_free(f);
		return -1;
	}
	f->earlier = earlier;
	f->busy = true;
	a->files[a->n++] = f;
	a->busy++;
	a->adding = true;
	begin(f);
	a->adding = false;
	return 0;
}

struct attach *attach_create(const struct attach_opts *o)
{
	struct attach *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->o = *o;
	a->api_url = strdup(o->api_url);
	a->token = strdup(o->token);
	if (!a->api_url || !a->token) {
		attach_free(a);
		return NULL;
	}
	return a;
}

void attach_free(struct attach *a)
{
	size_t i;

	if (!a)
		return;
	for (i = 0; i < a->n; i++)
		file_free(a->files[i]);
	if (a->token)
		explicit_bzero(a->token, strlen(a->token));
	free(a->token);
	free(a->api_url);
	free(a);
}

bool attach_pending(const struct attach *a)
{
	return a->busy > 0;
}

void attach_expire(struct attach *a)
{
	struct attachment *f;
	size_t i;

	a->adding = true;
	for (i = 0; i < a->n; i++) {
		f = a->files[i];
		if (!f->busy)
			continue;
		slack_cancel(f->info);
		slack_download_cancel(f->download);
		f->info = NULL;
		f->download = NULL;
		settle(f, ATTACH_LATE, NULL);
	}
	a->adding = false;
}

void attach_drop(struct attach *a)
{
	struct attachment *f;
	size_t i;

	a->nimages = 0;
	for (i = 0; i < a->n; i++) {
		f = a->files[i];
		buf_release(&f->raw);
		free(f->text);
		f->text = NULL;
		let_go(f, f->held);
	}
}

size_t attach_count(const struct attach *a, enum attach_why why)
{
	size_t i, n = 0;

	for (i = 0; i < a->n; i++)
		n += !a->files[i]->busy && a->files[i]->why == why;
	return n;
}

bool attach_view(const struct attach *a, size_t i, struct attach_view *out)
{
	if (i >= a->n)
		return false;
	out->id = a->files[i]->is.id;
	out->why = a->files[i]->why;
	out->detail = a->files[i]->detail[0] ? a->files[i]->detail : NULL;
	return true;
}
