/* SPDX-License-Identifier: ISC */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "bench/load.h"
#include "pg.h"
#include "state/engaged.h"
#include "state/gate.h"

/* What several daemons do on one PostgreSQL and one Redis. All of them, the
 * two servers and the simulator share two cores, so more nodes are no faster
 * here: what is looked for is what a node more costs. */

#define UNPACED    " updates_per_minute = 0\n posts_per_second = 0"
#define GATE_CALLS 20000
#define APPS       100

static int nothing(struct gate *t, void *arg, struct err *e)
{
	(void)t;
	(void)arg;
	(void)e;
	return 0;
}

static uint32_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint32_t)(ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
}

static void admit_one(struct gate *g, int i)
{
	char entry[24], claim[48], channel[16];
	struct admit a = {
		.entry = entry,
		.tenant_id = "t1",
		.claim = claim,
		.addressed = true,
		.at_ms = clock_wall_ms(),
		.channel = channel,
		.user = "U1",
		.rate_per_minute = 30,
		.burst = 30,
		.now_ms = clock_wall_ms(),
	};
	enum admission out;
	struct err e = { 0 };

	(void)snprintf(entry, sizeof(entry), "e%d", i);
	(void)snprintf(claim, sizeof(claim), "A1:T1:C1:%d", i);
	(void)snprintf(channel, sizeof(channel), "C%d", i % 1000);
	if (g->ops->admit(g, &a, &out, &e) < 0)
		fatal(e.msg);
}

static int by_us(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void await_gate(struct gate *g)
{
	char why[240];

	while (!g->ops->healthy(g, why, sizeof(why)))
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

/* By one router thread, one call after the other. */
static struct figures gate_calls(int unused)
{
	static uint32_t took[GATE_CALLS];
	struct figures f = { 0 };
	struct redis_box box;
	struct gate_opts o = { .refill = nothing };
	struct err e = { 0 };
	uint32_t began, at;
	struct gate *g;
	int i;

	(void)unused;
	redis_box_start(&box, NULL);
	o.url = box.url;
	o.engaged = engaged_create(1800000);
	g = gate_redis.open(&o, &e);
	if (!g || gate_redis.start(g, &e) < 0)
		fatal(e.msg);
	await_gate(g);
	began = now_us();
	for (i = 0; i < GATE_CALLS; i++) {
		at = now_us();
		admit_one(g, i);
		took[i] = now_us() - at;
	}
	f.v[0] = per_second(GATE_CALLS, began, now_us());
	qsort(took, GATE_CALLS, sizeof(took[0]), by_us);
	f.v[1] = took[GATE_CALLS / 2];
	f.v[2] = took[GATE_CALLS / 100 * 99];
	gate_redis.close(g);
	engaged_free(o.engaged);
	redis_box_remove(&box);
	return f;
}

static struct figures acks(int nodes)
{
	struct figures f = { 0 };
	struct sim_latency l;
	struct bench b;

	prepare_nodes(&b, nodes, APPS, UNPACED);
	start(&b);
	pause_all(&b);
	flood(&b, SIM_FLOOD_DM, 1000, 5000, 0);
	sim_latency(b.sim, SIM_LATENCY_ACK, &l);
	f.v[0] = ms(l.p50_us);
	f.v[1] = ms(l.p99_us);
	f.v[2] = ms(l.max_us);
	done(&b);
	return f;
}

/* Commit, route[] and the post; so the route takes less. */
static struct figures placeholders(int nodes)
{
	struct figures f = { 0 };
	struct sim_latency l;
	struct bench b;

	prepare_nodes(&b, nodes, APPS, UNPACED);
	start(&b);
	flood(&b, SIM_FLOOD_MENTION, 20, 200, 0);
	sim_latency(b.sim, SIM_LATENCY_PLACEHOLDER, &l);
	f.v[0] = ms(l.p50_us);
	f.v[1] = ms(l.p99_us);
	done(&b);
	return f;
}

/* Every app has as many links as before, and every partition its node. */
static bool healed(struct sim *s, void *arg)
{
	char app[16];
	int i;

	for (i = 1; i <= APPS; i++) {
		(void)snprintf(app, sizeof(app), "A%05d", i);
		if (sim_links(s, app) < *(size_t *)arg)
			return false;
	}
	return true;
}

static bool links_are_gone(struct sim *s, void *arg)
{
	return sim_links(s, NULL) < *(size_t *)arg;
}

static struct figures fail_over(int nodes)
{
	size_t before, links = 2;
	struct figures f = { 0 };
	int64_t at;
	struct bench b;

	prepare_nodes(&b, nodes, APPS, UNPACED);
	start(&b);
	if (sim_wait(b.sim, healed, &links, PATIENCE_MS) < 0)
		fatal("the links are not on two nodes");
	before = sim_links(b.sim, NULL);
	at = sim_clock_us();
	bed_kill(&b.nodes.beds[0]);
	if (sim_wait(b.sim, links_are_gone, &before, PATIENCE_MS) < 0)
		fatal("no link of the killed node is gone");
	if (sim_wait(b.sim, healed, &links, PATIENCE_MS) < 0)
		fatal("the links did not come back");
	f.v[0] = (double)(sim_clock_us() - at) / 1e6;
	while (pg_ask("SELECT count(*) FROM partitions p JOIN nodes n"
		      " ON n.id = p.node WHERE n.name <> 'a'") < 64)
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	f.v[1] = (double)(sim_clock_us() - at) / 1e6;
	done(&b);
	return f;
}

const struct row cluster_rows[] = {
	{ "gate in Redis, one router thread",
	  gate_calls,
	  0,
	  3,
	  { "calls/s", "us p50", "us p99" } },
	{ "ack at 1,000 envelopes/s, 1 node",
	  acks,
	  1,
	  3,
	  { "ms p50", "ms p99", "ms max" } },
	{ "ack at 1,000 envelopes/s, 2 nodes",
	  acks,
	  2,
	  3,
	  { "ms p50", "ms p99", "ms max" } },
	{ "ack at 1,000 envelopes/s, 3 nodes",
	  acks,
	  3,
	  3,
	  { "ms p50", "ms p99", "ms max" } },
	{ "mention to placeholder at 20/s, 1 node",
	  placeholders,
	  1,
	  3,
	  { "ms p50", "ms p99" } },
	{ "mention to placeholder at 20/s, 3 nodes",
	  placeholders,
	  3,
	  3,
	  { "ms p50", "ms p99" } },
	{ "one of 3 nodes killed, 100 apps",
	  fail_over,
	  3,
	  3,
	  { "s until all links are elsewhere", "s until all work is" } },
};
const size_t cluster_nrows = sizeof(cluster_rows) / sizeof(cluster_rows[0]);
