/* SPDX-License-Identifier: ISC */
#ifndef BASE_SUSPECT_H
#define BASE_SUSPECT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/secret.h"

struct err;

/*
 * What each thread has its hands on, in a file mapped into memory: it outlives
 * the process, so that after a crash the next one knows whom to blame. Writing
 * it down is a copy of some bytes, no call to the kernel, and nobody waits.
 *
 * A thread that enters nothing, or a process that opened no file, is suspected
 * of nothing; then all this is nearly free.
 */

#define SUSPECT_STAGE 16 /* with its NUL */
#define SUSPECTS_MAX  384

/* What a process that died has left. */
struct suspects {
	int signal; /* that the process died of by its own fault; 0: none, as
		     * after kill -9 */
	size_t n;
	struct suspect {
		char id[ID_SIZE];
		char stage[SUSPECT_STAGE];
	} who[SUSPECTS_MAX];
};

/*
 * Reads what the file at path has been left with, and begins anew. The file is
 * held until the process ends; -1 with e when it can't be used, or another
 * process has it: then it goes without. Once, before the threads.
 */
int suspects_open(const char *path, struct suspects *left, struct err *e);

/* What such a file says, which may hold anything: of what no daemon writes
 * nothing is taken. file is aligned as malloc() does. */
void suspects_read(const void *file, size_t size, struct suspects *left);

/* From now on this thread works for this entry; stage is for the record. */
void suspect_enter(const char *id, const char *stage);
/* And no longer. */
void suspect_leave(void);

/* For what goes on later, in a callback: take with the one, enter with the
 * other. Nothing taken is nothing entered. */
void suspect_take(struct suspect *out);
void suspect_resume(const struct suspect *s);

#endif
