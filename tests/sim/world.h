/* SPDX-License-Identifier: ISC */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/sim.h"
#include "sim/util.h"

struct map;
struct link;
struct jwrite;

/* Everything below lives as long as the world, unless it says otherwise. */
struct app {
	char *id;
	char *token;
	char *token_error; /* NULL: the token works */
	char *events;      /* subscriptions */
	struct vec installs;
	struct vec links; /* of struct link, those that are gone taken out */
	char hook[160];   /* path of the newest response_url, "": none */
	char trigger[96]; /* the newest trigger_id, "": none */
};

struct team {
	char *id;
	char *name;
	char *domain;
	char *enterprise; /* or NULL */
};

struct install {
	struct app *app;
	struct team *team;
	bool org_wide; /* then authorizations carry no team_id */
	char *bot_token;
	char *token_error;
	char *bot_user;
	char *bot_id;
	char *bot_name;
	char *scopes;
	char *extra;
	bool unlisted;
	bool gone;                 /* taken out of its workspace */
	struct rotation *rotation; /* NULL: the token doesn't expire */
};

struct user {
	char *id;
	char *name;
	char *display;
	struct team *team;
	struct install *bot; /* NULL: a person */
	bool guest;          /* of one channel or some */
};

struct channel {
	char *id;
	char *name;
	const char *type; /* channel, group, im, mpim; static */
	struct team *team;
	bool archived;
	struct vec members; /* of struct user */
	struct vec bots;    /* of struct install, those among the members */
	struct vec msgs;    /* of struct msg, by ts */
	struct map *by_ts;
	/* The post limit, one message a second after a burst. */
	double post_credit;
	int64_t post_us;
};

/* Freed when the channel holds more than the simulator keeps. */
struct msg {
	char ts[SIM_TS];
	char thread_ts[SIM_TS];
	struct channel *channel;
	struct user *user;
	struct install *by; /* NULL: a person, or a bot we don't host */
	char *bot_id;
	char *user_team;
	const char *text; /* the last version's */
	char *subtype;
	char *blocks;
	char *attachments;
	char *metadata;
	char *files;
	char *to_user;
	char *hook; /* path of the response_url it came through, or NULL */
	char *client_msg_id;
	char *reactions;
	char edited_ts[SIM_TS]; /* "": not edited */
	bool deleted;
	bool unfurl_links;
	bool unfurl_media;
	struct vec replies; /* of struct msg, of a root */
	struct flow *flow;  /* NULL: it was never streamed */
	struct sim_version *versions;
	size_t nversions;
	size_t flooded; /* 1 + number in the flood; 0: none */
};

struct world {
	struct vec installs; /* in the order they came */
	struct map *apps;
	struct map *app_tokens;
	struct map *bot_tokens;
	struct map *teams;
	struct map *users;
	struct map *channels;
	struct map *ims;    /* "bot:user" -> struct channel */
	struct map *groups; /* of users: by id, "U1,U2" */
	int64_t last_us;    /* so that no two messages share a ts */
};

struct app *world_app(const struct world *w, const char *id);
struct team *world_team(struct sim *s, const char *id, const char *name,
			const char *enterprise);
struct user *world_user(const struct world *w, const char *id);
struct channel *world_channel(const struct world *w, const char *id);
struct install *app_install(const struct app *a, const char *team_id);
/* The direct messages of these two, made when there are none yet. */
struct channel *world_im(struct sim *s, struct install *bot, struct user *user);

bool channel_has(const struct channel *ch, const struct user *u);
bool channel_shared(const struct channel *ch); /* with people of other teams */
bool channel_has_bot(const struct channel *ch, const struct install *i);
void channel_add(struct channel *ch, struct user *u);

void world_ts(struct sim *s, char ts[SIM_TS]);
int ts_cmp(const char *a, const char *b);

void msg_free(void *msg);
/* NULL when ts is taken or malformed. ts NULL: now. The channel owns it. */
struct msg *msg_create(struct sim *s, struct channel *ch, struct user *u,
		       const char *text, const char *ts);
struct msg *msg_find(const struct channel *ch, const char *ts);
/* Makes m a reply of root. */
void msg_reply(struct msg *root, struct msg *m);
/* Takes text over as a new version. */
void msg_revise(struct sim *s, struct msg *m, char *text);
bool msg_reacted(const struct msg *m, const char *user, const char *name);
void msg_react(struct sim *s, struct msg *m, const char *user, const char *name,
	       bool add);

struct file_search {
	const struct install *install;
	const char *id;
	const struct msg *found;
};
void world_find_file(const struct world *w, struct file_search *find);

/* Messages that others may see and that were not deleted. */
bool msg_visible(const struct msg *m);

#endif
