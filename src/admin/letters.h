/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_LETTERS_H
#define ADMIN_LETTERS_H

struct api_call;
struct err;
struct store;

/*
 * The commands behind admin/api.h on what became of messages: dead letters,
 * and the explanation of any. c->tenant holds what is asked for: an entry's
 * id or the last six characters of one, an event's id, "channel:ts"; for
 * replay and drop an entry's id or "all".
 */
int letters_list(struct api_call *c, struct store *s, struct err *e);
int letters_show(struct api_call *c, struct store *s, struct err *e);
int letters_replay(struct api_call *c, struct store *s, struct err *e);
int letters_drop(struct api_call *c, struct store *s, struct err *e);
int letters_explain(struct api_call *c, struct store *s, struct err *e);

#endif
