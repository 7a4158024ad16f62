/* SPDX-License-Identifier: ISC */
#include "torture/mischief.h"

#include <stdio.h>

#include "sim/act.h"

#define POST   "chat.postMessage"
#define EDIT   "chat.update"
#define LOOK   "conversations.replies"
#define DELETE "chat.delete"
#define BEGIN  "chat.startStream"
#define GROW   "chat.appendStream"
#define END    "chat.stopStream"
#define TICKET "apps.connections.open"
#define HOOK   "response_url"
#define OPEN   "views.open"
#define RENEW  "oauth.v2.access"

static const struct sim_fault faults[] = {
	{ .method = POST, .kind = SIM_FAULT_LOST, .percent = 4 },
	{ .method = POST, .kind = SIM_FAULT_LATE, .percent = 2, .ms = 700 },
	{ .method = POST, .kind = SIM_FAULT_LATE, .percent = 2, .ms = 1900 },
	{ .method = POST, .kind = SIM_FAULT_LATE, .percent = 2, .ms = 3000 },
	{ .method = POST, .kind = SIM_FAULT_RESET, .percent = 2 },
	{ .method = POST, .kind = SIM_FAULT_RATE, .percent = 3, .ms = 1000 },
	{ .method = POST,
	  .kind = SIM_FAULT_STATUS,
	  .percent = 3,
	  .status = 503 },
	{ .method = POST,
	  .kind = SIM_FAULT_ERROR,
	  .percent = 1,
	  .error = "fatal_error" },
	{ .method = POST, .kind = SIM_FAULT_DELAY, .percent = 4, .ms = 800 },
	{ .method = EDIT, .kind = SIM_FAULT_LOST, .percent = 4 },
	{ .method = EDIT, .kind = SIM_FAULT_LATE, .percent = 2, .ms = 1000 },
	{ .method = EDIT, .kind = SIM_FAULT_LATE, .percent = 2, .ms = 3000 },
	{ .method = EDIT, .kind = SIM_FAULT_RESET, .percent = 2 },
	{ .method = EDIT, .kind = SIM_FAULT_RATE, .percent = 3, .ms = 1000 },
	{ .method = EDIT,
	  .kind = SIM_FAULT_STATUS,
	  .percent = 3,
	  .status = 500 },
	{ .method = EDIT, .kind = SIM_FAULT_DELAY, .percent = 4, .ms = 800 },
	{ .method = BEGIN, .kind = SIM_FAULT_LOST, .percent = 4 },
	{ .method = BEGIN, .kind = SIM_FAULT_LATE, .percent = 3, .ms = 1500 },
	{ .method = BEGIN, .kind = SIM_FAULT_RESET, .percent = 2 },
	{ .method = BEGIN, .kind = SIM_FAULT_RATE, .percent = 3, .ms = 1000 },
	{ .method = GROW, .kind = SIM_FAULT_LOST, .percent = 3 },
	{ .method = GROW, .kind = SIM_FAULT_LATE, .percent = 2, .ms = 2000 },
	{ .method = GROW,
	  .kind = SIM_FAULT_STATUS,
	  .percent = 2,
	  .status = 503 },
	{ .method = GROW,
	  .kind = SIM_FAULT_ERROR,
	  .percent = 1,
	  .error = "message_not_in_streaming_state" },
	{ .method = GROW, .kind = SIM_FAULT_DELAY, .percent = 4, .ms = 800 },
	{ .method = END, .kind = SIM_FAULT_LOST, .percent = 5 },
	{ .method = END, .kind = SIM_FAULT_LATE, .percent = 3, .ms = 2000 },
	{ .method = END, .kind = SIM_FAULT_RESET, .percent = 3 },
	{ .method = END, .kind = SIM_FAULT_RATE, .percent = 3, .ms = 1000 },
	{ .method = LOOK,
	  .kind = SIM_FAULT_STATUS,
	  .percent = 6,
	  .status = 502 },
	{ .method = LOOK, .kind = SIM_FAULT_RESET, .percent = 4 },
	{ .method = LOOK, .kind = SIM_FAULT_RATE, .percent = 4, .ms = 1000 },
	{ .method = DELETE, .kind = SIM_FAULT_LOST, .percent = 10 },
	{ .method = DELETE,
	  .kind = SIM_FAULT_STATUS,
	  .percent = 10,
	  .status = 500 },
	{ .method = HOOK, .kind = SIM_FAULT_LOST, .percent = 4 },
	{ .method = HOOK, .kind = SIM_FAULT_LATE, .percent = 4, .ms = 1500 },
	{ .method = HOOK, .kind = SIM_FAULT_RESET, .percent = 4 },
	{ .method = HOOK, .kind = SIM_FAULT_RATE, .percent = 3, .ms = 1000 },
	{ .method = HOOK,
	  .kind = SIM_FAULT_STATUS,
	  .percent = 4,
	  .status = 503 },
	{ .method = OPEN, .kind = SIM_FAULT_LOST, .percent = 5 },
	{ .method = OPEN, .kind = SIM_FAULT_RESET, .percent = 5 },
	{ .method = OPEN, .kind = SIM_FAULT_DELAY, .percent = 10, .ms = 900 },
	{ .method = RENEW, .kind = SIM_FAULT_LOST, .percent = 8 },
	{ .method = RENEW, .kind = SIM_FAULT_LATE, .percent = 4, .ms = 1500 },
	{ .method = RENEW, .kind = SIM_FAULT_RESET, .percent = 4 },
	{ .method = RENEW, .kind = SIM_FAULT_DELAY, .percent = 15, .ms = 900 },
	{ .method = RENEW,
	  .kind = SIM_FAULT_STATUS,
	  .percent = 5,
	  .status = 500 },
	{ .method = "file", .kind = SIM_FAULT_RESET, .percent = 8 },
	{ .method = "file",
	  .kind = SIM_FAULT_STATUS,
	  .percent = 5,
	  .status = 503 },
	{ .method = "users.info",
	  .kind = SIM_FAULT_STATUS,
	  .percent = 10,
	  .status = 500 },
	{ .method = "users.info",
	  .kind = SIM_FAULT_DELAY,
	  .percent = 10,
	  .ms = 500 },
	{ .method = TICKET,
	  .kind = SIM_FAULT_STATUS,
	  .percent = 5,
	  .status = 500 },
	{ .method = TICKET, .kind = SIM_FAULT_RATE, .percent = 5, .ms = 1000 },
	{ .method = TICKET, .kind = SIM_FAULT_RESET, .percent = 3 },
	{ .method = "link", .kind = SIM_FAULT_RESET, .percent = 3 },
};

