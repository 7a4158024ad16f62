/* SPDX-License-Identifier: ISC */
#ifndef BASE_WORD_H
#define BASE_WORD_H

#include <stdbool.h>

/* Is word, which isn't empty, one of the list's, between which there are
 * spaces or commas? "U1" is in "U11 U1" and not in "U11". */
bool word_in(const char *list, const char *word);

#endif
