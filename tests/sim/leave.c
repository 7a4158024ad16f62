/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "sim/core.h"
#include "sim/sim.h"
#include "sim/util.h"
#include "sim/world.h"

/* An app is taken out of a workspace, and installed there again. */

static struct install *find(struct sim *s, const char *app_id,
			    const char *team_id)
{
	struct app *a = world_app(s->world, app_id);

	return a ? app_install(a, team_id) : NULL;
}

int sim_uninstall(struct sim *s, const char *app_id, const char *team_id)
{
	struct install *i;
	char event[200];

	sim_lock(s);
	i = find(s, app_id, team_id);
	if (i && !i->gone) {
		i->gone = true;
		free(i->token_error);
		i->token_error = must_dup("account_inactive");
		(void)snprintf(event, sizeof(event),
			       "{\"type\":\"tokens_revoked\",\"tokens\":{"
			       "\"oauth\":[],\"bot\":[\"%.40s\"]}}",
			       i->bot_user);
		(void)sim_event(s, app_id, team_id, event);
		(void)sim_event(s, app_id, team_id,
				"{\"type\":\"app_uninstalled\"}");
	}
	sim_unlock(s);
	return i ? 0 : -1;
}

int sim_install_again(struct sim *s, const char *app_id, const char *team_id,
		      const char *bot_token)
{
	struct install *i;
	int rc = -1;

	sim_lock(s);
	i = find(s, app_id, team_id);
	if (i && !map_get(s->world->bot_tokens, bot_token) &&
	    map_put(s->world->bot_tokens, bot_token, i) == 0) {
		(void)map_take(s->world->bot_tokens, i->bot_token);
		free(i->bot_token);
		i->bot_token = must_dup(bot_token);
		free(i->token_error);
		i->token_error = NULL;
		i->gone = false;
		rc = 0;
	}
	sim_unlock(s);
	return rc;
}
