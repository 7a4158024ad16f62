/* SPDX-License-Identifier: ISC */
/*
 * Measures the real daemon against the simulator: the daemon on one core, the
 * simulator on another, TLS everywhere, the journal on the disk of /tmp. Each
 * figure is the median of several runs.
 */
#include <dirent.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "bed/bed.h"
#include "streams.h"

#define PATIENCE_MS 60000
#define RUNS_MAX    9

/* What one run of a measurement found; unused ones stay 0. */
#define FIGURES 4
struct figures {
	double v[FIGURES];
};

struct bench {
	struct bed bed;
	struct sim *sim;
	int tenants;
	bool paused;
};

static void fatal(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(EXIT_FAILURE);
}

/* All threads of a process on one core; those they start inherit it. */
static void pin(pid_t pid, int core)
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
static long status_kb(pid_t pid, const char *field)
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

static double cpu_seconds(pid_t pid)
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

/* The simulator with its tenants stored, and the daemon not started. */
static void prepare_with(struct bench *b, int tenants, const char *slack)
{
	struct bed_opts o = {
		.daemon = " workers = 1\n log_level = \"warn\"\n"
			  " dials_per_second = 1000",
		.slack = slack,
		.limits = " rate_per_minute = 0",
	};
	struct err e = { 0 };

	if (bed_make(&b->bed, &o, &e) < 0)
		fatal(e.msg);
	b->sim = b->bed.sim;
	b->tenants = tenants;
	b->paused = false;
	pin(getpid(), 1);
	if (sim_load_many(b->sim, 1, tenants) < 0 || bed_apply(&b->bed, &e) < 0)
		fatal(e.msg);
}

static void prepare(struct bench *b, int tenants)
{
	prepare_with(b, tenants,
		     " updates_per_minute = 0\n posts_per_second = 0");
}

static void start(struct bench *b)
{
	struct err e = { 0 };

	if (bed_start(&b->bed, &e) < 0)
		fatal(e.msg);
	pin(b->bed.pid, 0);
	if (sim_wait_links(b->sim, NULL, (size_t)b->tenants, PATIENCE_MS) < 0)
		fatal("links did not come up");
}

