/* SPDX-License-Identifier: ISC */
/*
 * ./dev demo: two companies, their agents, and a conversation, played against
 * the simulator and shown as it happens. Exits with 0 only if all that was
 * expected was seen.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "bed/nodes.h"
#include "demo/play.h"
#include "demo/screen.h"
#include "demo/world.h"

#define NODES 2 /* of a cluster */

static bool summary(const struct demo *d)
{
	bool ok = true;
	size_t i;

	printf("\n");
	for (i = 0; i < d->nresults; i++) {
		screen_result(d->results[i].ok, d->results[i].what,
			      d->results[i].times);
		ok &= d->results[i].ok;
	}
	return ok;
}

/* Alice at the keyboard: a line goes into the current thread. */
static void interact(struct demo *d)
{
	char line[2000], text[2048];
	char ts[SIM_TS] = "";
	struct sim_say opt;
	size_t nth = 0;
	int64_t at;

	puts("\nYou are Alice in #general at Acme. A line mentions Mara and "
	     "opens a thread;\nfurther lines go on in it. /new opens another "
	     "one, /quit ends.");
	for (;;) {
		printf("> ");
		fflush(stdout);
		if (!fgets(line, sizeof(line), stdin))
			return;
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, "/quit") == 0)
			return;
		if (strcmp(line, "/new") == 0 || line[0] == '\0') {
			ts[0] = '\0';
			continue;
		}
		opt = (struct sim_say){ .thread_ts = ts[0] ? ts : NULL };
		snprintf(text, sizeof(text), "%s%s", ts[0] ? "" : "<@UMARA> ",
			 line);
		at = sim_clock_us();
		if (ts[0]) {
			demo_say(d, "CGENERAL", "UALICE", text, &opt, NULL);
			nth++;
		} else {
			demo_say(d, "CGENERAL", "UALICE", text, NULL, ts);
			nth = 0;
		}
		demo_follow(d, "CGENERAL", ts, nth, at, "");
	}
}

static void play(struct demo *d, bool by_rule)
{
	struct sim_settings set;

	sim_settings(d->sim, &set);
	set.llm_first_ms = 500;
	set.llm_token_ms = 60;
	sim_set(d->sim, &set);

	scenes_talk(d);
	scenes_answers(d, by_rule);
	if (d->nodes.shared)
		scenes_kill(d);
}

static int start(struct demo *d, const struct bed_opts *o, bool cluster,
		 struct err *e)
{
	int64_t at;

	if (nodes_make(&d->nodes, cluster ? NODES : 0, o, e) < 0)
		return -1;
	d->sim = d->nodes.beds[0].sim;
	if (world_make(d->sim) != 0)
		return err_set(e, ERR_FATAL, "cannot make the world");
	at = clock_ms();
	if (nodes_start(&d->nodes, e) < 0)
		return -1;
	if (sim_wait_links(d->sim, "ADEMO1", 1, 20000) < 0 ||
	    sim_wait_links(d->sim, "ADEMO2", 1, 20000) < 0)
		return err_set(e, ERR_FATAL, "the links did not come up");
	screen_note("konstructd%s is connected to two apps over TLS, %lld ms "
		    "after its start",
		    cluster ? " (two nodes, PostgreSQL and Redis)" : "",
		    (long long)(clock_ms() - at));
	return 0;
}

static bool stop(struct demo *d)
{
	bool ok = true;
	size_t i;

	for (i = 0; i < d->nodes.n; i++)
		ok &= bed_stop(&d->nodes.beds[i]) == 0;
	return ok;
}

static void show_logs(struct demo *d)
{
	char *log;
	size_t i;

	for (i = 0; i < d->nodes.n; i++) {
		log = bed_log(&d->nodes.beds[i]);
		fprintf(stderr, "\nthe log of '%s':\n%s", d->nodes.beds[i].dir,
			log ? log : "");
		free(log);
	}
}

static void usage(void)
{
	fputs("usage: ./dev demo [--cluster] [--interactive] "
	      "[--llm-url URL --model M]\n",
	      stderr);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "cluster", no_argument, NULL, 'c' },
		{ "interactive", no_argument, NULL, 'i' },
		{ "llm-url", required_argument, NULL, 'u' },
		{ "model", required_argument, NULL, 'm' },
		{ NULL, 0, NULL, 0 },
	};
	struct bed_opts o = { 0 };
	struct err e = { 0 };
	bool cluster = false;
	bool interactive = false;
	bool ok = false;
	struct demo d = { 0 };
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'c') {
			cluster = true;
		} else if (opt == 'i') {
			interactive = true;
		} else if (opt == 'u') {
			o.llm_url = optarg;
		} else if (opt == 'm') {
			o.llm_model = optarg;
		} else {
			usage();
			return 64;
		}
	}
	if (!o.llm_url != !o.llm_model) {
		usage();
		return 64;
	}

	if (start(&d, &o, cluster, &e) == 0) {
		play(&d, !o.llm_url);
		ok = summary(&d);
		if (interactive)
			interact(&d);
	} else {
		fprintf(stderr, "demo: %s\n", e.msg);
	}
	ok &= stop(&d);
	if (!ok)
		show_logs(&d);
	nodes_remove(&d.nodes);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
