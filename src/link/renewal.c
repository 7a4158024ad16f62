/* SPDX-License-Identifier: ISC */
#include "link/renewal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/json.h"
#include "base/killpoint.h"
#include "base/log.h"
#include "base/secret.h"
#include "net/http.h"
#include "slack/api.h"
#include "state/quarantine.h"
#include "store/store.h"

#define AT_ONCE  8
#define FORM_MAX 4096

/* Of a token's life. */
#define EARLY 6

#define TOKEN_MAX 512
#define LIFE_MAX  (INT64_C(7) * 24 * 3600) /* s; 12 h is what Slack says */

#define STORE_MS 500 /* between tries to store a pair */

/* After Slack didn't answer, and after it refused. */
static const int again_ms[] = { 2000, 5000, 15000, 60000 };
#define AGAINS     (sizeof(again_ms) / sizeof(again_ms[0]))
#define REFUSED_MS 600000

static void say(enum log_level level, const struct renewal *n, const char *why,
		const char *what)
{
	const struct log_field f[] = {
		{ "tenant", n->g.tenant_id },
		{ "app", n->g.app_id },
		{ "workspace", n->g.workspace_id },
		{ "error", why },
		{ NULL, NULL },
	};

	log_at(level, __FILE__, f, "%s", what);
}

static bool has_expired(const struct grant *g)
{
	return g->expires_ms > 0 && g->expires_ms <= clock_wall_ms();
}

bool renewal_blocks(const struct renewal *n)
{
	return n->stage != RENEWAL_DONE && !n->refused && has_expired(&n->g);
}

bool renewal_busy(const struct renewal *n)
{
	return n->stage == RENEWAL_ASKING || n->stage == RENEWAL_STORING;
}

static void again(struct renewal *n, int ms)
{
	n->stage = RENEWAL_WAITING;
	n->again_ms = clock_ms() + ms;
}

static void on_failure(struct renewal *n, const struct slack_result *r)
{
	size_t i = n->failures < AGAINS ? n->failures : AGAINS - 1;
	bool refused = r->fault != SLACK_RATE && r->fault != SLACK_TRANSIENT;

	if (n->failures++ == 0 || (refused && !n->refused))
		say(refused ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, n, r->error,
		    refused ? "Slack doesn't renew the bot token: give new ones"
			      " with 'konstructctl tenant set'"
			    : "cannot renew the bot token now");
	n->refused = refused;
	renew_count(n->r, refused ? RENEW_REFUSED : RENEW_FAILED);
	if (refused && has_expired(&n->g))
		(void)quarantine_put(n->r->o.quarantine, n->g.app_id,
				     n->g.workspace_id, n->g.bot_token,
				     r->error, clock_ms());
	again(n, refused           ? REFUSED_MS
		 : r->retry_ms > 0 ? (int)r->retry_ms
				   : again_ms[i]);
}

static bool is_token(const char *s, const char *prefix)
{
	return s && strncmp(s, prefix, strlen(prefix)) == 0 &&
	       strlen(s) <= TOKEN_MAX &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz"
			 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") == strlen(s);
}

static int replace(char **token, const char *by)
{
	char *copy = strdup(by);

	if (!copy)
		return -1;
	secret_free(*token);
	*token = copy;
	return 0;
}

/* The new pair in place of the old one; -1: that is no answer. */
static int take_pair(struct renewal *n, const struct json *j)
{
	const char *bot = json_str(j, "access_token");
	const char *refresh = json_str(j, "refresh_token");
	int64_t life = json_int(j, "expires_in", 0);
	int64_t now = clock_wall_ms();

	if (!is_token(bot, "xoxe.xoxb-") || !is_token(refresh, "xoxe-") ||
	    life <= 0 || life > LIFE_MAX)
		return -1;
	if (replace(&n->g.bot_token, bot) < 0 ||
	    replace(&n->g.refresh_token, refresh) < 0)
		return -1;
	n->g.expires_ms = now + life * 1000;
	n->g.renew_ms = now + life * 1000 / EARLY * (EARLY - 1);
	return 0;
}

static int write_pair(struct store *s, void *arg, struct err *e)
{
	struct renewal *n = arg;
	int rc = s->ops->grants->renew(s, &n->g, e);

	n->replaced = rc == 0;
	return rc < 0 ? -1 : 0;
}

/* On the journal's thread. */
static void written(struct journal_req *req)
{
	struct renewal *n = req->arg;

	loop_post(n->r->loop, &n->stored);
}

static void store_pair(void *arg)
{
	struct renewal *n = arg;

	n->req = (struct journal_req){ .kind = JOURNAL_WRITE,
				       .write = write_pair,
				       .done = written,
				       .arg = n,
				       .err = &n->err };
	(void)journal_submit(n->r->o.journal, &n->req);
}

