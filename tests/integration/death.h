/* SPDX-License-Identifier: ISC */
#ifndef INTEGRATION_DEATH_H
#define INTEGRATION_DEATH_H

#include "integration/rig.h"

/*
 * For tests whose daemon dies at a chosen place (base/killpoint.h), is started
 * again, and must come to one whole answer without a placeholder. They need a
 * build with --enable-killpoints. Failures end the test.
 */

/* As rig_open(), and whatever isn't acked is delivered soon again. */
void death_open(struct rig *r);
void death_close(struct rig *r);

/* The daemon will die there. */
void death_start(struct rig *r, const char *place);
/* It is dead, by its own hand. */
void death_await(struct rig *r);
/* It was started once more, and has died there, perhaps before it was ready. */
void death_again(struct rig *r, const char *place);

/* The thread in C1 has one answer, which is whole. */
void death_expect_answer(struct rig *r, const char *thread_ts);

#endif
