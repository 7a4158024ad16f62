/* SPDX-License-Identifier: ISC */
#ifndef TURN_TURN_H
#define TURN_TURN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "llm/llm.h"
#include "net/loop.h"
#include "route/message.h"
#include "route/router.h"
#include "slack/api.h"
#include "slack/pace.h"
#include "slack/ts.h"
#include "state/engaged.h"
#include "store/journal.h"
#include "store/leases.h"
#include "store/store.h"
#include "store/uninstall.h"
#include "turn/errand.h"
#include "turn/flow.h"
#include "turn/lane.h"
#include "turn/reply.h"
#include "turn/sentence.h"
#include "turn/worker_in.h"

/*
 * What the files of this folder share; private to them. Everything here is
 * on one worker's loop, except where another thread is named.
 */
struct attach;
struct conf;
struct job;
struct json;
struct turn;

/* the turn */

enum turn_state {
	TURN_NEW,
	TURN_WAITING,   /* for the head of the lane, with eyes */
	TURN_PLACING,   /* the placeholder is posted, or looked for */
	TURN_READING,   /* history and names */
	TURN_ASKING,    /* the model has a slot or not, and says nothing yet */
	TURN_STREAMING, /* the answer comes */
	TURN_WRITING,   /* the last edit and further parts */
	TURN_CLEARING,  /* the placeholder goes, as its question has */
	TURN_HEALING,   /* did a post that seemed lost arrive after all? */
	TURN_CLOSING,   /* the journal is told that all is done */
	TURN_STATES
};

/* Files of a thread that is entered late, at most. */
#define FILES_EARLIER 4

/* A note for the journal that waits until those before it are committed. */
#define STEPS_SIZE 240
struct note_slot {
	enum journal_kind kind;
	struct note note;
	char ts[TS_SIZE];
	char steps[STEPS_SIZE];
	void (*then)(struct turn *t); /* once committed; may be NULL */
};
#define NOTES_MAX 4

/* Rows of the journal's parts that are no posts: they hold the ts of a part 0
 * that can't be edited any more, and the number of the first smaller part. */
#define PART_VOID REPLY_PARTS_MAX
#define PART_CUT  (REPLY_PARTS_MAX + 1)
/* "?" and when a stream was to begin, the ts of its message, or "0". */
#define PART_FLOW (REPLY_PARTS_MAX + 2)

/* Room for what we say below an answer. */
#define TURN_REMARK_MAX 3072

#define VERDICT_FAILED     "failed:" /* and the sentence's name */
#define VERDICT_DEAD_TOKEN "dead:token"

enum edit_want {
	EDIT_NONE,
	EDIT_INTERIM,
	EDIT_FINAL
};

/* look.c */
typedef const char *look_match(struct turn *t, const struct json *body);
typedef void look_done(struct turn *t, const struct slack_result *r,
		       const char *ts);

/* What somebody asked, as it is told to the model. */
struct asked {
	char *text;
	char name[81];
};

struct turn {
	struct worker *w;
	const struct conf *conf;   /* as it was when the turn began */
	struct turn *next, **link; /* of the worker's list */
	struct job *job;
	struct conn *conn;
	struct channel *channel;
	struct lane_seat seat;
	enum turn_state state;
	char where[64]; /* the channel, as Slack named it at posting */
	char ref[SENTENCE_REF_SIZE];

	struct slack_call *call;  /* post, look or deletion: one at a time */
	struct loop_timer *timer; /* of the state; made when first used */
	void (*on_timer)(struct turn *t);
	unsigned int tries; /* failures in a row of the present step */
	bool abandoned;     /* the worker closes, or the entry is another's */
	bool parked;        /* it says that its answer comes after a restart */

	/* note.c */
	struct note_slot notes[NOTES_MAX];
	size_t nnotes;
	bool noting; /* the journal has the first of them */
	struct loop_task noted;
	struct loop_timer *note_timer;

	struct {
		look_match *match;
		look_done *done;
		unsigned int pages;
	} look;

	char steps[STEPS_SIZE]; /* that the journal wasn't told yet */

	/* post.c: the part that is being posted, if posting */
	bool posting;
	bool queued; /* waits for the channel's pace */
	size_t part;
	struct shape post_shape;
	struct turn *post_next;
	void (*posted)(struct turn *t, const struct slack_result *r);
	int64_t doubt_ms; /* when what is in doubt was sent; 0: nothing is */
	char (*parts)[TS_SIZE]; /* ts of each; "" intended or not yet */
	size_t nparts;

