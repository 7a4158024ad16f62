/* SPDX-License-Identifier: ISC */
#ifndef TORTURE_DIALOG_H
#define TORTURE_DIALOG_H

#include <stddef.h>
#include <stdint.h>

struct said;
struct talk;

/*
 * "Ask about this" on a message: a dialog opens, if the daemon lives to open it
 * within three seconds, and what is written into it is a question in the
 * message's thread. Slack delivers the click and the submission once; who is
 * told that there was trouble sends it off again, in other words.
 */
struct dialog {
	size_t about;   /* by number of what was said */
	size_t said;    /* what was written into it last, */
	int tries;      /* if it was sent off so often */
	int64_t due_ms; /* of clock_ms() */
	int64_t end_ms; /* of patience */
	char view[24];  /* "": it isn't there yet */
};

struct dialogs {
	struct dialog *due;
	size_t n, size;
	size_t asked, opened;
};

void dialog_ask(struct talk *t);
void dialogs_do(struct talk *t);
/* As the daemon dates such a question that it got then, of clock_wall_ms(). */
void dialog_date(struct said *s, int64_t ms);

#endif
