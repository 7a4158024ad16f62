/* SPDX-License-Identifier: ISC */
#ifndef TESTS_WIRES_H
#define TESTS_WIRES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link/alarm.h"
#include "link/transport.h"

/*
 * A transport and a clock that a test moves by hand. A wire checks what a
 * real one promises: nothing is reported after closed or drop().
 */
#define WIRES_MAX 1024

struct wire {
	const struct wire_events *ev;
	void *arg;
	char url[128];
	char addr[46];
	char sent[512]; /* the last frame */
	size_t nsent;
	size_t pings;
	bool open;
	bool closing; /* close() was called */
	bool gone;    /* dropped, or closed was reported */
};

struct wires {
	struct transport base; /* must be first */
	struct alarms alarms;
	struct wire *all[WIRES_MAX]; /* in the order of connect() */
	size_t n;
	bool refuse; /* connect() fails */
	bool mute;   /* ping() fails */
	bool full;   /* send() fails */
};

extern struct wires wires;

void wires_init(void);
void wires_release(void);

/* Let the time pass, with all that falls due on the way. */
void wires_pass(int64_t ms);

struct wire *wires_last(void); /* connected; a failure ends the test */
size_t wires_alive(void);      /* not gone */

void wire_open(struct wire *w);
void wire_text(struct wire *w, const char *text);
void wire_end(struct wire *w, const char *why);

/* The frames of Slack's side. */
void wire_hello(struct wire *w, const char *app_id, int connections);
void wire_disconnect(struct wire *w, const char *reason);

#endif
