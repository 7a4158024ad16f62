/* SPDX-License-Identifier: ISC */
#ifndef BASE_CONTAINER_H
#define BASE_CONTAINER_H

#include <stddef.h>

/* The type whose member is at ptr: of a task that is posted, the thing that
 * it is about. */
#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
