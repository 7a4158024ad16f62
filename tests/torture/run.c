/* SPDX-License-Identifier: ISC */
#include "torture/run.h"

#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "bed/nodes.h"
#include "pg.h"
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
#define AWAY_MS    1500  /* an app is out of its workspace for so long; */
#define HERE_MS    20000 /* on average, until it is again */
#define REVOKE_MS  20000 /* on average, until a token is revoked */
#define PURGE_MS   15000 /* on average, until all of a tenant is erased */
#define AGE_MS     20000 /* until there are lines again that nobody keeps */
#define AGED       "150"

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
	int64_t leave_ms;  /* when an app is taken out */
	int64_t return_ms; /* or installed again; 0: it is there */
	int64_t age_ms;    /* when there are old lines again */
	int64_t revoke_ms; /* when a token is revoked */
	int64_t purge_ms;  /* when a tenant's data are erased */
};

static void set_world(struct run *r)
{
	struct sim_settings set;
	size_t i;

	sim_settings(r->sim, &set);
	set.ack_timeout_ms = 2500; /* longer than a reply is held */
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
		.limits = " rate_per_minute = 0\n transcript_days = 400",
		.llm = " first_token_timeout_s = 3\n idle_timeout_s = 2\n"
		       " vision = true\n",
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
	r->talk.cast = world_cast(r->t->tenants);
	r->refuse_ms = clock_ms() + GOOD_MS;
	r->leave_ms = clock_ms() + HERE_MS / 2;
	r->revoke_ms = clock_ms() + REVOKE_MS / 4;
	r->purge_ms = clock_ms() + PURGE_MS / 4;
	return nodes_start(&r->nodes, e);
}

static void refuse_token(struct run *r, int64_t now)
{
	if (r->accept_ms != 0 && now >= r->accept_ms) {
		mischief_token(r->sim, r->talk.cast.outcast, false);
		r->accept_ms = 0;
		r->refuse_ms = now + dice_ms(&r->dice, GOOD_MS, 1000, 60000);
	} else if (r->accept_ms == 0 && now >= r->refuse_ms) {
		mischief_token(r->sim, r->talk.cast.outcast, true);
		r->accept_ms = now + DEAD_MS;
		r->t->refusals++;
	}
}

/* Whichever daemon listens is told. */
static int tell_one(struct run *r, const char *const *args, struct err *e)
{
	struct bed *b = r->nodes.beds;
	size_t i;

	for (i = 0; i < r->nodes.n; i++)
		if (b[i].pid > 0 && !b[i].frozen &&
		    bed_ctl(&b[i], NULL, args, e) == 0)
			return 0;
	return -1;
}

/* What is installed again has another token, which an admin tells. */
static int give_token(struct run *r, struct err *e)
{
	char name[24], path[96];
	const char *const set[] = { "tenant",           "set", name,
				    "--bot-token-file", path,  NULL };
	FILE *f;

	snprintf(name, sizeof(name), "tenant-%05d", r->talk.cast.leaver);
	snprintf(path, sizeof(path), "%s/leaver.token", r->nodes.beds[0].dir);
	f = fopen(path, "w");
	if (!f || fprintf(f, "xoxb-again-%d\n", r->t->leaves) < 0 ||
	    fclose(f) != 0)
		return err_set(e, ERR_FATAL, "cannot write '%s'", path);
	return tell_one(r, set, e);
}

static void come_back(struct run *r)
{
	int k = r->talk.cast.leaver;
	char app[16], team[16], token[24];
	struct err e = { 0 };

	snprintf(app, sizeof(app), "A%05d", k);
	snprintf(team, sizeof(team), "T%05d", k);
	snprintf(token, sizeof(token), "xoxb-again-%d", r->t->leaves);
	(void)sim_install_again(r->sim, app, team, token);
	if (give_token(r, &e) < 0)
		return; /* and again */
	r->talk.away = false;
	r->return_ms = 0;
	r->leave_ms = clock_ms() + dice_ms(&r->dice, HERE_MS, 5000, 60000);
}

