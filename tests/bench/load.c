/* SPDX-License-Identifier: ISC */
#include "bench/load.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

_Noreturn void fatal(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(EXIT_FAILURE);
}

/* All threads of a process on one core; those they start inherit it. */
void pin(pid_t pid, int core)
{
	char path[64];
	struct dirent *d;
	cpu_set_t set;
	DIR *dir;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (d = readdir(dir)))
		if (d->d_name[0] != '.')
			sched_setaffinity((pid_t)strtol(d->d_name, NULL, 10),
					  sizeof(set), &set);
	if (dir)
		closedir(dir);
}

/* A figure in kB of /proc/PID/status. */
long status_kb(pid_t pid, const char *field)
{
	char path[64], line[256];
	size_t len = strlen(field);
	long kb = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, field, len) == 0 && line[len] == ':')
			kb = strtol(line + len + 1, NULL, 10);
	if (f)
		fclose(f);
	return kb;
}

double cpu_seconds(pid_t pid)
{
	unsigned long user = 0, sys = 0;
	char path[64], line[1024];
	char *p;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (f && fgets(line, sizeof(line), f)) {
		p = strrchr(line, ')');
		if (p)
			sscanf(p + 2,
			       "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
			       "%lu %lu",
			       &user, &sys);
	}
	if (f)
		fclose(f);
	return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}

/* The simulator with its tenants stored, and no daemon started. */
void prepare_nodes(struct bench *b, int n, int tenants, const char *slack)
{
	struct bed_opts o = {
		.daemon = " workers = 1\n log_level = \"warn\"\n"
			  " dials_per_second = 1000",
		.slack = slack,
		.limits = " rate_per_minute = 0",
	};
	struct err e = { 0 };

	if (nodes_make(&b->nodes, (size_t)n, &o, &e) < 0)
		fatal(e.msg);
	b->sim = b->nodes.beds[0].sim;
	b->tenants = tenants;
	b->paused = false;
	pin(getpid(), 1);
	if (sim_load_many(b->sim, 1, tenants) < 0 ||
	    bed_apply(&b->nodes.beds[0], &e) < 0)
		fatal(e.msg);
}

void prepare(struct bench *b, int tenants)
{
	prepare_nodes(b, 0, tenants,
		      " updates_per_minute = 0\n posts_per_second = 0");
}

void start(struct bench *b)
{
	struct err e = { 0 };
	size_t i;

	for (i = 0; i < b->nodes.n; i++) {
		if (bed_start(&b->nodes.beds[i], &e) < 0)
			fatal(e.msg);
		pin(b->nodes.beds[i].pid, 0);
	}
	if (sim_wait_links(b->sim, NULL, (size_t)b->tenants, PATIENCE_MS) < 0)
		fatal("links did not come up");
}

void done(struct bench *b)
{
	size_t i;

	for (i = 0; i < b->nodes.n; i++)
		bed_kill(&b->nodes.beds[i]);
	nodes_remove(&b->nodes);
}

static bool all_acked(struct sim *s, void *count)
{
	struct sim_flood_times t;

	sim_flood_times(s, &t);
	return t.acked >= *(uint64_t *)count;
}

/* Paused tenants answer nothing, so there the acks are the end. */
static int wait_load(struct bench *b, uint64_t count)
{
	if (!b->paused)
		return sim_flood_wait(b->sim, PATIENCE_MS);
	return sim_wait(b->sim, all_acked, &count, PATIENCE_MS);
}

void flood(struct bench *b, enum sim_flood_kind kind, double rate,
	   int64_t count, size_t window)
{
	struct sim_flood f = {
		.kind = kind,
		.rate = rate,
		.count = count,
		.window = window,
		.first = 1,
		.tenants = b->tenants,
		.padding = 300,
	};

	if (sim_flood(b->sim, &f) < 0 || wait_load(b, (uint64_t)count) < 0)
		fatal("the load was not finished in time");
}

void pause_all(struct bench *b)
{
	char name[32];
	const char *args[] = { "tenant", "pause", name, NULL };
	struct err e = { 0 };
	int i;

	b->paused = true;
	for (i = 1; i <= b->tenants; i++) {
		snprintf(name, sizeof(name), "tenant-%05d", i);
		if (bed_ctl(&b->nodes.beds[0], NULL, args, &e) != 0)
			fatal("cannot pause a tenant");
	}
}

double ms(uint32_t us)
{
	return (double)us / 1000.0;
}

double per_second(uint64_t n, int64_t from_us, int64_t to_us)
{
	return to_us > from_us ? (double)n * 1e6 / (double)(to_us - from_us)
			       : 0;
}
