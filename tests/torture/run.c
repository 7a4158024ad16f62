/* SPDX-License-Identifier: ISC */
#include "torture/run.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "bed/nodes.h"
#include "torture/fate.h"
#include "torture/mischief.h"
#include "torture/world.h"

/* A late call of mischief.c must arrive within timeout_s. */

#define SLICE_MS   250 /* how often something else may go wrong */
#define LIFE_MIN   20  /* between two ends of daemons, in ms */
#define LIFE_MAX   20000
#define QUIET_MS   240000
#define QUIET_POLL 300
#define DEAD_MS    2500  /* a token is refused for so long; */
#define GOOD_MS    12000 /* on average, until it is again */
#define ROUNDS     5     /* of dead letters that are replayed */

struct run {
	struct torture *t;
	struct nodes nodes;
	struct sim *sim;
	struct fate fate;
	struct talk talk;
	struct dice dice;
	int64_t end_ms;
	int64_t refuse_ms; /* when a token is refused */
	int64_t accept_ms; /* or is good again; 0: it is */
};

static void set_world(struct run *r)
{
	struct sim_settings set;
	size_t i;

	sim_settings(r->sim, &set);
	set.ack_timeout_ms = 1000;
	for (i = 0; i < SIM_RETRIES - 1; i++)
		set.retry_ms[i] = i < 3 ? 300 : 2000;
	set.llm_first_ms = 40;
	set.llm_token_ms = 15;
	sim_set(r->sim, &set);
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

	if (nodes_make(&r->nodes, (size_t)r->t->nodes, &o, e) < 0)
		return -1;
	r->sim = r->nodes.beds[0].sim;
	if (world_make(r->sim, r->t->tenants, e) < 0)
		return -1;
	set_world(r);
	r->dice.state = r->t->seed;
	r->fate.nodes = &r->nodes;
	r->fate.dice.state = r->t->seed ^ 0x6661;
	r->talk.sim = r->sim;
	r->talk.dice.state = r->t->seed ^ 0x7461;
	r->talk.tenants = r->t->tenants;
	r->talk.rate = r->t->rate;
	r->talk.outcast = r->t->tenants > 3 ? r->t->tenants - 1 : -1;
	r->refuse_ms = clock_ms() + GOOD_MS;
	return nodes_start(&r->nodes, e);
}

static void refuse_token(struct run *r, int64_t now)
{
	if (r->accept_ms != 0 && now >= r->accept_ms) {
		mischief_token(r->sim, r->talk.outcast, false);
		r->accept_ms = 0;
		r->refuse_ms = now + dice_ms(&r->dice, GOOD_MS, 1000, 60000);
	} else if (r->accept_ms == 0 && now >= r->refuse_ms) {
		mischief_token(r->sim, r->talk.outcast, true);
		r->accept_ms = now + DEAD_MS;
		r->t->refusals++;
	}
}

/* Other things go wrong while the daemons live. */
static int let_live(struct run *r, int ms, struct err *e)
{
	int slice;

	for (; ms > 0 && clock_ms() < r->end_ms; ms -= slice) {
		slice = ms < SLICE_MS ? ms : SLICE_MS;
		poll(NULL, 0, slice);
		if (dice_percent(&r->dice, 20))
			mischief_do(r->sim, &r->dice, r->t->tenants);
		if (r->talk.outcast >= 0)
			refuse_token(r, clock_ms());
		if (fate_revive(&r->fate, clock_ms(), e) < 0)
			return -1;
	}
	return 0;
}

static int kill_again_and_again(struct run *r, struct err *e)
{
	int ms;

	while (clock_ms() < r->end_ms) {
		ms = dice_ms(&r->dice, r->t->kill_ms, LIFE_MIN, LIFE_MAX);
		if (let_live(r, ms, e) < 0 || fate_strike(&r->fate, e) < 0)
			return -1;
		if (r->t->talkative) {
			printf("%5d kills, %zu messages\r", r->fate.kills,
			       r->talk.n);
			fflush(stdout);
		}
	}
	return fate_revive(&r->fate, INT64_MAX, e);
}

static bool is_quiet(const struct run *r)
{
	struct sim_stats st;

	sim_stats(r->sim, &st);
	return st.unacked == 0 && r->talk.whims.ndue == 0 &&
	       nodes_quiet(&r->nodes);
}

static void tell_unrest(const struct run *r)
{
	struct sim_stats st;

	sim_stats(r->sim, &st);
	printf("not quiet: %llu envelopes unacked, %zu acts due, daemons %s\n",
	       (unsigned long long)st.unacked, r->talk.whims.ndue,
	       nodes_quiet(&r->nodes) ? "quiet" : "at work");
}

