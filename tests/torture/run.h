/* SPDX-License-Identifier: ISC */
#ifndef TORTURE_RUN_H
#define TORTURE_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "torture/judge.h"

struct err;

struct torture {
	/* in */
	uint64_t seed;
	int seconds; /* of load and kills; then it waits until all is quiet */
	int nodes;   /* 0: one, on SQLite; else on PostgreSQL and Redis */
	int tenants;
	double rate;    /* messages a second */
	int kill_ms;    /* between two kills on average */
	bool patient;   /* calls may hang until the daemon's time limit */
	bool keep;      /* leave the directory */
	bool talkative; /* a line per kill */

	/* out */
	int kills, stops, freezes, outages;
	int refusals;    /* how often a token was refused for a while */
	int leaves;      /* how often an app was taken out of its workspace */
	int revokes;     /* how often the token was revoked that expires */
	int purges;      /* how often a tenant's data were erased */
	size_t dialogs;  /* that somebody wanted; */
	size_t opened;   /* so many came */
	int renewals;    /* of a token, as Slack knows */
	int replays;     /* rounds of dead letters, in the end */
	size_t overtime; /* sessions at work then, though nobody was */
	size_t messages;
	bool quiet; /* in the end, in time */
	struct verdicts verdicts;
};

/*
 * A simulator and one daemon or several; people talk, everything fails now and
 * then, and the daemons are killed again and again; in the end all is counted.
 * -1: it could not be done.
 */
int torture_run(struct torture *t, struct err *e);

void torture_print(const struct torture *t);

/* Nothing lost, nothing twice, nothing stuck. */
bool torture_passed(const struct torture *t);

#endif
