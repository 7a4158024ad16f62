/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/container.h"
#include "base/err.h"
#include "base/log.h"
#include "base/suspect.h"
#include "llm/tokens.h"
#include "route/job.h"
#include "route/message.h"
#include "slack/text.h"
#include "turn/attach.h"
#include "turn/names.h"
#include "turn/post.h"
#include "turn/prompt.h"
#include "turn/read.h"
#include "turn/turn.h"

/*
 * What the model is to know: our transcript of the thread; else, when we
 * enter in the middle of it, what Slack has; and people's names, if they come
 * soon.
 */

#define NAMES_WAIT_MS 2000
#define USERS_MAX     20
#define TEXT_MAX      (16 * 1024 * 1024)
#define TRIMS_MAX     3 /* half of it, a quarter, the question alone */

static void forget(struct transcript *h)
{
	transcript_release(h);
	memset(h, 0, sizeof(*h));
}

/* On a router thread; the turn's history is its alone meanwhile. */
static void run_history(struct router_read *rd, struct store *s)
{
	struct turn *t = container_of(rd, struct turn, rd);
	const struct message *m = t->job->msg;
	struct err e = { 0 };

	turn_enter(t);
	if (s->ops->history(s, m->tenant_id, m->channel.channel_id,
			    m->thread_id, t->budget * LLM_TOKENS_BYTES,
			    &t->history, &e) < 0) {
		log_warn(LOG_FIELDS({ "entry", t->job->entry.id }),
			 "cannot read history: %s", e.msg);
		forget(&t->history);
	}
	suspect_leave();
	loop_post(t->w->loop, &t->read_done);
}

static void on_history(struct loop_task *task)
{
	struct turn *t = container_of(task, struct turn, read_done);

	t->reading = false;
	if (turn_reap(t) || t->parked || t->state != TURN_READING)
		return;
	turn_enter(t);
	if (t->history.n == 0 && t->job->msg->channel.thread_ts &&
	    t->trims == 0)
		backfill_start(t);
	else
		read_filled(t);
}

void read_start(struct turn *t)
{
	if (files_recall(t))
		return;
	files_start(t);
	if (t->trims == 0 && !whisper_is(t))
		again_start(t);
	else if (t->nbackfill > 0)
		read_filled(t);
	else
		read_history(t);
}

void read_anew(struct turn *t)
{
	read_forget(t);
	/* What a router reads is its alone; then it is used as it comes. */
	if (t->reading)
		return;
	/* What was known of them is given away once the answer begins. */
	files_release(t);
	forget(&t->history);
	t->nbackfill = 0;
	t->pages = 0;
	t->trims = 0;
	turn_set(t, TURN_READING);
}

bool read_trim(struct turn *t)
{
	bool shorter = t->files && attach_shrink(t->files);

	if ((t->ntold == 0 && !shorter) || t->trims >= TRIMS_MAX)
		return false;
	t->trims++;
	read_forget(t);
	t->budget = t->trims < TRIMS_MAX ? t->told / 2 : 1;
	log_info(LOG_FIELDS({ "entry", t->job->entry.id }),
		 "too long for the model: told with less of the thread");
	turn_step(t, "trimmed", NULL);
	turn_set(t, TURN_READING);
	return true;
}

void read_history(struct turn *t)
{
	const struct conf_model *model;

	model = conf_model(t->conf, t->job->agent.model);
	if (t->trims == 0)
		t->budget = (size_t)model->context_tokens;
	/* What begins a thread has nothing before it. */
	if (!t->job->msg->channel.thread_ts && !t->job->again) {
		read_filled(t);
		return;
	}
	t->rd.run = run_history;
	t->read_done.run = on_history;
	t->reading = true;
	router_read(t->w->router, t->key, &t->rd);
}

struct asking {
	struct turn *t;
	size_t n;
	bool pending;
};

static void ask_one(const char *user, void *arg)
{
	struct asking *a = arg;
	struct turn *t = a->t;

	if (a->n++ < USERS_MAX)
		names_ask(t->w->names, t->conn->key,
			  t->job->connection.bot_token, user);
}

static void check_one(const char *user, void *arg)
{
	struct asking *a = arg;

	if (names_pending(a->t->w->names, a->t->conn->key, user))
		a->pending = true;
}

static void each_user(struct turn *t, void (*fn)(const char *user, void *arg),
		      struct asking *a)
{
	const struct message *m;
	size_t i;

	for (i = 0; i < turn_nmessages(t); i++) {
		m = turn_message(t, i);
		/* For the zone, if not for the name. */
		fn(m->sender.user_id, a);
		slack_text_users(m->content.text, USERS_MAX, fn, a);
	}
	for (i = 0; i < t->nbackfill; i++) {
		if (!t->history.lines[i].ours)
			fn(t->history.lines[i].user_id, a);
	}
}

static const char *name_of(const char *user, void *arg)
{
	struct turn *t = arg;

	return names_get(t->w->names, t->conn->key, user);
}

static char *plain(struct turn *t, const char *text)
{
	struct buf out;

	buf_init(&out, TEXT_MAX);
	(void)slack_text_plain(text, t->job->connection.bot_user_id, name_of, t,
			       &out);
	return buf_take(&out);
}

