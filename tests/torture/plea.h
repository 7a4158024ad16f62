/* SPDX-License-Identifier: ISC */
#ifndef TORTURE_PLEA_H
#define TORTURE_PLEA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct talk;

#define PLEA_HOOK 160

/*
 * What is asked by a command, which is answered for the asker alone, and maybe
 * shared with all.
 */
struct plea {
	char channel[16];
	char word[24];
	char envelope[40];      /* "": nobody was there to get it */
	char hook[PLEA_HOOK];   /* where the answer goes */
	int64_t at_us;          /* of sim_clock_us() */
	int64_t share_us;       /* when it is looked for to be shared; 0: no */
	char shared[PLEA_HOOK]; /* where that goes, "": it wasn't */
	char share_envelope[40];
};

struct pleas {
	struct plea *all;
	size_t n, size;
};

void plea_say(struct talk *t);
/* Answers that have come are shared. */
void pleas_do(struct talk *t);

#endif
