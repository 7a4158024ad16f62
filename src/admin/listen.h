/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_LISTEN_H
#define ADMIN_LISTEN_H

#include <stdbool.h>

struct err;
struct roles;
struct sockaddr_storage;

/* "127.0.0.1:8001" or "[::1]:8001" into its parts; no names. */
#define LISTEN_HOST_SIZE 64
int listen_split(const char *listen, char host[LISTEN_HOST_SIZE], int *port,
		 bool *v6, struct err *e);

/* A socket that listens there; -1 with e: a port that is taken is ERR_RETRY,
 * a bad setting ERR_INPUT. */
int listen_tcp(const char *listen, struct err *e);

/* An address that only this machine reaches; false for a unix socket. */
bool listen_is_loopback(const struct sockaddr_storage *sa);

/*
 * One that only its owner may use, until listen_open_to(). Its own directory is
 * made when it is missing, and a socket that nobody answers on is replaced.
 * Refused: too long, relative, a file that is no socket, a socket that somebody
 * answers on.
 */
int listen_unix(const char *path, struct err *e);

/*
 * Lets connect who has a role: the admins' group, if the socket can be given to
 * it and nobody else is to come, or else everybody, since roles are told apart
 * by who comes and not by the file (admin/role.h). The mode that it has, or -1
 * with e.
 */
int listen_open_to(const char *path, const struct roles *r, struct err *e);

#endif
