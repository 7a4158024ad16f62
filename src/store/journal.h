/* SPDX-License-Identifier: ISC */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/queue.h"
#include "base/secret.h"
#include "store/audit.h"
#include "store/keep.h"
#include "store/store.h"

struct err;
struct home_new;
struct keyring;
struct leases;

/*
 * What has been accepted from Slack and is not finished, and the one thread
 * that writes to the store. Requests from all threads are gathered into one
 * transaction and synced to disk once; then each request's done is called, on
 * the journal thread: it must not block, and mostly posts to a loop.
 *
 * A request is the caller's memory until done is called. Nothing but append
 * can be refused for want of room.
 */
struct journal;

enum journal_kind {
	JOURNAL_APPEND, /* a new entry */
	JOURNAL_NOTE,   /* something about an entry; see struct note */
	JOURNAL_DONE,   /* the entry is finished */
	JOURNAL_WRITE,  /* any other write to the store */
	JOURNAL_CLAIM,  /* take entries of a partition; several nodes only */
};

/* How an entry stands. Kept as its name in the row. */
enum entry_state {
	ENTRY_NEW = 0,  /* not routed yet */
	ENTRY_ACCEPTED, /* a turn is or was at work */
	ENTRY_WRITTEN,  /* its reply stands; twins of it may still come */
	ENTRY_REFUSED,  /* over the limit; a notice may be on its way */
	ENTRY_DONE,
	ENTRY_DEAD, /* given up */
};

/* One whose answer is another's; see note.covers. */
struct entry_covered {
	char id[ID_SIZE];
	char *frame;
	size_t frame_len;
};

/* Everything that the row of an entry holds. */
struct entry {
	char id[ID_SIZE];
	enum entry_state state;
	int64_t received_ms; /* wall clock */
	int64_t replayed_ms; /* a dead letter's, begun anew; 0: never */
	unsigned int part;   /* several nodes only: its partition, and */
	int64_t epoch;       /* of the lease that it is held under */
	bool fresh;          /* came just now, and nobody has worked on it */
	char *app_id;
	char *event_id; /* or trigger_id; unique */
	char *frame;    /* the envelope as it came */
	size_t frame_len;

	/* Known once routed; NULL before. */
	char *claim; /* the gate's key of the post */
	char *tenant_id;
	char *verdict;

	int attempts; /* times that the daemon crashed with it in hand */
	/* Posts of the reply: ts of part 0 (the placeholder), 1, ...; a part
	 * that is intended and not known to be posted has ts "". */
	char **parts;
	size_t nparts;
	char *answer; /* the whole answer, once the model ended */
	struct entry_covered *covered; /* oldest first */
	size_t ncovered;
};
/* A new one, of now, but for its id: copies of these. 0, or -1: no memory,
 * and still to be released. */
int entry_fill(struct entry *en, const char *app_id, const char *event_id,
	       const char *frame, size_t len);
void entry_release(struct entry *en);
/* Takes frame, also when memory is short: -1. */
int entry_add_covered(struct entry *en, const char *id, char *frame,
		      size_t len);
const char *entry_state_name(enum entry_state s);

/*
 * Appends a step of this entry to out, as store/record.h has them: what
 * happened now, and a detail or NULL. What finds no room is left out.
 */
void entry_step(char *out, size_t size, const struct entry *en, int64_t now_ms,
		const char *name, const char *detail);

/* What to write down about an entry; unset fields (NULL, 0) stay. */
struct note {
	enum entry_state state; /* ENTRY_NEW: unchanged */
	const char *verdict;
	const char *claim;
	const char *tenant_id;
	const char *post;    /* "channel:ts" of what was said */
	const char *steps;   /* what happened since; see store/record.h */
	int part;            /* with part_ts */
	const char *part_ts; /* "": intended; else posted as */
	const char *answer;
	/*
	 * Ids of entries, a space between two, of which nothing was said yet:
	 * from now on this one's answer is theirs, too. They come back with it
	 * and not by themselves, and end with it, as it does. All are held
	 * under the same lease, else it is lost.
	 */
	const char *covers;
	int64_t covers_ms; /* wall clock, for their record */
	/* Renew the engagement of a thread, in the same transaction. */
	const char *engaged; /* key, see state/engaged.h */
	int64_t engaged_ms;
};

/* What one turn adds to the record when it is done. Copied by no one. */
struct line_new {
	const char *tenant_id, *channel, *thread;
	const char *agent_id; /* whose answer it is; NULL: nobody's */
	struct line line;
};
struct usage_new {
	const char *tenant_id;
	const char *channel; /* NULL: none, as the person */
	const char *user;
	const char *model;
	int64_t prompt_tokens, completion_tokens;
};

struct journal_req {
	struct node node; /* must be first */
	enum journal_kind kind;

