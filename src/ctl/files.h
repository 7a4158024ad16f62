/* SPDX-License-Identifier: ISC */
#ifndef CTL_FILES_H
#define CTL_FILES_H

#include <stddef.h>

struct buf;
struct err;

/* The whole file appended to out; "-" is standard input. ERR_FATAL when it
 * can't be read, ERR_INPUT when it is too large. */
int files_read(const char *path, struct buf *out, struct err *e);

/*
 * An apply file with the contents in the place of its "app_token_file",
 * "bot_token_file" and "persona_file"; these are relative to the file's own
 * directory. Nothing else is judged here.
 */
int files_resolve(const char *path, const char *text, size_t len,
		  struct buf *out, struct err *e);

#endif
