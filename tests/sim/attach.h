/* SPDX-License-Identifier: ISC */
#ifndef SIM_ATTACH_H
#define SIM_ATTACH_H

#include <stddef.h>

struct client;
struct err;

/* Gives the simulator a file from the disk; its id goes into out. 0 or -1. */
int attach_file(struct client *c, const char *path, char *out, size_t size,
		struct err *e);

#endif
