/* SPDX-License-Identifier: ISC */
#include "link/flight.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/container.h"
#include "base/err.h"
#include "base/json.h"
#include "base/killpoint.h"
#include "base/log.h"
#include "base/secret.h"
#include "link/canaries_in.h"
#include "net/http.h"
#include "route/chirp.h"
#include "slack/api.h"
#include "slack/ts.h"
#include "store/canary.h"
#include "store/grants.h"
#include "store/journal.h"
#include "store/leases.h"
#include "store/store.h"

#define FORM_MAX   4096
#define PLACE_MAX  65
#define TOKEN_MAX  512
#define MINUTE_MS  INT64_C(60000)
#define AGAIN_MS   30000 /* Slack didn't answer */
#define RENEWAL_MS 5000  /* a token is being renewed */
#define NOTE_MS    10000 /* for the note; a store may be away */
#define SKEW_MS    60000 /* between our clock and Slack's */

/* A problem that isn't logged. */
#define WAITING "waiting for a new bot token"

#define DEAF_MS       (10 * MINUTE_MS) /* at most until the next, deaf */
#define REDIAL_MAX_MS (6 * 60 * MINUTE_MS)

/* What is done next, once the note is committed. */
enum flight_stage {
	FLIGHT_IDLE,
	FLIGHT_NOTING,  /* that one is to be sent */
	FLIGHT_LOOKING, /* whether it was posted */
	FLIGHT_POSTING,
	FLIGHT_EDITING,
	FLIGHT_ENDING, /* a note of what Slack said */
};

struct flight {
	struct canaries *k;
	enum flight_stage stage;
	struct canary c; /* its strings are those below */
	char was[CHIRP_NONCE];
	bool fresh; /* it was never posted */

	char tenant_id[ID_SIZE];
	char tenant[64];
	char app_id[PLACE_MAX];
	char workspace_id[PLACE_MAX];
	char channel[PLACE_MAX];
	char bot_token[TOKEN_MAX];
	char bot_user_id[PLACE_MAX];
	char bot_id[PLACE_MAX];
	char ts[TS_SIZE];
	char nonce[CHIRP_NONCE];
	char problem[128];

	struct slack_call *call;
	struct journal_req req;
	struct loop_task noted;
	bool written; /* of the note: it was still so */
};

struct flight *flight_create(struct canaries *k)
{
	struct flight *f = calloc(1, sizeof(*f));

	if (f)
		f->k = k;
	return f;
}

void flight_free(struct flight *f)
{
	explicit_bzero(f->bot_token, sizeof(f->bot_token));
	free(f);
}

bool flight_busy(const struct flight *f)
{
	return f->stage != FLIGHT_IDLE;
}

void flight_stop(struct flight *f)
{
	slack_cancel(f->call);
	f->call = NULL;
}

static void say(enum log_level level, const struct flight *f, const char *error,
		const char *what)
{
	const struct log_field fields[] = {
		{ "tenant", f->tenant },
		{ "app", f->app_id },
		{ "channel", f->channel },
		{ "error", error },
		{ NULL, NULL },
	};

	log_at(level, __FILE__, fields, "%s", what);
}

static void copy(char *to, size_t size, const char *from)
{
	(void)snprintf(to, size, "%s", from);
}

static void take(struct flight *f, const struct canary *c)
{
	f->c = *c;
	copy(f->tenant_id, sizeof(f->tenant_id), c->tenant_id);
	copy(f->tenant, sizeof(f->tenant), c->tenant);
	copy(f->app_id, sizeof(f->app_id), c->app_id);
	copy(f->workspace_id, sizeof(f->workspace_id), c->workspace_id);
	copy(f->channel, sizeof(f->channel), c->channel);
	copy(f->bot_token, sizeof(f->bot_token), c->bot_token);
	copy(f->bot_user_id, sizeof(f->bot_user_id), c->bot_user_id);
	copy(f->bot_id, sizeof(f->bot_id), c->bot_id);
	copy(f->ts, sizeof(f->ts), c->ts);
	copy(f->was, sizeof(f->was), c->nonce);
	copy(f->problem, sizeof(f->problem), c->problem);
	f->c.tenant_id = f->tenant_id;
	f->c.tenant = f->tenant;
	f->c.app_id = f->app_id;
	f->c.workspace_id = f->workspace_id;
	f->c.channel = f->channel;
	f->c.bot_token = f->bot_token;
	f->c.bot_user_id = f->bot_user_id;
	f->c.bot_id = f->bot_id;
	f->c.ts = f->ts;
	f->c.nonce = f->nonce;
	f->c.problem = f->problem;
}

