/* SPDX-License-Identifier: ISC */
#include "integration/shift.h"

#include <check.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"

_Atomic int64_t *shift;

static char path[] = "/tmp/kd-shift-XXXXXX"; /* each test is a process */

void shift_begin(void)
{
	int fd = mkstemp(path);

	/* Ours, which is Slack's, and the model's, is read before. */
	(void)clock_wall_ms();
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, 2 * sizeof(*shift)), 0);
	shift = mmap(NULL, 2 * sizeof(*shift), PROT_READ | PROT_WRITE,
		     MAP_SHARED, fd, 0);
	close(fd);
	ck_assert_ptr_ne(shift, MAP_FAILED);
	setenv("KONSTRUCT_CLOCK", path, 1);
}

void shift_end(void)
{
	unlink(path);
}