/* Nobody has used it before. What can't be stored is tried again, for the
 * refresh token that is in the store is used up. */
static void on_stored(struct loop_task *t)
{
	struct renewal *n =
		(struct renewal *)((char *)t -
				   offsetof(struct renewal, stored));
	struct renewer *r = n->r;

	if (!n->req.ok) {
		if (n->failures++ == 0)
			say(LOG_LEVEL_ERROR, n, n->err.msg,
			    "cannot store the new bot token yet");
		if (!r->halted)
			loop_timer_set(n->timer, STORE_MS);
		return;
	}
	killpoint("renewed");
	if (!n->replaced)
		(void)quarantine_lift(r->o.quarantine, n->g.app_id,
				      n->g.workspace_id);
	say(LOG_LEVEL_INFO, n, NULL,
	    n->replaced ? "the bot token was replaced while it was renewed"
			: "bot token renewed");
	n->stage = RENEWAL_DONE;
	renew_count(r, RENEW_DONE);
	renew_tell(r);
}

static void on_answer(const struct slack_result *res, void *arg)
{
	struct renewal *n = arg;
	struct slack_result odd = { .fault = SLACK_TRANSIENT,
				    .error = "no new pair of tokens" };

	n->call = NULL;
	n->r->asking--;
	if (res->fault != SLACK_OK) {
		on_failure(n, res);
	} else if (take_pair(n, res->body) < 0) {
		on_failure(n, &odd);
	} else {
		killpoint("renewing");
		n->stage = RENEWAL_STORING;
		n->failures = 0;
		store_pair(n);
	}
	renew_tell(n->r);
}

static void ask(struct renewal *n)
{
	struct slack_result failed = { .fault = SLACK_TRANSIENT };
	struct err e = { 0 };
	struct buf form;

	buf_init(&form, FORM_MAX);
	http_form(&form, "client_id", n->g.client_id);
	http_form(&form, "client_secret", n->g.client_secret);
	http_form(&form, "grant_type", "refresh_token");
	http_form(&form, "refresh_token", n->g.refresh_token);
	n->call = slack_call(n->r->http, n->r->o.conf->slack_api_url,
			     "oauth.v2.access", NULL, &form, on_answer, n, &e);
	if (form.data)
		explicit_bzero(form.data, form.size);
	buf_release(&form);
	if (n->call) {
		n->stage = RENEWAL_ASKING;
		n->r->asking++;
		return;
	}
	(void)snprintf(failed.error, sizeof(failed.error), "%.79s", e.msg);
	on_failure(n, &failed);
}

static int copy_grant(struct grant *to, const struct grant *from)
{
	*to = (struct grant){
		.tenant_id = strdup(from->tenant_id),
		.channel_type = strdup(from->channel_type),
		.app_id = strdup(from->app_id),
		.workspace_id = strdup(from->workspace_id),
		.bot_token = strdup(from->bot_token),
		.refresh_token = strdup(from->refresh_token),
		.client_id = strdup(from->client_id),
		.client_secret = strdup(from->client_secret),
		.expires_ms = from->expires_ms,
		.generation = from->generation,
	};
	if (to->tenant_id && to->channel_type && to->app_id &&
	    to->workspace_id && to->bot_token && to->refresh_token &&
	    to->client_id && to->client_secret)
		return 0;
	grant_release(to);
	return -1;
}

struct renewal *renewal_create(struct renewer *r, const struct grant *g)
{
	struct renewal *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->r = r;
	n->stored.run = on_stored;
	n->timer = loop_timer_create(r->loop, store_pair, n);
	if (n->timer && copy_grant(&n->g, g) == 0)
		return n;
	renewal_free(n);
	return NULL;
}

void renewal_free(struct renewal *n)
{
	loop_timer_free(n->timer);
	grant_release(&n->g);
	free(n);
}

void renewal_look(struct renewal *n, const struct grant *g)
{
	struct grant now;

	if (renewal_busy(n))
		return;
	if (n->g.generation != g->generation || n->stage == RENEWAL_DONE) {
		n->failures = 0;
		n->refused = false;
		n->again_ms = 0;
		n->stage = RENEWAL_WAITING;
	}
	if (clock_ms() < n->again_ms || n->r->asking >= AT_ONCE ||
	    copy_grant(&now, g) < 0)
		return;
	grant_release(&n->g);
	n->g = now;
	ask(n);
}

void renewal_stop(struct renewal *n)
{
	slack_cancel(n->call);
	n->call = NULL;
	loop_timer_free(n->timer);
	n->timer = NULL;
}

void renewal_say_unsaved(const struct renewal *n)
{
	if (n->stage == RENEWAL_STORING && !n->req.ok)
		say(LOG_LEVEL_ERROR, n, n->err.msg,
		    "the new bot token could not be stored: if the old one"
		    " can't be renewed, give new ones");
}
