/* SPDX-License-Identifier: ISC */
#ifndef SIM_VIEW_H
#define SIM_VIEW_H

#include <stdbool.h>
#include <stddef.h>

struct json;
struct people;

/* A conversation on a terminal, redrawn from the first line that changed. */
struct view;

/*
 * people is borrowed. me: whose ephemeral messages are
 * shown. tty false: no escape sequences, and each message once, when its text
 * has stood still.
 */
struct view *view_create(const struct people *people, const char *me, bool tty);
void view_free(struct view *v);

/* messages: of /ctl/messages. below: more lines, or "". prompt: the line
 * below it all, with what is typed. */
void view_draw(struct view *v, const struct json *messages, const char *below,
	       const char *prompt);

/* The ts of the n-th thread on the screen, from 1; NULL: there is none. */
const char *view_thread(const struct view *v, size_t n);
/* Its number by its ts, 0: not there. */
size_t view_number(const struct view *v, const char *ts);

/* The ts of a message by its number as shown, "2" or "2.1"; of the last one
 * (by this person, unless NULL); of the last one that has something to press.
 * NULL: there is none. */
const char *view_message(const struct view *v, const char *number);
const char *view_last(const struct view *v, const char *user);
const char *view_last_widget(const struct view *v);

#endif
