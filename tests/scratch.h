/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#include <stdbool.h>

#include "base/secret.h"
#include "store/store.h"

/*
 * What the tests of store and journal share: an empty directory, a keyring in
 * it, and the URL and path of a store that isn't there yet. Failures end the
 * test.
 */
struct scratch {
	char dir[32];
	char path[64];
	char url[160];
	struct keyring *keyring;
};

void scratch_make(struct scratch *s);
/* The same with the URL of a store that is there, and empty. */
void scratch_make_at(struct scratch *s, const char *url);
/* Reads the key anew. */
void scratch_keyring(struct scratch *s);
void scratch_remove(struct scratch *s); /* with all that is in it */

/* Opens the store; a failure ends the test. */
struct store *scratch_open(const struct scratch *s, bool write);

/* A tenant "acme" in workspace T1 of app A1, its agent Mara. */
void scratch_acme(struct store *st, char tenant_id[ID_SIZE]);

#endif
