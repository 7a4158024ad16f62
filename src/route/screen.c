/* SPDX-License-Identifier: ISC */
#include "route/screen.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "route/envelope.h"
#include "route/leave.h"
#include "route/message.h"
#include "route/signal.h"
#include "slack/text.h"
#include "slack/ts.h"
#include "state/engaged.h"
#include "state/quarantine.h"

static const char *field(const struct screening *s, const char *path)
{
	const char *v = json_str(s->env->payload, path);

	return v ? v : "";
}

static bool is(const struct screening *s, const char *path, const char *want)
{
	return strcmp(field(s, path), want) == 0;
}

static enum verdict drop(struct screening *s, const char *why)
{
	s->why = why;
	return V_DROP;
}

static enum verdict malformed(struct screening *s, struct err *e,
			      const char *what)
{
	err_set(e, ERR_INPUT, "%s is missing", what);
	return drop(s, "malformed");
}

static enum verdict screen_malformed(struct screening *s, struct err *e)
{
	const struct envelope *env = s->env;

	if (env->type != ENVELOPE_EVENTS && env->type != ENVELOPE_INTERACTIVE)
		return V_NEXT;
	if (!env->payload)
		return malformed(s, e, "payload");
	if (*field(s, "type") == '\0')
		return malformed(s, e, "payload.type");
	if (is(s, "type", "event_callback") && *field(s, "event.type") == '\0')
		return malformed(s, e, "payload.event.type");
	return V_NEXT;
}

/* Over 30,000 deliveries an hour Slack says so, once a minute, and is silent
 * about the rest (docs.slack.dev/apis/events-api). */
static void warn_rate(const struct screening *s)
{
	const char *team = field(s, "team_id");

	log_warn(LOG_FIELDS({ "app", field(s, "api_app_id") },
			    { "workspace", *team ? team : NULL }),
		 "slack holds events back: too many deliveries in an hour");
}

/* The token is dead already. */
static void take_leave(const struct screening *s)
{
	struct leave l;

	if (!leave_read(s->env, &l) || !s->quarantine ||
	    !quarantine_put(s->quarantine, l.app_id, l.workspace_id, NULL,
			    l.event, clock_ms()))
		return;
	log_warn(LOG_FIELDS({ "app", l.app_id },
			    { "workspace", l.workspace_id },
			    { "event", l.event }),
		 "the app was taken out of a workspace");
}

/* Always decides about what is one. */
static enum verdict screen_signal(struct screening *s, struct err *e)
{
	if (signal_of(s->env) == SIGNAL_NONE)
		return V_NEXT;
	s->msg = message_from_envelope(s->env, e);
	if (!s->msg && e->kind == ERR_RETRY)
		return V_FAIL;
	if (!s->msg)
		return drop(s, "malformed");
	if (message_thread_key(s->msg, s->key, sizeof(s->key)) < 0)
		return drop(s, "malformed");
	s->why = signal_beside(s->msg, s->env, s->engaged, s->key);
	if (!s->why && message_engages(s->msg))
		engaged_hint(s->engaged, s->key, clock_wall_ms());
	return s->why ? V_DROP : V_ACCEPT;
}

static enum verdict screen_control(struct screening *s, struct err *e)
{
	(void)e;
	switch (s->env->type) {
	case ENVELOPE_HELLO:
	case ENVELOPE_DISCONNECT:
		return drop(s, "link");
	case ENVELOPE_SLASH:
		return drop(s, "slash_commands");
	case ENVELOPE_INTERACTIVE:
		return drop(s, "interactive");
	case ENVELOPE_UNKNOWN:
		return drop(s, "unknown type");
	case ENVELOPE_EVENTS:
		break;
	}
	/* An outer type of its own, though seen nested as well. */
	if (is(s, "type", "app_rate_limited") ||
	    is(s, "event.type", "app_rate_limited")) {
		warn_rate(s);
		return drop(s, "app_rate_limited");
	}
	if (!is(s, "type", "event_callback"))
		return drop(s, "unknown type");
	take_leave(s);
	if (!is(s, "event.type", "message") &&
	    !is(s, "event.type", "app_mention"))
		return drop(s, field(s, "event.type"));
	return V_NEXT;
}

static bool is_ours(const struct screening *s)
{
	const char *user = field(s, "event.user");
	const char *app = field(s, "api_app_id");

	if (*user != '\0' &&
	    json_bool(s->env->payload, "authorizations.0.is_bot", false) &&
	    is(s, "authorizations.0.user_id", user))
		return true;
	return *app != '\0' && (is(s, "event.bot_profile.app_id", app) ||
				is(s, "event.app_id", app));
}

static bool is_bot(const struct screening *s)
{
	return *field(s, "event.bot_id") != '\0' ||
	       json_is_object(s->env->payload, "event.bot_profile") ||
	       is(s, "event.subtype", "bot_message") ||
	       is(s, "event.user", "USLACKBOT");
}

static bool mentions_us(const struct screening *s)
{
	return is(s, "event.type", "app_mention") ||
	       slack_text_mentions(field(s, "event.text"),
				   field(s, "authorizations.0.user_id"));
}

