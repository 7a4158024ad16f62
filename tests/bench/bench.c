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
#include "bench/load.h"
#include "bench/streams.h"

#define RUNS_MAX 9

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
	cpu = cpu_seconds(b.nodes.beds[0].pid);
	flood(&b, SIM_FLOOD_DM, rate, (int64_t)rate * 5, 0);
	sim_latency(b.sim, SIM_LATENCY_ACK, &l);
	f.v[0] = ms(l.p50_us);
	f.v[1] = ms(l.p99_us);
	f.v[2] = ms(l.max_us);
	f.v[3] = (cpu_seconds(b.nodes.beds[0].pid) - cpu) / 5 * 100;
	done(&b);
	return f;
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
	none = status_kb(b.nodes.beds[0].pid, "VmRSS");
	done(&b);

	prepare(&b, n);
	start(&b);
	/* What the handshakes left is given back with the first ping. */
	poll(NULL, 0, 20000);
	cpu = cpu_seconds(b.nodes.beds[0].pid);
	poll(NULL, 0, 10000);
	f.v[0] = (double)status_kb(b.nodes.beds[0].pid, "VmRSS") / 1024;
	f.v[1] = (double)(status_kb(b.nodes.beds[0].pid, "VmRSS") - none) / n;
	f.v[2] = (cpu_seconds(b.nodes.beds[0].pid) - cpu) / 10 * 100;
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
	before = status_kb(b.nodes.beds[0].pid, "VmRSS");
	if (sim_flood(b.sim, &(struct sim_flood){ .kind = SIM_FLOOD_DM,
						  .rate = 2000,
						  .count = n,
						  .first = 1,
						  .tenants = b.tenants }) < 0 ||
	    sim_wait_asks(b.sim, (size_t)n + 1000, PATIENCE_MS) < 0)
		fatal("the turns did not begin");
	f.v[0] = (double)(status_kb(b.nodes.beds[0].pid, "VmRSS") - before) / n;
	f.v[1] = (double)status_kb(b.nodes.beds[0].pid, "VmRSS") / 1024;
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
	cpu = cpu_seconds(b.nodes.beds[0].pid);
	flood(&b, SIM_FLOOD_DM, 0, 20000, 400);
	cpu = cpu_seconds(b.nodes.beds[0].pid) - cpu;
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

	prepare_nodes(&b, 0, 1, "");
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
	kill(b.nodes.beds[0].pid, SIGTERM);
	if (sim_wait(b.sim, link_is_gone, &n, PATIENCE_MS) < 0)
		fatal("no link was closed");
	gone = sim_clock_us();
	bed_stop(&b.nodes.beds[0]);
	start(&b);
	f.v[0] = ms((uint32_t)(sim_clock_us() - gone));
	f.v[1] = ms((uint32_t)(sim_clock_us() - told));
	done(&b);
	return f;
}

static const struct row rows[] = {
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
		{ "cluster", no_argument, NULL, 'c' },
		{ "only", required_argument, NULL, 'o' },
		{ "runs", required_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	const struct row *table = rows;
	size_t n = sizeof(rows) / sizeof(rows[0]);
	const char *only = "";
	size_t i;
	int opt, runs = 0;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'c') {
			table = cluster_rows;
			n = cluster_nrows;
		} else if (opt == 'o') {
			only = optarg;
		} else if (opt == 'r') {
			runs = (int)strtol(optarg, NULL, 10);
		} else {
			fputs("usage: bench [--cluster] [--only WORDS] [--runs N]\n",
			      stderr);
			return EXIT_FAILURE;
		}
	}
	runs = runs > RUNS_MAX ? RUNS_MAX : runs;

	puts("| what | median of the runs |\n|---|---|");
	fflush(stdout); /* before anybody forks */
	for (i = 0; i < n; i++)
		if (strstr(table[i].name, only))
			run_row(&table[i], runs > 0 ? runs : table[i].runs);
	return EXIT_SUCCESS;
}
