/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/killpoint.h"
#include "base/log.h"
#include "route/job.h"
#include "route/message.h"
#include "slack/markdown.h"
#include "slack/words.h"
#include "turn/attach.h"
#include "turn/candid.h"
#include "turn/post.h"
#include "turn/prompt.h"
#include "turn/read.h"
#include "turn/show.h"
#include "turn/speech.h"
#include "turn/turn.h"

/* The model is asked, and what comes of it. */

void turn_fail(struct turn *t, enum sentence s, const char *why)
{
	log_warn(LOG_FIELDS({ "entry", t->job->entry.id }, { "ref", t->ref },
			    { "reason", sentence_name(s) }, { "detail", why }),
		 "no answer");
	(void)snprintf(t->verdict, sizeof(t->verdict), VERDICT_FAILED "%s",
		       sentence_name(s));
	turn_step(t, "failed", sentence_name(s));
	if (t->answer.len > 0) {
		mrkdwn_close(&t->answer);
		(void)buf_adds(&t->answer, "\n\n");
	}
	sentence_write(s, t->job->agent.locale, t->job->entry.id, &t->answer);
	turn_set(t, TURN_WRITING);
}

/* Where the others couldn't see the question it stands above the answer. */
static void say_asked(struct turn *t)
{
	const char *question = t->job->msg->content.unseen;
	struct buf whole;

	if (!question || read_asked(t) < 0)
		return;
	buf_init(&whole,
		 t->answer.len + 4 * strlen(question) + TURN_REMARK_MAX);
	reply_asked(t->asked[0].name, question, &whole);
	(void)buf_add(&whole, t->answer.data, t->answer.len);
	if (whole.failed) {
		buf_release(&whole);
		return;
	}
	buf_release(&t->answer);
	t->answer = whole;
}

/* The model has ended, or we ended it; what is to be said below its answer
 * follows, if anything is. */
static void answered(struct turn *t, const char *remark)
{
	bool unread = t->files && attach_unread(t->files);

	if (remark || unread)
		mrkdwn_close(&t->answer);
	if (remark)
		(void)buf_addf(&t->answer, "\n\n%s", remark);
	if (unread)
		attach_remark(t->files, t->job->agent.locale, &t->answer);
	say_asked(t);
	t->answered = true;
	turn_step(t, "answered", NULL);
	turn_set(t, TURN_WRITING);
}

static void answered_in_part(struct turn *t, enum words why)
{
	answered(t, words_get(why, t->job->agent.locale));
}

static void cut(struct turn *t)
{
	llm_cancel(t->llm);
	t->llm = NULL;
	answered_in_part(t, WORDS_CUT_BY_US);
}

/* No more than we show, and no half character at the end. */
static void add_text(struct turn *t, const char *p, size_t n)
{
	size_t room = (size_t)t->conf->answer_max_bytes - t->answer.len;

	if (n > room) {
		t->cut = true;
		n = room;
		while (n > 0 && ((unsigned char)p[n] & 0xc0) == 0x80)
			n--;
	}
	(void)buf_add(&t->answer, p, n);
}

/* It was no answer yet, but a thought. */
static void forget(struct turn *t)
{
	buf_reset(&t->answer);
	t->cut = false;
	turn_stop_timer(t);
	flow_settle(t);
}

static void on_text(const char *p, size_t n, void *arg)
{
	struct turn *t = arg;

	if (!p) {
		forget(t);
		return;
	}
	if (t->cut)
		return;
	t->said = true;
	if (t->state == TURN_ASKING) {
		t->first_ms = clock_ms() - t->began_ms;
		turn_step(t, "first_text", NULL);
		turn_set(t, TURN_STREAMING);
		if (t->files)
			attach_drop(t->files);
	}
	add_text(t, p, n);
	killpoint("streaming");
	if (t->cut)
		turn_after(t, 0, cut);
	else if (!flow_text(t))
		edit_interim(t);
}

/* The agent has no tools. Some models call one all the same, and some servers
 * leave that in the text. */
static bool is_call(const char *text)
{
	static const char *const marks[] = { "<tool_call>", "[TOOL_CALLS]",
					     "<function_call",
					     "<|python_tag|>" };
	size_t i;

	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (strncmp(text, marks[i], strlen(marks[i])) == 0)
			return true;
	return false;
}

/* Nothing that anybody can see, or wants to. */
static bool says_nothing(const struct buf *b)
{
	const char *text = b->len > 0 ? b->data : "";
	struct buf seen;
	bool nothing;

	text += strspn(text, " \t\r\n");
	if (is_call(text))
		return true;
	buf_init(&seen, 2 * b->len + 1);
	speech_clean(&seen, text, "");
	nothing = !seen.failed &&
		  (seen.len == 0 || strspn(seen.data, " \t\r\n") == seen.len);
	buf_release(&seen);
	return nothing;
}

static void on_llm_done(const struct llm_result *r, void *arg)
{
	struct turn *t = arg;

	t->llm = NULL;
	t->usage.prompt_tokens = r->usage.prompt_tokens;
	t->usage.completion_tokens = r->usage.completion_tokens;
	t->usage_known = r->usage.known;
	if (r->model)
		(void)snprintf(t->model, sizeof(t->model), "%s", r->model);
	candid_answered(t, r->msg);
	if (r->end == LLM_TOO_LONG && t->answer.len == 0 && read_trim(t))
		return;
	if (t->answer.len > 0 && says_nothing(&t->answer))
		forget(t);
	if (t->cut)
		answered_in_part(t, WORDS_CUT_BY_US);
	else if (t->answer.len == 0 ||
		 (r->end != LLM_DONE && r->end != LLM_LENGTH))
		turn_fail(t, sentence_of(r->end), r->msg);
	else if (r->end == LLM_LENGTH)
		answered_in_part(t, WORDS_CUT_BY_MODEL);
	else
		answered(t, NULL);
}

void turn_ask(struct turn *t, const struct prompt *p)
{
	struct worker *w = t->w;
	const char *model = t->job->agent.model;
	const struct llm_question q = {
		.model = model,
		.tenant = t->job->msg->tenant_id,
		.msgs = p->msgs,
		.nmsgs = p->n,
	};
	struct err e = { 0 };

	killpoint("asking");
	candid_asked(t, p);
	(void)snprintf(t->model, sizeof(t->model), "%s",
		       conf_model(t->conf, model)->name);
	t->llm = llm_ask(w->llm, w->http, w->loop, &q, on_text, on_llm_done, t,
			 &e);
	turn_step(t, "asked", t->model);
	if (!t->llm) {
		turn_fail(t, SENTENCE_ERROR, e.msg);
		return;
	}
	turn_set(t, TURN_ASKING);
	backlog_watch(t);
}