	/* gather.c */
	bool unposted; /* by an earlier process, as Slack was asked */
	char *covers;  /* ids of what it covers, a space between two; or NULL */

	/* eyes.c */
	bool unseen; /* waits for the pace of reactions */
	struct turn *unseen_next;
	struct slack_call *eyes;

	/* edit.c */
	enum edit_want want;
	struct slack_call *edit;
	bool flying;     /* it is under way, */
	bool final;      /* and it is the last one */
	bool no_interim; /* Slack refuses them */
	bool lost;       /* an interim edit may still arrive, soon */
	bool stale;      /* or within a call's time limit */
	int64_t edited_ms;
	unsigned int nedits;
	uint64_t shown; /* hash of the text shown now */
	bool in_stream;
	struct turn *stream_next, **stream_link;
	struct turn *final_next;

	/* read.c */
	struct router_read rd;
	struct loop_task read_done;
	bool reading;       /* the router has rd */
	bool naming;        /* waits for names */
	size_t budget;      /* tokens of context that the model takes */
	size_t told;        /* tokens of context that it got, and */
	size_t ntold;       /* lines of the history in them */
	unsigned int trims; /* times that this was too much for it */
	struct transcript history;
	size_t nbackfill;     /* lines of it that our transcript lacks */
	unsigned int pages;   /* of Slack's that were read for them */
	struct attach *files; /* NULL: none, or not begun */
	bool recalled;        /* Slack was asked for them once more */
	bool fetching;        /* waits for them, since */
	int64_t files_ms;
	struct message_file earlier[FILES_EARLIER]; /* the newest before it */
	size_t nearlier;
	struct asked *asked; /* NULL, or as turn_message() has them */
	size_t nasked;
	char key[ENGAGED_KEY_SIZE]; /* of the thread */

	/* people.c */
	struct mention_person *people; /* NULL: nobody yet */
	size_t npeople;
	bool settled;  /* the answer has its mentions */
	char *written; /* the answer as the model wrote it, for the transcript
			*/

	/* the answer */
	struct llm_call *llm;
	char backlog[200]; /* shown until there is something of it */
	struct buf answer; /* Markdown */
	bool cut;          /* it is longer than we show */
	bool answered;     /* the model ended well */
	bool before;       /* an earlier process has answered, says Slack */
	bool resumed;      /* what to write is in the journal already */
	struct reply reply;
	bool refused;  /* Slack took no more of it */
	bool replaced; /* by a sentence, as Slack refused the answer */
	bool tabled;   /* the last shape had a table of its own, */
	bool buttoned; /* or buttons */
	enum controls controls;
	bool no_tables; /* Slack doesn't take them, */
	bool no_blocks; /* or none at all, in a whisper, */
	int spare_uses; /* whose parts may be sent that often once more */
	bool recut;     /* only text in smaller parts, from part cut_at on */
	size_t cut_at;
	bool reposted;        /* part 0, as it could not be edited any more: */
	char voided[TS_SIZE]; /* what it was before */
	bool uneditable;      /* Slack said so */
	int64_t swap_ms;      /* when that was, and doubt_ms before it */
	int64_t doubt_before;
	void (*swapped)(struct turn *t);

	struct session *session; /* NULL: none is shown */
	bool restless;           /* but by an earlier process, perhaps */
	struct flow flow;

	/* what people do meanwhile */
	struct errand *errands; /* that end with it */
	bool stopped;
	bool withdrawn;
	bool gone; /* job->msg is, though not all that it covers */

	/* closing */
	enum entry_state end_state;
	char verdict[100]; /* "": it went well */
	struct line_new *lines;
	struct usage_new usage;
	struct home_new home;
	bool usage_known; /* the model has told it */
	bool said;        /* it has begun to answer */
	char model[64];

	int64_t began_ms;
	int64_t placed_ms; /* these three since began_ms; -1: not yet */
	int64_t first_ms;
};

/* turn.c */

/* Takes the job and begins. */
void turn_start(struct worker *w, struct job *job);

/* The one place where a state changes; runs what the new one begins with. */
void turn_set(struct turn *t, enum turn_state s);

/* fn after ms, unless another takes its place. */
void turn_after(struct turn *t, int64_t ms, void (*fn)(struct turn *t));
void turn_stop_timer(struct turn *t);

