/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/err.h"
#include "sim/control.h"
#include "sim/say.h"

static const char *arg(const struct ctl *c, const char *name)
{
	const char *v = args_get(&c->args, name);

	return v && *v ? v : NULL;
}

/* Where name stands among n names; fallback without one, -1 if unknown. */
static int choice(const char *name, const char *const *names, int n,
		  int fallback)
{
	int i;

	if (!name)
		return fallback;
	for (i = 0; i < n; i++) {
		if (strcmp(names[i], name) == 0)
			return i;
	}
	return -1;
}

static int number(const struct ctl *c, const char *name, int fallback)
{
	return (int)args_int(&c->args, name, fallback);
}

static const char *world(struct ctl *c)
{
	struct err e = { 0 };

	if (sim_load(c->s, c->body, c->len, &e) == 0)
		return NULL;
	snprintf(c->error, sizeof(c->error), "%s", e.msg);
	return c->error;
}

static const char *do_say(struct ctl *c)
{
	struct sim_say o = {
		.thread_ts = arg(c, "thread_ts"),
		.ts = arg(c, "ts"),
		.events = args_get(&c->args, "events"),
		.subtype = arg(c, "subtype"),
		.files = arg(c, "files"),
		.file_ids = arg(c, "file_ids"),
		.blocks = arg(c, "blocks"),
		.attachments = arg(c, "attachments"),
		.bot_id = arg(c, "bot_id"),
		.user_team = arg(c, "user_team"),
		.broadcast = args_bool(&c->args, "broadcast", false),
		.redeliver = args_bool(&c->args, "redeliver", false),
	};
	struct channel *ch = ctl_channel(c);
	struct user *u = ctl_user(c);
	struct msg *m;

	if (!ch || !u || !arg(c, "text"))
		return "channel, user and text are needed";
	m = say(c->s, ch, u, arg(c, "text"), &o, 0);
	if (!m)
		return "no such thread, or ts is taken";
	jw_str(&c->w, "ts", m->ts);
	jw_str(&c->w, "channel", ch->id);
	return NULL;
}

/* The bytes of a file, which are no text; NULL: they aren't base64. */
static char *decoded(const char *base64, size_t *len)
{
	size_t n = strlen(base64);
	unsigned char *out = must_alloc(n / 4 * 3 + 4);
	int got = EVP_DecodeBlock(out, (const unsigned char *)base64, (int)n);

	if (got < 0) {
		free(out);
		return NULL;
	}
	*len = (size_t)got;
	for (; *len > 0 && n > 0 && base64[n - 1] == '='; n--)
		--*len;
	return (char *)out;
}

static const char *file(struct ctl *c)
{
	const char *text = args_get(&c->args, "text");
	const char *base64 = args_get(&c->args, "base64");
	char *bytes = NULL;
	int rc;
	struct sim_file f = {
		.id = arg(c, "id"),
		.name = arg(c, "name"),
		.mimetype = arg(c, "mimetype"),
		.bytes = text,
		.len = text ? strlen(text) : 0,
		.size = number(c, "size", 0),
		.location = arg(c, "location"),
		.status = number(c, "status", 0),
		.bare = args_bool(&c->args, "bare", false),
		.open = args_bool(&c->args, "open", false),
	};

	if (!f.id || !f.name || !f.mimetype)
		return "id, name and mimetype are needed";
	if (base64) {
		bytes = decoded(base64, &f.len);
		f.bytes = bytes;
	}
	if (base64 && !bytes)
		return "that is not base64";
	rc = sim_add_file(c->s, &f);
	free(bytes);
	return rc < 0 ? "the id is taken" : NULL;
}

static const char *edit(struct ctl *c)
{
	struct channel *ch = ctl_channel(c);

	if (!ch || !arg(c, "ts") || !arg(c, "text") ||
	    sim_edit(c->s, ch->id, arg(c, "ts"), arg(c, "text")) < 0)
		return "no such message";
	return NULL;
}

