/* SPDX-License-Identifier: ISC */
#ifndef PROMTEXT_H
#define PROMTEXT_H

#include <stdbool.h>

/*
 * What "promtool check metrics" wants of a page, and a little more: each
 * family once, in one piece, with help and type before its samples; names,
 * labels and numbers well formed; no sample twice; counters, and only they,
 * end in _total; the buckets of a histogram grow and end with its count.
 * NULL: all is well; else the complaint, until the next call.
 */
const char *promtext_check(const char *page);

/* The value of a sample, "name" or "name{label=\"value\"}"; -1: none. */
double promtext_value(const char *page, const char *sample);

/* Has the page a family of this name? A name that ends in _bucket, _sum or
 * _count may be of a histogram. */
bool promtext_has(const char *page, const char *name);

#endif
