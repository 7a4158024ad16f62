/* SPDX-License-Identifier: ISC */
#ifndef SLACK_MENTION_H
#define SLACK_MENTION_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/*
 * Who may be mentioned in an answer is decided once, when it is whole; from
 * then on marks in its text say so, which nobody else can write:
 *
 *     \1 U0ADA \2 @Ada \3
 *
 * is a mention of U0ADA, written "@Ada" or "<@U0ADA>" by the model. Where none
 * can be, in code, links and tables, only what was written is shown.
 */
#define MENTION_BEGIN  '\1'
#define MENTION_ID_END '\2'
#define MENTION_END    '\3'

#define MENTION_ID 33 /* size of an id */

struct mention_person {
	char id[MENTION_ID];
	char name[81]; /* a cleaned one */
};

/* Marks beyond these aren't made, so that an answer grows by so much only. */
#define MENTION_MOST   20
#define MENTION_GROWTH (MENTION_MOST * (MENTION_ID + 2))

/*
 * In place of what out held: the Markdown with marks for these people, and
 * without any that it had. A name counts whatever its case, between what is no
 * letter; not if two have it, or if Markdown sees something in it. Linear in
 * len for a given number of people. 0, or -1 (out full).
 */
int mention_mark(const char *md, size_t len, const struct mention_person *who,
		 size_t nwho, struct buf *out);

/* The same text without marks. */
int mention_strip(const char *text, size_t len, struct buf *out);

bool mention_in(const char *text, size_t len);

/* The bytes of "\1 id \2" at p, and the id; 0 when there is none. */
size_t mention_at(const char *p, size_t n, char id[MENTION_ID]);

#endif
