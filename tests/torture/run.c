/* SPDX-License-Identifier: ISC */
#include "torture/run.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/err.h"
#include "torture/mischief.h"

/* A late call of mischief.c must arrive within timeout_s. */

#define SLICE_MS   250 /* how often something else may go wrong */
#define LIFE_MIN   20  /* of the daemon, in ms */
#define LIFE_MAX   20000
#define QUIET_MS   240000
#define QUIET_POLL 300

struct run {
	struct torture *t;
	struct bed bed;
	struct talk talk;
	struct dice dice;
	int64_t end_ms;
};

static void set_world(struct run *r)
{
	struct sim_settings set;
	struct sim *s = r->bed.sim;
	size_t i;

	sim_settings(s, &set);
	set.ack_timeout_ms = 1000;
	for (i = 0; i < SIM_RETRIES - 1; i++)
		set.retry_ms[i] = i < 3 ? 300 : 2000;
	set.llm_first_ms = 40;
	set.llm_token_ms = 15;
	sim_set(s, &set);
}

static int set_up(struct run *r, struct err *e)
{
	struct bed_opts o = {
		.daemon = " workers = 2\n log_level = \"debug\"\n"
			  " drain_timeout_s = 3",
		.slack = " updates_per_minute = 0\n posts_per_second = 0\n"
			 " timeout_s = 4",
		.limits = " rate_per_minute = 0",
		.llm = " first_token_timeout_s = 3\n idle_timeout_s = 2\n",
		.seed = r->t->seed,
	};

	if (bed_make(&r->bed, &o, e) < 0)
		return -1;
	if (sim_load_many(r->bed.sim, 0, r->t->tenants) < 0)
		return err_set(e, ERR_FATAL, "cannot make the world");
	set_world(r);
	if (bed_apply(&r->bed, e) < 0)
		return -1;
	r->dice.state = r->t->seed;
	r->talk.sim = r->bed.sim;
	r->talk.dice.state = r->t->seed ^ 0x7461;
	r->talk.tenants = r->t->tenants;
	r->talk.rate = r->t->rate;
	return bed_start(&r->bed, e);
}

/* Other things go wrong while the daemon lives. */
static void let_live(struct run *r, int ms)
{
	int slice;

	for (; ms > 0 && clock_ms() < r->end_ms; ms -= slice) {
		slice = ms < SLICE_MS ? ms : SLICE_MS;
		poll(NULL, 0, slice);
		if (dice_percent(&r->dice, 20))
			mischief_do(r->bed.sim, &r->dice, r->t->tenants);
	}
}

/* A sanitizer's report ends the daemon too. */
static int stop_in_peace(struct run *r, struct err *e)
{
	if (bed_stop(&r->bed) != 0)
		return err_set(e, ERR_FATAL,
			       "the daemon did not stop in peace");
	return 0;
}

static int check_alive(struct run *r, struct err *e)
{
	int status;

	if (waitpid(r->bed.pid, &status, WNOHANG) != r->bed.pid)
		return 0;
	r->bed.pid = 0;
	return err_set(e, ERR_FATAL, "the daemon died by itself, status 0x%x",
		       status);
}

/* Mostly at once; sometimes after it was told to stop, or in the midst. */
static int end_life(struct run *r, struct err *e)
{
	uint64_t how = dice_roll(&r->dice, 100);
	int grace = (int)dice_roll(&r->dice, 1000);

	if (check_alive(r, e) < 0)
		return -1;
	if (how < 10) {
		r->t->stops++;
		return stop_in_peace(r, e);
	}
	if (how < 20) {
		kill(r->bed.pid, SIGTERM);
		poll(NULL, 0, grace);
	}
	r->t->kills++;
	bed_kill(&r->bed);
	return 0;
}

static int kill_again_and_again(struct run *r, struct err *e)
{
	int ms;

	while (clock_ms() < r->end_ms) {
		ms = dice_ms(&r->dice, r->t->kill_ms, LIFE_MIN, LIFE_MAX);
		let_live(r, ms);
		if (end_life(r, e) < 0 || bed_start(&r->bed, e) < 0)
			return -1;
		if (r->t->talkative) {
			printf("%5d kills, %zu messages\r", r->t->kills,
			       r->talk.n);
			fflush(stdout);
		}
	}
	return 0;
}

static bool is_quiet(const struct run *r)
{
	struct sim_stats st;

	sim_stats(r->bed.sim, &st);
	return st.unacked == 0 && bed_quiet(&r->bed);
}

static void await_quiet(struct run *r)
{
	int64_t until = clock_ms() + QUIET_MS;
	int in_a_row = 0;

	while (in_a_row < 3 && clock_ms() < until) {
		poll(NULL, 0, QUIET_POLL);
		in_a_row = is_quiet(r) ? in_a_row + 1 : 0;
	}
	r->t->quiet = in_a_row == 3;
}

static int torment(struct run *r, struct err *e)
{
	int rc;

	r->end_ms = clock_ms() + r->t->seconds * INT64_C(1000);
	mischief_begin(r->bed.sim, r->t->patient);
	if (talk_start(&r->talk) < 0)
		return err_set(e, ERR_FATAL, "cannot start a thread");
	rc = kill_again_and_again(r, e);
	talk_end(&r->talk);
	mischief_end(r->bed.sim);
	return rc;
}

static void show_log(const struct bed *b)
{
	printf("the daemon's log is %s\n", b->log);
}

int torture_run(struct torture *t, struct err *e)
{
	struct run r = { .t = t };
	int rc;

	rc = set_up(&r, e);
	if (rc == 0)
		rc = torment(&r, e);
	if (rc == 0) {
		await_quiet(&r);
		t->messages = r.talk.n;
		judge(&r.bed, &r.talk, &t->verdicts);
		rc = stop_in_peace(&r, e);
	}
	talk_release(&r.talk);
	if (t->keep || rc < 0) {
		show_log(&r.bed);
		bed_kill(&r.bed);
		sim_stop(r.bed.sim);
	} else {
		bed_remove(&r.bed);
	}
	return rc;
}

void torture_print(const struct torture *t)
{
	const struct verdicts *v = &t->verdicts;

	printf("seed %llu: %d s, %d kills, %d stops, %zu messages: "
	       "%zu answered, %zu sentences; lost %zu, twice %zu, stuck %zu, "
	       "never acked %zu%s\n",
	       (unsigned long long)t->seed, t->seconds, t->kills, t->stops,
	       t->messages, v->answered, v->sentences, v->lost, v->twice,
	       v->stuck, v->given_up, t->quiet ? "" : ", not quiet in time");
}

bool torture_passed(const struct torture *t)
{
	const struct verdicts *v = &t->verdicts;

	return t->quiet && v->lost == 0 && v->twice == 0 && v->stuck == 0 &&
	       v->given_up == 0 && v->answered + v->sentences == t->messages;
}
