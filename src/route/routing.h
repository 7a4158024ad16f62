/* SPDX-License-Identifier: ISC */
#ifndef ROUTE_ROUTING_H
#define ROUTE_ROUTING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "route/job.h"
#include "route/router.h"
#include "route/verdict.h"
#include "slack/words.h"
#include "state/engaged.h"
#include "store/journal.h"
#include "store/store.h"

struct conf;
struct gate;
struct journal;
struct ledger;
struct message;
struct people;
struct router_thread;

/*
 * One message on its way through route[]: with a router thread, or with the
 * journal while its request is out; never with both.
 */
struct routing {
	struct router_read rd; /* must be first: how a router thread runs it */
	struct router_thread *home;
	struct routing *next; /* parked */
	unsigned int tries;   /* how often it was parked */
	bool warned;          /* that it can't be routed */

	const struct conf *conf; /* while it is judged */
	struct gate *gate;
	struct journal *journal; /* NULL: nothing is written down */
	struct ledger *ledger;   /* NULL: none is kept */
	struct store *store;
	struct people *people; /* NULL: nothing is looked up */
	router_look_up *look_up;
	void *look_arg;
	int64_t now_ms; /* wall clock of this run */

	struct entry entry;
	unsigned int part; /* as entry has them, which goes into job */
	int64_t epoch;
	struct message *msg;   /* NULL: the frame can't be read */
	struct message **more; /* that its answer covers */
	size_t nmore;
	size_t nagain;    /* the first of them are asked again: no entries */
	bool again;       /* an earlier process had it */
	bool resumed;     /* and accepted or refused it */
	const char *dead; /* why it is given up unseen; static; or NULL */
	enum job_hope hope;
	char claim[ENGAGED_KEY_SIZE];
	char thread[ENGAGED_KEY_SIZE];
	char post[ENGAGED_KEY_SIZE]; /* channel:ts */
	char steps[120];
	bool early;        /* an edit that may be the first we hear of it */
	bool engages;      /* threads of direct messages need no engagement */
	unsigned int hash; /* of thread */

	/* What the stages find. */
	struct connection connection;
	struct agent agent;
	const char *why;     /* of a drop, for the log; static */
	char *notice;        /* V_REFUSE: what to say; NULL: nothing */
	unsigned int wait_s; /* V_REFUSE: until a token is there */
	int bot_answers;     /* to bots in its thread, at most */
	int64_t held_ms;     /* since when facts are waited for; 0: not */
	int64_t idle_ms;     /* the same for what engages its thread */

	/* What came of it. */
	enum verdict verdict; /* V_NEXT, V_FAIL, V_HOLD: none yet */
	const char *stage;
	bool settled; /* job and req are ready */
	char verdict_text[40];
	struct job *job; /* to be dispatched once req is committed */
	struct journal_req req;
	struct audit_new audit;
	struct err err; /* req's */
};

/*
 * Takes the contents of en and msg, or reads the message from the frame.
 * NULL when memory is short: en and msg are gone then, the journal's row
 * stays for the next start.
 */
struct routing *routing_create(struct entry *en, struct message *msg);
void routing_free(struct routing *r); /* NULL is allowed */

/*
 * Runs the stages, with conf, gate, store and now_ms set. Counts and logs the
 * decision. On V_FAIL and V_HOLD it may be run again.
 */
enum verdict routing_decide(struct routing *r);

/*
 * Makes the request that writes the decision down and the job that follows
 * from it. -1 when memory is short; it may be tried again.
 */
int routing_settle(struct routing *r);

/* Once per window and key, for notices and warnings: what can't be told
 * happens too seldom rather than too often. */
bool routing_once(struct routing *r, const char *key, int64_t window_ms);

/* stage_signal.c: what a signal comes to; a press may become a question. */
enum verdict stage_signal(struct routing *r, struct err *e);
/* stage_early.c: an edit or a deletion that comes before its message. */
enum verdict early_edit(struct routing *r);
enum verdict early_known(struct routing *r);
enum verdict early_delete(struct routing *r, struct err *e);
/* Were we asked to keep out of the thread? */
enum verdict stage_hush(struct routing *r, struct err *e);
/* stage_access.c */
enum verdict stage_access(struct routing *r, struct err *e);
/* stage_visit.c: not twice in a short while; what is left to a visitor. */
enum verdict stage_visit(struct routing *r, struct err *e);
enum verdict stage_allowance(struct routing *r, struct err *e);

/* say.c */

/* The language of the agent that would answer, which is read for that unless
 * it is there; "" when there is none, or the store doesn't say. */
const char *routing_locale(struct routing *r);
/* What to say to the person with V_REFUSE, in that language. Without memory
 * nothing is said. */
void routing_say(struct routing *r, enum words w,
		 const struct words_fill *fill);

/* stage_budget.c */
enum verdict stage_budget(struct routing *r, struct err *e);

/* For an entry that was accepted by an earlier process: no second admit. */
extern const struct route_stage resume_stages[];
extern const size_t resume_nstages;

/* For a signal; for one that an earlier process accepted; and for one that is
 * about the agent and not about a message. */
extern const struct route_stage signal_stages[];
extern const size_t signal_nstages;
extern const struct route_stage again_stages[];
extern const size_t again_nstages;
extern const struct route_stage visit_stages[];
extern const size_t visit_nstages;

#endif
