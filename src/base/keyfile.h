/* SPDX-License-Identifier: ISC */
#ifndef BASE_KEYFILE_H
#define BASE_KEYFILE_H

#include <stddef.h>
#include <sys/stat.h>

#include "base/keyring.h"

struct err;

/*
 * The file of keys itself. All functions block on the disk; -1 with e filled,
 * which names the file. Whoever has keys wipes them with explicit_bzero().
 */

#define KEY_SIZE 32

struct key {
	unsigned char bytes[KEY_SIZE];
	char id[KEY_ID_SIZE];
};

struct keys {
	struct key key[KEYRING_MAX]; /* the newest first */
	size_t n;
	struct stat st; /* of the file that was read */
};

void key_make(struct key *k);

/* See keyring_open() for what is refused. */
int keyfile_read(const char *path, struct keys *out, struct err *e);

/* The first key's file; one that came meanwhile is left, and no failure. */
int keyfile_create(const char *path, const struct key *k, struct err *e);

/*
 * A further key, first; or one less. The file is replaced as a whole and stays
 * its owner's, so root may do it for the daemon. remove: ERR_INPUT when there
 * is no such key, or no other.
 */
int keyfile_add(const char *path, const struct key *k, struct err *e);
int keyfile_remove(const char *path, const char *id, struct err *e);

#endif
