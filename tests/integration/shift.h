/* SPDX-License-Identifier: ISC */
#ifndef INTEGRATION_SHIFT_H
#define INTEGRATION_SHIFT_H

#include <stdint.h>

/*
 * What is added to the clocks of daemons that start from now on, in
 * milliseconds, whenever it is changed: the wall clock's and the one that runs
 * on in sleep (base/clock_shift.h). The clocks of Slack and of the model stay.
 * Needs a build with --enable-killpoints. Failures end the test.
 */
extern _Atomic int64_t *shift;

void shift_begin(void); /* before the rig is opened */
void shift_end(void);

#endif