static void done(struct bench *b)
{
	bed_kill(&b->bed);
	bed_remove(&b->bed);
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

static void flood(struct bench *b, enum sim_flood_kind kind, double rate,
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

static void pause_all(struct bench *b)
{
	char name[32];
	const char *args[] = { "tenant", "pause", name, NULL };
	struct err e = { 0 };
	int i;

	b->paused = true;
	for (i = 1; i <= b->tenants; i++) {
		snprintf(name, sizeof(name), "tenant-%05d", i);
		if (bed_ctl(&b->bed, NULL, args, &e) != 0)
			fatal("cannot pause a tenant");
	}
}

static double ms(uint32_t us)
{
	return (double)us / 1000.0;
}

/*
 * Direct messages to paused tenants: journaled, acked and routed like all
 * others, and then no model is asked.
 */
static struct figures ack_latency(int rate)
{
	struct figures f = { 0 };
	struct sim_latency l;
	struct bench b;
	double cpu;

	prepare(&b, 100);
	start(&b);
	pause_all(&b);
	cpu = cpu_seconds(b.bed.pid);
	flood(&b, SIM_FLOOD_DM, rate, (int64_t)rate * 5, 0);
	sim_latency(b.sim, SIM_LATENCY_ACK, &l);
	f.v[0] = ms(l.p50_us);
	f.v[1] = ms(l.p99_us);
	f.v[2] = ms(l.max_us);
	f.v[3] = (cpu_seconds(b.bed.pid) - cpu) / 5 * 100;
	done(&b);
	return f;
}

static double per_second(uint64_t n, int64_t from_us, int64_t to_us)
{
	return to_us > from_us ? (double)n * 1e6 / (double)(to_us - from_us)
			       : 0;
}

static struct figures ack_capacity(int unused)
{
	struct sim_flood_times t;
	struct figures f = { 0 };
	struct sim_latency l;
	struct bench b;

	(void)unused;
	prepare(&b, 100);
	start(&b);
	pause_all(&b);
	flood(&b, SIM_FLOOD_DM, 0, 60000, 2000);
	sim_flood_times(b.sim, &t);
	sim_latency(b.sim, SIM_LATENCY_ACK, &l);
	f.v[0] = per_second(t.acked, t.first_us, t.acked_us);
	f.v[1] = ms(l.max_us);
	done(&b);
	return f;
}

static struct figures chatter_capacity(int unused)
{
	struct sim_flood_times t;
	struct figures f = { 0 };
	struct bench b;

	(void)unused;
	prepare(&b, 100);
	start(&b);
	flood(&b, SIM_FLOOD_CHATTER, 0, 100000, 2000);
	sim_flood_times(b.sim, &t);
	f.v[0] = per_second(t.acked, t.first_us, t.acked_us);
	done(&b);
	return f;
}

static struct figures idle_links(int n)
{
	struct figures f = { 0 };
	struct bench b;
	long none;
	double cpu;

	prepare(&b, 1);
	start(&b);
	none = status_kb(b.bed.pid, "VmRSS");
	done(&b);

	prepare(&b, n);
	start(&b);
	/* What the handshakes left is given back with the first ping. */
	poll(NULL, 0, 20000);
	cpu = cpu_seconds(b.bed.pid);
	poll(NULL, 0, 10000);
	f.v[0] = (double)status_kb(b.bed.pid, "VmRSS") / 1024;
	f.v[1] = (double)(status_kb(b.bed.pid, "VmRSS") - none) / n;
	f.v[2] = (cpu_seconds(b.bed.pid) - cpu) / 10 * 100;
	done(&b);
	return f;
}

static struct figures turns_in_flight(int n)
{
	struct sim_settings set;
	struct figures f = { 0 };
	struct bench b;
	long before;

	prepare(&b, 100);
	start(&b);
	flood(&b, SIM_FLOOD_DM, 0, 1000, 100); /* warm */
	sim_settings(b.sim, &set);
	set.llm_first_ms = 30000;
	sim_set(b.sim, &set);
	before = status_kb(b.bed.pid, "VmRSS");
	if (sim_flood(b.sim, &(struct sim_flood){ .kind = SIM_FLOOD_DM,
						  .rate = 2000,
						  .count = n,
						  .first = 1,
						  .tenants = b.tenants }) < 0 ||
	    sim_wait_asks(b.sim, (size_t)n + 1000, PATIENCE_MS) < 0)
		fatal("the turns did not begin");
	f.v[0] = (double)(status_kb(b.bed.pid, "VmRSS") - before) / n;
	f.v[1] = (double)status_kb(b.bed.pid, "VmRSS") / 1024;
	done(&b);
	return f;
}

static struct figures overhead(int rate)
{
	struct figures f = { 0 };
	struct sim_latency l;
	struct bench b;

	prepare(&b, 100);
	start(&b);
	flood(&b, SIM_FLOOD_MENTION, rate, (int64_t)rate * 10, 0);
	sim_latency(b.sim, SIM_LATENCY_PLACEHOLDER, &l);
	f.v[0] = ms(l.p50_us);
	f.v[1] = ms(l.p99_us);
	sim_latency(b.sim, SIM_LATENCY_FINAL, &l);
	f.v[2] = ms(l.p50_us);
	f.v[3] = ms(l.p99_us);
	done(&b);
	return f;
}

/* echo: Slack also tells the app of its own posts and edits. */
static struct figures answer_capacity(int echo)
{
	struct sim_flood_times t;
	struct sim_settings set;
	struct figures f = { 0 };
	struct bench b;
	double cpu;

	prepare(&b, 100);
	sim_settings(b.sim, &set);
	set.own_events = set.root_events = echo;
	set.llm_piece = echo ? 24 : 4000;
	sim_set(b.sim, &set);
	start(&b);
	cpu = cpu_seconds(b.bed.pid);
	flood(&b, SIM_FLOOD_DM, 0, 20000, 400);
	cpu = cpu_seconds(b.bed.pid) - cpu;
	sim_flood_times(b.sim, &t);
	f.v[0] = per_second(t.answered, t.first_us, t.final_us);
	f.v[1] = cpu * 1e6 / 20000;
	done(&b);
	return f;
}

/* Against a Slack that keeps its limits, with the settings as they come. */
static struct figures many_streams(int n)
{
	struct figures f = { 0 };
	struct streams st;
	struct bench b;

	prepare_with(&b, 1, "");
	start(&b);
	if (streams_run(b.sim, n, &st) < 0)
		fatal("the answers didn't end");
	f.v[0] = st.p50_ms;
	f.v[1] = st.max_ms;
	f.v[2] = (double)st.limited;
	f.v[3] = (double)st.posts;
	fprintf(stderr, "bench: %zu edits\n", st.edits);
	done(&b);
	return f;
}

static struct figures cold_start(int n)
{
	struct figures f = { 0 };
	struct bench b;
	int64_t at;

	prepare(&b, n);
	at = sim_clock_us();
	start(&b);
	f.v[0] = ms((uint32_t)(sim_clock_us() - at));
	done(&b);
	return f;
}

static bool link_is_gone(struct sim *s, void *arg)
{
	const int *n = arg;

	return sim_links(s, NULL) < (size_t)*n;
}

/* From the first goodbye on a link to the last hello of the next process. */
static struct figures restart_gap(int n)
{
	struct figures f = { 0 };
	int64_t told, gone;
	struct bench b;

	prepare(&b, n);
	start(&b);
	told = sim_clock_us();
	kill(b.bed.pid, SIGTERM);
	if (sim_wait(b.sim, link_is_gone, &n, PATIENCE_MS) < 0)
		fatal("no link was closed");
	gone = sim_clock_us();
	bed_stop(&b.bed);
	start(&b);
	f.v[0] = ms((uint32_t)(sim_clock_us() - gone));
	f.v[1] = ms((uint32_t)(sim_clock_us() - told));
	done(&b);
	return f;
}

static const struct row {
	const char *name;
	struct figures (*run)(int arg);
	int arg;
	int runs;
	const char *unit[FIGURES];
} rows[] = {
	{ "ack, 100 envelopes/s, 100 links",
	  ack_latency,
	  100,
	  3,
	  { "ms p50", "ms p99", "ms max", "% CPU" } },
	{ "ack, 1,000 envelopes/s, 100 links",
	  ack_latency,
	  1000,
	  3,
	  { "ms p50", "ms p99", "ms max", "% CPU" } },
	{ "ack, 5,000 envelopes/s, 100 links",
	  ack_latency,
	  5000,
	  3,
	  { "ms p50", "ms p99", "ms max", "% CPU" } },
	{ "most envelopes journaled and acked",
	  ack_capacity,
	  0,
	  3,
	  { "/s", "ms max" } },
	{ "most messages that aren't for us",
	  chatter_capacity,
	  0,
	  3,
	  { "/s" } },
	{ "idle links, 100",
	  idle_links,
	  100,
	  1,
	  { "MB RSS", "kB/link", "% CPU" } },
	{ "idle links, 1,000",
	  idle_links,
	  1000,
	  1,
	  { "MB RSS", "kB/link", "% CPU" } },
	{ "idle links, 5,000",
	  idle_links,
	  5000,
	  1,
	  { "MB RSS", "kB/link", "% CPU" } },
	{ "turns in flight, 100",
	  turns_in_flight,
	  100,
	  3,
	  { "kB/turn", "MB RSS" } },
	{ "turns in flight, 1,000",
	  turns_in_flight,
	  1000,
	  3,
	  { "kB/turn", "MB RSS" } },
	{ "overhead at 20 mentions/s",
	  overhead,
	  20,
	  3,
	  { "ms placeholder p50", "ms p99", "ms final edit p50", "ms p99" } },
	{ "most whole answers",
	  answer_capacity,
	  false,
	  3,
	  { "/s", "us CPU each" } },
	{ "most whole answers, own posts echoed",
	  answer_capacity,
	  true,
	  3,
	  { "/s", "us CPU each" } },
	{ "ends of 50 streams in one workspace, over a minute",
	  many_streams,
	  50,
	  1,
	  { "ms p50", "ms max", "429s", "as posts" } },
	{ "ends of 100 streams in one workspace, over a minute",
	  many_streams,
	  100,
	  1,
	  { "ms p50", "ms max", "429s", "as posts" } },
	{ "start to 1 live link", cold_start, 1, 3, { "ms" } },
	{ "start to 100 live links", cold_start, 100, 3, { "ms" } },
	{ "start to 1,000 live links", cold_start, 1000, 3, { "ms" } },
	{ "restart with 1 link",
	  restart_gap,
	  1,
	  3,
	  { "ms without a link", "ms in all" } },
	{ "restart with 100 links",
	  restart_gap,
	  100,
	  3,
	  { "ms without a link", "ms in all" } },
	{ "restart with 1,000 links",
	  restart_gap,
	  1000,
	  3,
	  { "ms without a link", "ms in all" } },
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void run_row(const struct row *r, int runs)
{
	double v[FIGURES][RUNS_MAX];
	struct figures f;
	int i, k;

	for (i = 0; i < runs; i++) {
		f = r->run(r->arg);
		for (k = 0; k < FIGURES; k++)
			v[k][i] = f.v[k];
	}
	printf("| %s |", r->name);
	for (k = 0; k < FIGURES && r->unit[k]; k++) {
		qsort(v[k], (size_t)runs, sizeof(v[k][0]), by_value);
		printf("%s %.*f %s", k ? "," : "", v[k][runs / 2] < 100 ? 2 : 0,
		       v[k][runs / 2], r->unit[k]);
	}
	printf(" |\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "only", required_argument, NULL, 'o' },
		{ "runs", required_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	const char *only = "";
	size_t i;
	int opt, runs = 0;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'o') {
			only = optarg;
		} else if (opt == 'r') {
			runs = (int)strtol(optarg, NULL, 10);
		} else {
			fputs("usage: bench [--only WORDS] [--runs N]\n",
			      stderr);
			return EXIT_FAILURE;
		}
	}
	runs = runs > RUNS_MAX ? RUNS_MAX : runs;

	puts("| what | median of the runs |\n|---|---|");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strstr(rows[i].name, only))
			run_row(&rows[i], runs > 0 ? runs : rows[i].runs);
	return EXIT_SUCCESS;
}
