/* SPDX-License-Identifier: ISC */
#ifndef TORTURE_COURT_H
#define TORTURE_COURT_H

#include "bed/nodes.h"
#include "torture/doom.h"
#include "torture/ledger.h"
#include "torture/rules.h"
#include "torture/talk.h"

struct map;

/* One post of ours that stands, but for answers to commands. */
struct post {
	const struct sim_msg *m;
	char entry[48];    /* "": it has no mark of ours */
	char covers[1000]; /* other entries, a space between two */
	int part;          /* -1: no mark */
	bool last;         /* nothing more was to come, says the mark */
};

/* What a post says of a message. */
struct about {
	bool claimed;    /* that it answers it, in its mark; */
	bool again;      /* another time */
	bool old_words;  /* in its text: what was asked at first, */
	bool new_words;  /* and after an edit; */
	bool file_words; /* in that of all parts: what the file holds, */
	bool unread;     /* or that one couldn't be read */
};

/* One channel's posts. */
struct court {
	struct sim *sim;
	const struct talk *talk;
	const struct ledger *ledger;
	const struct map *seen; /* ids of images that a model was sent */
	struct about *about;    /* by index in talk->said, of one post */

	const char *channel;
	struct sim_msg *msgs;
	size_t nmsgs;
	struct post *posts;
	size_t nposts;
	struct sim_call *calls; /* of response_url */
	size_t ncalls;
};

void court_open(struct court *c, const char *channel);
void court_close(struct court *c);

/* Fills c->about. What another answer is about is one question of the first
 * one, the one that it has in its text; and what it covers itself. */
void court_look(struct court *c, const struct post *p);

/* Is there an earlier post with the same mark? */
bool court_has_twin(const struct court *c, const struct post *p);

/* After court_look(). */
enum ending court_ending(const struct court *c, const struct post *p);

/* Is it the whole of an answer that nobody had the patience to wait for? */
bool court_lasted(const struct post *p);

/* The mark of any message of the channel, deleted ones too; entry is "" when
 * there is no such message, or it has none. */
void court_entry(const struct court *c, const char *ts, char entry[48]);

/* What came through a response_url, or stands there by it. */
void court_hear_plea(const struct court *c, const struct plea *p,
		     const struct doom *d, struct plea_plight *out);

/* How many replies of that entry stand, by their first parts. */
size_t court_count(const struct court *c, const char *entry);

#endif
