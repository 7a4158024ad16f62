/* SPDX-License-Identifier: ISC */
#ifndef STATE_PLACE_BOOK_H
#define STATE_PLACE_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "state/place.h"

/*
 * What one node knows of all apps, and which it is to look at next in Redis;
 * inside of place.h. Pure: time is an argument. One thread only.
 */
struct book;

struct place {
	struct place *prev, *next;
	struct place_list *in;
	enum place_link link; /* as the hub told */
	int conns;
	bool held;    /* here, as of the last look */
	bool desired; /* one of the nodes that the app is meant for */
	bool gone;    /* the app is no more: give it up and forget it */
	bool rising;  /* counted as on its way up */
	int64_t held_ms;
	int64_t look_ms;  /* last looked at */
	int64_t short_ms; /* since when others have too few; 0: they don't */
	int64_t avoid_ms; /* until then it isn't wanted here */
	int live;         /* others' */

	/* Slack's count of connections, to be compared with ours. */
	int hello;
	int known; /* the most that nodes had since */
	int looks; /* since */
	int64_t warned_ms;

	char app_id[];
};

struct place_list {
	struct place *first, *last;
};

struct book_opts {
	const char *node;
	int lease_ms;
	int links_per_app;
	int at_once;
};

struct book *book_create(const struct book_opts *o); /* NULL: no memory */
void book_free(struct book *b);                      /* NULL is allowed */

/* 0, or -1: no memory. */
int book_put(struct book *b, const char *app_id);
void book_remove(struct book *b, const char *app_id);
void book_tell(struct book *b, const char *app_id, enum place_link link,
	       int conns, int told);

/* The nodes that are alive, this one among them. */
void book_nodes(struct book *b, const char (*ids)[ID_SIZE], size_t n);

/* Redis has forgotten us: look at all that we have. */
void book_lost(struct book *b);

/* What is to be looked at now; then book_found() or book_again() for each. */
size_t book_next(struct book *b, int64_t now, struct place **out, size_t max);
/* Milliseconds until something is; at most max. */
int64_t book_due(const struct book *b, int64_t now, int64_t max);

/*
 * How it is asked for: 'D' it is meant for us; 'S' we may stand in; 'N' not
 * wanted, though kept while others are too few; 'X' given up.
 */
char book_want(const struct book *b, const struct place *p, int64_t now);

struct place_found {
	bool held;
	int good;  /* others that have it or will soon */
	int live;  /* others with a live link */
	int conns; /* of the others */
};

/* What follows. */
struct place_news {
	bool tell;   /* held or live have changed */
	bool ghosts; /* Slack knows of more connections than all nodes */
	int hello, known;
};
void book_found(struct book *b, struct place *p, const struct place_found *f,
		int64_t now, struct place_news *out);
/* Redis didn't say. */
void book_again(struct book *b, struct place *p);
/* After book_found(): p may be gone, if its app is. */
void book_put_back(struct book *b, struct place *p);

size_t book_held(const struct book *b);
size_t book_live(const struct book *b);

#endif
