/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/killpoint.h"
#include "base/log.h"
#include "route/job.h"
#include "slack/markdown.h"
#include "slack/words.h"
#include "turn/post.h"
#include "turn/read.h"
#include "turn/show.h"
#include "turn/turn.h"

/*
 * The whole answer, or a sentence that says why there is none: first into the
 * placeholder, then what didn't fit there in posts of their own, each after
 * the note that permits it.
 */

static void next_part(struct turn *t, size_t k);

static int recut(struct turn *t, size_t k, void (*then)(struct turn *t));

static void begin(struct turn *t)
{
	killpoint("answered");
	if (whisper_is(t))
		whisper_write(t);
	else if (!flow_finish(t))
		edit_final(t);
}

/* Where blocks were refused lately, text is tried first. */
static void noted(struct turn *t)
{
	if (!t->conn->no_blocks || t->recut || recut(t, 0, begin) < 0)
		begin(t);
}

void write_start(struct turn *t)
{
	const char *md;

	edit_leave(t);
	if (!t->resumed)
		people_settle(t);
	md = t->answer.data ? t->answer.data : "";
	if (reply_init(&t->reply, md, t->answer.len) < 0) {
		turn_after(t, 1000, write_start);
		return;
	}
	t->reply.remark = words_get(WORDS_CUT_BY_US, t->job->agent.locale);
	if (t->recut && reply_plain(&t->reply, t->cut_at) < 0) {
		turn_after(t, 1000, write_start);
		return;
	}
	if (!t->resumed && (t->answered || t->reply.n > 1))
		note_answer(t, ENTRY_NEW, noted);
	else
		begin(t);
}

/* Puts a sentence in the place of an answer that Slack doesn't take. */
static int replace(struct turn *t)
{
	t->replaced = true;
	t->answered = false;
	reply_release(&t->reply);
	buf_reset(&t->answer);
	sentence_write(SENTENCE_UNSHOWN, t->job->agent.locale, t->job->entry.id,
		       &t->answer);
	(void)snprintf(t->verdict, sizeof(t->verdict), "failed:%s",
		       sentence_name(SENTENCE_UNSHOWN));
	return reply_init(&t->reply, t->answer.data, t->answer.len);
}

static void on_part(struct turn *t, const struct slack_result *r);

int write_shape(struct turn *t, size_t k, struct shape *s)
{
	bool tables = !t->no_tables && !t->conn->no_tables;

	if (reply_shape(&t->reply, k, tables ? SHAPE_TABLES : SHAPE_BLOCKS, s) <
	    0)
		return -1;
	t->tabled = shape_has_table(s);
	t->buttoned = false;
	if (k + 1 == t->reply.n)
		t->buttoned = controls_end(t, s);
	return 0;
}

void write_post(struct turn *t)
{
	struct shape s;

	if (write_shape(t, t->part, &s) == 0)
		post_part(t, t->part, &s, true, on_part);
	else
		turn_after(t, 1000, write_post);
}

static void finished(struct turn *t)
{
	turn_set(t, t->doubt_ms > 0 ? TURN_HEALING : TURN_CLOSING);
}

/* Only text from part k on. The journal knows before Slack does, so that a
 * restart cuts alike. */
static int recut(struct turn *t, size_t k, void (*then)(struct turn *t))
{
	char first[TS_SIZE];

	if (reply_plain(&t->reply, k) < 0)
		return -1;
	t->recut = true;
	t->cut_at = k;
	(void)snprintf(first, sizeof(first), "%zu", k);
	note_part(t, PART_CUT, first, then);
	return 0;
}

/*
 * With fewer buttons, without tables of their own (which are cut alike), or
 * only text, or else another one; then goes on with that. False when all that
 * was tried, or can't help. A word of Slack's that we don't know may be about
 * the text as well, and a placeholder must not stay.
 */
static bool plainer(struct turn *t, size_t k, enum slack_fault fault,
		    void (*then)(struct turn *t))
{
	if (fault != SLACK_CONTENT && fault != SLACK_OURS)
		return false;
	if (t->buttoned) {
		t->controls--;
		then(t);
		return true;
	}
	if (t->tabled) {
		t->no_tables = true;
		then(t);
		return true;
	}
	if (!t->recut)
		return recut(t, k, then) == 0;
	if (k > 0 || t->replaced || replace(t) < 0)
		return false;
	note_answer(t, ENTRY_NEW, then);
	return true;
}

static void on_part(struct turn *t, const struct slack_result *r)
{
	killpoint("part");
	if (!r)
		next_part(t, t->part + 1);
	else if (!swap_back(t, r->fault) &&
		 !plainer(t, t->part, r->fault, write_post))
		turn_refused(t, r);
}

static void shown(struct turn *t)
{
	turn_step(t, "shown", NULL);
	next_part(t, 1);
}

void write_edited(struct turn *t, const struct slack_result *r)
{
	if (t->state == TURN_HEALING)
		heal_edited(t);
	else if (!r)
		shown(t);
	else if (r->fault == SLACK_POLICY && !t->reposted)
		swap_start(t, true);
	else if (!plainer(t, 0, r->fault, edit_final))
		turn_refused(t, r);
}

/* Posted by an earlier attempt, perhaps. */
static void post_unsure(struct turn *t)
{
	struct shape s;

	if (write_shape(t, t->part, &s) == 0)
		post_part(t, t->part, &s, false, on_part);
	else
		turn_after(t, 1000, post_unsure);
}

/* What is tried in vain once needn't be tried with every answer. */
static void remember(struct turn *t)
{
	if (t->recut && t->cut_at == 0)
		t->conn->no_blocks = true;
	else if (t->no_tables)
		t->conn->no_tables = true;
	else if (!t->recut && t->controls < t->conn->controls)
		t->conn->controls = t->controls;
}

static void next_part(struct turn *t, size_t k)
{
	while (k < t->reply.n && k < t->nparts && t->parts[k][0] != '\0')
		k++;
	if (k >= t->reply.n) {
		remember(t);
		swap_end(t, finished);
		return;
	}
	t->part = k;
	if (k < t->job->entry.nparts) {
		post_unsure(t);
	} else if (post_grow(t, k + 1) == 0) {
		note_part(t, k, "", write_post);
	} else {
		turn_after(t, 1000, begin);
	}
}
