/* SPDX-License-Identifier: ISC */
#ifndef INTEGRATION_RIG_H
#define INTEGRATION_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "bed/bed.h"
#include "redis.h"

struct json;
struct pg;

#define RIG_NODES 4

/* Nothing takes longer that isn't stuck: not even what Slack delivers again
 * after a minute, on a machine that is busy. */
#define MS 150000
/* For tcase_set_timeout(): a case that hangs says before what it waits for. */
#define CASE_S (2 * MS / 1000)

/*
 * A test bed with a small world, for Check: whatever goes wrong fails the
 * test and shows the daemon's log. The world: app A1 in workspace T1 (bot
 * UB1, agent Mara), people U1 Alice and U2 Bob, channels C1 (general) and C2,
 * a group direct message M1, and D1, Alice's direct messages. No pacing.
 */
struct rig {
	struct bed bed;
	struct sim *sim;                /* the bed's */
	struct bed more[RIG_NODES - 1]; /* further daemons */
	size_t nmore;
	struct redis_box redis; /* after rig_with_redis() */
	bool has_redis;
};

/* The world and the configuration; nothing runs yet. limits is for the
 * section of that name, NULL: none set. */
void rig_open(struct rig *r, const char *limits);
/*
 * Once in main(), before anything else. A program whose name ends in
 * "_postgres" runs its tests on PostgreSQL and Redis, any other on SQLite with
 * local state.
 */
void rig_begin(void);
bool rig_is_shared(void); /* on PostgreSQL and Redis */
/*
 * All rigs from now on are on one PostgreSQL, emptied for each, instead of
 * SQLite. Once in main(), before anything else.
 */
const struct pg *rig_on_postgres(void);
/* And each, or none, of those opened from now on has a Redis of its own. */
void rig_with_redis(bool yes);
/* For the section daemon of all rigs from now on; NULL: nothing more. */
void rig_set_daemon(const char *settings);
/* And for the section slack, instead of "timeout_s = 3". */
void rig_set_slack(const char *settings);

/* As rig_open, with so many daemons; those after the first are used one by one
 * with rig_node() and what follows it, or all together below. */
void rig_open_nodes(struct rig *r, const char *limits, size_t n);

struct bed *rig_node(struct rig *r, size_t i); /* 0: the first */
void rig_start_node(struct rig *r, size_t i);  /* ready; links perhaps not */
void rig_stop_node(struct rig *r, size_t i);   /* it must exit with 0 */
/* Entries of a node that the database has not. */
size_t rig_spilled(struct rig *r, size_t i);
/* SIGKILL for good: when nothing that it has acked is in its spill alone. */
void rig_kill_node(struct rig *r, size_t i);

/* Lines for slack and for each model, as their proxy; NULL: none. */
void rig_set_way(const char *lines);
void rig_set_model(const char *lines); /* for each model; NULL: none */

/* Stores the world's tenants, if they aren't yet, and starts the daemons; A1
 * has a link, those of further apps may be yet to come. */
void rig_start(struct rig *r);
/* The first of that alone. */
void rig_apply(struct rig *r);
void rig_up(struct rig *r); /* rig_open and rig_start */
/* When no thread has an entry in hand, so that none is blamed for it. */
void rig_kill(struct rig *r);
void rig_stop(struct rig *r); /* they must exit with 0 */
void rig_close(struct rig *r);

/* Words for konstructctl, as all below take them. */
#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Runs konstructctl with these arguments; its exit code, and its output to be
 * freed. */
int rig_ctl(struct rig *r, char **out, const char *const *args);
/* It must exit with code: its output, to be freed; */
char *rig_run(struct rig *r, int code, const char *const *args);
/* that parsed, to be freed; */
struct json *rig_json(struct rig *r, const char *const *args);
/* nothing of that; */
void rig_do(struct rig *r, int code, const char *const *args);
/* it must hold these words. */
void rig_tells(struct rig *r, int code, const char *const *args,
	       const char *words);
/* It must not exit with 0, and its output must hold these words. */
void rig_fails(struct rig *r, const char *const *args, const char *words);
/* It must exit with 0: does its output hold these words? */
bool rig_says(struct rig *r, const char *const *args, const char *words);

/* Does the first daemon's log hold these words? Waits for them up to
 * timeout_ms. */
bool rig_logged(struct rig *r, const char *words, int timeout_ms);

/* GET path of the health port: its status; body, if wanted, to be freed. */
int rig_get(struct rig *r, const char *path, char **body);

/* The first number that a statement brings, of the store whatever that is: 0
 * when it brings none. */
int64_t rig_sql(struct rig *r, const char *sql);
/* Rows of a table, or of "table WHERE ...". */
int64_t rig_count(struct rig *r, const char *table);

/* Writes a file in the bed's directory; its path goes to path, unless NULL. */
#define RIG_PATH 128
void rig_file(struct rig *r, const char *name, const char *text,
	      char path[RIG_PATH]);

/* How fast the model is from now on: until its first token, and from each to
 * the next; -1: as before. */
void rig_pace(struct rig *r, int first_ms, int token_ms);

/* What isn't acked is delivered soon again, for as long as anybody waits. */
void rig_hurry(struct rig *r);

/* A person says something; fails the test when the simulator refuses. */
void rig_say(struct rig *r, const char *channel, const char *user,
	     const char *text, const char *thread_ts, char ts[SIM_TS]);

/* Waits until the thread has a reply and no daemon has anything under way;
 * the last reply's text, to be freed. */
char *rig_answer(struct rig *r, const char *channel, const char *thread_ts);

/* Waits until no daemon has anything under way. */
void rig_settle(struct rig *r);

/* Messages by bots in the thread that aren't deleted or ephemeral. */
size_t rig_replies(struct rig *r, const char *channel, const char *thread_ts);

/* "seconds.000000" so much later than ts. */
void rig_later(const char *ts, int seconds, char out[SIM_TS]);

#endif