static const char *delete_msg(struct ctl *c)
{
	struct channel *ch = ctl_channel(c);

	if (!ch || !arg(c, "ts") || sim_delete(c->s, ch->id, arg(c, "ts")) < 0)
		return "no such message";
	return NULL;
}

static const char *event(struct ctl *c)
{
	if (!arg(c, "app") || !arg(c, "event") ||
	    sim_event(c->s, arg(c, "app"), arg(c, "team"), arg(c, "event")) < 0)
		return "app (and team) and event are needed";
	return NULL;
}

static const char *envelope(struct ctl *c)
{
	const char *type = arg(c, "type");

	if (!arg(c, "app") || !arg(c, "payload") ||
	    sim_envelope(c->s, arg(c, "app"), type ? type : "events_api",
			 arg(c, "payload"),
			 args_bool(&c->args, "accepts_response", false)) < 0)
		return "app and payload are needed";
	return NULL;
}

static const char *move(struct ctl *c)
{
	struct channel *ch = ctl_channel(c);

	if (!ch || !arg(c, "id") ||
	    sim_move_channel(c->s, ch->id, arg(c, "id")) < 0)
		return "channel and id, which is new, are needed";
	return NULL;
}

static const char *uninstall(struct ctl *c)
{
	if (!arg(c, "app") ||
	    sim_uninstall(c->s, arg(c, "app"), arg(c, "team")) < 0)
		return "app (and team) are needed";
	return NULL;
}

static const char *install(struct ctl *c)
{
	if (!arg(c, "app") || !arg(c, "token") ||
	    sim_install_again(c->s, arg(c, "app"), arg(c, "team"),
			      arg(c, "token")) < 0)
		return "app (and team) and token, which is new, are needed";
	return NULL;
}

static const char *redeliver(struct ctl *c)
{
	bool same = args_bool(&c->args, "same_envelope_id", false);
	int rc = -1;

	if (arg(c, "event_id"))
		rc = sim_redeliver(c->s, arg(c, "event_id"), same);
	else if (arg(c, "app") && arg(c, "type"))
		rc = sim_redeliver_last(c->s, arg(c, "app"), arg(c, "type"),
					same);
	return rc < 0 ? "no such event" : NULL;
}

static const char *disconnect(struct ctl *c)
{
	const char *reason = arg(c, "reason");
	int n;

	n = sim_disconnect(c->s, arg(c, "app"), reason ? reason : "warning",
			   number(c, "close_ms", 10000));
	jw_int(&c->w, "links", n);
	return NULL;
}

static const char *cut(struct ctl *c)
{
	static const char *const names[] = { "close", "fin", "reset", "freeze",
					     "deaf" };
	int how = choice(arg(c, "how"), names, 5, SIM_CUT_FIN);

	if (how < 0)
		return "how: close, fin, reset, freeze or deaf";
	jw_int(&c->w, "links", sim_cut(c->s, arg(c, "app"), (enum sim_cut)how));
	return NULL;
}

static const char *token(struct ctl *c)
{
	if (!arg(c, "token") ||
	    sim_token_error(c->s, arg(c, "token"), arg(c, "error")) < 0)
		return "no such token";
	return NULL;
}

static const char *fault(struct ctl *c)
{
	static const char *const names[] = {
		"error", "status", "rate", "delay",
		"hang",  "reset",  "lost", "late"
	};
	struct sim_fault f = {
		.method = arg(c, "method"),
		.app_id = arg(c, "app"),
		.team_id = arg(c, "team"),
		.skip = number(c, "skip", 0),
		.times = number(c, "times", 1),
		.percent = number(c, "percent", 0),
		.status = number(c, "status", 0),
		.error = arg(c, "error"),
		.ms = number(c, "ms", 0),
	};
	int kind = choice(arg(c, "kind"), names, 8, 0);

	if (kind < 0)
		return "kind: error, status, rate, delay, hang, reset, lost or "
		       "late";
	f.kind = (enum sim_fault_kind)kind;
	sim_fault(c->s, &f);
	return NULL;
}

