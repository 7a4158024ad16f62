/* SPDX-License-Identifier: ISC */
#ifndef TURN_REPLY_H
#define TURN_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "slack/dialect.h"
#include "turn/shape.h"

/* The answer as Slack gets it: one message, or several when it is long. */
#define REPLY_PARTS_MAX 64

struct reply {
	struct buf md; /* the whole answer, rendered */
	size_t n;      /* parts, */
	bool more;     /* and text that is in none */
	/* What the last one says then, in Markdown and mrkdwn alike; the
	 * caller's. NULL: nothing. */
	const char *remark;
	struct dialect_cut cut[REPLY_PARTS_MAX + 1];

	/* From this part on only text, in smaller parts. */
	size_t plain;
	struct buf text; /* mrkdwn of all that is left there */
	size_t at[REPLY_PARTS_MAX + 1];
	bool fence[REPLY_PARTS_MAX + 1]; /* is one open at at[]? */
};

/*
 * Renders Markdown and cuts it, always in the same way, so that after a
 * restart the parts are the same. What can't be rendered is shown as it is
 * written. -1 when memory is short.
 */
int reply_init(struct reply *r, const char *md, size_t len);
void reply_release(struct reply *r);

/* From part k on, where blocks can't be: text, cut so that chat.update takes
 * it. 0, or -1 when memory is short. */
int reply_plain(struct reply *r, size_t k);

/* No more than most parts. */
void reply_limit(struct reply *r, size_t most);

/* Part k, fences closed and opened again; 0 or -1. */
int reply_shape(const struct reply *r, size_t k, enum shape_kind kind,
		struct shape *s);

/* Markdown that says who asked what, to stand above an answer. */
void reply_asked(const char *who, const char *question, struct buf *out);

/* The Markdown of part k, unless it is plain; 0 or -1. */
int reply_part(const struct reply *r, size_t k, struct buf *out);

/*
 * What to show of an answer that is still being written, as Markdown for
 * shape_make(): its first part, with an ellipsis when there is more. "" when
 * nothing can be seen yet.
 */
int reply_interim(const char *md, size_t len, struct buf *out);

#endif
