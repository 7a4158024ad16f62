/* SPDX-License-Identifier: ISC */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;

/*
 * Tokens at rest: AES-256-GCM, bound to the place where they are stored.
 * Sealed form, plain ASCII: "k1.<key id>.<base64 of nonce, text, tag>".
 */
struct keyring;

/*
 * Reads a key file (64 hex digits, or 32 raw bytes). With create set a
 * missing file is made, mode 0600. Refuses files that others can read, but
 * for root's group, as systemd's credentials have it. NULL with e filled; e
 * names the file.
 */
struct keyring *keyring_open(const char *path, bool create, struct err *e);
void keyring_free(struct keyring *k); /* wipes; NULL is allowed */

/*
 * place binds the ciphertext to its row, as "apps/A123/token". seal appends
 * to out. unseal returns a heap string, to be freed with secret_free(), or NULL
 * with e filled: wrong key id, wrong place, tampered. Thread-safe.
 */
int keyring_seal(const struct keyring *k, const char *place, const char *plain,
		 struct buf *out, struct err *e);
char *keyring_unseal(const struct keyring *k, const char *place,
		     const char *sealed, struct err *e);

/* Wipes and frees; NULL is allowed. */
void secret_free(char *s);

/*
 * One secret from a file: at most 16 KiB, white space at both ends taken off,
 * not empty, no control characters inside. NULL with e naming the file.
 */
char *secret_read(const char *path, struct err *e);

/* Aborts when the system has no random bytes, as nothing can go on then. */
void random_bytes(void *p, size_t n);

/*
 * A new id: 16 lower-case base32 digits, 42 bits of wall clock in
 * milliseconds first, so that ids sort by age; never twice in one process,
 * and by chance of 2^-38 per millisecond in two.
 */
#define ID_SIZE 17
void id_make(char out[ID_SIZE]);

#endif
