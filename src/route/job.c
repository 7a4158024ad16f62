/* SPDX-License-Identifier: ISC */
#include "route/job.h"

#include <stdlib.h>

#include "route/inhand.h"
#include "route/message.h"

void job_free(struct job *j)
{
	if (!j)
		return;
	inhand_drop(j->entry.id, j->entry.epoch);
	message_free(j->msg);
	connection_release(&j->connection);
	agent_release(&j->agent);
	free(j->notice);
	entry_release(&j->entry);
	free(j);
}
