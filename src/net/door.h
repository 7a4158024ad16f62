/* SPDX-License-Identifier: ISC */
#ifndef NET_DOOR_H
#define NET_DOOR_H

struct err;
struct loop;

/*
 * A listening socket on a loop. One that can't accept for want of descriptors
 * stays readable, and a server that just tries again spins; this one looks
 * again a little later, and callers wait.
 */
struct door;

/*
 * Takes fd, which listens. come gets each caller's socket, non-blocking and
 * close-on-exec, to keep or close; on the loop's thread. NULL with e filled,
 * and fd closed, when it can't.
 */
struct door *door_open(struct loop *l, int fd, void (*come)(int fd, void *arg),
		       void *arg, struct err *e);

/* On the loop's thread or after it ended; come isn't called any more. Its
 * memory goes as the loop turns next. NULL is allowed. */
void door_close(struct door *d);

#endif
