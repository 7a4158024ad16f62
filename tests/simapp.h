/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SIMAPP_H
#define TESTS_SIMAPP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"
#include "peer.h"
#include "sim/act.h"
#include "sim/sim.h"

#define SIMAPP     "A0ACME"
#define SIMAPP_KIM "xoxb-sim-acme"

/*
 * The demo's app of Acme at a simulator of its own, by hand: one connection
 * to the Web API and one link. What fails fails the test.
 */
struct simapp {
	struct sim *sim;
	struct peer *web;
	struct peer *ws;     /* after simapp_link() */
	struct json *answer; /* of the last call */
	struct json *frame;  /* the last envelope */
};

void simapp_open(struct simapp *a);
void simapp_close(struct simapp *a);
void simapp_link(struct simapp *a);

/* The error of a call, or NULL; form or JSON by its first byte. */
const char *simapp_call(struct simapp *a, const char *method, const char *body);
const char *simapp_call_as(struct simapp *a, const char *token,
			   const char *method, const char *body);
void simapp_must(struct simapp *a, const char *method, const char *body);
/* Posts it; its ts is good until the next call. */
const char *simapp_post(struct simapp *a, const char *body);
/* Of the last answer. */
const char *simapp_got(const struct simapp *a, const char *path);

/* Waits for an envelope whose payload or event has this type, acking (and
 * passing over) all before it. */
void simapp_next(struct simapp *a, const char *type);
/* Of the payload of the last envelope. */
const char *simapp_says(const struct simapp *a, const char *path);
/* payload: JSON to go with the ack, or NULL. */
void simapp_ack(struct simapp *a, const char *payload);
/* POST of JSON to a response_url: the status, and its body as a string that
 * is good until the next call. */
int simapp_respond(struct simapp *a, const char *url, const char *body,
		   const char **text);
/* Nothing more comes. */
void simapp_quiet(struct simapp *a);

#endif
