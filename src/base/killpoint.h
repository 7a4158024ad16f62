/* SPDX-License-Identifier: ISC */
#ifndef BASE_KILLPOINT_H
#define BASE_KILLPOINT_H

/*
 * A place where the process can be made to die as by kill -9: with
 * KONSTRUCT_DIE_AT=NAME in the environment the first time that it comes
 * there, with NAME:N the N-th time. For tests: only a build configured with
 * --enable-killpoints has them, in others this does nothing.
 */
void killpoint(const char *name);

#endif
