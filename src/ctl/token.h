/* SPDX-License-Identifier: ISC */
#ifndef CTL_TOKEN_H
#define CTL_TOKEN_H

struct err;

/*
 * The secret that is in a file, to be freed with secret_free(); key as in a
 * body ("app_token", "bot_token", "refresh_token"), for which it has to look
 * right. NULL with e that names the file: ERR_FATAL when there is no reading
 * it. A secret in the place of the file's name isn't repeated.
 */
char *token_read(const char *key, const char *path, struct err *e);

#endif
