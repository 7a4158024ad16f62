/* SPDX-License-Identifier: ISC */
#ifndef SIM_INTERACT_H
#define SIM_INTERACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "sim/world.h"

struct args;
struct conn;
struct event;
struct map;
struct request;

/* What a person's act lets an app do for three seconds, once. */
struct trigger {
	struct install *install;
	struct user *user;
	int64_t until_us;
	bool used;
};

/* Behind a response_url: for half an hour, five times. */
struct hook {
	char path[160];
	struct install *install;
	struct user *user;
	struct channel *channel;
	char ts[SIM_TS];        /* of the message acted on; "": none */
	char thread_ts[SIM_TS]; /* of its thread */
	int64_t until_us;
	int uses;
};

struct hook *hook_find(struct sim *s, const char *path);
/*
 * Does what a payload asks for, sent to a response_url or with an ack: a new
 * message, or the old one replaced or deleted. NULL, or what is wrong.
 */
const char *hook_use(struct sim *s, const struct hook *h, const struct args *a,
		     char ts[SIM_TS]);
/* POST /hooks/... */
void hook_serve(struct conn *c, const struct request *r);

struct interact {
	struct map *triggers; /* of struct trigger */
	struct map *hooks;    /* of struct hook, by path */
	struct map *sessions; /* of struct session (session.h) */
	struct vec views;     /* of struct pane (pane.h) */
};

/* A payload under way: who acts on whose app, where. */
struct act {
	struct sim *s;
	struct install *to;
	struct user *user;
	struct channel *channel; /* NULL: outside of any */
	const struct msg *msg;   /* NULL: none */
	struct jwrite w;
	struct buf out;
	char hook[160]; /* path of its response_url */
};

/* Opens the object and writes what all payloads of interactions have. */
void act_begin(struct act *a, const char *type);
void act_trigger(struct act *a);
/* kind: the part of the path that tells Slack's URLs apart. The path is kept
 * in a->hook. */
void act_response_url(struct act *a, const char *kind);
void act_channel(struct act *a);
/* Closes the object and sends it. */
struct event *act_send(struct act *a, const char *envelope, const char *type,
		       bool accepts);

#endif
