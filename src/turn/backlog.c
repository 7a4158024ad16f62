/* SPDX-License-Identifier: ISC */
#include "turn/turn.h"

/* Whoever waits for so long for a slot of the model is told, and again. */
#define TOLD_MS  5000
#define AGAIN_MS 30000

static void tell(struct turn *t)
{
	long ahead = t->state == TURN_ASKING ? llm_ahead(t->llm) : -1;

	if (ahead < 0)
		return;
	sentence_backlog(ahead, t->backlog, sizeof(t->backlog));
	edit_interim(t);
	turn_after(t, AGAIN_MS, tell);
}

void backlog_watch(struct turn *t)
{
	turn_after(t, TOLD_MS, tell);
}