/* Bots answer bots without end, so their posts are dropped but for those that
 * mention us, which the tenant may allow (route/access.h). What they post
 * today has no subtype; it has a bot_id and a real user. */
static enum verdict screen_bots(struct screening *s, struct err *e)
{
	(void)e;
	if (is_ours(s))
		return drop(s, "own");
	if (!is_bot(s))
		return V_NEXT;
	if (!mentions_us(s) || is(s, "event.channel_type", "im") ||
	    is(s, "event.user", "USLACKBOT") ||
	    (*field(s, "event.bot_id") == '\0' &&
	     *field(s, "event.bot_profile.id") == '\0'))
		return drop(s, "bot");
	return V_NEXT;
}

/*
 * An edit brings app_mention again, under a new event_id. Soon after it was
 * said the gate knows whether it was answered; that of a bot isn't looked at.
 */
static bool is_edited(const struct screening *s)
{
	int64_t said = ts_ms(field(s, "event.ts"));
	int64_t edited = ts_ms(field(s, "event.edited.ts"));

	return json_is_object(s->env->payload, "event.edited") &&
	       (!is(s, "event.type", "app_mention") || is_bot(s) ||
		edited - said >= SIGNAL_EDIT_MS);
}

static enum verdict screen_subtype(struct screening *s, struct err *e)
{
	static const char *const passing[] = {
		"",           "file_share",  "thread_broadcast",
		"me_message", "bot_message", "message_share",
	};
	size_t i;

	(void)e;
	if (json_bool(s->env->payload, "event.hidden", false))
		return drop(s, "hidden");
	if (is_edited(s))
		return drop(s, "edited");
	for (i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
		if (is(s, "event.subtype", passing[i]))
			return V_NEXT;
	return drop(s, field(s, "event.subtype"));
}

static enum verdict screen_message(struct screening *s, struct err *e)
{
	s->msg = message_from_envelope(s->env, e);
	if (s->msg)
		return V_NEXT;
	if (e->kind == ERR_RETRY)
		return V_FAIL;
	return drop(s, "malformed");
}

/* Perhaps for us? What is dropped here never touches the disk. */
static enum verdict screen_relevant(struct screening *s, struct err *e)
{
	const struct message *m = s->msg;

	if (message_thread_key(m, s->key, sizeof(s->key)) < 0) {
		err_set(e, ERR_INPUT, "the thread's key is too long");
		return drop(s, "malformed");
	}
	if (m->mention)
		engaged_hint(s->engaged, s->key, clock_wall_ms());
	if (m->mention || message_is_direct(m))
		return V_ACCEPT;
	if (!m->channel.thread_ts)
		return drop(s, "not addressed");
	/* What was long under way is judged by its own time. */
	if (engaged_maybe(s->engaged, s->key) ||
	    engaged_at(s->engaged, s->key, m->timestamp_ms))
		return V_ACCEPT;
	return V_HOLD;
}

static const struct {
	const char *name;
	enum verdict (*run)(struct screening *s, struct err *e);
} stages[] = {
	{ "malformed", screen_malformed },
	{ "signal", screen_signal },     /* edits, deletions, buttons */
	{ "control", screen_control },   /* all that is no message */
	{ "bots", screen_bots },         /* ourselves among them */
	{ "subtype", screen_subtype },   /* joins, unfurls */
	{ "message", screen_message },   /* the fields that we need */
	{ "relevant", screen_relevant }, /* always decides */
};

static enum verdict run(struct screening *s, const char **stage, struct err *e)
{
	enum verdict v;
	size_t i;

	for (i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		*stage = stages[i].name;
		v = stages[i].run(s, e);
		if (v != V_NEXT)
			return v;
	}
	return drop(s, "no stage decided");
}

/* What Slack sends and we can't read is worth a look; the rest is daily. */
static void log_drop(const struct screening *s, const char *stage,
		     const struct err *e)
{
	const struct log_field f[] = {
		{ "envelope", s->env->id },
		{ "event", json_str(s->env->payload, "event_id") },
		{ "app", json_str(s->env->payload, "api_app_id") },
		{ "channel", json_str(s->env->payload, "event.channel") },
		{ "ts", json_str(s->env->payload, "event.ts") },
		{ "stage", stage },
		{ "verdict", "drop" },
		{ "why", s->why },
		{ NULL, NULL },
	};

	if (e->kind != ERR_NONE)
		log_warn(f, "screened out: %s", e->msg);
	else
		log_debug(f, "screened out");
}

enum verdict screen_run(struct screening *s, const char **stage)
{
	struct err e = { 0 };
	enum verdict v;

	s->msg = NULL;
	s->why = NULL;
	s->key[0] = '\0';
	v = run(s, stage, &e);
	if (v != V_HOLD)
		verdict_count(*stage, v);
	if (v == V_DROP) {
		log_drop(s, *stage, &e);
		message_free(s->msg);
		s->msg = NULL;
	}
	return v;
}
