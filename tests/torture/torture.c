/* SPDX-License-Identifier: ISC */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/err.h"
#include "torture/run.h"

static void usage(FILE *out)
{
	fputs("usage: torture [--minutes N] [--seed S] [--nodes N] "
	      "[--tenants N]\n"
	      "               [--rate N] [--kill-ms N] [--keep]\n",
	      out);
}

/* False: end with *rc. */
static bool read_options(struct torture *t, int argc, char **argv, int *rc)
{
	static const struct option options[] = {
		{ "minutes", required_argument, NULL, 'm' },
		{ "seed", required_argument, NULL, 's' },
		{ "nodes", required_argument, NULL, 'n' },
		{ "tenants", required_argument, NULL, 't' },
		{ "rate", required_argument, NULL, 'r' },
		{ "kill-ms", required_argument, NULL, 'k' },
		{ "keep", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == 'm')
			t->seconds = (int)(60 * strtod(optarg, NULL));
		else if (opt == 's')
			t->seed = strtoull(optarg, NULL, 10);
		else if (opt == 'n')
			t->nodes = (int)strtol(optarg, NULL, 10);
		else if (opt == 't')
			t->tenants = (int)strtol(optarg, NULL, 10);
		else if (opt == 'r')
			t->rate = strtod(optarg, NULL);
		else if (opt == 'k')
			t->kill_ms = (int)strtol(optarg, NULL, 10);
		else if (opt == 'l')
			t->keep = true;
		else
			break;
	}
	if (opt == -1 && optind == argc && t->seconds > 0 && t->tenants > 0 &&
	    t->nodes >= 0 && t->rate > 0 && t->kill_ms > 0)
		return true;
	*rc = opt == 'h' ? 0 : 64;
	usage(opt == 'h' ? stdout : stderr);
	return false;
}

int main(int argc, char **argv)
{
	struct torture t = {
		.seed = (uint64_t)time(NULL),
		.seconds = 600,
		.tenants = 6,
		.rate = 5,
		.kill_ms = 3000,
		.patient = true,
		.talkative = true,
	};
	struct err e = { 0 };
	int rc = 0;

	if (!read_options(&t, argc, argv, &rc))
		return rc;
	if (torture_run(&t, &e) < 0) {
		fprintf(stderr, "torture: %s\n", e.msg);
		return 1;
	}
	torture_print(&t);
	printf("%d passed, %d failed\n", torture_passed(&t),
	       !torture_passed(&t));
	return torture_passed(&t) ? 0 : 1;
}
