/* SPDX-License-Identifier: ISC */
#include "integration/rig.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/suspect.h"
#include "pg.h"

#define CALM_MS       2000
#define SUSPECTS_ROOM 65536
#define PLACEHOLDER   "Thinking..."

static const struct pg *pg; /* NULL: SQLite */
static bool with_redis;
static const char *daemon_settings;
static const char *slack_settings = " timeout_s = 3\n";
static const char *way = "";
static const char *model = "";

struct bed *rig_node(struct rig *r, size_t i)
{
	ck_assert_uint_le(i, r->nmore);
	return i == 0 ? &r->bed : &r->more[i - 1];
}

/* What it said, and its end. */
static void bury(struct bed *b)
{
	char *log = bed_log(b);
	int status;

	fprintf(stderr, "--- %s\n%s---\n", b->log, log ? log : "");
	free(log);
	if (b->pid > 0 && waitpid(b->pid, &status, WNOHANG) > 0) {
		fprintf(stderr, "the daemon has died, status 0x%x\n", status);
		b->pid = 0;
	}
	if (b->pid > 0)
		kill(b->pid, SIGKILL);
}

static void give_up(struct rig *r, const char *what)
{
	size_t i;

	for (i = 0; i <= r->nmore; i++)
		bury(rig_node(r, i));
	ck_abort_msg("%s", what);
}

static void make_world(struct rig *r)
{
	static const struct sim_install t1 = {
		.app_id = "A1",
		.team_id = "T1",
		.bot_token = "xoxb-sim-t1",
		.bot_user_id = "UB1",
		.bot_id = "BB1",
		.name = "acme",
		.extra = "{\"agent\":{\"name\":\"Mara\",\"role\":\"librarian\","
			 "\"persona\":\"You love old maps.\"}}",
	};
	struct sim *s = r->sim;
	struct sim_settings set;

	/* Who clicks in vain clicks again: nobody is that late here. */
	sim_settings(s, &set);
	set.trigger_ms = MS;
	sim_set(s, &set);
	ck_assert_int_eq(sim_add_app(s, "A1", "xapp-1-A1-1-sim", NULL), 0);
	ck_assert_int_eq(sim_add_install(s, &t1), 0);
	ck_assert_int_eq(sim_add_user(s, "U1", "T1", "alice", "Alice"), 0);
	ck_assert_int_eq(sim_add_user(s, "U2", "T1", "bob", "Bob"), 0);
	ck_assert_int_eq(sim_add_channel(s, "C1", "T1", "general", "channel"),
			 0);
	ck_assert_int_eq(sim_add_channel(s, "C2", "T1", "other", "channel"), 0);
	ck_assert_int_eq(sim_add_channel(s, "M1", "T1", "", "mpim"), 0);
	ck_assert_int_eq(sim_add_channel(s, "D1", "T1", "", "im"), 0);
	sim_join(s, "C1", "U1");
	sim_join(s, "C1", "U2");
	sim_join(s, "C1", "UB1");
	sim_join(s, "C2", "U1");
	sim_join(s, "C2", "UB1");
	sim_join(s, "M1", "U1");
	sim_join(s, "M1", "U2");
	sim_join(s, "M1", "UB1");
	sim_join(s, "D1", "U1");
	sim_join(s, "D1", "UB1");
}

const struct pg *rig_on_postgres(void)
{
	pg = pg_start();
	return pg;
}

void rig_begin(void)
{
	static const char suffix[] = "_postgres";
	const char *name = program_invocation_short_name;
	size_t n = strlen(name);

	if (n < strlen(suffix) ||
	    strcmp(name + n - strlen(suffix), suffix) != 0)
		return;
	(void)rig_on_postgres();
	rig_with_redis(true);
}

bool rig_is_shared(void)
{
	return with_redis;
}

void rig_with_redis(bool yes)
{
	with_redis = yes;
}

void rig_set_daemon(const char *settings)
{
	daemon_settings = settings;
}

void rig_set_slack(const char *settings)
{
	slack_settings = settings;
}

void rig_set_model(const char *lines)
{
	model = lines ? lines : "";
}

void rig_set_way(const char *lines)
{
	way = lines ? lines : "";
}

