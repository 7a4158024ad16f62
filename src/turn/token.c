/* SPDX-License-Identifier: ISC */
#include "base/clock.h"
#include "base/log.h"
#include "state/quarantine.h"
#include "turn/turn.h"

bool token_is_held(const struct worker *w, const struct connection *k)
{
	return k->bot_token[0] == '\0' || /* erased */
	       quarantine_holds(w->quarantine, k->app_id, k->workspace_id,
				k->bot_token, clock_ms());
}

void token_refused(const struct worker *w, const struct connection *k,
		   const char *error)
{
	if (!quarantine_put(w->quarantine, k->app_id, k->workspace_id,
			    k->bot_token, error, clock_ms()))
		return;
	log_error(LOG_FIELDS({ "tenant", k->tenant_id }, { "app", k->app_id },
			     { "workspace", k->workspace_id },
			     { "error", error }),
		  "Slack refuses the bot token: the connection is in "
		  "quarantine until there is another one");
}

void token_taken(const struct worker *w, const struct connection *k)
{
	if (!quarantine_lift(w->quarantine, k->app_id, k->workspace_id))
		return;
	log_info(LOG_FIELDS({ "app", k->app_id },
			    { "workspace", k->workspace_id }),
		 "Slack takes the bot token again");
}