/* What is to be answered, oldest first: at least one. */
size_t turn_nmessages(const struct turn *t);
struct message *turn_message(const struct turn *t, size_t i);

/* This thread's hands are on it; see base/suspect.h. */
void turn_enter(const struct turn *t);

/* For the record of what became of the entry, with the next note. */
void turn_step(struct turn *t, const char *name, const char *detail);

/* How long until the step that failed is tried again: while there is, or may
 * be, a placeholder, for as long as it takes. */
int64_t turn_retry_ms(struct turn *t, const struct slack_result *r);

/* Its channel has another id now. */
void turn_move(struct turn *t, const char *channel);

/* Milliseconds until what is in doubt can't arrive any more; 0: nothing can. */
int64_t turn_doubt_left(const struct turn *t);

/* Once nobody holds on to it. */
void turn_free(struct turn *t);

/* resume.c */

/* What the journal has of an earlier attempt; 0, or -1 without memory. */
int resume_take_up(struct turn *t);

/* place.c */

void place_wait(struct turn *t);  /* TURN_WAITING begins */
void place_start(struct turn *t); /* TURN_PLACING begins */

/* What is shown until there is more. */
const char *turn_placeholder(const struct turn *t);

/* Part 0 stands: work, unless draining. */
void turn_placed(struct turn *t);

/* At the head of its lane by now: it's its turn, unless draining. */
void turn_go(struct turn *t);

/* answer.c */

struct prompt;

/* Calls the model. */
void turn_ask(struct turn *t, const struct prompt *p);

/* Says why below what there is of an answer, or instead of one. why is for
 * the log. */
void turn_fail(struct turn *t, enum sentence s, const char *why);

/* halt.c */

/* Nothing more can be said in Slack. */
void turn_refused(struct turn *t, const struct slack_result *r);

/* Must a drain wait for it? */
bool turn_busy(const struct turn *t);

/* All that it waits for is called off; what the journal has stays there. */
void turn_stop(struct turn *t);

/*
 * Must be LEASE_HELD for a call that others can see. Unsure: try again a
 * little later. Lost: the same, it will be put down.
 */
#define LEASE_WAIT_MS 250
enum lease turn_lease(const struct turn *t);

/* Put down those whose entries are another's by now. */
void turns_lost(struct worker *w);

/* The journal never takes what is to be noted, and has given it up. */
void turn_set_aside(struct turn *t);

/* Stop, and be freed once nobody holds on to t. */
void turn_abandon(struct turn *t);
/* True when t is abandoned; it may be freed then. */
bool turn_reap(struct turn *t);

/* note.c */

void note_part(struct turn *t, size_t part, const char *ts,
	       void (*then)(struct turn *t));
/* What the reply says, and the verdict on it; state ENTRY_NEW: as it is. */
void note_answer(struct turn *t, enum entry_state state,
		 void (*then)(struct turn *t));
/* That its answer is theirs, too; with the leave to post part 0. */
void note_covers(struct turn *t, void (*then)(struct turn *t));
/* With the lines and the usage that are in the request already. */
void note_done(struct turn *t, const struct note *n,
	       void (*then)(struct turn *t));

/* park.c */

/* While draining: stop, and say in the placeholder, if it stands and isn't
 * an answer, that one will come. */
void park_start(struct turn *t);
/* Is that, or a placeholder, on its way to Slack? */
bool park_busy(const struct turn *t);

/* close.c */

/* Tells the journal, logs, lets the next in the lane go on, frees t. */
void close_start(struct turn *t);

/* usage.c */

/* What the turn has used; NULL: nothing. */
const struct usage_new *usage_settle(struct turn *t);
/* Once that is in the journal. */
void usage_count(const struct turn *t);
const char *usage_tenant(const struct turn *t); /* its name, for metrics */

/* stop.c: each says whether it came in time */

/* No more of the answer; what there is of it stays. */
bool stop_answer(struct turn *t);
/* Its question is gone: so is the placeholder, and nothing is said. */
bool stop_withdraw(struct turn *t);
/* One of its questions is gone; if it is the only one, as stop_withdraw(). */
bool stop_retract(struct turn *t, const char *ts);
/* One of its questions says something else now, unless a later edit is known.
 */
bool stop_revise(struct turn *t, const struct message *now);
/* What was asked of it before it could be done. */
bool stop_pending(struct turn *t);
void stop_clear(struct turn *t); /* TURN_CLEARING begins */

#endif
