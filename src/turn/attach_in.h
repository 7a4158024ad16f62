/* SPDX-License-Identifier: ISC */
#ifndef TURN_ATTACH_IN_H
#define TURN_ATTACH_IN_H

#include "base/buf.h"
#include "llm/llm.h"
#include "route/message.h"
#include "slack/content.h"
#include "turn/attach.h"

/* What attach*.c share. */

#define ATTACH_MAX        64
#define ATTACH_IMAGES_MAX ((size_t)8000000) /* of one question, together */

struct loop_timer;
struct slack_call;
struct slack_download;

struct attachment {
	struct attach *of;
	struct message_file is;
	enum attach_why why;
	char detail[80];
	bool earlier; /* of another message of the thread */
	bool busy;
	struct slack_call *info;
	struct slack_download *download;
	struct loop_timer *timer;            /* NULL: it was never needed; */
	void (*again)(struct attachment *f); /* what is done then */
	unsigned int tries;
	int64_t until; /* by clock_ms() */
	enum content_kind kind;
	bool smaller;   /* the smaller copy is fetched */
	bool judged;    /* kind is known */
	bool whole;     /* nothing of it is missing */
	struct buf raw; /* of an image for as long as it is kept */
	size_t held;    /* of what all may hold */
	char *text;     /* UTF-8; "" of an empty file */
	size_t cost;    /* tokens of it when it is told */
};

struct attach {
	struct attach_opts o;
	char *api_url;
	char *token;
	struct attachment *files[ATTACH_MAX];
	size_t n;
	size_t busy;
	bool adding;
	struct llm_image images[ATTACH_MAX];
	size_t nimages;
	size_t image_bytes; /* of all that are kept */
};

/* attach.c */

/* It failed in a way that may pass: again is called when that makes sense, and
 * floor_ms from now at the earliest. False: it doesn't any more. */
bool attach_later(struct attachment *f, unsigned int floor_ms,
		  void (*again)(struct attachment *f));

/* attach_fetch.c */

/* From its URL, or that of the smaller copy. */
void attach_fetch(struct attachment *f);
/* It is decided; the last one tells the owner. */
void attach_settle(struct attachment *f, enum attach_why why,
		   const char *detail);
/* Of an image that is too large, or of a kind that models don't take, Slack has
 * a copy that they do. */
bool attach_has_smaller(const struct attachment *f, enum attach_why why);
/* So many bytes less are held. */
void attach_let_go(struct attachment *f, size_t n);

/* attach_tell.c */

/* Tokens of a text when it is told: the mark of a line, and how the prompt
 * indents it, count too. */
size_t attach_cost(const char *text);

#endif
