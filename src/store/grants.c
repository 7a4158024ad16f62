/* SPDX-License-Identifier: ISC */
#include "store/grants.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/secret.h"

void grant_release(struct grant *g)
{
	free(g->tenant_id);
	free(g->channel_type);
	free(g->app_id);
	free(g->workspace_id);
	secret_free(g->bot_token);
	secret_free(g->refresh_token);
	free(g->client_id);
	secret_free(g->client_secret);
	*g = (struct grant){ 0 };
}

void grant_digest(const char *refresh_token, char out[GRANT_GIVEN])
{
	digest_hex(refresh_token, strlen(refresh_token), out);
}
