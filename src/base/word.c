/* SPDX-License-Identifier: ISC */
#include "base/word.h"

#include <string.h>

static bool parts(char c)
{
	return c == '\0' || c == ' ' || c == ',';
}

bool word_in(const char *list, const char *word)
{
	size_t n = strlen(word);
	const char *p;

	for (p = list; n > 0 && (p = strstr(p, word)) != NULL; p += n)
		if ((p == list || parts(p[-1])) && parts(p[n]))
			return true;
	return false;
}
