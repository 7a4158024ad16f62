/* SPDX-License-Identifier: ISC */
#ifndef BASE_CONF_SCAN_H
#define BASE_CONF_SCAN_H

#include <stddef.h>

/*
 * Looks over a configuration file before libconfuse 3.3 does, for what that
 * takes without a word: a section that the end of the file closes, the
 * environment in "${HOME}". Comments are overwritten with blanks, since it
 * writes through NULL when the first is empty, and miscounts lines at C's.
 * NULL, or what is wrong and in which line.
 */
const char *conf_scan(char *text, size_t len, int *line);

#endif