static const struct sim_fault hangs[] = {
	{ .method = POST, .kind = SIM_FAULT_HANG, .percent = 1 },
	{ .method = EDIT, .kind = SIM_FAULT_HANG, .percent = 1 },
	{ .method = BEGIN, .kind = SIM_FAULT_HANG, .percent = 1 },
	{ .method = END, .kind = SIM_FAULT_HANG, .percent = 1 },
	{ .method = LOOK, .kind = SIM_FAULT_HANG, .percent = 1 },
	{ .method = HOOK, .kind = SIM_FAULT_HANG, .percent = 1 },
	{ .method = RENEW, .kind = SIM_FAULT_HANG, .percent = 2 },
	{ .method = "file", .kind = SIM_FAULT_HANG, .percent = 1 },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

void mischief_begin(struct sim *s, bool patient)
{
	size_t i;

	for (i = 0; i < COUNT(faults); i++)
		sim_fault(s, &faults[i]);
	for (i = 0; patient && i < COUNT(hangs); i++)
		sim_fault(s, &hangs[i]);
}

void mischief_end(struct sim *s)
{
	sim_fault_clear(s);
}

static void cut_link(struct sim *s, struct dice *d, const char *app)
{
	static const enum sim_cut how[] = { SIM_CUT_CLOSE, SIM_CUT_FIN,
					    SIM_CUT_RESET, SIM_CUT_FREEZE };

	sim_cut(s, app, how[dice_roll(d, COUNT(how))]);
}

static void send_link_away(struct sim *s, struct dice *d, const char *app)
{
	static const char *const why[] = { "warning", "refresh_requested" };

	sim_disconnect(s, app, why[dice_roll(d, COUNT(why))],
		       (int)dice_roll(d, 2000));
}

/* For the next one who asks. */
static void upset_model(struct sim *s, struct dice *d)
{
	static const struct sim_llm moods[] = {
		{ .mode = SIM_LLM_STATUS, .status = 500 },
		{ .mode = SIM_LLM_STATUS, .status = 503 },
		{ .mode = SIM_LLM_STATUS, .status = 429, .retry_after_s = 1 },
		{ .mode = SIM_LLM_RESET },
		{ .mode = SIM_LLM_RESET, .after = 5 },
		{ .mode = SIM_LLM_SILENCE, .after = 4 },
		{ .mode = SIM_LLM_HANG },
		{ .mode = SIM_LLM_CUT, .after = 6 },
		{ .mode = SIM_LLM_STREAM_ERROR, .after = 3 },
		{ .mode = SIM_LLM_BROKEN, .after = 2 },
		{ .mode = SIM_LLM_EMPTY },
	};
	struct sim_llm mood = moods[dice_roll(d, COUNT(moods))];

	mood.times = 1;
	sim_llm(s, &mood);
}

void mischief_do(struct sim *s, struct dice *d, int tenants)
{
	char app[16];

	snprintf(app, sizeof(app), "A%05d",
		 (int)dice_roll(d, (uint64_t)tenants));
	switch (dice_roll(d, 4)) {
	case 0:
		cut_link(s, d, app);
		break;
	case 1:
		send_link_away(s, d, app);
		break;
	default:
		upset_model(s, d);
	}
}

void mischief_token(struct sim *s, int tenant, bool dead)
{
	char token[24];

	snprintf(token, sizeof(token), "xoxb-sim-%05d", tenant);
	sim_token_error(s, token, dead ? "account_inactive" : NULL);
}

bool mischief_revoke(struct sim *s, int tenant)
{
	char app[16], team[16], token[128];

	snprintf(app, sizeof(app), "A%05d", tenant);
	snprintf(team, sizeof(team), "T%05d", tenant);
	return sim_bot_token(s, app, team, token, sizeof(token)) == 0 &&
	       sim_revoke_token(s, token) == 0;
}
