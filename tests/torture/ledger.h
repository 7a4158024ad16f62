/* SPDX-License-Identifier: ISC */
#ifndef TORTURE_LEDGER_H
#define TORTURE_LEDGER_H

#include <stddef.h>

struct nodes;

/*
 * Which message an entry of the journal is, by what the database says when all
 * is over.
 */
struct ledger;

struct ledger *ledger_read(const struct nodes *ns);
void ledger_free(struct ledger *l);

/* "channel:ts"; NULL: not known. */
const char *ledger_post(const struct ledger *l, const char *entry);

#endif
