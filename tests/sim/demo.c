/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "sim/core.h"

static const struct {
	const char *id;
	const char *token;
} apps[] = {
	{ "A0ACME", "xapp-1-A0ACME-sim" },
	{ "A0GLOBEX", "xapp-1-A0GLOBEX-sim" },
};

/* Nobody has told the daemon of the third one. */
static const struct sim_install installs[] = {
	{
		.app_id = "A0ACME",
		.team_id = "T0ACME",
		.bot_token = "xoxb-sim-acme",
		.bot_user_id = "U0KIM",
		.bot_id = "B0KIM",
		.name = "acme",
		.bot_name = "Kim",
		.extra = "{\"agent\":{\"name\":\"Kim\",\"role\":\"help the "
			 "staff of Acme with their computers\",\"persona\":"
			 "\"You are friendly and use plain words.\"}}",
	},
	{
		.app_id = "A0GLOBEX",
		.team_id = "T0GLOBEX",
		.bot_token = "xoxb-sim-globex",
		.bot_user_id = "U0ADA",
		.bot_id = "B0ADA",
		.name = "globex",
		.bot_name = "Ada",
		.extra = "{\"agent\":{\"name\":\"Ada\",\"role\":\"answer "
			 "questions on Globex's travel rules\",\"persona\":"
			 "\"You are precise and a little dry.\"}}",
	},
	{
		.app_id = "A0ACME",
		.team_id = "T0INITECH",
		.bot_token = "xoxb-sim-initech",
		.bot_user_id = "U0KIM2",
		.bot_id = "B0KIM2",
		.name = "initech",
		.bot_name = "Kim",
		.unlisted = true,
	},
};

static const struct {
	const char *id;
	const char *team;
	const char *name;
	const char *display;
} people[] = {
	{ "U0ALICE", "T0ACME", "alice", "Alice" },
	{ "U0BOB", "T0ACME", "bob", "Bob" },
	{ "U0DEPLOY", "T0ACME", "deploybot", "Deploy Bot" },
	{ "U0CAROL", "T0GLOBEX", "carol", "Carol" },
	{ "U0PETER", "T0INITECH", "peter", "Peter" },
};

static const struct {
	const char *id;
	const char *team;
	const char *name;
	const char *type;
	const char *members[5];
} channels[] = {
	{ "C0GENERAL",
	  "T0ACME",
	  "general",
	  "channel",
	  { "U0ALICE", "U0BOB", "U0DEPLOY", "U0KIM" } },
	{ "C0RANDOM",
	  "T0ACME",
	  "random",
	  "channel",
	  { "U0ALICE", "U0BOB", "U0KIM" } },
	{ "D0ALICE", "T0ACME", "dm-alice", "im", { "U0ALICE", "U0KIM" } },
	{ "D0BOB", "T0ACME", "dm-bob", "im", { "U0BOB", "U0KIM" } },
	{ "C0TRAVEL", "T0GLOBEX", "travel", "channel", { "U0CAROL", "U0ADA" } },
	{ "D0CAROL", "T0GLOBEX", "dm-carol", "im", { "U0CAROL", "U0ADA" } },
	{ "C0LOBBY", "T0INITECH", "lobby", "channel", { "U0PETER", "U0KIM2" } },
};

#define N(a) (sizeof(a) / sizeof((a)[0]))

static int load(struct sim *s)
{
	size_t i, k;
	int rc = 0;

	for (i = 0; i < N(apps); i++)
		rc |= sim_add_app(s, apps[i].id, apps[i].token, NULL);
	for (i = 0; i < N(installs); i++)
		rc |= sim_add_install(s, &installs[i]);
	for (i = 0; i < N(people); i++)
		rc |= sim_add_user(s, people[i].id, people[i].team,
				   people[i].name, people[i].display);
	for (i = 0; i < N(channels); i++) {
		rc |= sim_add_channel(s, channels[i].id, channels[i].team,
				      channels[i].name, channels[i].type);
		for (k = 0; k < 5 && channels[i].members[k]; k++)
			rc |= sim_join(s, channels[i].id,
				       channels[i].members[k]);
	}
	return rc;
}

int sim_load_demo(struct sim *s, struct err *e)
{
	int rc;

	sim_lock(s);
	rc = load(s);
	sim_unlock(s);
	if (rc != 0)
		return err_set(e, ERR_INPUT,
			       "an id of the demo's world is taken");
	return 0;
}
