/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/json.h"
#include "route/job.h"
#include "route/message.h"
#include "route/signal.h"
#include "slack/words.h"
#include "turn/show.h"
#include "turn/turn.h"

/*
 * Blocks below those of the text (docs.slack.dev/reference/block-kit/blocks:
 * actions-block, context-actions-block). Feedback buttons are young; where a
 * workspace doesn't take them plain ones do.
 */

#define CONTROLS_MAX 4096
#define VALUE_MAX    1000 /* Slack takes 2,000 */

static void label(struct jwrite *w, const char *key, const char *text)
{
	jw_object(w, key);
	jw_str(w, "type", "plain_text");
	jw_str(w, "text", text);
	jw_object_end(w);
}

/* spoken: what a screen reader says instead of the text; or NULL. */
static void button(struct jwrite *w, const char *action, const char *text,
		   const char *value, const char *spoken)
{
	jw_object(w, NULL);
	jw_str(w, "type", "button");
	jw_str(w, "action_id", action);
	label(w, "text", text);
	if (value)
		jw_str(w, "value", value);
	if (spoken)
		jw_str(w, "accessibility_label", spoken);
	jw_object_end(w);
}

static void begin(struct jwrite *w, const char *type)
{
	jw_object(w, NULL);
	jw_str(w, "type", type);
	jw_array(w, "elements");
}

static void end(struct jwrite *w)
{
	jw_array_end(w);
	jw_object_end(w);
}

/* Two action ids in one block must differ. */
static void thumbs(struct jwrite *w, const char *up, const char *down,
		   const char *locale)
{
	button(w, SIGNAL_FEEDBACK "_up", "👍", up,
	       words_get(WORDS_GOOD, locale));
	button(w, SIGNAL_FEEDBACK "_down", "👎", down,
	       words_get(WORDS_BAD, locale));
}

static void half(struct jwrite *w, const char *key, const char *text,
		 const char *value, const char *spoken)
{
	jw_object(w, key);
	label(w, "text", text);
	jw_str(w, "value", value);
	jw_str(w, "accessibility_label", spoken);
	jw_object_end(w);
}

static void feedback(struct jwrite *w, const char *up, const char *down,
		     const char *locale)
{
	begin(w, "context_actions");
	jw_object(w, NULL);
	jw_str(w, "type", "feedback_buttons");
	jw_str(w, "action_id", SIGNAL_FEEDBACK);
	half(w, "positive_button", "👍", up, words_get(WORDS_GOOD, locale));
	half(w, "negative_button", "👎", down, words_get(WORDS_BAD, locale));
	jw_object_end(w);
	end(w);
}

/* Into the array that the shape has already. */
static bool append(struct shape *s, const struct buf *more)
{
	size_t n = strlen(s->blocks);
	char *bigger;

	if (more->failed || more->len == 0 || n < 2)
		return false;
	bigger = realloc(s->blocks, n + more->len + 2);
	if (!bigger)
		return false;
	s->blocks = bigger;
	bigger[n - 1] = n > 2 ? ',' : ' ';
	memcpy(bigger + n, more->data, more->len);
	memcpy(bigger + n + more->len, "]", 2);
	return true;
}

static bool wanted(const struct turn *t, const struct shape *s)
{
	return s->blocks && t->controls != CONTROLS_NONE && t->conf->buttons;
}

/* One button and nothing else. */
static void add_one(const struct turn *t, struct shape *s, const char *action,
		    enum words label, const char *value)
{
	struct buf out;
	struct jwrite w;

	if (!wanted(t, s))
		return;
	buf_init(&out, CONTROLS_MAX);
	jw_init(&w, &out);
	begin(&w, "actions");
	button(&w, action, words_get(label, t->job->agent.locale), value, NULL);
	end(&w);
	(void)append(s, &out);
	buf_release(&out);
}

void controls_stop(const struct turn *t, struct shape *s)
{
	add_one(t, s, SIGNAL_CANCEL, WORDS_STOP, NULL);
}

/* Their ts, a blank between two. */
static void name_questions(const struct turn *t, char *out, size_t size)
{
	const char *ts;
	size_t i, n = 0;

	out[0] = '\0';
	for (i = 0; i < turn_nmessages(t); i++) {
		ts = turn_message(t, i)->channel.ts;
		if (n + strlen(ts) + 2 > size)
			return;
		n += (size_t)snprintf(out + n, size - n, "%s%s",
				      i > 0 ? " " : "", ts);
	}
}

/* Nobody is asked what a sentence of ours was worth. */
bool controls_end(const struct turn *t, struct shape *s)
{
	const char *locale = t->job->agent.locale;
	const char *entry = t->job->entry.id;
	char up[ID_SIZE + 8], down[ID_SIZE + 8], questions[VALUE_MAX];
	struct buf out;
	struct jwrite w;
	bool there;

	if (!wanted(t, s))
		return false;
	(void)snprintf(up, sizeof(up), "up:%s", entry);
	(void)snprintf(down, sizeof(down), "down:%s", entry);
	buf_init(&out, CONTROLS_MAX);
	jw_init(&w, &out);
	if (t->answered && t->controls == CONTROLS_FULL) {
		feedback(&w, up, down, locale);
		w.comma = true;
	}
	begin(&w, "actions");
	name_questions(t, questions, sizeof(questions));
	button(&w, SIGNAL_AGAIN, words_get(WORDS_AGAIN, locale), questions,
	       NULL);
	if (t->answered && t->controls == CONTROLS_PLAIN)
		thumbs(&w, up, down, locale);
	end(&w);
	there = append(s, &out);
	buf_release(&out);
	return there;
}

void controls_share(const struct turn *t, struct shape *s)
{
	add_one(t, s, SIGNAL_SHARE, WORDS_SHARE, t->job->msg->thread_id);
}
