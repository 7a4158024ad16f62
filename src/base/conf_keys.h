/* SPDX-License-Identifier: ISC */
#ifndef BASE_CONF_KEYS_H
#define BASE_CONF_KEYS_H

#include <stdbool.h>
#include <stddef.h>

enum conf_type {
	CONF_STR,
	CONF_INT,
	CONF_BOOL,
};

/*
 * A row of the table from which all about a setting is taken, but for what it
 * means: that says docs/man/konstructd.conf.5.in, and of these two the manual
 * page is made.
 */
struct conf_key {
	const char *section;
	const char *name;
	enum conf_type type;
	size_t at; /* in struct conf; of "llm", in struct conf_model */
	long num;  /* default of a number or a boolean */
	long min, max;
	const char *str; /* default of a string */
	/* what is wrong with a string, as "has no port"; NULL if nothing is */
	const char *(*check)(const char *value);
	bool live;   /* a reload may change it while the daemon runs */
	bool hidden; /* its value may hold a password */
};

/* In the order in which they are shown; a section's keys stand together. */
extern const struct conf_key conf_keys[];
extern const size_t conf_nkeys;

#define CONF_LLM "llm" /* the section that has a title and may be repeated */

#endif
