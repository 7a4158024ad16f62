/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "base/clock.h"
#include "base/conf.h"
#include "route/job.h"
#include "slack/words.h"
#include "turn/post.h"
#include "turn/read.h"
#include "turn/show.h"
#include "turn/turn.h"

/* From the head of the lane to a placeholder that stands. */

#define RETRY_MS 30000

/* There is no placeholder, and without hope none is made. */
static void end_unseen(struct turn *t)
{
	t->end_state = ENTRY_DEAD;
	(void)snprintf(t->verdict, sizeof(t->verdict), VERDICT_FAILED "%s",
		       sentence_name(sentence_of_hope(t->job->hope)));
	turn_set(t, TURN_CLOSING);
}

static void give_up(struct turn *t)
{
	t->end_state = ENTRY_DEAD;
	t->answered = false;
	buf_reset(&t->answer);
	turn_fail(t, sentence_of_hope(t->job->hope), "given up");
}

static void work(struct turn *t)
{
	/* Also of one that is stopped, or it would stand beside the end. */
	if (t->w->draining || flow_clean(t, work) || stop_pending(t))
		return;
	session_begin(t);
	/* An answer that is there is no worse than a sentence. */
	if (t->resumed && t->job->hope != JOB_CRASHES)
		turn_set(t, TURN_WRITING);
	else if (t->job->hope != JOB_HOPE)
		give_up(t);
	else
		turn_set(t, TURN_READING);
}

static void on_placed(struct turn *t, const struct slack_result *r)
{
	if (r) {
		turn_refused(t, r);
		return;
	}
	if (t->parts[0][0] == '\0') {
		end_unseen(t);
		return;
	}
	turn_step(t, "placed", NULL);
	t->placed_ms = clock_ms() - t->began_ms;
	work(t);
}

void turn_placed(struct turn *t)
{
	on_placed(t, NULL);
}

static void on_posted(struct turn *t, const struct slack_result *r)
{
	if (!r)
		token_taken(t->w, &t->job->connection);
	else if (swap_back(t, r->fault))
		return;
	on_placed(t, r);
}

const char *turn_placeholder(const struct turn *t)
{
	const char *text = t->job->agent.placeholder;

	if (text && text[0] != '\0')
		return text;
	return words_get(WORDS_THINKING, t->job->agent.locale);
}

static void place(struct turn *t)
{
	const char *text = turn_placeholder(t);
	struct shape s;

	if (t->w->draining) {
		text = words_get(WORDS_PARKED, t->job->agent.locale);
		t->parked = true;
	}
	if (shape_say(&s, text, !t->conn->no_blocks) < 0) {
		turn_after(t, RETRY_MS, place);
		return;
	}
	if (!t->parked)
		controls_stop(t, &s);
	post_part(t, 0, &s, !t->job->again || t->unposted, on_posted);
}

void place_start(struct turn *t)
{
	const struct job *j = t->job;

	/* What has a placeholder tries, so that it doesn't stand for ever. */
	if (t->parts[0][0] == '\0' && token_is_held(t->w, &j->connection)) {
		t->end_state = ENTRY_DEAD;
		(void)snprintf(t->verdict, sizeof(t->verdict),
			       VERDICT_DEAD_TOKEN);
		turn_set(t, TURN_CLOSING);
		return;
	}
	if (j->hope == JOB_HOPE)
		read_names(t);
	if (t->parts[0][0] != '\0' || (whisper_is(t) && j->hope != JOB_HOPE))
		on_placed(t, NULL);
	else if (whisper_is(t))
		whisper_place(t);
	else
		place(t);
}

void place_wait(struct turn *t)
{
	bool head = lane_is_head(&t->seat);

	/* It says then that its answer comes later. */
	if (head && t->w->draining)
		turn_set(t, TURN_PLACING);
	else if (head)
		gather_start(t);
	else if (t->parts[0][0] == '\0' && t->job->hope == JOB_HOPE &&
		 !whisper_is(t))
		eyes_show(t);
}

void turn_go(struct turn *t)
{
	if (t->state != TURN_WAITING || t->w->draining || t->abandoned)
		return;
	t->began_ms = clock_ms();       /* what took long was somebody else's */
	turn_after(t, 0, gather_start); /* not here, as it frees others */
}
