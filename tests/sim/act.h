/* SPDX-License-Identifier: ISC */
#ifndef SIM_ACT_H
#define SIM_ACT_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/sim.h"

/*
 * What people do in Slack beside talking. As in sim.h: any thread, strings
 * copied, 0 or -1. What is sent is told by sim_deliveries(), whose types are
 * those of the events and payloads ("reaction_added", "block_actions").
 */

/*
 * A reaction is put on a message or, with add false, taken away: the apps in
 * the channel get reaction_added or reaction_removed. name without colons.
 * -1: no such message or person, or it was there (or not there) before.
 */
int sim_react(struct sim *s, const char *channel, const char *ts,
	      const char *user, const char *name, bool add);
/* Is this person's (or bot's) reaction on the message? */
bool sim_reacted(struct sim *s, const char *channel, const char *ts,
		 const char *user, const char *name);

/*
 * An element of a bot's message is used: its app gets block_actions. value
 * NULL is a button's own; of feedback_buttons it says which one ("up" or
 * whatever the app wrote there), of a menu which option. -1: this person
 * doesn't see such a message, or there is no such element in it.
 */
int sim_click(struct sim *s, const char *channel, const char *ts,
	      const char *user, const char *action_id, const char *value);

/*
 * "/command text" in a channel: the app gets slash_commands; what comes with
 * its ack is shown as if it had gone to the response_url. An app that doesn't
 * ack in time, or has no link, is complained of by Slackbot, in an ephemeral
 * message. -1: this person isn't there, or has no such app.
 */
int sim_slash(struct sim *s, const char *app_id, const char *channel,
	      const char *user, const char *command, const char *text);
/* What the app was given last to answer a command or a click with, as
 * sim_msg.hook; "" when there was nothing. */
void sim_hook(struct sim *s, const char *app_id, char *out, size_t size);
/* The trigger_id that it was given last, of whatever was done; or "". */
void sim_trigger(struct sim *s, const char *app_id, char *out, size_t size);
/* A global shortcut, and one on a message. Slack's payloads of these have no
 * api_app_id: whose they are is told by the link they come over. */
int sim_shortcut(struct sim *s, const char *app_id, const char *user,
		 const char *callback_id);
int sim_message_shortcut(struct sim *s, const char *app_id, const char *channel,
			 const char *ts, const char *user,
			 const char *callback_id);

/* Somebody, maybe the app's own bot, is brought into a channel by a member
 * (NULL: comes by themselves): member_joined_channel and a channel_join. */
int sim_invite(struct sim *s, const char *channel, const char *user,
	       const char *inviter);
/* A person opens the app's home; tab: "home" or "messages". */
int sim_open_home(struct sim *s, const char *app_id, const char *user,
		  const char *tab);

/*
 * Modals and homes. Values are what a person puts into the inputs, a JSON
 * object: for each action_id or block_id a string or an array of strings (an
 * option by its value). -1: no such open view, or Slack wouldn't let them send
 * it off, since something needed is missing or no option.
 */
int sim_submit(struct sim *s, const char *view_id, const char *values);
/* Cancel, or with all the whole stack; view_closed where it is wanted. */
int sim_close_view(struct sim *s, const char *view_id, bool all);
int sim_click_view(struct sim *s, const char *view_id, const char *action_id,
		   const char *value);

struct sim_view {
	char id[24];
	char root[24];
	char previous[24]; /* below it in the stack, or "" */
	char *app_id;
	char *user;
	char *json;   /* as Slack shows it */
	char *errors; /* those of the last submission, as JSON, or NULL */
	bool home;
	bool open; /* false: closed or sent off */
};
/* All, oldest first. */
struct sim_view *sim_views(struct sim *s, size_t *n);
void sim_views_free(struct sim_view *v, size_t n);
/* An open view of this person that holds these words; id may be NULL. */
int sim_wait_view(struct sim *s, const char *user, const char *words,
		  char id[24], int timeout_ms);

/*
 * From now on the token of this install expires (sim_settings.token_ms) and
 * is renewed with oauth.v2.access, which gives a new pair; the two newest
 * access tokens are good. -1: no such token, or it does so already.
 */
struct sim_rotation {
	const char *client_id;
	const char *client_secret;
	const char *refresh_token;
};
int sim_rotate_token(struct sim *s, const char *bot_token,
		     const struct sim_rotation *r);
/* It is over at once: token_expired. */
int sim_expire_token(struct sim *s, const char *bot_token);
/* As if two newer ones had been given: token_revoked, and only a renewal brings
 * one that is good. */
int sim_revoke_token(struct sim *s, const char *bot_token);
/* The newest one. */
int sim_bot_token(struct sim *s, const char *app_id, const char *team_id,
		  char *out, size_t size);

/* An app that is an agent. */

/*
 * The Stop button of a session at work: agent_session_stopped, and Slack ends
 * the app's streams in the thread. -1: there is no such button.
 */
int sim_stop_session(struct sim *s, const char *app_id, const char *channel,
		     const char *thread_ts, const char *user);
int sim_rename_session(struct sim *s, const char *app_id, const char *channel,
		       const char *thread_ts, const char *user,
		       const char *title);
/*
 * The older kind of agent is opened in the split view, while the person has
 * the channel looks_at (NULL: none) before them; ts is of the thread's root,
 * which Slack writes. And they look at another channel.
 */
int sim_open_assistant(struct sim *s, const char *app_id, const char *user,
		       const char *looks_at, char ts[SIM_TS]);
int sim_assistant_looks(struct sim *s, const char *app_id, const char *user,
			const char *thread_ts, const char *looks_at);
/* The newer kind: app_context_changed. */
int sim_look_at(struct sim *s, const char *app_id, const char *user,
		const char *looks_at);

struct sim_session {
	char status[12];
	char *title;   /* or NULL, as all below */
	char *text;    /* "is thinking...", while it is shown */
	char *loading; /* JSON */
	char *prompts; /* JSON */
	char *prompts_title;
};
/* thread_ts NULL: what is pinned above all threads. -1: there is none. */
int sim_session(struct sim *s, const char *app_id, const char *channel,
		const char *thread_ts, struct sim_session *out);
void sim_session_release(struct sim_session *se);
/* Its status or title is this, or what it shows holds these words. */
int sim_wait_session(struct sim *s, const char *app_id, const char *channel,
		     const char *thread_ts, const char *words, int timeout_ms);

#endif
