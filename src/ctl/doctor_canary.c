/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "ctl/doctor.h"
#include "ctl/table.h"
#include "store/canary.h"
#include "store/store.h"

static const char deaf[] =
	"while links are live: look for another process with the app's token"
	" (CONNECTIONS in 'konstructctl status'), and at the app's page whether"
	" Event Subscriptions are still on; 'konstructctl app connect' doesn't"
	" replace a live link, the daemon does so by itself";
static const char never[] =
	"subscribe the app to message.channels (message.groups of a private"
	" channel), install it again, and see that the bot is in the channel";
static const char blocked[] =
	"invite the bot to the channel, name another one with 'konstructctl"
	" tenant set NAME --canary-channel', or give the app the scope";

/* What the last one that came tells. */
static void age(char *out, size_t size, const struct canary *c)
{
	char since[TABLE_AGE_SIZE];

	if (c->heard_ms == 0) {
		(void)snprintf(out, size, "it never came back");
		return;
	}
	table_age(since, (long long)(clock_wall_ms() - c->heard_ms) / 1000);
	(void)snprintf(out, size, "it came back %s ago, after %lld ms", since,
		       (long long)c->trip_ms);
}

static int judge(const struct canary *c, void *arg)
{
	struct doctor *d = arg;
	char what[100], last[80];

	(void)snprintf(what, sizeof(what), "canary of %s", c->tenant);
	age(last, sizeof(last), c);
	switch (canary_state(c)) {
	case CANARY_OK:
		doctor_say(d, DOCTOR_OK, what, NULL, "%s", last);
		break;
	case CANARY_NEW:
		doctor_say(d, DOCTOR_OK, what, NULL, "none was awaited yet");
		break;
	case CANARY_OVERDUE:
		doctor_say(d, DOCTOR_WARNING, what,
			   c->heard_ms > 0 ? deaf : never, "one is missing; %s",
			   last);
		break;
	case CANARY_DEAF:
		doctor_say(d, DOCTOR_FAILURE, what,
			   c->heard_ms > 0 ? deaf : never,
			   "%d in a row are missing; %s", c->missed, last);
		break;
	case CANARY_BLOCKED:
		doctor_say(d, DOCTOR_FAILURE, what, blocked, "%s; %s",
			   c->problem, last);
		break;
	case CANARY_STATES:
		break;
	}
	return 0;
}

void doctor_canaries(struct doctor *d, struct store *s, const char *tenant)
{
	struct tenant t = { 0 };
	struct err e = { 0 };
	int rc = 1;

	if (!s)
		return;
	if (tenant)
		rc = s->ops->tenant_by_name(s, tenant, &t, &e);
	if (rc > 0)
		rc = s->ops->canaries->each(s, t.id, judge, d, &e);
	if (rc < 0)
		doctor_say(d, DOCTOR_FAILURE, "canaries", NULL, "%s", e.msg);
	tenant_release(&t);
}