	struct entry *entry;          /* APPEND */
	const char *news;             /* APPEND: thread to tell others of */
	char entry_id[ID_SIZE];       /* NOTE, DONE */
	int64_t epoch;                /* NOTE, DONE: the entry's; CLAIM */
	struct note note;             /* NOTE, DONE (state, engaged) */
	const struct line_new *lines; /* DONE */
	size_t nlines;
	const struct usage_new *usage; /* DONE; NULL: none */
	const struct home_new *home;   /* DONE; NULL: none */
	size_t ncovered;               /* DONE: entries that end with it */
	int (*write)(struct store *s, void *arg, struct err *e); /* WRITE */
	const struct audit_new *audits; /* DONE, WRITE: if that is done */
	size_t naudits;
	unsigned int part; /* CLAIM */
	size_t most;       /* CLAIM: that many at once */

	/* The journal's: when it was last tried, and did that end the entry?
	 * (As far as that is known before the commit.) And did an earlier try
	 * perhaps, without our hearing of it? */
	int64_t at_ms;
	bool ended;
	bool doubt;

	/* Out: ok is false when it could not be committed (err tells);
	 * duplicate when an entry with that event_id is there already. */
	bool ok;
	bool duplicate;
	bool elsewhere; /* APPEND: it is there, or spilled, and not for the
			 * caller to work on */
	bool lost;      /* NOTE, DONE: another node has taken the entry; nothing
			 * was written, and nothing more is ours to do */
	bool refused;   /* and lost: the store never takes what it says, and the
			 * entry is a dead letter instead */
	struct entry *entries; /* CLAIM: oldest first; done may take what is */
	size_t nentries;       /* in them; the rest is freed after it */
	struct err *err;       /* NULL: not wanted. The caller's memory */
	void (*done)(struct journal_req *r);
	void *arg;
};

/*
 * Opens the store for writing and starts the thread. room is the most
 * entries that may be unfinished at once. There can be one on a store.
 */
struct journal *journal_create(const char *url, const struct keyring *k,
			       size_t room, struct err *e);

/* How long rows are kept after their entry is finished. Any thread. */
void journal_set_history(struct journal *j, int days);
/* And what is stored of people, unless their tenant has set something else.
 * Until then nothing of that is erased. Any thread. */
void journal_set_keep(struct journal *j, const struct keep *all);

/* For how many days what is stored of a workspace stays when the app was taken
 * out of it (store/uninstall.h). Until then nothing of that is erased. Any
 * thread. */
void journal_set_grace(struct journal *j, int days);

/*
 * The same for one node of several, where the store allows that: an entry is
 * taken by whoever holds its partition, and the others only append it.
 */
struct journal_node {
	const char *id; /* of this run of the daemon */
	const struct leases *leases;
};
struct journal *journal_create_node(const char *url, const struct keyring *k,
				    size_t room, const struct journal_node *n,
				    struct err *e);
/* How many entries of this node are unfinished, as the store has it. */
void journal_set_unfinished(struct journal *j, size_t n);
/* And of all nodes, on average: where there is no room nobody appends. */
void journal_set_crowd(struct journal *j, size_t n);

/*
 * While a store on another machine can't be written to, entries are appended
 * to a file of this node's own (store/spill.h), and moved from there when it
 * is back, in their order and before anything newer of this node. route then
 * takes the contents of those that are this node's to work on; it is called on
 * the journal's thread. What an earlier run has left there is moved now, and
 * is unfinished in the store then. Does nothing with a store on this machine.
 * Once, before anything is submitted. 0 or -1.
 */
int journal_spill(struct journal *j, const char *path,
		  void (*route)(struct entry *en, void *arg), void *arg,
		  struct err *e);

/*
 * From now on what the store doesn't take after a few tries fails, instead of
 * being kept for when it does: whoever waits for it is to end. Any thread.
 * NULL is allowed.
 */
void journal_part(struct journal *j);

/* Commits what was submitted, then ends the thread. NULL is allowed. */
void journal_free(struct journal *j);

/*
 * Any thread; never blocks. False only for APPEND without room: then r stays
 * with the caller and done isn't called.
 */
bool journal_submit(struct journal *j, struct journal_req *r);

/*
 * All unfinished entries, oldest first, for taking them up at start; before
 * anything is submitted. fn takes what it wants out of en by setting the
 * pointer to NULL.
 */
int journal_unfinished(struct journal *j,
		       int (*fn)(struct entry *en, void *arg), void *arg,
		       struct err *e);

/*
 * One unfinished entry, by its id; fn as above. Any thread: it may wait for a
 * batch. 1, 0 when there is none, or -1.
 */
int journal_entry(struct journal *j, const char *id,
		  int (*fn)(struct entry *en, void *arg), void *arg,
		  struct err *e);

/* A dead letter was begun anew: n entries count as unfinished again. */
void journal_reopened(struct journal *j, size_t n);

struct journal_stats {
	size_t queued;     /* requests waiting */
	size_t unfinished; /* entries, spilled ones too */
	size_t spilled;
	uint64_t commits, rows;
	int64_t last_commit_us; /* how long it took */
	bool failing;           /* the last commit failed */
	char msg[240];          /* why */
};
void journal_stats(struct journal *j, struct journal_stats *out);

/* Milliseconds since the thread last showed a sign of life. */
int64_t journal_beat_age(struct journal *j);

#endif