void rig_open_nodes(struct rig *r, const char *limits, size_t n)
{
	char daemon[256], slack[1024], llm[1024];
	struct bed_opts o = {
		.daemon = daemon,
		.slack = slack,
		.llm = llm,
		.limits = limits,
	};
	struct err e = { 0 };
	size_t i;

	snprintf(daemon, sizeof(daemon),
		 " workers = 2\n log_level = \"debug\"\n%s",
		 daemon_settings ? daemon_settings : "");
	snprintf(slack, sizeof(slack),
		 " updates_per_minute = 0\n posts_per_second = 0\n%s%s",
		 slack_settings, way);
	snprintf(llm, sizeof(llm), "%s%s", way, model);
	ck_assert_uint_le(n, RIG_NODES);
	r->nmore = 0;
	r->has_redis = with_redis;
	if (pg)
		pg_empty();
	if (r->has_redis)
		redis_box_start(&r->redis, NULL);
	o.store_url = pg ? pg->url : NULL;
	o.state_url = r->has_redis ? r->redis.url : NULL;
	if (bed_make(&r->bed, &o, &e) < 0)
		give_up(r, e.msg);
	r->sim = r->bed.sim;
	make_world(r);
	for (i = 1; i < n; i++) {
		if (bed_join(&r->more[i - 1], &r->bed, &o, &e) < 0)
			give_up(r, e.msg);
		r->nmore++;
	}
}

void rig_open(struct rig *r, const char *limits)
{
	rig_open_nodes(r, limits, 1);
}

/* With the link of one app at least. */
static bool connected(const struct bed *b)
{
	char *body = NULL;
	bool yes = bed_get(b, "/health", &body) == 200 && body &&
		   !strstr(body, "\"apps\":0") &&
		   !strstr(body, "\"live_apps\":0");

	free(body);
	return yes;
}

static bool one_connected(struct rig *r)
{
	size_t i;

	for (i = 0; i <= r->nmore; i++)
		if (connected(rig_node(r, i)))
			return true;
	return false;
}

/* PostgreSQL took too long for it, on a machine that is busy: acks would have
 * waited behind it. Who changes something then says it once more. */
static bool was_too_slow(const char *text)
{
	return pg && text &&
	       (strstr(text, "store") || strstr(text, "database"));
}

void rig_start_node(struct rig *r, size_t i)
{
	struct err e = { 0 };

	if (bed_start(rig_node(r, i), &e) < 0)
		give_up(r, e.msg);
}

void rig_stop_node(struct rig *r, size_t i)
{
	if (bed_stop(rig_node(r, i)) != 0)
		give_up(r, "the daemon did not exit with 0");
}

void rig_apply(struct rig *r)
{
	int64_t until = clock_ms() + MS;
	struct err e = { 0 };

	while (bed_apply_new(&r->bed, &e) < 0)
		if (!was_too_slow(e.msg) || clock_ms() > until)
			give_up(r, e.msg);
}

void rig_start(struct rig *r)
{
	int64_t until = clock_ms() + MS;
	size_t i;

	rig_apply(r);
	for (i = 0; i <= r->nmore; i++)
		rig_start_node(r, i);
	while (!one_connected(r)) {
		if (clock_ms() > until)
			give_up(r, "no link came up");
		poll(NULL, 0, 5);
	}
	if (sim_wait_links(r->sim, "A1", 1, MS) < 0)
		give_up(r, "A1 has no link");
}

void rig_up(struct rig *r)
{
	rig_open(r, NULL);
	rig_start(r);
}

/* No thread of it has an entry in hand. */
static bool is_calm(const struct bed *b)
{
	static char file[SUSPECTS_ROOM] __attribute__((aligned(16)));
	static struct suspects left;
	char path[128];
	size_t n = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/state/suspects", b->dir);
	f = fopen(path, "r");
	if (f) {
		n = fread(file, 1, sizeof(file), f);
		(void)fclose(f);
	}
	suspects_read(file, n, &left);
	return left.n == 0;
}

void rig_kill(struct rig *r)
{
	int64_t until = clock_ms() + CALM_MS;
	size_t i;

	for (i = 0; i <= r->nmore; i++) {
		while (!is_calm(rig_node(r, i)) && clock_ms() < until)
			poll(NULL, 0, 1);
		bed_kill(rig_node(r, i));
	}
}

