/* SPDX-License-Identifier: ISC */
#include "integration/death.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/err.h"

static void hurry(struct rig *r)
{
	struct sim_settings set;

	rig_hurry(r);
	sim_settings(r->sim, &set);
	set.ack_timeout_ms = 300;
	set.llm_token_ms = 10;
	sim_set(r->sim, &set);
}

void death_open(struct rig *r)
{
	rig_open(r, NULL);
	hurry(r);
}

void death_close(struct rig *r)
{
	unsetenv("KONSTRUCT_DIE_AT");
	rig_close(r);
}

void death_start(struct rig *r, const char *place)
{
	setenv("KONSTRUCT_DIE_AT", place, 1);
	rig_start(r);
	unsetenv("KONSTRUCT_DIE_AT");
}

void death_await(struct rig *r)
{
	int status = 0;

	while (waitpid(r->bed.pid, &status, 0) < 0)
		ck_assert_int_eq(errno, EINTR);
	r->bed.pid = 0;
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

void death_again(struct rig *r, const char *place)
{
	struct err e = { 0 };

	setenv("KONSTRUCT_DIE_AT", place, 1);
	if (bed_start(&r->bed, &e) == 0)
		death_await(r);
	unsetenv("KONSTRUCT_DIE_AT");
	ck_assert_int_eq(r->bed.pid, 0);
}

void death_expect_answer(struct rig *r, const char *thread_ts)
{
	char *text = rig_answer(r, "C1", thread_ts);

	ck_assert_ptr_nonnull(strstr(text, "I will go on from here."));
	ck_assert_uint_eq(rig_replies(r, "C1", thread_ts), 1);
	free(text);
}
