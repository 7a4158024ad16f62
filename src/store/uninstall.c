/* SPDX-License-Identifier: ISC */
#include "store/uninstall.h"

#include <string.h>

#include "base/digest.h"

void uninstall_digest(const char *token, char out[UNINSTALL_TOKEN])
{
	out[0] = '\0';
	if (token[0] != '\0')
		digest_hex(token, strlen(token), out);
}
