/* SPDX-License-Identifier: ISC */
#ifndef TESTS_STAGE_H
#define TESTS_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"
#include "llm/llm.h"
#include "store/journal.h"
#include "turn/worker.h"

/*
 * A stage for turns to be played on: clock, loop, Slack, model, journal and
 * router are the test's, on one thread, and no time passes but when a test
 * says so. Slack keeps a thread's messages and does what it is asked to,
 * unless a fault is waiting for the method.
 */

#define SECOND 1000 /* of the stage's clock */
#define MINUTE (60 * SECOND)

enum fault_kind {
	FAULT_REFUSE, /* error, nothing done; told ms later than usual */
	FAULT_RATE,   /* 429, retry after ms */
	FAULT_LOST,   /* done, but the answer is lost */
	FAULT_FAIL,   /* not done, and the answer is lost */
	FAULT_LATE,   /* lost, and done ms later */
	FAULT_SLOW,   /* answered after ms */
};

struct stage_msg {
	char ts[32];
	char thread[32];
	char text[5000];
	char blocks[20000];
	char metadata[1000];
	int64_t posted_ms; /* of the stage's clock */
	int64_t edited_ms;
	int nedits;
	bool deleted;
	bool ephemeral;
};

struct stage_call {
	char method[40];
	char token[40];
	char args[60000]; /* the form as it came */
	int64_t at_ms;
};

struct stage_note {
	enum journal_kind kind;
	enum entry_state state;
	char entry[ID_SIZE];
	char verdict[100];
	int part;
	char part_ts[32]; /* "-": none */
	char answer[5000];
	char engaged[200];
	char covers[600];
	size_t ncovered;
	int64_t at_ms;
	size_t nlines;
	char lines[4][2000]; /* "name: text", of ours "> text" */
	int64_t tokens;      /* of both kinds; -1: no usage */
};

struct stage {
	int64_t now;
	struct conf conf;
	struct workers *workers;
	struct engaged *engaged;
	struct quarantine *quarantine;

	/* What the model says: its pieces, one every gap_ms. */
	const char *says[16];
	int64_t first_ms, gap_ms;
	long ahead; /* calls of the tenant before this one; -1: none waits */
	enum llm_end end;
	bool hold_model; /* no slot is free */
	bool no_usage;   /* it tells no tokens */
	int too_long;    /* asks that are refused for their length */
	bool hold_reads; /* of the history, one at a time */
	int nasked;
	char asked[8][20000]; /* messages as "role: text\n" */
	char asked_model[40];
	int ncancelled;

	bool hold_journal;         /* nothing is committed */
	bool fail_journal;         /* nothing can be committed */
	bool refuse_answers;       /* those never are, and given up */
	bool hold_covers;          /* held as soon as something is covered */
	bool lose_covers;          /* what is covered is another node's */
	struct transcript history; /* what the store has of the thread */

	const char *file; /* what each download brings; NULL: it fails */
	size_t file_len;
	int64_t file_ms;   /* how long each takes */
	size_t ndownloads; /* begun, */
	size_t nstopped;   /* and cancelled */
	size_t nimages;    /* of the last question */

	size_t page; /* messages in one page of a thread; 0: all */
	struct stage_msg msgs[200];
	size_t nmsgs;
	struct stage_call calls[400];
	size_t ncalls;
	struct stage_note notes[400];
	size_t nnotes;
};
extern struct stage stage;

void stage_up(void); /* conf may be changed between the two */
void stage_begin(void);
void stage_down(void);

/* What hold_reads has kept from being read. */
void stage_read(void);

/* Let ms pass. */
void stage_run(int64_t ms);

/* The next call of method that isn't spoken for meets a fault. */
void stage_fault(const char *method, enum fault_kind kind, const char *error,
		 int64_t ms);

/* A job for a mention in C1; thread NULL: top level. Not submitted. */
struct job *stage_job(const char *id, const char *ts, const char *thread,
		      const char *text);
/* Attaches a file to its message. */
void stage_attach(struct job *j, const char *name, const char *mimetype);
void stage_submit(struct job *j);
/* The same with the defaults of most tests: entry "e1", ts "100.000100". */
struct job *stage_ask(void);

/* Somebody else's or our bot's message in the thread. */
void stage_say(const char *ts, const char *thread, const char *user,
	       const char *text);

size_t stage_count(const char *method);
/* Calls that somebody still waits for. */
size_t stage_awaited(void);
/* The n-th of them, or NULL. */
const struct stage_call *stage_call_of(const char *method, size_t n);
/* The value of an argument, decoded; "" when absent. In a static buffer. */
const char *stage_arg(const struct stage_call *c, const char *key);
/* Our messages that stand, in order of posting. */
const struct stage_msg *stage_reply(size_t n);
size_t stage_nreplies(void);
/* The note that finished the entry, or NULL. */
const struct stage_note *stage_done(const char *entry);

#endif
