/* SPDX-License-Identifier: ISC */
/* "audit verify FILE". The first byte: as JSON, with a --head. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/err.h"
#include "ctl/args.h"
#include "ctl/audit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD                                 \
	"2:00112233445566778899aabbccddeeff" \
	"00112233445566778899aabbccddeeff"

static void must(int ok)
{
	if (!ok)
		abort();
}

/* Of the file only numbers are told, and no more than the report takes. */
static void check(const char *text)
{
	size_t i;

	for (i = 0; text[i]; i++)
		must(text[i] == '\n' || (text[i] >= ' ' && text[i] < 0x7f));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctl_args a = { 0 };
	struct err e = { 0 };
	char *text = NULL;
	FILE *in, *out;
	size_t n = 0;
	int rc;

	if (size < 2)
		return 0;
	a.json = data[0] & 1;
	a.head = data[0] & 2 ? HEAD : NULL;
	in = fmemopen((void *)(uintptr_t)(data + 1), size - 1, "r");
	out = open_memstream(&text, &n);
	must(in && out);
	rc = audit_verify_stream(in, "trail", &a, out, &e);
	(void)fclose(in);
	must(fclose(out) == 0);
	must(rc == EX_OK || rc == EX_DATAERR);
	must((e.kind == ERR_NONE) ||
	     (rc == EX_DATAERR && strncmp(e.msg, "trail:", 6) == 0));
	check(text);
	free(text);
	return 0;
}
