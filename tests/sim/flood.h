/* SPDX-License-Identifier: ISC */
#ifndef SIM_FLOOD_H
#define SIM_FLOOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct msg;
struct sim;

/* What befalls a message of the flood; n is 1 + its number. */
void flood_sent(struct sim *s, size_t n, int attempt, bool went_out);
void flood_acked(struct sim *s, size_t n, int64_t took_us);
void flood_posted(struct sim *s, const struct msg *m);
void flood_edited(struct sim *s, const struct msg *m);
/* The model was asked; returns n of the message that the text carries, 0 if
 * it isn't of the flood. */
size_t flood_asked(struct sim *s, const char *last);
/* The last byte of this text is out. */
void flood_told(struct sim *s, size_t n, const char *text);

/* How the built-in answer ends, by which its last edit is known. */
#define FLOOD_TAIL "I will go on from here."

#endif
