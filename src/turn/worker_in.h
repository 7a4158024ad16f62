/* SPDX-License-Identifier: ISC */
#ifndef TURN_WORKER_IN_H
#define TURN_WORKER_IN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/loop.h"
#include "slack/api.h"
#include "slack/pace.h"

/*
 * A worker, the apps and channels that it speaks in. Private to this folder;
 * everything here is on one worker's loop, except where another thread is
 * named.
 */
struct conf;
struct connection;
struct engaged;
struct errand;
struct http;
struct job;
struct journal;
struct leases;
struct ledger;
struct live;
struct llm;
struct look_up;
struct map;
struct names;
struct people;
struct quarantine;
struct queue;
struct router;
struct session;
struct turn;

struct counters {
	atomic_size_t turns;
	atomic_uint_fast64_t answers, failures, stopped;
	atomic_uint_fast64_t notices, edits, limited;
	atomic_size_t file_bytes; /* held by attachments */
};

struct worker {
	const struct conf *conf; /* for keys that aren't live */
	struct live *live;
	struct llm *llm;
	struct journal *journal;
	struct router *router;
	struct engaged *engaged;
	struct quarantine *quarantine;
	const struct leases *leases;
	struct ledger *ledger;
	struct people *people;
	struct counters *count;

	struct loop *loop;
	struct http *http;
	struct queue *inbox;  /* of jobs, from any thread */
	struct queue *wanted; /* persons to be looked up, likewise */
	atomic_bool waking;
	struct loop_task wake;
	atomic_bool losing;
	struct loop_task lost;

	struct lanes *lanes;
	struct map *conns;
	struct map *channels;
	struct names *names;
	struct turn *turns; /* all of them */
	struct session *sessions;
	struct errand *errands;
	struct look_up *look_ups;
	struct loop_timer *tidy;
	size_t nspares; /* spare.c: that a router reads */

	bool draining; /* no model is asked any more */
	bool parting;  /* the time for answers is over */
	bool closing;  /* all ends, unfinished */

	/* worker_end.c: questions from the thread that stops us */
	struct workers *all;
	bool started;
	struct loop_task drain;
	bool asked; /* drain is posted; under the lock of all */
	struct loop_task close;
	struct loop_task emptied;
	bool is_empty;
};

struct workers {
	struct worker *w;
	size_t n;
	struct counters count;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned int round; /* of asking how busy they are */
	size_t answered;    /* workers that said how busy they are */
	size_t closed;      /* workers that have nothing left */
	size_t busy;        /* turns that a drain waits for, as they said */
	bool parting;       /* the grace of a drain is over */
};

/* worker.c */

struct worker *worker_of(struct workers *ws, const char *app_id);
/* There is something in inbox or wanted. Any thread. */
void worker_wake(struct worker *w);

/* spare.c: slack_call() with the token of the job, which is another one
 * afterwards if that has expired meanwhile; so is the channel of an answer that
 * has got another id. */
struct slack_call *worker_call(struct worker *w, struct job *job,
			       const char *method, const struct buf *form,
			       slack_done *done, void *arg, struct err *e);

/* worker_end.c */

void worker_end_init(struct worker *w); /* its tasks */
/* A turn or errand is gone: was it the last one of a closing worker? */
void worker_emptied(struct worker *w);

/* look_up.c: what routers want to know of people */
void look_up_take(struct worker *w);        /* what has come in */
void look_up_changed(struct worker *w);     /* names has news */
void look_up_drop_all(struct worker *w);    /* before http goes */
void look_up_drop_wanted(struct worker *w); /* after the loop has */

/* controls.c: the buttons of a reply */
enum controls {
	CONTROLS_NONE,
	CONTROLS_PLAIN, /* thumbs as buttons like any others */
	CONTROLS_FULL,
};

/* conn.c: an app in a workspace, and its channels */

/* What Slack offers to agents, by its limits and by what an app needs for it;
 * see session.c. */
enum surface {
	SURFACE_SESSIONS,  /* agents.sessions.* */
	SURFACE_STATUS,    /* assistant.threads.setStatus */
	SURFACE_ASSISTANT, /* what else there is of assistant.threads.* */
	SURFACES
};

/* Edits are paced for all of a workspace together; see edit.c. */
struct conn {
	struct worker *w;
	char *key;             /* "app:workspace" */
	struct pace edits;     /* chat.update */
	struct pace posts;     /* chat.postMessage: only Retry-After */
	struct pace deletes;   /* chat.delete */
	struct pace reactions; /* reactions.add */
	struct {
		struct pace pace;
		int64_t refused_ms; /* not tried before */
	} surface[SURFACES];
	struct turn *streaming; /* linked by stream_next */
	size_t nstreaming;
	struct turn *finals; /* wait for their last edit, in order */
	struct turn **finals_tail;
	struct loop_timer *timer;
	struct pace flow_starts, flow_appends, flow_stops;
	int64_t flow_refused_ms; /* no stream is begun before */
	size_t nflows;
	struct turn *unseen; /* are to get eyes, linked by unseen_next */
	struct turn **unseen_tail;
	struct loop_timer *eyes_timer;
	bool no_tables;         /* data_table blocks are refused here, */
	bool no_blocks;         /* or all of them, until this is forgotten */
	enum controls controls; /* what buttons it takes at most */
	bool no_files;          /* files:read is missing, which was logged */
	size_t refs;
	int64_t used_ms;
};

struct channel {
	struct conn *conn;
	char *key; /* "app:workspace:channel" */
	struct pace pace;
	struct turn *waiting; /* to post, linked by post_next */
	struct turn **waiting_tail;
	struct loop_timer *timer;
	size_t refs;
	int64_t used_ms;
	int64_t gone_ms; /* no other id was found for it; 0: never */
};

/* NULL when memory is short. */
struct conn *conn_get(struct worker *w, const struct job *job);
struct channel *channel_get(struct conn *c, const char *channel_id);
/* The one of a job, if it is there. */
struct channel *channel_find(struct worker *w, const struct job *job);
void conn_put(struct conn *c); /* NULL is allowed */
void channel_put(struct channel *ch);
/* Forget those that nobody uses and whose paces are at rest. */
void conn_tidy(struct worker *w, int64_t now_ms);
void conn_free_all(struct worker *w);

/* token.c: is the connection in quarantine; put it there, take it out. What
 * ends for that is a dead letter, to be replayed with a better token. */
bool token_is_held(const struct worker *w, const struct connection *k);
void token_refused(const struct worker *w, const struct connection *k,
		   const char *error);
void token_taken(const struct worker *w, const struct connection *k);

#endif
