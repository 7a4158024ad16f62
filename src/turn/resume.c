/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "route/job.h"
#include "turn/post.h"
#include "turn/turn.h"

/* What an earlier attempt has left in the journal is taken up. */

/* The journaled text is an answer, or a sentence in the place of one. */
static void take_up_verdict(struct turn *t)
{
	const char *verdict = t->job->entry.verdict;

	t->answered = !verdict || strncmp(verdict, VERDICT_FAILED,
					  strlen(VERDICT_FAILED)) != 0;
	if (t->answered)
		return;
	(void)snprintf(t->verdict, sizeof(t->verdict), "%s", verdict);
	if (sentence_of_dead(verdict + strlen(VERDICT_FAILED)))
		t->end_state = ENTRY_DEAD;
}

/* See PART_VOID and PART_CUT. */
static void take_up_marks(struct turn *t)
{
	const struct entry *en = &t->job->entry;
	const char *mark;

	mark = en->nparts > PART_VOID ? en->parts[PART_VOID] : "";
	if (ts_valid(mark)) {
		t->reposted = true;
		(void)snprintf(t->voided, TS_SIZE, "%s", mark);
		if (strcmp(t->parts[0], mark) == 0)
			t->parts[0][0] = '\0';
	}
	if (en->nparts > PART_FLOW)
		flow_take_up(t, en->parts[PART_FLOW]);
	mark = en->nparts > PART_CUT ? en->parts[PART_CUT] : "";
	t->recut = mark[0] != '\0';
	t->cut_at = strtoul(mark, NULL, 10);
	if (t->cut_at >= REPLY_PARTS_MAX)
		t->cut_at = 0;
}

int resume_take_up(struct turn *t)
{
	const struct entry *en = &t->job->entry;
	size_t n = en->nparts < REPLY_PARTS_MAX ? en->nparts : REPLY_PARTS_MAX;
	size_t i;

	if (post_grow(t, n > 0 ? n : 1) < 0)
		return -1;
	t->restless = t->job->again;
	if (t->job->intended) {
		t->doubt_ms = t->began_ms;
		t->stale = true;
	}
	for (i = 0; i < n; i++) {
		if (en->parts[i] && ts_valid(en->parts[i]))
			(void)snprintf(t->parts[i], TS_SIZE, "%s",
				       en->parts[i]);
	}
	take_up_marks(t);
	if (!en->answer)
		return 0;
	t->resumed = true;
	take_up_verdict(t);
	return buf_adds(&t->answer, en->answer);
}
