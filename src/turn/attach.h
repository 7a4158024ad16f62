/* SPDX-License-Identifier: ISC */
#ifndef TURN_ATTACH_H
#define TURN_ATTACH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct http;
struct llm_image;
struct loop;
struct message_file;

/*
 * The files of a question: fetched from Slack all at once, judged by their
 * bytes, and kept until the model has begun to answer. A file that can't be
 * read fails nothing; the model is told why, and so is the person. What Slack
 * doesn't hand out just now is asked for again, some times and not before it
 * says so. On the thread of its HTTP client.
 */
struct attach;

/* Why a file was not read. */
enum attach_why {
	ATTACH_READ = 0, /* it was */
	ATTACH_KIND,     /* neither text nor an image */
	ATTACH_BLIND,    /* an image, and this model takes none */
	ATTACH_LARGE,    /* an image that is too large */
	ATTACH_MANY,     /* more files than are read */
	ATTACH_SCOPE,    /* the app lacks files:read */
	ATTACH_OUTSIDE,  /* it isn't kept in Slack */
	ATTACH_GONE,     /* deleted, or not to be seen by the app */
	ATTACH_FAILED,   /* Slack didn't deliver it */
	ATTACH_LATE,     /* nor in time */
	ATTACH_ROOM,     /* too many files are being read already */
	ATTACH_WHYS
};

struct attach_opts {
	struct http *http;
	struct loop *loop;   /* of http */
	int64_t wait_ms;     /* for how long after attach_add() it is tried */
	const char *api_url; /* these two are copied */
	const char *token;
	size_t most;         /* files that are read; the others are named */
	size_t text_tokens;  /* of all texts, as they are told */
	size_t image_bytes;  /* of one image; 0: the model takes none */
	atomic_size_t *held; /* bytes of all files of all turns, */
	size_t held_max;     /* and how many there may be */
	/* Whenever the last one that was under way is, never from inside of
	 * attach_add() or attach_expire(). */
	void (*done)(void *arg);
	void *arg;
};

struct attach *attach_create(const struct attach_opts *o); /* or NULL */
void attach_free(
	struct attach *a); /* ends what is under way; NULL is allowed */

/* Begins to read it. f is copied; -1 when memory is short. earlier: it hangs on
 * another message of the thread, and nobody asked about it in so many words. */
int attach_add(struct attach *a, const struct message_file *f, bool earlier);

bool attach_pending(const struct attach *a);
/* What is still under way comes too late. */
void attach_expire(struct attach *a);

/* Files that were read; those for that reason. */
size_t attach_count(const struct attach *a, enum attach_why why);
/* For the log: the reason as a word; of the i-th file its id, reason and what
 * else is known. False: there are no more. */
struct attach_view {
	const char *id;
	enum attach_why why;
	const char *detail; /* or NULL */
};
bool attach_view(const struct attach *a, size_t i, struct attach_view *out);
const char *attach_why_name(enum attach_why why);

/* attach_tell.c */

/*
 * Appends what the model is to know: each file's name, and its text, or why
 * there is none. Every line of a text begins with "| ", so that no text can
 * end its file or begin another. 0, or -1 when out is full.
 */
int attach_tell(const struct attach *a, struct buf *out);
/* Only the name, for a file that nobody tried to read. */
int attach_name(const struct message_file *f, struct buf *out);

/* Where that begins in the text of a question; NULL: it had no files. */
const char *attach_told(const char *text);
/* Does it tell of an image? */
bool attach_told_image(const char *text);

/* From now on half as much text is told. False when there is none. */
bool attach_shrink(struct attach *a);

/* The images, in *images and as long as a keeps them; their number. */
size_t attach_images(const struct attach *a, const struct llm_image **images);

bool attach_unread(const struct attach *a); /* is there one that was not read */

/* Appends, for the person, which files were not read, in Markdown; nothing
 * when there are none. */
void attach_remark(const struct attach *a, const char *locale, struct buf *out);

/* Frees the contents; what was not read is still known. */
void attach_drop(struct attach *a);

#endif
