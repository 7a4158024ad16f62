/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_LISTEN_H
#define ADMIN_LISTEN_H

#include <stdbool.h>

struct err;

/* "127.0.0.1:8001" or "[::1]:8001" into its parts; no names. */
#define LISTEN_HOST_SIZE 64
int listen_split(const char *listen, char host[LISTEN_HOST_SIZE], int *port,
		 bool *v6, struct err *e);

/*
 * May a socket be made at path? Its own directory is made when it is missing.
 * Refused: too long, relative, a file that is no socket, a socket that
 * somebody answers on. libwebsockets then removes what stands there.
 */
int listen_check_path(const char *path, struct err *e);

#endif
