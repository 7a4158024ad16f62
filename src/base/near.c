/* SPDX-License-Identifier: ISC */
#include "base/near.h"

#include <string.h>

size_t near_distance(const char *a, const char *b)
{
	size_t row[32];
	size_t i, k, up, diagonal;
	size_t n = strlen(b);

	if (n >= 32)
		return n;
	for (k = 0; k <= n; k++)
		row[k] = k;
	for (i = 1; a[i - 1]; i++) {
		diagonal = row[0];
		row[0] = i;
		for (k = 1; k <= n; k++) {
			up = row[k];
			row[k] = diagonal + (a[i - 1] != b[k - 1]);
			if (up + 1 < row[k])
				row[k] = up + 1;
			if (row[k - 1] + 1 < row[k])
				row[k] = row[k - 1] + 1;
			diagonal = up;
		}
	}
	return row[n];
}