static void finish(struct flight *f)
{
	f->stage = FLIGHT_IDLE;
	f->k->flying--;
	f->k->stale = true;
}

static int write_note(struct store *s, void *arg, struct err *e)
{
	struct flight *f = arg;
	int rc = s->ops->canaries->note(s, &f->c, f->was, e);

	f->written = rc > 0;
	return rc < 0 ? -1 : 0;
}

/* On the journal's thread. */
static void written(struct journal_req *req)
{
	struct flight *f = req->arg;

	loop_post(f->k->loop, &f->noted);
}

static void submit(struct flight *f)
{
	f->req = (struct journal_req){ .kind = JOURNAL_WRITE,
				       .write = write_note,
				       .done = written,
				       .arg = f };
	(void)journal_submit(f->k->o.journal, &f->req);
}

/* What Slack said, with c as it is to be noted. */
static void end(struct flight *f)
{
	copy(f->was, sizeof(f->was), f->nonce);
	f->stage = FLIGHT_ENDING;
}

/* Nothing is awaited; it is tried again then. */
static void put_off(struct flight *f, int64_t ms)
{
	end(f);
	f->nonce[0] = '\0';
	f->c.due_ms = clock_wall_ms() + ms;
	submit(f);
}

static void hurry_token(const struct flight *f)
{
	char type[] = "slack";
	const struct connection c = {
		.tenant_id = (char *)f->tenant_id,
		.channel_type = type,
		.app_id = (char *)f->app_id,
		.workspace_id = (char *)f->workspace_id,
	};

	grant_hurry(f->k->o.journal, &c);
}

/* Told once, until it is another one or it is over. */
static void note_problem(struct flight *f, const char *method,
			 const struct slack_result *r)
{
	const char *needed = json_str(r->body, "needed");
	char text[sizeof(f->problem)];

	(void)snprintf(text, sizeof(text), "%s: %.40s%s%.40s%s", method,
		       r->error, needed ? " (" : "", needed ? needed : "",
		       needed ? ")" : "");
	if (strcmp(text, f->problem) != 0)
		say(LOG_LEVEL_WARN, f, text,
		    "the canary can't be sent: whether events arrive isn't"
		    " known");
	copy(f->problem, sizeof(f->problem), text);
	f->c.missed = 0;
}

/* Of a token that is renewed, the store may have a newer one, or will. */
static bool is_outdated(const struct flight *f, const struct slack_result *r)
{
	return slack_token_expires(f->bot_token) &&
	       (strcmp(r->error, "token_expired") == 0 ||
		strcmp(r->error, "token_revoked") == 0);
}

/* True: that one is waited for, once. */
static bool await_token(struct flight *f)
{
	hurry_token(f);
	if (f->problem[0] != '\0')
		return false;
	copy(f->problem, sizeof(f->problem), WAITING);
	f->c.missed = 0;
	return true;
}

/* The message isn't there any more: a new one, in a flight of its own. */
static bool is_deleted(const struct flight *f, const struct slack_result *r)
{
	return f->stage == FLIGHT_EDITING &&
	       strcmp(r->error, "message_not_found") == 0;
}

static void on_refusal(struct flight *f, const char *method,
		       const struct slack_result *r)
{
	if (f->stage == FLIGHT_POSTING)
		f->c.posted_ms = 0;
	if (is_deleted(f, r)) {
		say(LOG_LEVEL_INFO, f, NULL,
		    "the canary's message is gone: it is posted anew");
		f->ts[0] = '\0';
		f->c.posted_ms = 0;
		put_off(f, 0);
	} else if (is_outdated(f, r) && await_token(f)) {
		put_off(f, RENEWAL_MS);
	} else {
		note_problem(f, method, r);
		put_off(f, f->c.minutes * MINUTE_MS);
	}
}

