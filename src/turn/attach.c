/* SPDX-License-Identifier: ISC */
#include "turn/attach.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "net/http.h"
#include "net/loop.h"
#include "net/retry.h"
#include "slack/api.h"
#include "slack/download.h"
#include "turn/attach_in.h"

#define TRIES_MAX 6

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

static void on_timer(void *arg)
{
	struct attachment *f = arg;

	f->again(f);
}

bool attach_later(struct attachment *f, unsigned int floor_ms,
		  void (*again)(struct attachment *f))
{
	struct loop *l = f->of->o.loop;
	unsigned int ms = retry_delay_ms(&retry_call, f->tries, floor_ms);

	if (++f->tries >= TRIES_MAX || clock_ms() + ms >= f->until)
		return false;
	if (!f->timer)
		f->timer = loop_timer_create(l, on_timer, f);
	if (!f->timer)
		return false;
	f->again = again;
	loop_timer_set(f->timer, ms);
	return true;
}

/* Canvases and lists come as pages that Slack makes. */
static bool is_slacks_own(const struct message_file *f)
{
	static const char type[] = "application/vnd.slack-";

	return f->mimetype && strncmp(f->mimetype, type, sizeof(type) - 1) == 0;
}

/* What is known to be too large isn't begun. */
static void fetch_best(struct attachment *f)
{
	const char *type = f->is.mimetype ? f->is.mimetype : "";

	if (strncmp(type, "image/", 6) == 0 &&
	    f->is.size > (int64_t)f->of->o.image_bytes)
		f->smaller = attach_has_smaller(f, ATTACH_LARGE);
	attach_fetch(f);
}

static void fetch_from(struct attachment *f)
{
	switch (f->is.place) {
	case FILE_HERE:
		if (is_slacks_own(&f->is))
			attach_settle(f, ATTACH_KIND, NULL);
		else
			fetch_best(f);
		break;
	case FILE_OUTSIDE:
		attach_settle(f, ATTACH_OUTSIDE, NULL);
		break;
	case FILE_GONE:
	case FILE_UNTOLD:
		attach_settle(f, ATTACH_GONE, NULL);
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

static bool may_pass(const struct slack_result *r)
{
	return r->fault == SLACK_RATE || r->fault == SLACK_TRANSIENT;
}

static void ask_info(struct attachment *f);

static void on_info(const struct slack_result *r, void *arg)
{
	struct attachment *f = arg;

	f->info = NULL;
	if (may_pass(r) && attach_later(f, r->retry_ms, ask_info))
		return;
	if (r->fault != SLACK_OK)
		attach_settle(f, why_of(r), r->error);
	else if (take_info(f, r->body) < 0)
		attach_settle(f, ATTACH_FAILED, "no memory");
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
		attach_settle(f, ATTACH_FAILED, e.msg);
}

static void begin(struct attachment *f)
{
	if (f->of->n > f->of->o.most)
		attach_settle(f, ATTACH_MANY, NULL);
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
	to->thumb = copy_of(from->thumb);
	to->size = from->size;
	to->place = from->place;
	return (from->id && !to->id) || (from->name && !to->name) ||
			       (from->mimetype && !to->mimetype) ||
			       (from->url && !to->url) ||
			       (from->thumb && !to->thumb)
		       ? -1
		       : 0;
}

static void stop(struct attachment *f)
{
	slack_cancel(f->info);
	slack_download_cancel(f->download);
	loop_timer_free(f->timer);
	f->info = NULL;
	f->download = NULL;
	f->timer = NULL;
}

static void file_free(struct attachment *f)
{
	stop(f);
	attach_let_go(f, f->held);
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
	f->until = clock_ms() + a->o.wait_ms;
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
		stop(f);
		attach_settle(f, ATTACH_LATE, NULL);
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
		attach_let_go(f, f->held);
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
