/* SPDX-License-Identifier: ISC */
#include "demo/world.h"

#include <string.h>

#include "sim/sim.h"

static const struct company {
	const char *app, *app_token, *team, *name;
	const char *bot_token, *bot_user, *bot_id, *bot_name;
	const char *extra;
} companies[] = {
	{ "ADEMO1", "xapp-1-ADEMO1-1-sim", "TACME", "acme", "xoxb-sim-acme",
	  "UMARA", "BMARA", "Mara",
	  "{\"burst\":5,\"rate_per_minute\":5,\"agent\":{\"name\":\"Mara\","
	  "\"role\":\"office librarian\","
	  "\"persona\":\"You are warm and precise, and you like old "
	  "maps.\"}}" },
	{ "ADEMO2", "xapp-1-ADEMO2-1-sim", "TBOLT", "bolt", "xoxb-sim-bolt",
	  "UBRUNO", "BBRUNO", "Bruno",
	  "{\"agent\":{\"name\":\"Bruno\",\"role\":\"workshop foreman\","
	  "\"persona\":\"You are brief and practical.\"}}" },
};

static const struct person {
	const char *id, *team, *handle, *name;
} people[] = {
	{ "UALICE", "TACME", "alice", "Alice" },
	{ "UBOB", "TACME", "bob", "Bob" },
	{ "UGUS", "TACME", "gus", "Gus" },
	{ "UCAROL", "TBOLT", "carol", "Carol" },
	{ "UDAN", "TBOLT", "dan", "Dan" },
	{ "USTRANGE", "TSTRANGE", "zoe", "Zoe" },
};

static const struct place {
	const char *id, *team, *name, *type, *title;
	const char *members[5]; /* NULL ends them */
} places[] = {
	{ "CGENERAL",
	  "TACME",
	  "general",
	  "channel",
	  "Acme  #general",
	  { "UALICE", "UBOB", "UGUS", "UMARA" } },
	{ "CRANDOM",
	  "TACME",
	  "random",
	  "channel",
	  "Acme  #random",
	  { "UALICE", "UBOB", "UMARA" } },
	{ "DALICE",
	  "TACME",
	  "",
	  "im",
	  "Acme  Alice and Mara",
	  { "UALICE", "UMARA" } },
	{ "CSHOP",
	  "TBOLT",
	  "workshop",
	  "channel",
	  "Bolt  #workshop",
	  { "UCAROL", "UDAN", "UBRUNO" } },
	{ "CSTRANGE",
	  "TSTRANGE",
	  "lobby",
	  "channel",
	  "Elsewhere  #lobby",
	  { "USTRANGE", "USTRBOT" } },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const char *world_title(const char *channel)
{
	size_t i;

	for (i = 0; i < COUNT(places); i++)
		if (strcmp(places[i].id, channel) == 0)
			return places[i].title;
	return channel;
}

const char *world_name(const char *user)
{
	size_t i;

	for (i = 0; i < COUNT(people); i++)
		if (strcmp(people[i].id, user) == 0)
			return people[i].name;
	for (i = 0; i < COUNT(companies); i++)
		if (strcmp(companies[i].bot_user, user) == 0)
			return companies[i].bot_name;
	return user;
}

int world_make(struct sim *s)
{
	size_t i, k;
	int rc = 0;

	for (i = 0; i < COUNT(companies); i++) {
		const struct company *c = &companies[i];
		struct sim_install in = {
			.app_id = c->app,
			.team_id = c->team,
			.bot_token = c->bot_token,
			.bot_user_id = c->bot_user,
			.bot_id = c->bot_id,
			.name = c->name,
			.bot_name = c->bot_name,
			.extra = c->extra,
		};

		rc |= sim_add_app(s, c->app, c->app_token, NULL);
		rc |= sim_add_install(s, &in);
	}
	for (i = 0; i < COUNT(people); i++)
		if (strcmp(people[i].team, "TSTRANGE") != 0)
			rc |= sim_add_user(s, people[i].id, people[i].team,
					   people[i].handle, people[i].name);
	for (i = 0; i < COUNT(places); i++) {
		if (strcmp(places[i].team, "TSTRANGE") == 0)
			continue;
		rc |= sim_add_channel(s, places[i].id, places[i].team,
				      places[i].name, places[i].type);
		for (k = 0; places[i].members[k]; k++)
			rc |= sim_join(s, places[i].id, places[i].members[k]);
	}
	return rc;
}

/* A workspace that installs Mara's app and that no tenant knows. */
int world_add_stranger(struct sim *s)
{
	static const struct sim_install in = {
		.app_id = "ADEMO1",
		.team_id = "TSTRANGE",
		.bot_token = "xoxb-sim-strange",
		.bot_user_id = "USTRBOT",
		.bot_id = "BSTRBOT",
		.name = "strange",
	};

	return sim_add_install(s, &in) |
	       sim_add_user(s, "USTRANGE", "TSTRANGE", "zoe", "Zoe") |
	       sim_add_channel(s, "CSTRANGE", "TSTRANGE", "lobby", "channel") |
	       sim_join(s, "CSTRANGE", "USTRANGE") |
	       sim_join(s, "CSTRANGE", "USTRBOT");
}
