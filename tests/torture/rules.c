/* SPDX-License-Identifier: ISC */
#include "torture/rules.h"

static const char *about_answer(const struct plight *p)
{
	if (p->old_words && p->new_words)
		return "answered as it was and as it is";
	if (!p->old_words && !p->new_words && !p->deleted)
		return "answered without its question";
	if (p->lasting && p->lasted && p->old_words && !p->early)
		return "answered in spite of all";
	if (p->attached && !p->file_words && !p->unread)
		return "answered without its file";
	if (p->attached && !p->file_words && p->fetched)
		return "its file was there to be read";
	if (!p->kept && !p->deleted && !p->wiped)
		return "answered, and not in the transcript";
	return NULL;
}

const char *rules_broken(const struct plight *p)
{
	if (p->replies > 1)
		return "answered twice";
	if (p->replies == 0)
		return p->deleted || p->wiped || p->owed != OWED_REPLY ? NULL
								       : "lost";
	if (p->owed == OWED_NOTHING)
		return "answered though it was told not to";
	if (p->end == STOPPED && !p->stopped)
		return "stopped by nobody";
	/* What is stuck is told of the reply. */
	return p->end == ANSWER ? about_answer(p) : NULL;
}

const char *rules_broken_by_plea(const struct plea_plight *p)
{
	if (p->heard && p->seen == 0)
		return "command without an answer";
	if (p->answers > 1 + p->deaths)
		return "command answered twice";
	if (p->presents > (p->shared ? 1 : 0))
		return "answer shown to all too often";
	return NULL;
}