void rig_stop(struct rig *r)
{
	size_t i;

	for (i = 0; i <= r->nmore; i++)
		rig_stop_node(r, i);
}

void rig_close(struct rig *r)
{
	size_t i;

	rig_stop(r);
	for (i = r->nmore; i > 0; i--)
		bed_remove(&r->more[i - 1]);
	bed_remove(&r->bed);
	if (r->has_redis)
		redis_box_remove(&r->redis);
}

int rig_ctl(struct rig *r, char **out, const char *const *args)
{
	int64_t until = clock_ms() + MS;
	struct err e = { 0 };
	char *text = NULL;
	int rc;

	for (;;) {
		rc = bed_ctl(&r->bed, &text, args, &e);
		if (rc < 0)
			give_up(r, e.msg);
		if (rc != EX_UNAVAILABLE || !was_too_slow(text) ||
		    clock_ms() > until)
			break;
		free(text);
	}
	if (out)
		*out = text;
	else
		free(text);
	return rc;
}

/* Its exit code says also whether messages wait, as they do for a moment when a
 * server is slow. */
static bool is_status(const char *const *args)
{
	while (*args && strcmp(*args, "status") != 0)
		args++;
	return *args != NULL;
}

char *rig_run(struct rig *r, int code, const char *const *args)
{
	int64_t until = clock_ms() + MS;
	char *out = NULL;
	int rc = rig_ctl(r, &out, args);

	while (is_status(args) && rc == EX_UNAVAILABLE && rc != code &&
	       clock_ms() < until) {
		free(out);
		out = NULL;
		rc = rig_ctl(r, &out, args);
	}
	ck_assert_msg(rc == code, "%s exits with %d: %s", args[0], rc, out);
	return out;
}

struct json *rig_json(struct rig *r, const char *const *args)
{
	struct err e = { 0 };
	char *out = rig_run(r, 0, args);
	struct json *j = json_parse(out, strlen(out), 1 << 20, &e);

	ck_assert_msg(j != NULL, "%s", out);
	free(out);
	return j;
}

void rig_do(struct rig *r, int code, const char *const *args)
{
	free(rig_run(r, code, args));
}

static void must_hold(char *out, const char *words)
{
	ck_assert_msg(out && strstr(out, words), "no '%s' in: %s", words,
		      out ? out : "");
	free(out);
}

void rig_tells(struct rig *r, int code, const char *const *args,
	       const char *words)
{
	must_hold(rig_run(r, code, args), words);
}

void rig_fails(struct rig *r, const char *const *args, const char *words)
{
	char *out = NULL;

	ck_assert_int_ne(rig_ctl(r, &out, args), 0);
	must_hold(out, words);
}

bool rig_says(struct rig *r, const char *const *args, const char *words)
{
	char *out = rig_run(r, 0, args);
	bool says = strstr(out, words) != NULL;

	free(out);
	return says;
}

bool rig_logged(struct rig *r, const char *words, int timeout_ms)
{
	int64_t until = clock_ms() + timeout_ms;
	char *text;
	bool found;

	for (;;) {
		text = bed_log(&r->bed);
		found = text && strstr(text, words);
		free(text);
		if (found || clock_ms() >= until)
			return found;
		poll(NULL, 0, 20);
	}
}

int rig_get(struct rig *r, const char *path, char **body)
{
	int64_t until = clock_ms() + MS;
	int status;

	while ((status = bed_get(&r->bed, path, body)) < 0) {
		if (clock_ms() > until)
			give_up(r, "cannot ask the health port");
		poll(NULL, 0, 20);
	}
	return status;
}

