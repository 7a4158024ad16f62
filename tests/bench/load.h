/* SPDX-License-Identifier: ISC */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "bed/nodes.h"

#define PATIENCE_MS 60000

/* What one run of a measurement found; unused ones stay 0. */
#define FIGURES 4
struct figures {
	double v[FIGURES];
};

/* A line of the table. */
struct row {
	const char *name;
	struct figures (*run)(int arg);
	int arg;
	int runs;
	const char *unit[FIGURES];
};

/* On several nodes; see several.c. */
extern const struct row cluster_rows[];
extern const size_t cluster_nrows;

struct bench {
	struct nodes nodes;
	struct sim *sim;
	int tenants;
	bool paused;
};

_Noreturn void fatal(const char *what);

/* All threads of a process on one core; those they start inherit it. */
void pin(pid_t pid, int core);

/* A figure in kB of /proc/PID/status. */
long status_kb(pid_t pid, const char *field);
double cpu_seconds(pid_t pid);

/* The simulator with its tenants stored, and no daemon started; n as
 * nodes_make() has it. */
void prepare_nodes(struct bench *b, int n, int tenants, const char *slack);
void prepare(struct bench *b, int tenants); /* one, without paces */

/* All daemons on one core, the simulator on the other; links are up. */
void start(struct bench *b);
void done(struct bench *b);

/* Returns when all is acked and, unless the tenants are paused, answered. */
void flood(struct bench *b, enum sim_flood_kind kind, double rate,
	   int64_t count, size_t window);
void pause_all(struct bench *b);

double ms(uint32_t us);
double per_second(uint64_t n, int64_t from_us, int64_t to_us);

#endif
