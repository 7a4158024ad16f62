/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/metric.h"
#include "net/http.h"
#include "route/job.h"
#include "route/message.h"
#include "route/signal.h"
#include "turn/attach.h"
#include "turn/read.h"
#include "turn/turn.h"

/*
 * The files of a turn's question. They are fetched while the thread is read;
 * the model is asked when they are there, or when their time is over.
 */

#define WAIT_MS   (20 * 1000)
#define NAMES_MAX 32

static void on_done(void *arg)
{
	struct turn *t = arg;

	turn_enter(t);
	if (!t->fetching)
		return;
	t->fetching = false;
	read_proceed(t);
}

static struct attach *make(struct turn *t)
{
	const struct conf *c = t->conf;
	const struct conf_model *m = conf_model(c, t->job->agent.model);
	const struct attach_opts o = {
		.http = t->w->http,
		.loop = t->w->loop,
		.wait_ms = WAIT_MS,
		.api_url = c->slack_api_url,
		.token = t->job->connection.bot_token,
		.most = (size_t)c->files_per_message,
		.text_tokens = (size_t)m->context_tokens / 2,
		.image_bytes = m->vision ? (size_t)c->image_max_bytes : 0,
		.held = &t->w->count->file_bytes,
		.held_max = (size_t)c->files_memory_mb << 20,
		.done = on_done,
		.arg = t,
	};

	return attach_create(&o);
}

static void forget_earlier(struct turn *t)
{
	while (t->nearlier > 0)
		message_file_release(&t->earlier[--t->nearlier]);
}

static bool open_list(struct turn *t)
{
	if (!t->files)
		t->files = make(t);
	t->files_ms = clock_ms();
	return t->files != NULL;
}

/* Of all that is to be answered. */
static size_t count_own(const struct turn *t)
{
	size_t i, n = 0;

	for (i = 0; i < turn_nmessages(t); i++)
		n += turn_message(t, i)->content.nfiles;
	return n;
}

static void add_own(struct turn *t, const struct message *m)
{
	size_t i;

	for (i = 0; i < m->content.nfiles; i++)
		(void)attach_add(t->files, &m->content.files[i], false);
}

void files_start(struct turn *t)
{
	size_t i;

	if (count_own(t) == 0 || t->conf->files_per_message == 0 || t->files ||
	    !open_list(t))
		return;
	for (i = 0; i < turn_nmessages(t); i++)
		add_own(t, turn_message(t, i));
}

/* ---- of a question that is asked again ---- */

#define FORM_MAX 1024

static struct message *said_at(const struct turn *t, const char *ts)
{
	size_t i;

	for (i = 0; ts && i < turn_nmessages(t); i++)
		if (strcmp(turn_message(t, i)->channel.ts, ts) == 0)
			return turn_message(t, i);
	return NULL;
}

/* Texts are in the transcript. */
static void take_image(struct message *m, const struct json *j)
{
	struct message_file f, *more;
	struct err e = { 0 };

	if (message_file_take(&f, j, &e) < 0)
		return;
	more = f.id && f.mimetype && strncmp(f.mimetype, "image/", 6) == 0 &&
			       m->content.nfiles < NAMES_MAX
		       ? reallocarray(m->content.files, m->content.nfiles + 1,
				      sizeof(f))
		       : NULL;
	if (!more) {
		message_file_release(&f);
		return;
	}
	more[m->content.nfiles++] = f;
	m->content.files = more;
}

/* Without them it is answered all the same. */
static void on_recalled(const struct slack_result *r, void *arg)
{
	struct turn *t = arg;
	const struct json *j;
	struct message *m;
	size_t i, k;

	t->call = NULL;
	for (i = 0; i < json_len(r->body, "messages"); i++) {
		j = json_nth(r->body, "messages", i);
		m = said_at(t, json_str(j, "ts"));
		for (k = 0; m && k < json_len(j, "files"); k++) {
			take_image(m, json_nth(j, "files", k));
		}
	}
	read_start(t);
}

static bool had_images(const struct turn *t)
{
	size_t i;

	for (i = 0; i < turn_nmessages(t); i++)
		if (attach_told_image(turn_message(t, i)->content.text))
			return true;
	return false;
}

