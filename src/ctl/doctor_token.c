/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "ctl/doctor.h"
#include "ctl/table.h"
#include "slack/api.h"
#include "store/grants.h"
#include "store/store.h"

/* The daemon looks each second; Slack may not answer for a while. */
#define LATE_MS (INT64_C(10) * 60 * 1000)

struct look {
	struct doctor *d;
	struct store *store;
	const struct connection *of;
	bool found;
};

static const char gone[] =
	"start the daemon, which renews it; if it runs, its log tells why it"
	" can't: then give new tokens with 'konstructctl tenant set'";
static const char bare[] =
	"give it anew with its refresh token: 'konstructctl tenant set' and"
	" --refresh-token-file";

static void age(char out[TABLE_AGE_SIZE], int64_t ms)
{
	table_age(out, (long long)(ms / 1000));
}

static void judge(struct doctor *d, const char *what, const struct grant *g)
{
	char expires[TABLE_AGE_SIZE], renew[TABLE_AGE_SIZE];
	int64_t now = clock_wall_ms();

	age(expires,
	    g->expires_ms > now ? g->expires_ms - now : now - g->expires_ms);
	age(renew, g->renew_ms > now ? g->renew_ms - now : now - g->renew_ms);
	if (g->expires_ms == 0)
		doctor_say(d, DOCTOR_WARNING, what, gone,
			   "the bot token was never renewed");
	else if (g->expires_ms <= now)
		doctor_say(d, DOCTOR_FAILURE, what, gone,
			   "the bot token expired %s ago", expires);
	else if (g->renew_ms + LATE_MS < now)
		doctor_say(d, DOCTOR_WARNING, what, gone,
			   "the bot token expires in %s, and was to be renewed"
			   " %s ago",
			   expires, renew);
	else
		doctor_say(d, DOCTOR_OK, what, NULL,
			   "the bot token expires in %s and is renewed in %s",
			   expires, g->renew_ms > now ? renew : "a moment");
}

static void name_check(const struct connection *c, char *out, size_t size)
{
	(void)snprintf(out, size, "expiry of %s in %s",
		       c->tenant.name ? c->tenant.name : "?", c->workspace_id);
}

static int look_at(const struct grant *g, void *arg)
{
	struct look *l = arg;
	char what[160];

	if (strcmp(g->app_id, l->of->app_id) != 0 ||
	    strcmp(g->workspace_id, l->of->workspace_id) != 0)
		return 0;
	l->found = true;
	name_check(l->of, what, sizeof(what));
	judge(l->d, what, g);
	return 1;
}

static int check_connection(const struct connection *c, void *arg)
{
	struct look *l = arg;
	struct err e = { 0 };
	char what[160];

	l->of = c;
	l->found = false;
	name_check(c, what, sizeof(what));
	if (l->store->ops->grants->times(l->store, c->tenant_id, look_at, l,
					 &e) < 0)
		doctor_say(l->d, DOCTOR_FAILURE, what, NULL, "%s", e.msg);
	else if (!l->found && slack_token_expires(c->bot_token))
		doctor_say(l->d, DOCTOR_FAILURE, what, bare,
			   "the bot token expires, and nothing renews it");
	return 0;
}

void doctor_tokens(struct doctor *d, struct store *s, const char *tenant)
{
	struct look l = { .d = d, .store = s };
	struct err e = { 0 };

	if (s && s->ops->connections(s, tenant, check_connection, &l, &e) < 0)
		doctor_say(d, DOCTOR_FAILURE, "bot tokens", NULL, "%s", e.msg);
}