static void go_away(struct run *r)
{
	int k = r->talk.cast.leaver;
	char app[16], team[16];

	snprintf(app, sizeof(app), "A%05d", k);
	snprintf(team, sizeof(team), "T%05d", k);
	r->t->leaves++;
	r->talk.away = true;
	(void)sim_uninstall(r->sim, app, team);
	r->return_ms = clock_ms() + dice_ms(&r->dice, AWAY_MS, 1, 6000);
}

static void come_and_go(struct run *r, int64_t now)
{
	if (r->return_ms != 0 && now >= r->return_ms)
		come_back(r);
	else if (r->return_ms == 0 && now >= r->leave_ms)
		go_away(r);
}

static void revoke_token(struct run *r, int64_t now)
{
	if (now < r->revoke_ms)
		return;
	r->revoke_ms = now + dice_ms(&r->dice, REVOKE_MS, 3000, 60000);
	r->t->revokes += mischief_revoke(r->sim, r->talk.cast.rotator);
}

static void purge(struct run *r, int64_t now)
{
	char name[24];
	const char *const args[] = { "tenant", "purge", name, NULL };
	int64_t begun_ms = clock_wall_ms();
	struct err e = { 0 };

	if (now < r->purge_ms)
		return;
	r->purge_ms = now + dice_ms(&r->dice, PURGE_MS, 1000, 60000);
	snprintf(name, sizeof(name), "tenant-%05d", r->talk.cast.purged);
	if (tell_one(r, args, &e) < 0)
		return;
	r->talk.purged_ms = begun_ms;
	r->t->purges++;
}

static void write_store(struct run *r, const char *sql)
{
	char path[96];
	sqlite3 *db = NULL;

	if (r->nodes.shared) {
		(void)pg_ask(sql);
		return;
	}
	snprintf(path, sizeof(path), "%s/state/konstruct.db",
		 r->nodes.beds[0].dir);
	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_busy_timeout(db, 10000) != SQLITE_OK ||
	    sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		abort();
	sqlite3_close(db);
}

/* As if it had run for years. */
static void grow_old(struct run *r, int64_t now)
{
	if (now < r->age_ms)
		return;
	r->age_ms = now + AGE_MS;
	write_store(
		r,
		r->nodes.shared
			? "INSERT INTO transcript (tenant_id,"
			  " channel, thread, ts, ours, text) SELECT id, 'C9',"
			  " '1.0', (1000000000 + i) || '.0', false, 'x' FROM"
			  " tenants, generate_series(1, " AGED ") i"
			  " ON CONFLICT DO NOTHING"
			: "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
			  " SELECT i + 1 FROM n WHERE i < " AGED ")"
			  " INSERT OR IGNORE INTO transcript (tenant_id,"
			  " channel, thread, ts, ours, text) SELECT id, 'C9',"
			  " '1.0', (1000000000 + i) || '.0', 0, 'x'"
			  " FROM tenants, n");
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
		if (r->talk.cast.outcast >= 0)
			refuse_token(r, clock_ms());
		if (r->talk.cast.leaver >= 0)
			come_and_go(r, clock_ms());
		if (r->talk.cast.rotator >= 0)
			revoke_token(r, clock_ms());
		if (r->talk.cast.purged >= 0)
			purge(r, clock_ms());
		grow_old(r, clock_ms());
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
	       r->talk.dialogs.n == 0 && nodes_quiet(&r->nodes);
}

static void tell_unrest(const struct run *r)
{
	struct sim_stats st;

	sim_stats(r->sim, &st);
	printf("not quiet: %llu envelopes unacked, %zu acts and %zu dialogs due,"
	       " daemons %s\n",
	       (unsigned long long)st.unacked, r->talk.whims.ndue,
	       r->talk.dialogs.n, nodes_quiet(&r->nodes) ? "quiet" : "at work");
}

