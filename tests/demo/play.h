/* SPDX-License-Identifier: ISC */
#ifndef DEMO_PLAY_H
#define DEMO_PLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bed/nodes.h"

#define DEMO_ANSWER_MS   150000
#define DEMO_PLACEHOLDER "Thinking..."
#define DEMO_RESULTS_MAX 32

struct demo {
	struct nodes nodes;
	struct sim *sim;
	struct {
		bool ok;
		const char *what;
		char times[64];
	} results[DEMO_RESULTS_MAX];
	size_t nresults;
};

/* A line of the closing list; what isn't copied. */
void demo_result(struct demo *d, bool ok, const char *what, const char *times);

/* Says it, and shows that. opt and ts may be NULL. */
bool demo_say(struct demo *d, const char *channel, const char *user,
	      const char *text, const struct sim_say *opt, char ts[SIM_TS]);

/* Shows the n-th reply of a thread until it is final, and tells the times. */
bool demo_follow(struct demo *d, const char *channel, const char *thread,
		 size_t nth, int64_t asked_us, const char *what);

/* Answers that stand in a thread. */
size_t demo_replies(struct demo *d, const char *channel, const char *thread);

/* The n-th of them, from 0 on, in m; NULL when there is none. */
const struct sim_msg *demo_nth_reply(const struct sim_msg *m, size_t count,
				     size_t nth);

/* Waits until all is acked and nothing is under way. */
bool demo_settle(struct demo *d);

/* Is this word in a daemon's log? */
bool demo_logged(const struct demo *d, const char *word);

/* Everyday talk, and what goes wrong in it. */
void scenes_talk(struct demo *d);

/* A node of several dies. */
void scenes_kill(struct demo *d);

/* How answers look, and what people do with them. by_rule: the simulated model
 * answers, which can be told what to say. */
void scenes_answers(struct demo *d, bool by_rule);

#endif
