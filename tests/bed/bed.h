/* SPDX-License-Identifier: ISC */
#ifndef BED_BED_H
#define BED_BED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sim/sim.h"

struct err;

/*
 * A simulator in this process and the real konstructd as a child, with
 * everything on disk in a directory of its own under /tmp: for the
 * integration tests, the demo and the benchmarks. The programs are taken from
 * $KONSTRUCT_BUILDDIR, or else two directories above the calling program's.
 */
struct bed {
	struct sim *sim;
	bool joined; /* the simulator is another bed's */
	char dir[64];
	char config[96];
	char ca[96];
	char log[96];    /* what the daemon says */
	char admin[96];  /* the admin socket */
	int health_port; /* was free at start */
	pid_t pid;       /* 0: not running */
	bool frozen;     /* by bed_freeze() */
	uid_t uid;       /* whom the daemon runs as; 0: as we do */
};

struct bed_opts {
	bool plain;            /* without TLS */
	const char *daemon;    /* inside daemon { }; NULL: nothing more */
	const char *limits;    /* inside limits { } */
	const char *slack;     /* inside slack { } */
	const char *llm_url;   /* NULL: the simulator's */
	const char *llm_model; /* NULL: "sim-main" */
	const char *llm;       /* inside each llm { } */
	const char *store_url; /* NULL: SQLite in the directory */
	const char *state_url; /* NULL: local */
	const char *state;     /* inside state { } */
	uint64_t seed;         /* of the simulator; 0: from the clock */
};

/*
 * A port of 127.0.0.1 on which only those can listen, again after a restart
 * too, who ask for SO_REUSEADDR: until this process ends, the kernel gives it
 * to nobody else, nor to outgoing connections. -1 if there is none.
 */
int bed_hold_port(void);

/* Where a program of this build is, as snprintf(3). */
int bed_program(const char *name, char *path, size_t size);

/* The directory, the simulator and the configuration; no daemon yet. */
int bed_make(struct bed *b, const struct bed_opts *o, struct err *e);

/*
 * One more daemon beside the first bed's, for the same simulator and with the
 * same key, which that one's bed_apply() or bed_start() makes. It is started
 * and stopped on its own, and removed before the first bed.
 */
int bed_join(struct bed *b, const struct bed *first, const struct bed_opts *o,
	     struct err *e);

/* Puts all installs of the simulator into the store, through the daemon if
 * it runs. */
int bed_apply(struct bed *b, struct err *e);

/* The same, unless these were put there last: for one that starts again. */
int bed_apply_new(struct bed *b, struct err *e);

/* Starts the daemon; returns when it says that it is ready. */
int bed_start(struct bed *b, struct err *e);

void bed_kill(struct bed *b); /* SIGKILL */
int bed_stop(struct bed *b);  /* SIGTERM; the exit code */

/* SIGSTOP and SIGCONT; a frozen one can be killed, and thaws to be stopped. */
void bed_freeze(struct bed *b);
void bed_thaw(struct bed *b);

/* Stops all that runs and removes the directory. */
void bed_remove(struct bed *b);

/* Runs konstructctl with these arguments: its exit code, or -1 with e. out,
 * if not NULL, gets what it printed (to be freed). */
int bed_ctl(struct bed *b, char **out, const char *const *args, struct err *e);

/* GET path of the health port: the status, or -1, also after 5 s of silence;
 * body, if not NULL, is to be freed. */
int bed_get(const struct bed *b, const char *path, char **body);

/* Is nothing under way in the daemon? True too when none runs, or it is
 * frozen. */
bool bed_quiet(const struct bed *b);

/* The daemon's log, to be freed; NULL when there is none. */
char *bed_log(const struct bed *b);

#endif
