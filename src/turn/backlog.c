/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "route/job.h"
#include "slack/words.h"
#include "turn/post.h"
#include "turn/show.h"
#include "turn/turn.h"

/* Whoever waits for so long for a slot of the model is told, and again. */
#define TOLD_MS  5000
#define AGAIN_MS 30000

/* What doesn't fit isn't said. */
static void write_place(struct turn *t, long ahead)
{
	char number[24];
	const struct words_fill fill[] = { { "ahead", number },
					   { NULL, NULL } };
	struct buf text;

	(void)snprintf(number, sizeof(number), "%ld", ahead);
	buf_init(&text, sizeof(t->backlog) - 1);
	if (words_add(&text, ahead > 0 ? WORDS_QUEUE : WORDS_QUEUE_NEXT,
		      t->job->agent.locale, fill) == 0)
		memcpy(t->backlog, text.data, text.len + 1);
	buf_release(&text);
}

static void tell(struct turn *t)
{
	long ahead = t->state == TURN_ASKING ? llm_ahead(t->llm) : -1;

	if (ahead < 0)
		return;
	write_place(t, ahead);
	edit_interim(t);
	turn_after(t, AGAIN_MS, tell);
}

void backlog_watch(struct turn *t)
{
	turn_after(t, TOLD_MS, tell);
}
