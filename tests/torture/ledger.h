/* SPDX-License-Identifier: ISC */
#ifndef TORTURE_LEDGER_H
#define TORTURE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nodes;

/*
 * What the store says in the end: which entry was about which post, and what
 * it keeps of people.
 */
struct ledger;

struct ledger *ledger_read(const struct nodes *ns);
void ledger_free(struct ledger *l);

/* channel:ts of the post that an entry is about, or NULL. */
const char *ledger_post(const struct ledger *l, const char *entry);

/* When a post, channel:ts, was first heard of, of clock_wall_ms(); 0: never. */
int64_t ledger_heard_ms(const struct ledger *l, const char *post);

/* Was it given up, and begun anew by an admin? */
bool ledger_replayed(const struct ledger *l, const char *post);

/* Was it accepted, and was it refused? */
bool ledger_accepted(const struct ledger *l, const char *post);
bool ledger_refused(const struct ledger *l, const char *post);

/* The trigger of the dialog that an entry is the question of, or NULL; and when
 * that was received, of clock_wall_ms(); 0: it wasn't. */
const char *ledger_trigger(const struct ledger *l, const char *entry);
int64_t ledger_asked_ms(const struct ledger *l, const char *trigger);

/* Lines of the transcripts that are older than is kept. */
size_t ledger_expired(const struct ledger *l);

/* channel:ts of the reply that an entry gives another answer to, or NULL; and
 * the entry that does so. */
const char *ledger_again(const struct ledger *l, const char *entry);
const char *ledger_another(const struct ledger *l, const char *post);

/* What the transcripts have of a person's message, channel:ts, or NULL. */
const char *ledger_line(const struct ledger *l, const char *post);

/* What somebody thought of the answer of an entry: 1, 0, or -1: nothing. */
int ledger_thumb(const struct ledger *l, const char *entry);

#endif