static void plain_backfill(struct turn *t)
{
	struct line *l;
	const char *name;
	char *text;
	size_t i;

	for (i = 0; i < t->nbackfill; i++) {
		l = &t->history.lines[i];
		name = l->ours ? NULL : name_of(l->user_id, t);
		if (name && !l->name)
			l->name = strdup(name);
		text = plain(t, l->text);
		if (!text)
			continue;
		free(l->text);
		l->text = text;
	}
}

static int read_one(struct turn *t, const struct message *m, struct asked *out)
{
	const char *name = m->sender.display_name;
	struct buf text;
	char *said;

	if (!name)
		name = name_of(m->sender.user_id, t);
	(void)snprintf(out->name, sizeof(out->name), "%s",
		       name ? name : m->sender.user_id);
	said = plain(t, m->content.text);
	if (!said)
		return -1;
	buf_init(&text, TEXT_MAX);
	(void)buf_adds(&text, said);
	(void)files_tell(t, m, &text);
	free(said);
	out->text = buf_take(&text);
	return out->text ? 0 : -1;
}

int read_asked(struct turn *t)
{
	size_t i, n = turn_nmessages(t);

	if (!t->asked) {
		t->asked = calloc(n, sizeof(*t->asked));
		t->nasked = t->asked ? n : 0;
	}
	if (!t->asked)
		return -1;
	for (i = 0; i < n; i++)
		if (!t->asked[i].text &&
		    read_one(t, turn_message(t, i), &t->asked[i]) < 0)
			return -1;
	return 0;
}

void read_forget(struct turn *t)
{
	size_t i;

	for (i = 0; i < t->nasked; i++)
		free(t->asked[i].text);
	free(t->asked);
	t->asked = NULL;
	t->nasked = 0;
}

static int tell_more(const struct turn *t, struct prompt_parts *in)
{
	size_t i, n = t->nasked - 1;
	const struct message *m;
	struct prompt_more *more;

	if (n == 0)
		return 0;
	more = calloc(n, sizeof(*more));
	if (!more)
		return -1;
	for (i = 0; i < n; i++) {
		m = turn_message(t, i + 1);
		more[i].asker = t->asked[i + 1].name;
		more[i].asker_id = m->sender.user_id;
		more[i].question = t->asked[i + 1].text;
		more[i].asked_ms = m->timestamp_ms;
	}
	in->more = more;
	in->nmore = n;
	return 0;
}

static int write_prompt(struct turn *t, struct prompt *p, struct err *e)
{
	const struct message *m = turn_message(t, 0);
	struct prompt_parts in = { .agent = &t->job->agent,
				   .history = &t->history,
				   .thread = m->thread_id,
				   .asker_id = m->sender.user_id,
				   .asked_ms = m->timestamp_ms,
				   .now_ms = clock_wall_ms(),
				   .budget = t->budget };
	int rc;

	if (read_asked(t) < 0 || tell_more(t, &in) < 0)
		return err_set(e, ERR_RETRY, "no memory");
	in.asker = t->asked[0].name;
	in.question = t->asked[0].text;
	in.zone = names_zone(t->w->names, t->conn->key, m->sender.user_id);
	rc = prompt_build(p, &in, e);
	free((void *)in.more);
	return rc;
}

static void ask(struct turn *t)
{
	struct err e = { 0 };
	struct prompt p;

	if (t->trims == 0)
		plain_backfill(t);
	if (write_prompt(t, &p, &e) < 0) {
		turn_fail(t, SENTENCE_ERROR, e.msg);
		return;
	}
	if (t->files)
		p.msgs[p.n - 1].nimages =
			attach_images(t->files, &p.msgs[p.n - 1].images);
	t->told = p.tokens;
	t->ntold = p.nlines;
	people_note(t);
	turn_ask(t, &p);
	prompt_release(&p);
	/* What is known by now isn't needed again; backfill is kept. */
	if (t->nbackfill == 0)
		forget(&t->history);
}

void read_proceed(struct turn *t)
{
	t->naming = false;
	turn_stop_timer(t);
	if (t->w->draining || files_wait(t))
		return;
	files_known(t);
	ask(t);
}

static bool names_due(struct turn *t)
{
	struct asking a = { .t = t };

	each_user(t, check_one, &a);
	return a.pending;
}

void read_filled(struct turn *t)
{
	struct asking a = { .t = t };

	files_start_earlier(t);
	each_user(t, ask_one, &a);
	if (names_due(t)) {
		t->naming = true;
		turn_after(t, NAMES_WAIT_MS, read_proceed);
	} else {
		read_proceed(t);
	}
}

/* Ask early, while the placeholder is on its way. */
void read_names(struct turn *t)
{
	struct asking a = { .t = t };

	each_user(t, ask_one, &a);
}

void read_names_changed(struct worker *w)
{
	struct turn *t, *next;

	for (t = w->turns; t; t = next) {
		next = t->next;
		if (!t->naming || names_due(t))
			continue;
		turn_enter(t);
		read_proceed(t);
	}
}
