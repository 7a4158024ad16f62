/* SPDX-License-Identifier: ISC */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <sys/types.h>

struct err;
struct stat;

/*
 * Reads a whole file into out and returns its length, without a NUL; -1 with
 * e naming the file when it can't be read or is larger than size. st, if not
 * NULL, is what fstat(2) says of the very file that was read.
 */
ssize_t file_read(const char *path, char *out, size_t size, struct stat *st,
		  struct err *e);

/*
 * A new file of mode 0600, on disk when this returns: the whole of it or
 * none. Another's file of that name is left as it is, which is a success.
 */
int file_create(const char *path, const char *data, size_t len, struct err *e);

/*
 * The same in place of a file that was read, which st is about: owner and mode
 * stay. On disk when this returns, or -1 and the old file is there; a link is
 * replaced, not followed.
 */
int file_replace(const char *path, const char *data, size_t len,
		 const struct stat *st, struct err *e);

#endif
