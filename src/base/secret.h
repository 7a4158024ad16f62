/* SPDX-License-Identifier: ISC */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct err;

#define SECRET_MAX 16384

/* Wipes and frees; NULL is allowed. */
void secret_free(char *s);

/*
 * The file that a setting names: a path, or "credential:NAME" for what systemd
 * has put into $CREDENTIALS_DIRECTORY (LoadCredential= and the like of the
 * unit), where nobody but the service can read it.
 */
int secret_path(const char *name, char *out, size_t size, struct err *e);
bool secret_is_credential(const char *name);
/* Is it such a one, or "store:NAME", and can't be had in this process? */
bool secret_is_elsewhere(const char *name);

/*
 * Who reads the secrets of the store, for what is named "store:NAME": a heap
 * string to be freed with secret_free(), or NULL with e. On any thread, and it
 * may block. Once, before the first is read; NULL: there is no store.
 */
typedef char *secret_source(const char *name, void *arg, struct err *e);
void secret_set_source(secret_source *fn, void *arg);

/*
 * One secret from a file, named as above, or from the store: at most
 * SECRET_MAX bytes, white space
 * at both ends and a UTF-8 mark taken off, not empty, no control characters
 * inside. NULL with e naming the file.
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
