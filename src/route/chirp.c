/* SPDX-License-Identifier: ISC */
#include "route/chirp.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/secret.h"
#include "route/envelope.h"
#include "store/store.h"

#define MARK     "konstruct-canary:"
#define TEXT_MAX 1000 /* of ours is far less */

void chirp_nonce(char out[CHIRP_NONCE])
{
	unsigned char bytes[(CHIRP_NONCE - 1) / 2];
	size_t i;

	random_bytes(bytes, sizeof(bytes));
	for (i = 0; i < sizeof(bytes); i++)
		(void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

void chirp_text(struct buf *out, int minutes, const char *nonce)
{
	(void)buf_addf(out,
		       "By editing this message I find out whether Slack's"
		       " events reach me, every %d min. Please let it stand."
		       " (" MARK "%s)",
		       minutes, nonce);
}

static bool take_nonce(const char *text, char out[CHIRP_NONCE])
{
	const char *p = strnlen(text, TEXT_MAX) < TEXT_MAX ? strstr(text, MARK)
							   : NULL;

	if (!p)
		return false;
	p += strlen(MARK);
	if (strspn(p, "0123456789abcdef") != CHIRP_NONCE - 1)
		return false;
	(void)snprintf(out, CHIRP_NONCE, "%s", p);
	return true;
}

/* Of the message itself, which stands in another place after an edit. */
static bool is_ours(const struct json *p, const struct json *m)
{
	const char *app = json_str(p, "api_app_id");
	const char *us = json_str(p, "authorizations.0.user_id");

	return (us && message_field_is(m, "user", us)) ||
	       (app && (message_field_is(m, "bot_profile.app_id", app) ||
			message_field_is(m, "app_id", app)));
}

bool chirp_read(const struct envelope *env, struct chirp *out)
{
	const struct json *p = env->payload;
	const struct json *m = json_at(p, "event");
	const char *text, *ts;

	if (env->type != ENVELOPE_EVENTS || !env->app_id ||
	    !message_field_is(m, "type", "message"))
		return false;
	if (message_field_is(m, "subtype", "message_changed"))
		m = json_at(m, "message");
	text = json_str(m, "text");
	ts = json_str(m, "ts");
	if (!text || !ts || !ts_valid(ts) || !is_ours(p, m) ||
	    strlen(env->app_id) >= sizeof(out->app_id))
		return false;
	memset(out, 0, sizeof(*out));
	if (!take_nonce(text, out->nonce))
		return false;
	(void)snprintf(out->app_id, sizeof(out->app_id), "%s", env->app_id);
	(void)snprintf(out->ts, sizeof(out->ts), "%s", ts);
	out->came_ms = clock_wall_ms();
	return true;
}

int chirp_write(struct chirp *c, struct store *s, struct err *e)
{
	int rc = s->ops->canaries->heard(s, c->app_id, c->nonce, c->ts,
					 c->came_ms, &c->heard, e);

	c->awaited = rc > 0;
	return rc < 0 ? -1 : 0;
}

void chirp_tell(const struct chirp *c)
{
	int64_t trip = c->came_ms - c->heard.sent_ms;
	char took[24];

	if (!c->awaited)
		return;
	metric_took_us(METRIC_CANARY, trip * 1000);
	if (c->heard.missed == 0)
		return;
	(void)snprintf(took, sizeof(took), "%lld", (long long)trip);
	log_warn(LOG_FIELDS({ "tenant", c->heard.tenant }, { "app", c->app_id },
			    { "channel", c->heard.channel }, { "ms", took }),
		 "the canary comes back again: Slack's events arrive");
}
