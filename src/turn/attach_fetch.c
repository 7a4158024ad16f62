/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "llm/tokens.h"
#include "slack/download.h"
#include "turn/attach_in.h"

/* The bytes of one attachment: fetched, counted, judged. */

/* Beyond what on_data takes: the piece with which it ends. */
#define SLACK_MAX (256 * 1024)

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

void attach_let_go(struct attachment *f, size_t n)
{
	atomic_fetch_sub(f->of->o.held, n);
	f->held -= n;
}

static void drop_raw(struct attachment *f)
{
	attach_let_go(f, f->raw.len);
	buf_release(&f->raw);
}

void attach_settle(struct attachment *f, enum attach_why why,
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
		attach_settle(f, ATTACH_LARGE, "together with the others");
		return;
	}
	a->image_bytes += f->raw.len;
	a->images[a->nimages++] = (struct llm_image){
		.type = content_image_type(f->kind),
		.bytes = f->raw.data,
		.len = f->raw.len,
	};
	attach_settle(f, ATTACH_READ, NULL);
}

bool attach_has_smaller(const struct attachment *f, enum attach_why why)
{
	const char *type = f->is.mimetype ? f->is.mimetype : "";

	if (f->smaller || !f->is.thumb || f->of->o.image_bytes == 0)
		return false;
	return why == ATTACH_LARGE ||
	       (why == ATTACH_KIND && strncmp(type, "image/", 6) == 0);
}

static void fetch_anew(struct attachment *f)
{
	drop_raw(f);
	f->judged = f->whole = false;
	f->why = ATTACH_READ;
	attach_fetch(f);
}

static void settle_or_shrink(struct attachment *f, enum attach_why why,
			     const char *detail)
{
	if (!attach_has_smaller(f, why)) {
		attach_settle(f, why, detail);
		return;
	}
	f->smaller = true;
	fetch_anew(f);
}

/* All that is wanted of it is here. */
static void finish(struct attachment *f)
{
	f->kind = content_kind(f->raw.data ? f->raw.data : "", f->raw.len,
			       f->whole);
	if (f->raw.len > 0 && is_login(f)) {
		attach_settle(f, ATTACH_SCOPE, "a page to sign in");
	} else if (content_image_type(f->kind)) {
		keep_image(f);
	} else if (f->kind == CONTENT_OTHER) {
		settle_or_shrink(f, ATTACH_KIND, NULL);
	} else if (make_text(f) < 0) {
		attach_settle(f, ATTACH_ROOM, NULL);
	} else {
		attach_settle(f, ATTACH_READ, NULL);
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
	return !f->smaller && f->is.size > (int64_t)a->o.image_bytes
		       ? ATTACH_LARGE
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
		attach_let_go(f, n);
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

static void on_done(const struct download_result *r, void *arg)
{
	struct attachment *f = arg;

	f->download = NULL;
	switch (r->end) {
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
	case DOWNLOAD_LATER:
		if (attach_later(f, r->retry_ms, fetch_anew))
			return;
		f->why = ATTACH_FAILED;
		break;
	case DOWNLOAD_FAILED:
		f->why = ATTACH_FAILED;
		break;
	}
	if (f->why == ATTACH_READ)
		finish(f);
	else
		settle_or_shrink(f, f->why, r->why);
}

void attach_fetch(struct attachment *f)
{
	struct attach *a = f->of;
	const struct download_opts o = {
		.api_url = a->api_url,
		.url = f->smaller ? f->is.thumb : f->is.url,
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
	attach_settle(f,
		      end == DOWNLOAD_FOREIGN ? ATTACH_OUTSIDE : ATTACH_FAILED,
		      NULL);
}
