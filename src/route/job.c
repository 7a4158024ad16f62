/* SPDX-License-Identifier: ISC */
#include "route/job.h"

#include <stdlib.h>

#include "route/inhand.h"
#include "route/message.h"

void job_free(struct job *j)
{
	size_t i;

	if (!j)
		return;
	inhand_drop_entry(&j->entry);
	message_free(j->msg);
	for (i = 0; i < j->nmore; i++)
		message_free(j->more[i]);
	free(j->more);
	free(j->audits);
	connection_release(&j->connection);
	agent_release(&j->agent);
	free(j->notice);
	entry_release(&j->entry);
	free(j);
}

int job_cover(struct job *j, struct job *other)
{
	struct message **bigger;

	bigger = reallocarray(j->more, j->nmore + 1, sizeof(struct message *));
	if (!bigger)
		return -1;
	j->more = bigger;
	if (entry_add_covered(&j->entry, other->entry.id, NULL, 0) < 0)
		return -1;
	j->more[j->nmore++] = other->msg;
	other->msg = NULL;
	other->entry.id[0] = '\0'; /* in hand as before */
	job_free(other);
	return 0;
}
