/* SPDX-License-Identifier: ISC */
#ifndef BASE_HOME_H
#define BASE_HOME_H

#include "base/secret.h"

struct err;

/*
 * The directory's own id, made when it has none, under a lock that ends with
 * the process: who holds it knows that whoever held it before is dead. The
 * descriptor that keeps the lock, to be closed at the end, or -1.
 */
int home_open(const char *dir, char id[ID_SIZE], struct err *e);

#endif
