/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "store/journal.h"
#include "store/journal_ops.h"

static const char *const state_names[] = {
	[ENTRY_NEW] = "new",         [ENTRY_ACCEPTED] = "accepted",
	[ENTRY_WRITTEN] = "written", [ENTRY_DONE] = "done",
	[ENTRY_REFUSED] = "refused", [ENTRY_DEAD] = "dead",
};
#define STATES (sizeof(state_names) / sizeof(state_names[0]))

const char *entry_state_name(enum entry_state s)
{
	return (size_t)s < STATES ? state_names[s] : "?";
}

enum entry_state entry_state_parse(const char *name)
{
	size_t i;

	for (i = 0; name && i < STATES; i++) {
		if (strcmp(name, state_names[i]) == 0)
			return (enum entry_state)i;
	}
	return ENTRY_NEW;
}

void entry_release(struct entry *en)
{
	size_t i;

	free(en->app_id);
	free(en->event_id);
	free(en->frame);
	free(en->claim);
	free(en->tenant_id);
	free(en->verdict);
	for (i = 0; en->parts && i < en->nparts; i++)
		free(en->parts[i]);
	free(en->parts);
	free(en->answer);
	*en = (struct entry){ 0 };
}
