/* SPDX-License-Identifier: ISC */
#ifndef ROUTE_INHAND_H
#define ROUTE_INHAND_H

#include <stdbool.h>

/*
 * The unfinished entries that this process has in hand, from router to turn,
 * so that what nobody works on can be told from them. Any thread.
 */

/* False when it is there already, and is not to be worked on twice. Without
 * memory it is true, and nothing is kept. */
bool inhand_add(const char *id);
void inhand_drop(const char *id); /* one that isn't there is no matter */
bool inhand_has(const char *id);

#endif
