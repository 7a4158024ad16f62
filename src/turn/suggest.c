/* SPDX-License-Identifier: ISC */
#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "net/http.h"
#include "route/job.h"
#include "route/message.h"
#include "slack/words.h"
#include "turn/show.h"
#include "turn/turn.h"

/*
 * What a person who has an agent before them may ask it
 * (docs.slack.dev/reference/methods/assistant.threads.setSuggestedPrompts):
 * above all of its messages, or in the thread that was begun.
 */

#define FORM_MAX 8192

/* Label and text. */
static const enum words prompts[][2] = {
	{ WORDS_TRY_WHAT, WORDS_TRY_WHAT_TEXT },
	{ WORDS_TRY_WRITE, WORDS_TRY_WRITE_TEXT },
	{ WORDS_TRY_EXPLAIN, WORDS_TRY_EXPLAIN_TEXT },
};

static void write_prompts(const char *locale, struct buf *out)
{
	struct jwrite w;
	size_t i;

	jw_init(&w, out);
	jw_array(&w, NULL);
	for (i = 0; i < sizeof(prompts) / sizeof(prompts[0]); i++) {
		jw_object(&w, NULL);
		jw_str(&w, "title", words_get(prompts[i][0], locale));
		jw_str(&w, "message", words_get(prompts[i][1], locale));
		jw_object_end(&w);
	}
	jw_array_end(&w);
}

static void on_shown(const struct slack_result *r, void *arg)
{
	struct errand *n = arg;
	struct conn *c = conn_get(n->w, n->job);

	n->call = NULL;
	if (c)
		surface_learn(c, SURFACE_ASSISTANT, r);
	conn_put(c);
	n->then(n);
}

static void show(struct errand *n)
{
	const struct message *m = n->job->msg;
	struct err e = { 0 };
	struct buf list, form;

	buf_init(&list, FORM_MAX);
	buf_init(&form, FORM_MAX);
	write_prompts(n->job->agent.locale, &list);
	http_form(&form, "channel_id", m->channel.channel_id);
	if (m->signal.kind == SIGNAL_PANE)
		http_form(&form, "thread_ts", m->channel.ts);
	http_form(&form, "prompts", list.data ? list.data : "");
	n->call = worker_call(n->w, n->job,
			      "assistant.threads.setSuggestedPrompts", &form,
			      on_shown, n, &e);
	buf_release(&list);
	buf_release(&form);
}

void suggest_run(struct errand *n, void (*then)(struct errand *n))
{
	struct conn *c = conn_get(n->w, n->job);

	n->then = then;
	if (c && surface_take(c, SURFACE_ASSISTANT))
		show(n);
	conn_put(c);
	if (!n->call)
		then(n);
}