static void on_failure(struct flight *f, const char *method,
		       const struct slack_result *r)
{
	if (r->fault == SLACK_RATE) {
		if (f->stage == FLIGHT_POSTING)
			f->c.posted_ms = 0;
		put_off(f, r->retry_ms > AGAIN_MS ? r->retry_ms : AGAIN_MS);
	} else if (r->fault != SLACK_TRANSIENT) {
		on_refusal(f, method, r);
	} else if (r->maybe) {
		/* It may come yet; what isn't made isn't missed. */
		end(f);
		submit(f);
	} else {
		if (f->stage == FLIGHT_POSTING)
			f->c.posted_ms = 0;
		put_off(f, AGAIN_MS);
	}
}

static void made(struct flight *f)
{
	if (f->problem[0] != '\0' && strcmp(f->problem, WAITING) != 0)
		say(LOG_LEVEL_INFO, f, NULL, "the canary can be sent again");
	end(f);
	f->problem[0] = '\0';
	f->c.made = true;
	f->c.posted_ms = 0;
	submit(f);
}

static void on_edit(const struct slack_result *r, void *arg)
{
	struct flight *f = arg;

	f->call = NULL;
	if (r->fault != SLACK_OK)
		on_failure(f, "chat.update", r);
	else
		made(f);
}

static void on_post(const struct slack_result *r, void *arg)
{
	const struct slack_result odd = { .fault = SLACK_TRANSIENT,
					  .maybe = true,
					  .error = "no ts" };
	struct flight *f = arg;
	const char *ts = json_str(r->body, "ts");

	f->call = NULL;
	killpoint("chirped");
	if (r->fault != SLACK_OK) {
		on_failure(f, "chat.postMessage", r);
	} else if (!ts || !ts_valid(ts)) {
		on_failure(f, "chat.postMessage", &odd);
	} else {
		copy(f->ts, sizeof(f->ts), ts);
		made(f);
	}
}

static void on_history(const struct slack_result *r, void *arg);

static void call(struct flight *f, const char *method, const struct buf *form,
		 slack_done *done)
{
	struct slack_result failed = { .fault = SLACK_TRANSIENT };
	struct err e = { 0 };

	f->call = slack_call(f->k->http, f->k->o.conf->slack_api_url, method,
			     f->bot_token, form, done, f, &e);
	if (f->call)
		return;
	(void)snprintf(failed.error, sizeof(failed.error), "%.79s", e.msg);
	on_failure(f, method, &failed);
}

static void add_text(const struct flight *f, struct buf *form)
{
	struct buf text;

	buf_init(&text, FORM_MAX);
	chirp_text(&text, f->c.minutes, f->nonce);
	http_form(form, "text", text.data);
	buf_release(&text);
}

static void edit(struct flight *f)
{
	struct buf form;

	f->stage = FLIGHT_EDITING;
	buf_init(&form, FORM_MAX);
	http_form(&form, "channel", f->channel);
	http_form(&form, "ts", f->ts);
	add_text(f, &form);
	call(f, "chat.update", &form, on_edit);
	buf_release(&form);
}

static void post(struct flight *f)
{
	struct buf form;

	f->stage = FLIGHT_POSTING;
	buf_init(&form, FORM_MAX);
	http_form(&form, "channel", f->channel);
	add_text(f, &form);
	http_form(&form, "unfurl_links", "false");
	http_form(&form, "metadata",
		  "{\"event_type\":\"" CHIRP_EVENT "\",\"event_payload\":{}}");
	call(f, "chat.postMessage", &form, on_post);
	buf_release(&form);
}

/* A post was begun, and what became of it isn't known. */
static void look(struct flight *f)
{
	char oldest[TS_SIZE];
	struct buf form;

	f->stage = FLIGHT_LOOKING;
	(void)snprintf(oldest, sizeof(oldest), "%lld.000000",
		       (long long)(f->c.posted_ms - SKEW_MS) / 1000);
	buf_init(&form, FORM_MAX);
	http_form(&form, "channel", f->channel);
	http_form(&form, "oldest", oldest);
	http_form(&form, "limit", "200");
	http_form(&form, "include_all_metadata", "true");
	call(f, "conversations.history", &form, on_history);
	buf_release(&form);
}

