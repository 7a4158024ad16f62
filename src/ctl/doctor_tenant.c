/* SPDX-License-Identifier: ISC */
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "ctl/doctor.h"
#include "store/store.h"

struct look {
	struct doctor *d;
	const char *tenant; /* NULL: all */
};

static const struct {
	const char *why, *seen, *todo;
} silences[] = {
	{ "paused", "it is paused: nobody gets an answer",
	  "if that isn't meant: konstructctl tenant resume NAME" },
	{ "no agent", "it has no agent that answers",
	  "konstructctl agent add NAME --name Mara, or agent set NAME "
	  "--paused no" },
	{ "uninstalled", "its app was taken out of all its workspaces",
	  "if that isn't meant, install the app again and give the new token: "
	  "konstructctl tenant set NAME --bot-token-file FILE" },
	{ "no workspace", "it has no workspace",
	  "konstructctl tenant set NAME with --app-token-file and "
	  "--bot-token-file" },
};

static int tell(const char *tenant, const char *why, void *arg)
{
	const struct look *l = arg;
	char what[120];
	size_t i;

	if (l->tenant && strcmp(l->tenant, tenant) != 0)
		return 0;
	(void)snprintf(what, sizeof(what), "tenant %.80s", tenant);
	for (i = 0; i < sizeof(silences) / sizeof(silences[0]); i++)
		if (strcmp(silences[i].why, why) == 0)
			doctor_say(l->d, DOCTOR_WARNING, what, silences[i].todo,
				   "%s", silences[i].seen);
	return 0;
}

static int tell_paused(const struct agent *a, void *arg)
{
	const struct look *l = arg;
	char what[200];

	if (a->active)
		return 0;
	(void)snprintf(what, sizeof(what), "agent %.80s of %.80s", a->name,
		       l->tenant);
	doctor_say(l->d, DOCTOR_WARNING, what,
		   "if that isn't meant: konstructctl agent set NAME AGENT"
		   " --paused no",
		   "it is paused: it answers nobody");
	return 0;
}

struct going {
	struct look l;
	struct store *s;
	struct err *e;
};

static int look_at_agents(const struct tenant *t, void *arg)
{
	struct going *g = arg;
	struct look l = { g->l.d, t->name };

	if (g->l.tenant && strcmp(g->l.tenant, t->name) != 0)
		return 0;
	return g->s->ops->agents(g->s, t->id, tell_paused, &l, g->e) < 0 ? -1
									 : 0;
}

void doctor_tenants(struct doctor *d, struct store *s, const char *tenant)
{
	struct look l = { d, tenant };
	struct err e = { 0 };
	struct going g = { l, s, &e };

	if (s && (s->ops->silent(s, INT_MAX, tell, &l, &e) < 0 ||
		  s->ops->tenants(s, look_at_agents, &g, &e) < 0))
		doctor_say(d, DOCTOR_FAILURE, "tenants", NULL, "%s", e.msg);
}
