/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_SILENT_H
#define ADMIN_SILENT_H

struct admin_opts;
struct jwrite;

/*
 * The tenants that answer nobody, and why, as the store has it now:
 *
 *   "silent": [{"tenant": "acme", "why": "paused"}],
 *   "silent_left_out": false
 *
 * Nothing of a store that is away. The thread that owns o->store.
 */
void silent_write(struct jwrite *w, const struct admin_opts *o);

#endif
