/* SPDX-License-Identifier: ISC */
#ifndef BASE_CONF_DIFF_H
#define BASE_CONF_DIFF_H

#include <stdbool.h>

#include "base/conf.h"

struct err;

#define CONF_VALUE_SIZE 256 /* what is longer is cut */

/* A setting in which two configurations differ; or with key NULL a model that
 * only one of them has, and old and new tell which by "" or its URL. */
struct conf_change {
	const char *section;
	const char *model; /* of "llm"; else NULL */
	const char *key;
	bool live;                 /* see struct conf_key */
	char old[CONF_VALUE_SIZE]; /* "(hidden)" where it could be a secret */
	char new[CONF_VALUE_SIZE];
	const struct conf_at *at; /* in the new one; file NULL: by default */
};

/* Calls fn for each, in the order of the table; c is gone when it returns. */
void conf_diff(const struct conf *old, const struct conf *new,
	       void (*fn)(const struct conf_change *c, void *arg), void *arg);

/* Is all of the two models the same, but which of them is the default one? */
bool conf_model_same(const struct conf_model *a, const struct conf_model *b);

/* Gives c what running has of all that isn't live. 0, or -1: no memory; then
 * c is good for conf_release() only. */
int conf_keep(struct conf *c, const struct conf *running);

/* Puts before a message of what the settings name the place of the one that it
 * quotes, as 'VALUE'; of none, the first file. Returns -1. */
int conf_blame(const struct conf *c, struct err *e);
/* The same, and of none nothing. */
int conf_place(const struct conf *c, struct err *e);
/* The place of a setting that is not an llm's; where it isn't set, the file. */
int conf_blame_key(const struct conf *c, const char *section, const char *name,
		   struct err *e);

#endif
