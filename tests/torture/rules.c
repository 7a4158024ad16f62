/* SPDX-License-Identifier: ISC */
#include "torture/rules.h"

const char *rules_broken(const struct plight *p)
{
	if (p->replies > 1)
		return "answered twice";
	if (p->replies == 0)
		return p->deleted || p->wiped ? NULL : "lost";
	if (p->end == STOPPED && !p->stopped)
		return "stopped by nobody";
	if (p->end != ANSWER)
		return NULL; /* what is stuck is told of the reply */
	if (p->old_words && p->new_words)
		return "answered as it was and as it is";
	if (!p->old_words && !p->new_words && !p->deleted)
		return "answered without its question";
	if (p->lasting && p->lasted && p->old_words && !p->early)
		return "answered in spite of all";
	return NULL;
}
