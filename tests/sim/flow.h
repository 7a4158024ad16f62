/* SPDX-License-Identifier: ISC */
#ifndef SIM_FLOW_H
#define SIM_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/world.h"

enum flow_end {
	FLOW_RUNS,
	FLOW_STOPPED, /* by the app, */
	FLOW_HALTED,  /* or by a person's click */
};

/* How a message came to be what it is, piece by piece. */
struct flow {
	enum flow_end end;
	int64_t until_us; /* Slack ends it itself then */
	bool plan;        /* tasks are shown as one plan */
	char *plan_title;
	struct vec tasks; /* of struct task (flow.c) */
	char *extra;      /* JSON of blocks, with commas between; or NULL */
};

void flow_start(struct sim *s, struct msg *m, bool plan);
/* Can it be appended to? */
bool flow_live(const struct msg *m);
const char *flow_state(const struct msg *m);
void flow_drop(struct msg *m);

/* What a call brings: text and chunks, either may be NULL. NULL, or Slack's
 * word for what is wrong; then nothing is changed. */
const char *flow_check(const char *text, const char *chunks);
/* Checked before. */
void flow_add(struct sim *s, struct msg *m, const char *text,
	      const char *chunks);
/* Blocks at the end of it all, a JSON array. */
void flow_add_blocks(struct sim *s, struct msg *m, const char *blocks);

#endif
