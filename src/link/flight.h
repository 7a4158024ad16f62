/* SPDX-License-Identifier: ISC */
#ifndef LINK_FLIGHT_H
#define LINK_FLIGHT_H

#include <stdbool.h>
#include <stdint.h>

struct canaries;
struct canary;

/*
 * One tenant's canary: from a note in the store to Slack's answer, and a note
 * of that. On the loop of canaries.h, with its store not asked meanwhile.
 */
struct flight;

struct flight *flight_create(struct canaries *k); /* NULL: no memory */
void flight_free(struct flight *f);

/*
 * There is something to do, as the store has it: it is judged, and sent
 * again. since_ms: when the app's link became live (wall clock, 0: not known).
 */
void flight_begin(struct flight *f, const struct canary *c, int64_t since_ms);
bool flight_busy(const struct flight *f);
/* Asks no more. */
void flight_stop(struct flight *f);

/* Fresh links for an app that hears nothing: each time as much later as it has
 * been until then, and this at least. */
#define FLIGHT_REDIAL_MS 600000
/* Is it time for them? Pure. */
bool flight_wants_links(const struct canary *c, int64_t now_ms);

#endif
