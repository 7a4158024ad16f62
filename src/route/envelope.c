/* SPDX-License-Identifier: ISC */
#include "route/envelope.h"

#include <limits.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

#define FRAME_MAX (4 * 1024 * 1024)
#define ID_MAX    128

static const struct {
	const char *name;
	enum envelope_type type;
} types[] = {
	{ "events_api", ENVELOPE_EVENTS },
	{ "hello", ENVELOPE_HELLO },
	{ "disconnect", ENVELOPE_DISCONNECT },
	{ "slash_commands", ENVELOPE_SLASH },
	{ "interactive", ENVELOPE_INTERACTIVE },
};

static enum envelope_type type_of(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, name) == 0)
			return types[i].type;
	return ENVELOPE_UNKNOWN;
}

/* It goes back to Slack and into the log. */
static bool id_valid(const char *id)
{
	size_t n;

	for (n = 0; id[n] != '\0'; n++)
		if (n >= ID_MAX || id[n] < '!' || id[n] > '~')
			return false;
	return n > 0;
}

static int to_int(int64_t v)
{
	if (v < 0)
		return 0;
	return v > INT_MAX ? INT_MAX : (int)v;
}

static int read_id(struct envelope *env, struct err *e)
{
	bool there = json_at(env->root, "envelope_id") != NULL;

	env->id = json_str(env->root, "envelope_id");
	/* A control frame of the future may have none, as those of today. */
	if (!there && env->type == ENVELOPE_UNKNOWN)
		return 0;
	if (!env->id || !id_valid(env->id))
		return err_set(e, ERR_INPUT, "envelope_id is %s",
			       there ? "malformed" : "missing");
	return 0;
}

static void read_control(struct envelope *env)
{
	env->app_id = json_str(env->root, "connection_info.app_id");
	env->reason = json_str(env->root, "reason");
	env->num_connections =
		to_int(json_int(env->root, "num_connections", 0));
}

static int read_fields(struct envelope *env, struct err *e)
{
	const char *type = json_str(env->root, "type");

	if (!json_is_object(env->root, "") || !type)
		return err_set(e, ERR_INPUT, "frame has no type");
	env->type = type_of(type);
	if (env->type == ENVELOPE_HELLO || env->type == ENVELOPE_DISCONNECT) {
		read_control(env);
		return 0;
	}
	if (read_id(env, e) < 0)
		return -1;
	env->retry_attempt = to_int(json_int(env->root, "retry_attempt", 0));
	if (json_is_object(env->root, "payload"))
		env->payload = json_at(env->root, "payload");
	return 0;
}

int envelope_parse(struct envelope *env, const char *text, size_t len,
		   struct err *e)
{
	memset(env, 0, sizeof(*env));
	env->type = ENVELOPE_UNKNOWN;
	env->root = json_parse(text, len, FRAME_MAX, e);
	if (!env->root)
		return -1;
	if (read_fields(env, e) < 0) {
		envelope_release(env);
		return -1;
	}
	return 0;
}

void envelope_release(struct envelope *env)
{
	json_free(env->root);
	memset(env, 0, sizeof(*env));
	env->type = ENVELOPE_UNKNOWN;
}

int envelope_ack(const char *id, struct buf *out)
{
	struct jwrite w;

	jw_init(&w, out);
	jw_object(&w, NULL);
	jw_str(&w, "envelope_id", id);
	jw_object_end(&w);
	return out->failed ? -1 : 0;
}
