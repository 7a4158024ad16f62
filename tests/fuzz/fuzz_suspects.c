/* SPDX-License-Identifier: ISC */
/* The file that tells whom to blame for a crash; what is short is filled up. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/suspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILE_SIZE 32768 /* more than a whole one */

static void must(int ok)
{
	if (!ok)
		abort();
}

static void check(const char *s, size_t size)
{
	size_t n = strnlen(s, size);

	must(n > 0 && n < size &&
	     strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789") == n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct suspects left;
	char *file = calloc(1, size > FILE_SIZE ? size : FILE_SIZE);
	size_t i;

	must(file != NULL);
	if (size > 0)
		memcpy(file, data, size);
	suspects_read(file, size, &left);
	suspects_read(file, FILE_SIZE, &left);
	must(left.n <= SUSPECTS_MAX && left.signal >= 0);
	for (i = 0; i < left.n; i++) {
		check(left.who[i].id, sizeof(left.who[i].id));
		check(left.who[i].stage, sizeof(left.who[i].stage));
	}
	free(file);
	return 0;
}
