/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sim/act.h"
#include "sim/core.h"
#include "sim/events.h"
#include "sim/pane.h"
#include "sim/say.h"

#define EVENT_MAX ((size_t)1 << 20)

/* People who come into channels, and those who look at an app's home. */

static void tell_joined(struct sim *s, const struct channel *ch,
			const struct user *u, const char *inviter)
{
	struct jwrite w;
	char ts[SIM_TS];
	struct buf b;

	world_ts(s, ts);
	buf_init(&b, EVENT_MAX);
	jw_init(&w, &b);
	jw_object(&w, NULL);
	jw_str(&w, "type", "member_joined_channel");
	jw_str(&w, "user", u->id);
	jw_str(&w, "channel", ch->id);
	jw_str(&w, "channel_type", ch->type[0] == 'g' ? "G" : "C");
	jw_str(&w, "team", u->team->id);
	if (inviter)
		jw_str(&w, "inviter", inviter);
	jw_str(&w, "event_ts", ts);
	jw_object_end(&w);
	tell_channel(s, ch, "member_joined_channel", b.data);
	buf_release(&b);
}

int sim_invite(struct sim *s, const char *channel, const char *user,
	       const char *inviter)
{
	/* Joining mentions nobody, whatever its text looks like. */
	struct sim_say o = { .events = "message", .subtype = "channel_join" };
	struct channel *ch;
	struct user *u;
	char text[96];
	bool ok;

	sim_lock(s);
	ch = world_channel(s->world, channel);
	u = world_user(s->world, user);
	ok = ch && u && !channel_has(ch, u);
	if (ok) {
		channel_add(ch, u);
		tell_joined(s, ch, u, inviter);
		snprintf(text, sizeof(text), "<@%.40s> has joined the channel",
			 u->id);
		say(s, ch, u, text, &o, 0);
	}
	sim_unlock(s);
	return ok ? 0 : -1;
}

static void tell_opened(struct sim *s, struct install *i, struct user *u,
			const char *tab)
{
	struct channel *im = world_im(s, i, u);
	struct pane *home = pane_home(s, i, u);
	struct jwrite w;
	char ts[SIM_TS];
	struct buf b;

	world_ts(s, ts);
	buf_init(&b, EVENT_MAX);
	jw_init(&w, &b);
	jw_object(&w, NULL);
	jw_str(&w, "type", "app_home_opened");
	jw_str(&w, "user", u->id);
	jw_str(&w, "channel", im->id);
	jw_str(&w, "tab", tab);
	if (home && strcmp(tab, "home") == 0)
		pane_write(&w, "view", home, NULL);
	jw_str(&w, "event_ts", ts);
	jw_object_end(&w);
	tell_install(s, i, NULL, "app_home_opened", b.data);
	buf_release(&b);
}

int sim_open_home(struct sim *s, const char *app_id, const char *user,
		  const char *tab)
{
	struct install *i = NULL;
	struct app *a;
	struct user *u;

	sim_lock(s);
	a = world_app(s->world, app_id);
	u = world_user(s->world, user);
	if (a && u)
		i = app_install(a, u->team->id);
	if (i)
		tell_opened(s, i, u, tab);
	sim_unlock(s);
	return i ? 0 : -1;
}