/* People go on to do what they meant to. */
static void await_quiet(struct run *r)
{
	int64_t until = clock_ms() + QUIET_MS;
	int in_a_row = 0;

	while (in_a_row < 3 && clock_ms() < until) {
		poll(NULL, 0, QUIET_POLL);
		whims_do(&r->talk);
		pleas_do(&r->talk);
		dialogs_do(&r->talk);
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
	if (r->talk.cast.outcast >= 0)
		mischief_token(r->sim, r->talk.cast.outcast, false);
	while (rc == 0 && r->return_ms != 0)
		come_back(r);
	r->t->kills = r->fate.kills;
	r->t->stops = r->fate.stops;
	r->t->freezes = r->fate.freezes;
	r->t->outages = r->fate.outages;
	return rc;
}

static void connect(struct run *r, int k)
{
	char app[16];
	const char *const args[] = { "app", "connect", app, NULL };
	struct err e = { 0 };

	snprintf(app, sizeof(app), "A%05d", k);
	(void)bed_ctl(&r->nodes.beds[0], NULL, args, &e);
}

/* The tokens are good, which is found out at once; then what was given up
 * begins anew. True when nothing is. */
static bool replay(struct run *r)
{
	static const char *const all[] = { "dead", "replay", "all", NULL };
	static const char *const list[] = { "--json", "dead", "list", NULL };
	struct bed *b = &r->nodes.beds[0];
	struct err e = { 0 };
	char *out = NULL;
	bool none;

	(void)bed_ctl(b, &out, list, &e);
	none = out && strstr(out, "\"dead\":[]");
	free(out);
	if (none)
		return true;
	connect(r, r->talk.cast.outcast);
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

/* A killed daemon may have left them so, until somebody presses Stop. */
static void stop_sessions(struct run *r)
{
	int64_t until = clock_ms() + QUIET_MS;
	size_t n = talk_stop_all(&r->talk);

	r->t->overtime = n;
	/* Their ends may wait for pace. */
	while (n > 0 && clock_ms() < until) {
		await_quiet(r);
		n = talk_stop_all(&r->talk);
	}
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
		/* Nobody is locked out. */
		talk_say_last(&r.talk);
		await_quiet(&r);
		replay_all(&r);
		stop_sessions(&r);
		t->renewals = (int)sim_count(r.sim, "oauth.v2.access");
		t->messages = r.talk.n;
		t->dialogs = r.talk.dialogs.asked;
		t->opened = r.talk.dialogs.opened;
		judge(&r.nodes, &r.talk, &r.fate.doom, &t->verdicts);
		rc = fate_stop_all(&r.fate, e);
	}
	talk_release(&r.talk);
	doom_release(&r.fate.doom);
	if (t->keep || rc < 0 || !torture_passed(t))
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
	printf("%d tokens refused, %d renewed, %d revoked, %d apps gone, "
	       "%d purges, %d replays, %zu left, %zu overtime, ",
	       t->refusals, t->renewals, t->revokes, t->leaves, t->purges,
	       t->replays, v->left, t->overtime);
	if (t->nodes > 0)
		printf("%d freezes, %d outages of PostgreSQL or Redis, ",
		       t->freezes, t->outages);
	printf("%zu messages, %zu acts: %zu answered, %zu sentences, "
	       "%zu stopped, %zu removed, %zu not owed, %zu again, "
	       "%zu together in %zu, %zu files, %zu images, "
	       "%zu commands, %zu dialogs (%zu of %zu opened); "
	       "lost %zu, twice %zu, stuck %zu, open %zu, wrong %zu, "
	       "mixed %zu, stray %zu, unheard %zu, remembered %zu, "
	       "commands %zu, noise %zu, restless %zu, never acked %zu%s\n",
	       t->messages, v->acts, v->answered, v->sentences, v->stopped,
	       v->removed, v->unowed, v->again, v->together, v->groups,
	       v->files, v->images, v->pleas, v->dialogs, t->opened, t->dialogs,
	       v->lost, v->twice, v->stuck, v->open, v->wrong, v->mixed,
	       v->stray, v->unheard, v->remembered, v->pleas_wrong, v->noise,
	       v->restless, v->given_up, t->quiet ? "" : "; not quiet in time");
}

bool torture_passed(const struct torture *t)
{
	const struct verdicts *v = &t->verdicts;

	return t->quiet && verdicts_clean(v) &&
	       v->answered + v->sentences + v->stopped + v->removed +
			       v->unowed ==
		       t->messages;
}
