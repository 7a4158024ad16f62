/* SPDX-License-Identifier: ISC */
#ifndef STORE_KEYS_H
#define STORE_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/keyring.h"

struct err;
struct store;

/*
 * Under which keys a store's secrets are sealed. Blocks as store_ops does;
 * what writes is for the journal's thread only. 0 or -1 with e, unless said
 * otherwise.
 */
struct key_ops {
	/* The key that seals; "" as long as nothing was ever sealed. */
	int (*sealing)(struct store *s, char id[KEY_ID_SIZE], struct err *e);
	/* How many are sealed under each key; "": in a form we don't know. */
	int (*count)(struct store *s,
		     int (*fn)(const char *id, int64_t n, void *arg), void *arg,
		     struct err *e);
	/* Other nodes that live and haven't told that they have this key; NULL:
	 * a store of one node. */
	int (*lacking)(struct store *s, const char *id,
		       int (*fn)(const char *node, void *arg), void *arg,
		       struct err *e);

	/* Writing. From now on this key seals. */
	int (*use)(struct store *s, const char *id, struct err *e);
	/* Seals so many anew that are under another key than the one that
	 * seals; tells how many there were: fewer than most, and it is done. */
	int (*reseal)(struct store *s, int most, struct err *e);

	/* Named secrets that belong to no tenant. get: NULL with e, of kind
	 * ERR_INPUT when there is none; to be freed with secret_free(). remove:
	 * 1, or 0 when there is none. */
	int (*names)(struct store *s, int (*fn)(const char *name, void *arg),
		     void *arg, struct err *e);
	char *(*get)(struct store *s, const char *name, struct err *e);
	int (*put)(struct store *s, const char *name, const char *value,
		   struct err *e);
	int (*remove)(struct store *s, const char *name, struct err *e);
};

extern const struct key_ops keys_sqlite;
extern const struct key_ops keys_postgres;

/* Can all that is in the store be opened? If not, e names key and file. */
int keys_check(struct store *s, const struct keyring *k, struct err *e);

/*
 * The same with a keyring that was opened to be made if need be: then its file
 * is written now, if may_make, or it is missing.
 */
int keys_settle(struct store *s, struct keyring *k, bool may_make,
		struct err *e);

#endif
