/* SPDX-License-Identifier: ISC */
#ifndef SLACK_MARKDOWN_IN_H
#define SLACK_MARKDOWN_IN_H

#include <stdbool.h>
#include <stddef.h>

#include <md4c.h>

#include "base/buf.h"

/* What the files of the renderer share; private to them. */

/* HTML stays text, but <br> is known: models write it in tables. */
#define MRKDWN_FLAGS                                                        \
	(MD_FLAG_PERMISSIVEURLAUTOLINKS | MD_FLAG_PERMISSIVEWWWAUTOLINKS |  \
	 MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS | MD_FLAG_NOHTMLBLOCKS | \
	 MD_FLAG_NOINDENTEDCODEBLOCKS)

#define MRKDWN_LISTS_MAX 16

struct mrkdwn_list {
	bool ordered;
	unsigned int next;
};

struct mrkdwn {
	struct buf *out; /* the caller's, or the cells while in a table */
	struct buf *text;
	const char *md; /* what is parsed */
	size_t len;
	struct buf cells;

	struct mrkdwn_list lists[MRKDWN_LISTS_MAX];
	unsigned int depth; /* may be more than MRKDWN_LISTS_MAX */
	unsigned int quotes;
	unsigned int em, strong, del, links;
	unsigned int want; /* line ends before whatever comes next */
	bool glue;         /* an item's marker was just written */
	bool quoted;       /* the line above is in a quote */
	bool code;
	bool heading;
	bool table;
	bool linked; /* a cell of the table has a link */
	unsigned int right;
	unsigned int column;
	size_t ncells, max_cells;

	size_t block_at; /* where the heading or fence begins */
	bool link_ok;
	size_t link_at, label_at; /* where "<url|" and its label begin */

	bool closed;  /* a mark was closed: a letter must not touch it */
	bool guard;   /* a literal star was written that could open */
	bool mention; /* one was written; its text follows, unseen */
};

#define MRKDWN_ZWSP "\xe2\x80\x8b" /* zero width space, U+200B */

/*
 * Appends text with & < > escaped. Control characters are left out, but for
 * tabs and line ends, which become spaces unless verbatim is set.
 */
void mrkdwn_escape(struct buf *out, const char *p, size_t n, bool verbatim);

/* Begins a line if one is due, with the list's indentation. */
void mrkdwn_begin_text(struct mrkdwn *r);

/* Cut b off at len. */
void mrkdwn_chop(struct buf *b, size_t len);

/* md4c's callbacks for what stands inside of a block. */
int mrkdwn_text(MD_TEXTTYPE type, const MD_CHAR *p, MD_SIZE n, void *arg);
int mrkdwn_enter_span(MD_SPANTYPE type, void *detail, void *arg);
int mrkdwn_leave_span(MD_SPANTYPE type, void *detail, void *arg);

/* What the next character will stand behind. */
unsigned char mrkdwn_last(const struct mrkdwn *r);

/* "&name;", "&#1;" or "&#x1;" as UTF-8; 0 when it means nothing. */
size_t mrkdwn_entity(const char *p, size_t n, char out[4]);

void mrkdwn_enter_link(struct mrkdwn *r, const MD_ATTRIBUTE *href);
void mrkdwn_leave_link(struct mrkdwn *r);

/*
 * md4c 0.4.8 has been seen to give a length that runs out of the text. Apart
 * from the text it passes blanks and line ends of its own, 16 at most.
 */
bool mrkdwn_is_sane(const char *md, size_t len, const char *p, size_t n);
bool mrkdwn_is_br(const char *p, size_t n); /* the tag, in any form */
void mrkdwn_trim(struct buf *out);          /* white space at the end */

/* The length of the URL at p, whole; 0 when there is none. */
size_t mrkdwn_url_at(const char *p, size_t n);
/* Only what begins so becomes a link: "!channel" and "@U1" would ping. */
bool mrkdwn_scheme_ok(const char *url);

/*
 * "<https://x|label>": what Slack itself writes, and models that know it. As
 * text at p: its length, and where the label begins; 0 when it is none. Without
 * a blank in it it is a link of md4c's: how much of that link's text, p in md,
 * is no label.
 */
size_t mrkdwn_slack_link(const char *p, size_t n, size_t *label);
size_t mrkdwn_slack_skip(const char *md, size_t len, const char *p, size_t n);

/* A bare URL in which md4c takes a quotation mark for a part of it; found as
 * text it ends before that. */
bool mrkdwn_is_loose(const char *md, size_t len, const MD_ATTRIBUTE *href);

/* Where the next bare URL begins, n if nowhere, and its length. */
size_t mrkdwn_find_url(const struct mrkdwn *r, const char *p, size_t n,
		       size_t *len);
void mrkdwn_bare_link(struct mrkdwn *r, const char *p, size_t n);
/* The text of a link begins: how much of it to leave out (as above). */
size_t mrkdwn_relink(struct mrkdwn *r, const char *p, size_t n);

/* Does a sentence of Chinese or Japanese end at at? No blank follows it. */
bool mrkdwn_ends_sentence(const char *text, size_t at);

/* A block ends: so does everything that was opened in it. */
void mrkdwn_end_spans(struct mrkdwn *r);

/*
 * What to append to Markdown that is still being written, so that what is
 * open at its end is closed. Returns how much of md to keep: a mark that has
 * only just begun is left off.
 */
#define MRKDWN_TAIL_SIZE 160
size_t mrkdwn_tail(const char *md, size_t len, char tail[MRKDWN_TAIL_SIZE]);

/*
 * A table's text: each cell ends with a tab, each row with a line end, all
 * escaped already; the first row is the header. right has a bit for each of
 * the first 32 columns that is aligned to the right. With links set a fence
 * won't do, since links don't live in one.
 */
struct mrkdwn_table {
	const char *cells;
	size_t len;
	unsigned int right;
	bool links;
};
void mrkdwn_table(const struct mrkdwn_table *t, struct buf *out);

#endif
