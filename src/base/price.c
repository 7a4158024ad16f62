/* SPDX-License-Identifier: ISC */
#include "base/price.h"

#include <ctype.h>

#define PRICE_MAX    100000
#define DECIMALS_MAX 6

double price_parse(const char *v)
{
	double sum = 0, unit = 1;
	const char *p = v;
	int decimals = 0;

	if (!isdigit((unsigned char)*p))
		return -1;
	for (; isdigit((unsigned char)*p) && sum <= PRICE_MAX; p++)
		sum = sum * 10 + (*p - '0');
	if (*p == '.' && isdigit((unsigned char)p[1])) {
		for (p++; isdigit((unsigned char)*p); p++) {
			if (++decimals > DECIMALS_MAX)
				return -1;
			unit /= 10;
			sum += unit * (*p - '0');
		}
	}
	return *p == '\0' && sum <= PRICE_MAX ? sum : -1;
}
