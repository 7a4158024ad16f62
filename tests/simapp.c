/* SPDX-License-Identifier: ISC */
#include "simapp.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

#define BODY_MAX ((size_t)8 << 20)

static void parse(struct json **into, const char *text, size_t len)
{
	struct err e = { 0 };

	json_free(*into);
	*into = json_parse(text, len, BODY_MAX, &e);
	ck_assert_msg(*into != NULL, "%s: %.200s", e.msg, text);
}

void simapp_open(struct simapp *a)
{
	struct err e = { 0 };

	memset(a, 0, sizeof(*a));
	a->sim = sim_start(NULL, &e);
	ck_assert_msg(a->sim != NULL, "%s", e.msg);
	ck_assert_msg(sim_load_demo(a->sim, &e) == 0, "%s", e.msg);
	a->web = peer_open(sim_port(a->sim), NULL);
}

void simapp_close(struct simapp *a)
{
	json_free(a->answer);
	json_free(a->frame);
	peer_close(a->ws);
	peer_close(a->web);
	sim_stop(a->sim);
	memset(a, 0, sizeof(*a));
}

const char *simapp_call_as(struct simapp *a, const char *token,
			   const char *method, const char *body)
{
	const struct answer *got;
	char path[96];

	snprintf(path, sizeof(path), "/api/%s", method);
	got = peer_post(a->web, path, token,
			*body == '{' ? "application/json" : NULL, body);
	ck_assert_int_ne(got->status, 0);
	parse(&a->answer, got->body, got->len);
	return json_bool(a->answer, "ok", false) ? NULL
						 : json_str(a->answer, "error");
}

const char *simapp_call(struct simapp *a, const char *method, const char *body)
{
	return simapp_call_as(a, SIMAPP_KIM, method, body);
}

void simapp_must(struct simapp *a, const char *method, const char *body)
{
	const char *error = simapp_call(a, method, body);

	ck_assert_msg(!error, "%s: %s", method, error);
}

const char *simapp_post(struct simapp *a, const char *body)
{
	simapp_must(a, "chat.postMessage", body);
	return simapp_got(a, "ts");
}

const char *simapp_got(const struct simapp *a, const char *path)
{
	return json_str(a->answer, path);
}

/* The next text frame. */
static void next_frame(struct simapp *a)
{
	const char *text;

	ck_assert_int_eq(peer_frame(a->ws, &text), 1);
	parse(&a->frame, text, strlen(text));
}

void simapp_link(struct simapp *a)
{
	const char *error = simapp_call_as(a, "xapp-1-A0ACME-sim",
					   "apps.connections.open", "");
	const char *path;

	ck_assert_msg(!error, "%s", error);
	path = strstr(simapp_got(a, "url"), "/link/");
	ck_assert_ptr_nonnull(path);
	a->ws = peer_open(sim_port(a->sim), NULL);
	ck_assert_int_eq(peer_upgrade(a->ws, path), 101);
	next_frame(a);
}

static const char *type_of(const struct simapp *a)
{
	const char *type = simapp_says(a, "event.type");

	if (!type)
		type = simapp_says(a, "type");
	/* A command's payload has none. */
	return type ? type : json_str(a->frame, "type");
}

void simapp_next(struct simapp *a, const char *type)
{
	for (;;) {
		next_frame(a);
		if (strcmp(type_of(a), type) == 0)
			return;
		simapp_ack(a, NULL);
	}
}

const char *simapp_says(const struct simapp *a, const char *path)
{
	char at[128];

	snprintf(at, sizeof(at), "payload.%s", path);
	return json_str(a->frame, at);
}

void simapp_ack(struct simapp *a, const char *payload)
{
	struct buf b;

	buf_init(&b, BODY_MAX);
	buf_addf(&b, "{\"envelope_id\":\"%s\"",
		 json_str(a->frame, "envelope_id"));
	if (payload)
		buf_addf(&b, ",\"payload\":%s", payload);
	buf_addc(&b, '}');
	peer_frame_out(a->ws, 0x81, b.data, b.len);
	buf_release(&b);
}

int simapp_respond(struct simapp *a, const char *url, const char *body,
		   const char **text)
{
	const char *path = strstr(url, "/hooks/");
	const struct answer *got;

	ck_assert_msg(path != NULL, "%s", url);
	got = peer_post(a->web, path, NULL, "application/json", body);
	if (text)
		*text = got->body;
	return got->status;
}

void simapp_quiet(struct simapp *a)
{
	ck_assert(peer_silent(a->ws, 20));
}
