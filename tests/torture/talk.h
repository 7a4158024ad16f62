/* SPDX-License-Identifier: ISC */
#ifndef TORTURE_TALK_H
#define TORTURE_TALK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "sim/sim.h"
#include "torture/dialog.h"
#include "torture/dice.h"
#include "torture/hush.h"
#include "torture/plea.h"
#include "torture/whim.h"
#include "torture/world.h"

/* One message of a person that must be answered once, unless they change their
 * mind. */
struct said {
	char channel[16];
	char ts[SIM_TS];
	char thread[SIM_TS]; /* its own ts at top level */
	char word[24];       /* its own; the model's answer repeats it */
	char later[24];      /* what an edit has put in its place, or "" */
	char file[24];       /* its file, which holds the same word; or "" */
	enum owed owed;
	bool mention;
	bool late;    /* which an edit has added */
	bool last;    /* by talk_say_last() */
	bool longish; /* the answer takes several posts */
	bool lasting; /* the answer takes longer than anybody waits */
	bool deleted;
	bool image;        /* the file is one: the model sees it */
	bool by_dialog;    /* ts is about when; */
	size_t about;      /* what that is about, by its number, */
	char trigger[96];  /* by which the journal knows it, */
	char envelope[40]; /* and which must be acked, or it needn't */
};

/*
 * The people of the tenants made by world_make(): mentions, direct
 * messages, and follow-ups in threads where the agent has spoken, in a thread
 * of their own. What was said, and done, may be read once the talk has ended;
 * whims_do() may be called then.
 */
struct talk {
	struct sim *sim;
	struct dice dice;
	int tenants;
	double rate; /* messages a second, of all together */

	struct said *said;
	size_t n, size;
	struct whims whims;
	struct hushes hushes;
	struct pleas pleas;
	struct dialogs dialogs;
	bool steadfast; /* nobody changes their mind */
	struct cast cast;
	atomic_bool away;  /* the leaver has no app */
	int64_t purged_ms; /* when all of that tenant was erased last, of
			    * clock_wall_ms(); 0: never */
	pthread_t thread;
	atomic_bool stop;
};

int talk_start(struct talk *t);
void talk_end(struct talk *t);
void talk_release(struct talk *t);
/* Everybody says one thing more. */
void talk_say_last(struct talk *t);

/* Wherever Slack shows its Stop somebody presses it: how often that was. */
size_t talk_stop_all(struct talk *t);

/* One more, which is zero and doesn't count yet; and it does, so somebody may
 * mean to do something about it. */
struct said *talk_add(struct talk *t);
void talk_said(struct talk *t, size_t said);

/* Room for one more; aborts. */
void *talk_grow(void *p, size_t n, size_t *size, size_t one);

#define TALK_LINES 460 /* of a longish answer */

#define TALK_LASTED "That took its time."
#define TALK_BROKE  "budget of requests is used up" /* says the daemon */

#define TALK_IMAGE 64 /* more than an image holds */
/* The bytes of an image; their number. */
size_t talk_image(const struct said *s, char out[TALK_IMAGE]);

/* What is said, with this word in it. */
void talk_text(const struct said *s, const char *word, char out[96]);

/* Line i of such an answer, as it is shown. */
void talk_line(const struct said *s, int i, char out[64]);

#endif
