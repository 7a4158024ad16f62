/* SPDX-License-Identifier: ISC */
#ifndef BASE_PRICE_H
#define BASE_PRICE_H

/*
 * What a million tokens cost, as a setting has it: "0.15", "12"; up to six
 * decimals, at most 100000. In whatever currency; ours are all in one.
 * -1 when it is no price, or "".
 */
double price_parse(const char *v);

#endif
