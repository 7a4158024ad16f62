/* SPDX-License-Identifier: ISC */
#ifndef RELOAD_H
#define RELOAD_H

#include <stdbool.h>
#include <stdint.h>

struct admin;
struct buf;
struct cluster;
struct conf;
struct engaged;
struct err;
struct hub;
struct janitor;
struct journal;
struct live;
struct llm;
struct loop;
struct way_box;

/*
 * Reads the settings again while the daemon runs, and lets its parts go by
 * what of them can change without a restart. On the admin thread only, except
 * for reload_signal(): it reads files.
 */
struct reload;

struct reload_opts {
	struct loop *loop; /* the admin thread's */
	struct live *live;
	const struct conf *conf; /* names the file */
	struct way_box *way;
	struct llm *llm;
	struct engaged *engaged;
	struct journal *journal;
	struct hub *hub;
	struct janitor *janitor; /* NULL: none */
	struct cluster *cluster; /* NULL: alone */
};

struct reload *reload_create(const struct reload_opts *o, struct err *e);
void reload_free(struct reload *r); /* its loop has stopped; NULL is allowed */

/* Whose socket is guarded by the settings; before its loop starts. */
void reload_admin(struct reload *r, struct admin *a);

/*
 * How the file differs from what runs, as JSON:
 *
 *   {"file": "...", "applied": true, "changes": [{"setting": "limits.burst",
 *     "running": "30", "new": "50", "at": "/etc/...:12", "live": true}]}
 *
 * With apply true, what is live is then in force. What the parts of a setting
 * are: "llm.NAME.KEY", and "llm.NAME" for a model that is there or gone. -1
 * with e naming file and line, and nothing has changed. arg is the reload.
 */
int reload_run(void *arg, bool apply, struct buf *out, struct err *e);

/* Was there no mistake when the settings were last read? Any thread. */
bool reload_ok(void *arg);

/* Reloads, and logs what came of it: user uid has sent a signal. One thread;
 * doesn't wait. */
void reload_signal(struct reload *r, long uid);

/* For how long what is kept of people. */
void reload_keep(struct journal *j, const struct conf *c);

/* The longest that a turn takes: the wait for a slot of the model, and the
 * answer of the slowest. */
int64_t reload_longest_turn_ms(const struct conf *c);

#endif
