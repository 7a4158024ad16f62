/* SPDX-License-Identifier: ISC */
#include "route/swept.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "slack/ts.h"
#include "store/store.h"

#define PART_MAX (1024 * 1024) /* of a member that is copied as it is */

/*
 * All that a reader of the envelope goes by. "edited" isn't among them: in an
 * event it tells of an edit of what was delivered before.
 */
static const char *const texts[] = {
	"user", "text",      "ts",      "thread_ts",
	"team", "user_team", "subtype", "bot_id",
};
static const char *const objects[] = { "bot_profile", "user_profile", "files",
				       "blocks", "attachments" };

static bool by_org(const struct connection *c)
{
	return c->workspace_id[0] == 'E';
}

static void add_authorization(struct jwrite *w, const struct connection *c)
{
	jw_array(w, "authorizations");
	jw_object(w, NULL);
	jw_str(w, "enterprise_id", by_org(c) ? c->workspace_id : NULL);
	jw_str(w, "team_id", by_org(c) ? NULL : c->workspace_id);
	jw_str(w, "user_id", c->bot_user_id);
	jw_bool(w, "is_bot", true);
	jw_bool(w, "is_enterprise_install", by_org(c));
	jw_object_end(w);
	jw_array_end(w);
}

static int add_object(struct jwrite *w, const struct json *m, const char *key)
{
	const struct json *value = json_at(m, key);
	struct buf text;
	int rc = 0;

	if (!value)
		return 0;
	buf_init(&text, PART_MAX);
	if (json_copy(value, &text) == 0)
		jw_raw(w, key, text.data);
	else
		rc = -1;
	buf_release(&text);
	return rc;
}

static int add_event(struct jwrite *w, const char *channel,
		     const struct json *m)
{
	const char *s;
	size_t i;
	int rc = 0;

	jw_object(w, "event");
	jw_str(w, "type", "message");
	jw_str(w, "channel", channel);
	jw_str(w, "channel_type", channel[0] == 'D' ? "im" : "channel");
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		s = json_str(m, texts[i]);
		if (s)
			jw_str(w, texts[i], s);
	}
	for (i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
		rc |= add_object(w, m, objects[i]);
	if (json_bool(m, "hidden", false))
		jw_bool(w, "hidden", true);
	jw_object_end(w);
	return rc;
}

static void add_payload(struct jwrite *w, const struct connection *c,
			const char *id, const char *ts)
{
	jw_str(w, "type", "event_callback");
	jw_str(w, "api_app_id", c->app_id);
	jw_str(w, "event_id", id);
	jw_int(w, "event_time", ts_ms(ts) / 1000);
}

/* History doesn't tell to whom of an organisation a team belongs; whoever
 * comes from outside is marked by user_team. */
static bool may_be_shared(const struct connection *c, const struct json *m)
{
	return !by_org(c) || json_str(m, "user_team") != NULL;
}

int swept_frame(const struct connection *c, const char *channel,
		const struct json *m, struct buf *out, struct err *e)
{
	const char *ts = json_str(m, "ts");
	struct jwrite w;
	char id[96];
	int rc;

	if (!ts || !ts_valid(ts))
		return err_set(e, ERR_INPUT, "ts is missing");
	(void)snprintf(id, sizeof(id), "swept-%.32s-%.*s-%s", channel,
		       (int)strcspn(ts, "."), ts, ts + strcspn(ts, ".") + 1);
	jw_init(&w, out);
	jw_object(&w, NULL);
	jw_str(&w, "envelope_id", id);
	jw_str(&w, "type", "events_api");
	jw_bool(&w, "accepts_response_payload", false);
	jw_object(&w, "payload");
	add_payload(&w, c, id, ts);
	jw_bool(&w, "is_ext_shared_channel", may_be_shared(c, m));
	add_authorization(&w, c);
	rc = add_event(&w, channel, m);
	jw_object_end(&w);
	jw_object_end(&w);
	if (rc < 0 || out->failed)
		return err_set(e, ERR_INPUT, "the message is too large");
	return 0;
}