bool files_recall(struct turn *t)
{
	const struct message *m = turn_message(t, 0);
	const struct message *last = turn_message(t, turn_nmessages(t) - 1);
	const char *press = t->job->msg->signal.value;
	struct err e = { 0 };
	struct buf form;

	if (t->recalled || !press || strcmp(press, SIGNAL_AGAIN) != 0 ||
	    t->conf->files_per_message == 0 ||
	    !conf_model(t->conf, t->job->agent.model)->vision || !had_images(t))
		return false;
	t->recalled = true;
	buf_init(&form, FORM_MAX);
	http_form(&form, "channel", t->where);
	http_form(&form, "ts", m->thread_id);
	http_form(&form, "oldest", m->channel.ts);
	http_form(&form, "latest", last->channel.ts);
	http_form(&form, "inclusive", "true");
	http_form(&form, "limit", "200");
	t->call = worker_call(t->w, t->job, "conversations.replies", &form,
			      on_recalled, t, &e);
	buf_release(&form);
	return t->call != NULL;
}

/* ---- of earlier messages ---- */

/* The newest are kept, and the question's own go before them. */
static void remember(struct turn *t, struct message_file *f)
{
	if (t->nearlier == FILES_EARLIER) {
		message_file_release(&t->earlier[0]);
		t->nearlier--;
		memmove(t->earlier, t->earlier + 1,
			t->nearlier * sizeof(*t->earlier));
	}
	t->earlier[t->nearlier++] = *f;
}

void files_earlier(struct turn *t, const struct json *list, struct buf *out)
{
	size_t i, n = json_len(list, "");
	struct message_file f;
	struct err e = { 0 };

	for (i = 0; i < n && i < NAMES_MAX; i++) {
		if (message_file_take(&f, json_nth(list, "", i), &e) < 0)
			return;
		if (!f.id) {
			message_file_release(&f);
			continue;
		}
		(void)attach_name(&f, out);
		remember(t, &f);
	}
}

void files_start_earlier(struct turn *t)
{
	size_t i, most = (size_t)t->conf->files_per_message;
	size_t own = count_own(t);
	size_t room = own < most ? most - own : 0;
	size_t from = t->nearlier > room ? t->nearlier - room : 0;

	if (from < t->nearlier && open_list(t))
		for (i = from; i < t->nearlier; i++)
			(void)attach_add(t->files, &t->earlier[i], true);
	forget_earlier(t);
}

void files_release(struct turn *t)
{
	attach_free(t->files);
	t->files = NULL;
	t->fetching = false;
	forget_earlier(t);
}

static void on_late(struct turn *t)
{
	t->fetching = false;
	attach_expire(t->files);
	read_proceed(t);
}

bool files_wait(struct turn *t)
{
	int64_t left = t->files_ms + WAIT_MS - clock_ms();

	if (!t->files || !attach_pending(t->files))
		return false;
	t->fetching = true;
	turn_after(t, left > 0 ? left : 0, on_late);
	return true;
}

static void log_unread(struct turn *t, const struct attach_view *v)
{
	log_info(LOG_FIELDS({ "entry", t->job->entry.id }, { "file", v->id },
			    { "reason", attach_why_name(v->why) },
			    { "detail", v->detail }),
		 "file not read");
}

/* For as long as the connection is remembered, once. */
static void log_scope(struct turn *t)
{
	const struct connection *k = &t->job->connection;

	if (!t->conn->no_files)
		log_warn(LOG_FIELDS({ "app", k->app_id },
				    { "workspace", k->workspace_id },
				    { "tenant", t->job->msg->tenant_id }),
			 "cannot read files: the app lacks files:read");
	t->conn->no_files = true;
}

void files_known(struct turn *t)
{
	struct attach_view v;
	char detail[40];
	size_t i, read;

	if (!t->files || t->trims > 0)
		return;
	for (i = 0; attach_view(t->files, i, &v); i++) {
		metric_add(METRIC_FILES, attach_why_name(v.why), 0, 1);
		if (v.why != ATTACH_READ)
			log_unread(t, &v);
	}
	read = attach_count(t->files, ATTACH_READ);
	(void)snprintf(detail, sizeof(detail), "%zu of %zu", read, i);
	turn_step(t, "files", detail);
	if (attach_count(t->files, ATTACH_SCOPE) > 0)
		log_scope(t);
	else if (read > 0)
		t->conn->no_files = false;
}

int files_tell(const struct turn *t, const struct message *m, struct buf *out)
{
	size_t i;

	if (t->recalled)
		return 0; /* the transcript has it */
	if (t->files && m == turn_message(t, turn_nmessages(t) - 1))
		return attach_tell(t->files, out);
	if (t->files)
		return 0;
	for (i = 0; i < m->content.nfiles; i++)
		(void)attach_name(&m->content.files[i], out);
	if (i > 0)
		(void)buf_adds(out, "\n[files are not read here: you don't know"
				    " what is in them, so don't guess]");
	return out->failed ? -1 : 0;
}