static int64_t ask_sqlite(const struct bed *b, const char *name,
			  const char *sql)
{
	char path[128];
	const char *more;
	sqlite3_stmt *st;
	sqlite3 *db;
	int64_t n = 0;

	(void)snprintf(path, sizeof(path), "%s/state/%s", b->dir, name);
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	(void)sqlite3_busy_timeout(db, MS);
	ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &st, &more) == SQLITE_OK,
		      "%s", sqlite3_errmsg(db));
	ck_assert_str_eq(more, "");
	if (sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	ck_assert_int_eq(sqlite3_finalize(st), SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	return n;
}

int64_t rig_sql(struct rig *r, const char *sql)
{
	return pg ? pg_ask(sql) : ask_sqlite(&r->bed, "konstruct.db", sql);
}

size_t rig_spilled(struct rig *r, size_t i)
{
	return (size_t)ask_sqlite(rig_node(r, i), "spill.db",
				  "SELECT count(*) FROM pending");
}

void rig_kill_node(struct rig *r, size_t i)
{
	int64_t until = clock_ms() + MS;
	struct bed *b = rig_node(r, i);

	for (;;) {
		bed_freeze(b);
		if (rig_spilled(r, i) == 0)
			break;
		bed_thaw(b);
		if (clock_ms() > until)
			give_up(r, "what was spilled stays");
		poll(NULL, 0, 20);
	}
	bed_kill(b);
}

int64_t rig_count(struct rig *r, const char *table)
{
	char sql[100];

	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
	return rig_sql(r, sql);
}

void rig_file(struct rig *r, const char *name, const char *text,
	      char path[RIG_PATH])
{
	char own[RIG_PATH];
	FILE *f;

	if (!path)
		path = own;
	(void)snprintf(path, RIG_PATH, "%s/%s", r->bed.dir, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

void rig_pace(struct rig *r, int first_ms, int token_ms)
{
	struct sim_settings set;

	sim_settings(r->sim, &set);
	if (first_ms >= 0)
		set.llm_first_ms = first_ms;
	if (token_ms >= 0)
		set.llm_token_ms = token_ms;
	sim_set(r->sim, &set);
}

void rig_hurry(struct rig *r)
{
	struct sim_settings set;
	size_t i;

	sim_settings(r->sim, &set);
	for (i = 0; i < SIM_RETRIES; i++)
		set.retry_ms[i] = i < 10 ? 300 : MS / SIM_RETRIES;
	sim_set(r->sim, &set);
}

void rig_say(struct rig *r, const char *channel, const char *user,
	     const char *text, const char *thread_ts, char ts[SIM_TS])
{
	struct sim_say opt = { .thread_ts = thread_ts };

	ck_assert_int_eq(sim_say(r->sim, channel, user, text, &opt, ts), 0);
}

static bool by_bot(const struct sim_msg *m)
{
	return m->bot_id && !m->deleted && !m->ephemeral;
}

size_t rig_replies(struct rig *r, const char *channel, const char *thread_ts)
{
	struct sim_msg *m;
	size_t i, n, found = 0;

	m = sim_messages(r->sim, channel, thread_ts, &n);
	for (i = 0; i < n; i++)
		found += by_bot(&m[i]);
	sim_messages_free(m, n);
	return found;
}

struct awaited {
	const char *channel;
	const char *thread_ts;
	char *text;
};

static bool answered(struct sim *s, void *arg)
{
	struct awaited *a = arg;
	struct sim_msg *m;
	size_t i, n;

	free(a->text);
	a->text = NULL;
	m = sim_messages(s, a->channel, a->thread_ts, &n);
	for (i = 0; i < n; i++)
		if (by_bot(&m[i])) {
			free(a->text);
			a->text = strdup(m[i].text);
		}
	sim_messages_free(m, n);
	return a->text && strcmp(a->text, PLACEHOLDER) != 0;
}

static bool all_quiet(struct rig *r)
{
	size_t i;

	for (i = 0; i <= r->nmore; i++)
		if (!bed_quiet(rig_node(r, i)))
			return false;
	/* A node knows of what waits for another only with its next beat. */
	return !r->has_redis || pg_ask("SELECT count(*) FROM journal"
				       " WHERE done_ms IS NULL") == 0;
}

void rig_settle(struct rig *r)
{
	int64_t until = clock_ms() + MS;

	while (!all_quiet(r)) {
		if (clock_ms() > until)
			give_up(r, "something is still under way");
		poll(NULL, 0, 5);
	}
}

char *rig_answer(struct rig *r, const char *channel, const char *thread_ts)
{
	struct awaited a = { channel, thread_ts, NULL };

	if (sim_wait(r->sim, answered, &a, MS) < 0)
		give_up(r, "no answer came");
	rig_settle(r);
	(void)answered(r->sim, &a);
	return a.text;
}

void rig_later(const char *ts, int seconds, char out[SIM_TS])
{
	snprintf(out, SIM_TS, "%lld.000000",
		 strtoll(ts, NULL, 10) + (long long)seconds);
}
