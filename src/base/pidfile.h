/* SPDX-License-Identifier: ISC */
#ifndef BASE_PIDFILE_H
#define BASE_PIDFILE_H

struct err;

/*
 * For whoever starts us without systemd: the file holds our process id and is
 * locked as long as we live, so that a second daemon is refused, and one that
 * was killed is no obstacle. A descriptor, or -1 with e filled.
 */
int pidfile_open(const char *path, struct err *e);
void pidfile_remove(int fd, const char *path); /* -1 is allowed */

#endif