/* People go on to do what they meant to. */
static void await_quiet(struct run *r)
{
	int64_t until = clock_ms() + QUIET_MS;
	int in_a_row = 0;

	while (in_a_row < 3 && clock_ms() < until) {
		poll(NULL, 0, QUIET_POLL);
		whims_do(&r->talk);
		in_a_row = is_quiet(r) ? in_a_row + 1 : 0;
	}
	r->t->quiet = in_a_row == 3;
	if (!r->t->quiet)
		tell_unrest(r);
}

static int torment(struct run *r, struct err *e)
{
	int rc;

	r->end_ms = clock_ms() + r->t->seconds * INT64_C(1000);
	mischief_begin(r->sim, r->t->patient);
	if (talk_start(&r->talk) < 0)
		return err_set(e, ERR_FATAL, "cannot start a thread");
	rc = kill_again_and_again(r, e);
	talk_end(&r->talk);
	mischief_end(r->sim);
	if (r->talk.outcast >= 0)
		mischief_token(r->sim, r->talk.outcast, false);
	r->t->kills = r->fate.kills;
	r->t->stops = r->fate.stops;
	r->t->freezes = r->fate.freezes;
	r->t->outages = r->fate.outages;
	return rc;
}

/* The token is good, which is found out at once; then what was given up
 * begins anew. True when nothing is. */
static bool replay(struct run *r)
{
	char app[16];
	const char *const connect[] = { "app", "connect", app, NULL };
	static const char *const all[] = { "dead", "replay", "all", NULL };
	static const char *const list[] = { "--json", "dead", "list", NULL };
	struct bed *b = &r->nodes.beds[0];
	struct err e = { 0 };
	char *out = NULL;
	bool none;

	snprintf(app, sizeof(app), "A%05d", r->talk.outcast);
	(void)bed_ctl(b, &out, list, &e);
	none = out && strstr(out, "\"dead\":[]");
	free(out);
	if (none)
		return true;
	(void)bed_ctl(b, NULL, connect, &e);
	(void)bed_ctl(b, NULL, all, &e);
	await_quiet(r);
	return false;
}

static void replay_all(struct run *r)
{
	int i;

	for (i = 0; i < ROUNDS && !replay(r); i++)
		r->t->replays++;
}

/* What they said can be read then. */
static void leave(struct run *r)
{
	size_t i;

	for (i = 0; i < r->nodes.n; i++) {
		printf("the daemon's log is %s\n", r->nodes.beds[i].log);
		bed_kill(&r->nodes.beds[i]);
	}
	if (r->sim)
		sim_stop(r->sim);
	if (r->nodes.shared)
		redis_box_remove(&r->nodes.redis);
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
		replay_all(&r);
		t->messages = r.talk.n;
		judge(&r.nodes, &r.talk, &t->verdicts);
		rc = fate_stop_all(&r.fate, e);
	}
	talk_release(&r.talk);
	if (t->keep || rc < 0)
		leave(&r);
	else
		nodes_remove(&r.nodes);
	return rc;
}

void torture_print(const struct torture *t)
{
	const struct verdicts *v = &t->verdicts;

	printf("seed %llu: %d s, ", (unsigned long long)t->seed, t->seconds);
	if (t->nodes > 0)
		printf("%d nodes, ", t->nodes);
	printf("%d kills, %d stops, ", t->kills, t->stops);
	printf("%d tokens refused, %d replays, %zu left, ", t->refusals,
	       t->replays, v->left);
	if (t->nodes > 0)
		printf("%d freezes, %d outages of PostgreSQL or Redis, ",
		       t->freezes, t->outages);
	printf("%zu messages, %zu acts: %zu answered, %zu sentences, "
	       "%zu stopped, %zu removed, %zu again, %zu together in %zu; "
	       "lost %zu, twice %zu, stuck %zu, open %zu, wrong %zu, "
	       "mixed %zu, stray %zu, unheard %zu, remembered %zu, "
	       "never acked %zu%s\n",
	       t->messages, v->acts, v->answered, v->sentences, v->stopped,
	       v->removed, v->again, v->together, v->groups, v->lost, v->twice,
	       v->stuck, v->open, v->wrong, v->mixed, v->stray, v->unheard,
	       v->remembered, v->given_up,
	       t->quiet ? "" : "; not quiet in time");
}

bool torture_passed(const struct torture *t)
{
	const struct verdicts *v = &t->verdicts;

	return t->quiet && verdicts_clean(v) &&
	       v->answered + v->sentences + v->stopped + v->removed ==
		       t->messages;
}