static const char *fault_clear(struct ctl *c)
{
	sim_fault_clear(c->s);
	return NULL;
}

static const char *llm(struct ctl *c)
{
	static const char *const names[] = {
		"ok",  "status",       "hang",   "reset",   "silence",
		"cut", "stream_error", "broken", "endless", "empty"
	};
	struct sim_llm r = {
		.contains = arg(c, "contains"),
		.model = arg(c, "model"),
		.text = arg(c, "text"),
		.reasoning = arg(c, "reasoning"),
		.after = number(c, "after", 0),
		.status = number(c, "status", 0),
		.body = arg(c, "body"),
		.retry_after_s = number(c, "retry_after", 0),
		.finish = arg(c, "finish"),
		.no_usage = args_bool(&c->args, "no_usage", false),
		.first_ms = number(c, "first_ms", 0),
		.token_ms = number(c, "token_ms", 0),
		.piece = number(c, "piece", 0),
		.times = number(c, "times", 0),
	};
	int mode = choice(arg(c, "mode"), names, 10, 0);

	if (mode < 0)
		return "no such mode";
	r.mode = (enum sim_llm_mode)mode;
	sim_llm(c->s, &r);
	return NULL;
}

static const char *llm_clear(struct ctl *c)
{
	sim_llm_clear(c->s);
	return NULL;
}

static const char *llm_key(struct ctl *c)
{
	sim_llm_key(c->s, arg(c, "key"));
	return NULL;
}

static const char *settings(struct ctl *c)
{
	struct sim_settings set = c->s->set;
	size_t i;

	for (i = 0; i < c->args.n; i++) {
		if (settings_put(&set, c->args.v[i].key, c->args.v[i].value) <
		    0) {
			snprintf(c->error, sizeof(c->error),
				 "not a setting, or not its value: %.100s",
				 c->args.v[i].key);
			return c->error;
		}
	}
	c->s->set = set;
	settings_write(&c->w, &set);
	return NULL;
}

static const char *many(struct ctl *c)
{
	if (sim_load_many(c->s, number(c, "first", 0), number(c, "n", 1)) < 0)
		return "some of these are there";
	return NULL;
}

static const char *flood(struct ctl *c)
{
	static const char *const names[] = { "mention", "chatter", "dm" };
	const char *rate = arg(c, "rate");
	struct sim_flood f = {
		.rate = rate ? strtod(rate, NULL) : 0,
		.count = args_int(&c->args, "count", 1000),
		.window = (size_t)number(c, "window", 0),
		.first = number(c, "first", 0),
		.tenants = number(c, "tenants", 1),
		.padding = (size_t)number(c, "padding", 0),
		.store = args_bool(&c->args, "store", false),
	};
	int kind = choice(arg(c, "kind"), names, 3, 0);

	if (kind < 0)
		return "kind: mention, chatter or dm";
	f.kind = (enum sim_flood_kind)kind;
	return sim_flood(c->s, &f) < 0 ? "out of range" : NULL;
}

const struct ctl_call ctl_commands[] = {
	{ "world", world },
	{ "many", many },
	{ "say", do_say },
	{ "file", file },
	{ "edit", edit },
	{ "delete", delete_msg },
	{ "event", event },
	{ "envelope", envelope },
	{ "move", move },
	{ "uninstall", uninstall },
	{ "install", install },
	{ "redeliver", redeliver },
	{ "disconnect", disconnect },
	{ "cut", cut },
	{ "token", token },
	{ "fault", fault },
	{ "fault/clear", fault_clear },
	{ "llm", llm },
	{ "llm/clear", llm_clear },
	{ "llm/key", llm_key },
	{ "settings", settings },
	{ "flood", flood },
	{ 0 },
};