static bool is_ours(const struct flight *f, const struct json *m)
{
	const char *user = json_str(m, "user");
	const char *bot = json_str(m, "bot_id");
	const char *type = json_str(m, "metadata.event_type");

	return type && strcmp(type, CHIRP_EVENT) == 0 &&
	       ((user && strcmp(user, f->bot_user_id) == 0) ||
		(bot && strcmp(bot, f->bot_id) == 0));
}

static void on_history(const struct slack_result *r, void *arg)
{
	struct flight *f = arg;
	const struct json *m;
	const char *ts;
	size_t i;

	f->call = NULL;
	if (r->fault != SLACK_OK) {
		on_failure(f, "conversations.history", r);
		return;
	}
	for (i = 0; i < json_len(r->body, "messages"); i++) {
		m = json_nth(r->body, "messages", i);
		ts = json_str(m, "ts");
		if (!ts || !ts_valid(ts) || !is_ours(f, m))
			continue;
		copy(f->ts, sizeof(f->ts), ts);
		edit(f);
		return;
	}
	post(f);
}

static void go_on(struct flight *f)
{
	if (f->ts[0] != '\0')
		edit(f);
	else if (f->fresh)
		post(f);
	else
		look(f);
}

static void on_noted(struct loop_task *t)
{
	struct flight *f = container_of(t, struct flight, noted);

	if (f->stage == FLIGHT_NOTING && f->req.ok && f->written &&
	    clock_wall_ms() - f->c.sent_ms < NOTE_MS && !f->k->halted &&
	    lease_is_ours(f->k->o.leases, f->app_id)) {
		killpoint("chirping");
		go_on(f);
		return;
	}
	finish(f);
}

bool flight_wants_links(const struct canary *c, int64_t now_ms)
{
	int64_t wait = c->redial_ms - c->heard_ms;

	/* What never came isn't kept back by a link. */
	if (c->missed < 2 || c->heard_ms == 0)
		return false;
	if (wait < FLIGHT_REDIAL_MS)
		wait = FLIGHT_REDIAL_MS;
	if (wait > REDIAL_MAX_MS)
		wait = REDIAL_MAX_MS;
	return c->redial_ms == 0 || now_ms - c->redial_ms >= wait;
}

/* One that was on its way while its link came up doesn't count: Slack sends it
 * once more, and not at once. */
static void judge(struct flight *f, int64_t since_ms, int64_t now)
{
	struct canary *c = &f->c;

	if (f->was[0] == '\0' || !c->made || since_ms >= c->sent_ms)
		return;
	c->missed++;
	if (c->missed == 1)
		say(LOG_LEVEL_WARN, f, NULL,
		    "the canary isn't back in 60 s: Slack's events may not"
		    " arrive");
	if (c->missed == 2 && c->heard_ms == 0)
		say(LOG_LEVEL_WARN, f, NULL,
		    "no canary ever came back: is the app subscribed to"
		    " message.channels or message.groups, and was it installed"
		    " again since?");
	if (!flight_wants_links(c, now))
		return;
	c->redial_ms = now;
	say(LOG_LEVEL_WARN, f, NULL,
	    "the canary is missing again: fresh links are dialed");
}

/* When it is looked at again. The first after fresh links were dialed is soon.
 */
static int64_t look_in(const struct canary *c)
{
	int64_t ms = c->minutes * MINUTE_MS;

	if (c->missed <= 2)
		return CANARY_BACK_MS;
	return ms < DEAF_MS ? ms : DEAF_MS;
}

void flight_begin(struct flight *f, const struct canary *c, int64_t since_ms)
{
	int64_t now = clock_wall_ms();

	take(f, c);
	judge(f, since_ms, now);
	f->noted.run = on_noted;
	f->fresh = f->ts[0] == '\0' && c->posted_ms == 0;
	if (f->fresh)
		f->c.posted_ms = now;
	chirp_nonce(f->nonce);
	f->c.sent_ms = now;
	f->c.made = false;
	f->c.due_ms = now + look_in(&f->c);
	f->stage = FLIGHT_NOTING;
	f->k->flying++;
	submit(f);
}
