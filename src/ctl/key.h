/* SPDX-License-Identifier: ISC */
#ifndef CTL_KEY_H
#define CTL_KEY_H

#include <stdbool.h>

struct conf;
struct ctl;

/*
 * What is done to a key file here, and not by the daemon, which may not write
 * to it: exit codes. Each prints what it did.
 */

/* A new key, as a line for a key file, to the standard output. */
int key_new(bool json);

/* A new key, first in the file that the settings name. It seals nothing yet. */
int key_add(const struct conf *conf, struct ctl *c, bool json);

/* Takes one out of the file, unless anything in the store is under it. */
int key_remove(const struct conf *conf, struct ctl *c, const char *id,
	       bool json);

#endif
