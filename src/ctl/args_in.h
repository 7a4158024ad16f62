/* SPDX-License-Identifier: ISC */
#ifndef CTL_ARGS_IN_H
#define CTL_ARGS_IN_H

#include <getopt.h>
#include <stddef.h>

#include "ctl/args.h"

/* The tables of the command line (words.c), for what reads it and what
 * completes it. help.c and docs/man/konstructctl.1 tell of the same. */

/* Bits of what a command takes beside the options of all. */
enum {
	TAKES_TOKENS = 1,
	TAKES_AGENT = 2,
	NO_OFFLINE = 4,
	TAKES_DATABASE = 8,
	TAKES_INIT = 16,
	TAKES_MANIFEST = 32,
	TAKES_CHANGE = 64,
	TAKES_USAGE = 128,
	TAKES_ONCE = 256,
	TAKES_EXPORT = 512,
	TAKES_SINCE = 1024,
	TAKES_HEAD = 2048,
};

struct ctl_word {
	const char *word;
	const char *verb; /* NULL: none */
	const char *operand;
	unsigned int takes;
	enum ctl_command command;
};
extern const struct ctl_word ctl_words[];
extern const size_t ctl_nwords;

extern const struct option ctl_options[]; /* ends with a NULL name */

/* Where an option's argument goes in struct ctl_args, or true if it has none;
 * and who takes it (0: every command). */
struct ctl_place {
	int opt;
	size_t offset;
	unsigned int takes;
};
extern const struct ctl_place ctl_places[];
extern const size_t ctl_nplaces;

/* Which commands take an option; 0: all. */
unsigned int ctl_takes(int opt);

#endif
