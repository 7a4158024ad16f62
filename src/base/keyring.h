/* SPDX-License-Identifier: ISC */
#ifndef BASE_KEYRING_H
#define BASE_KEYRING_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;

/*
 * Tokens at rest: AES-256-GCM, bound to the place where they are stored.
 * Sealed form, plain ASCII: "k1.<key id>.<base64 of nonce, text, tag>".
 *
 * A key file holds 64 hex digits a line, the newest key first; or 32 raw
 * bytes, one key. All of them open. Which one seals is the store's to say
 * (store/keys.h), so that a key can be on each of several nodes before the
 * first of them seals with it. A key's id is the beginning of its SHA-256.
 *
 * Any thread may use a keyring.
 */
struct keyring;

#define KEY_ID_SIZE  9
#define KEYRING_MAX  16
#define KEY_IDS_SIZE (2 * KEYRING_MAX * KEY_ID_SIZE)

/*
 * Reads a key file. With create set a missing file is no failure: a key is
 * made, and written by keyring_keep(). Refuses files that others can read, but
 * for root's group, as systemd's credentials have it. NULL with e filled; e
 * names the file.
 */
struct keyring *keyring_open(const char *path, bool create, struct err *e);
void keyring_free(struct keyring *k); /* wipes; NULL is allowed */

/* Is it made, and in no file yet? */
bool keyring_is_new(const struct keyring *k);

/* Writes the file, mode 0600, if there was none. Before anything is sealed. */
int keyring_keep(struct keyring *k, struct err *e);

/*
 * Takes on the keys that were put into the file since, if it is another one
 * than was read last. Keys that were taken out stay until the end. -1 with e
 * filled: all stays as it is. Blocks on the disk, for a moment.
 */
int keyring_reload(const struct keyring *k, struct err *e);

/* Makes a new key and puts it first in the file; 0 and its id. */
int keyring_add(const struct keyring *k, char id[KEY_ID_SIZE], struct err *e);

/* The file's, as keyring_open() was given it. */
const char *keyring_path(const struct keyring *k);

bool keyring_has(const struct keyring *k, const char *id);

/* The first of the file. */
void keyring_newest(const struct keyring *k, char id[KEY_ID_SIZE]);

/* The ids of all, the newest first, with a blank between. */
void keyring_ids(const struct keyring *k, char out[KEY_IDS_SIZE]);

/* The same without those that were taken out of the file. */
void keyring_file_ids(const struct keyring *k, char out[KEY_IDS_SIZE]);

/*
 * place binds the ciphertext to its row, as "apps/A123/token". key is the id
 * of the key to seal with. seal appends to out. unseal returns a heap string,
 * to be freed with secret_free(), or NULL with e filled: no such key, wrong
 * place, tampered.
 */
int keyring_seal(const struct keyring *k, const char *key, const char *place,
		 const char *plain, struct buf *out, struct err *e);
char *keyring_unseal(const struct keyring *k, const char *place,
		     const char *sealed, struct err *e);

/* The id of the key that a text is sealed under; false: it isn't sealed. */
bool keyring_key_of(const char *sealed, char id[KEY_ID_SIZE]);

#endif
