/* SPDX-License-Identifier: ISC */
#ifndef ROUTE_INHAND_H
#define ROUTE_INHAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct entry;

/*
 * The unfinished entries that this process has in hand, from router to turn,
 * so that what nobody works on can be told from them. Any thread.
 *
 * With several nodes an entry may come back under a new lease while what was
 * done under the old one is being put down: those are two.
 */

/* False when it is there already, and is not to be worked on twice. Without
 * memory it is true, and nothing is kept. */
bool inhand_add(const char *app_id, const char *id, int64_t epoch);
/* One that isn't there is no matter. */
void inhand_drop(const char *id, int64_t epoch);
/* The same for an entry and all that it covers. */
bool inhand_add_entry(const struct entry *en);
void inhand_drop_entry(const struct entry *en);
bool inhand_has(const char *id, int64_t epoch);
/* How many of the app are. */
size_t inhand_of(const char *app_id);

#endif
