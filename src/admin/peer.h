/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_PEER_H
#define ADMIN_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;

/*
 * Who is at the other end of a unix socket, as the kernel saw it when that one
 * connected: what a file's owner, group and mode would be held against. So who
 * has come into a group since must log in anew, as for files.
 */
struct peer {
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* supplementary ones */
	size_t ngroups;
	int unknown; /* errno: why the kernel doesn't tell these; 0: it does */
};

/* Doesn't block. -1: not even the user is known. p is to be released also
 * then. */
int peer_read(struct peer *p, int fd, struct err *e);
void peer_release(struct peer *p);

bool peer_in_group(const struct peer *p, gid_t group);

#endif
