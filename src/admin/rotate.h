/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_ROTATE_H
#define ADMIN_ROTATE_H

struct api_call;
struct err;
struct jwrite;
struct store;

/* The keys of the store; as admin/api.c calls them. */

int rotate_list(struct api_call *c, struct store *s, struct err *e);

/*
 * Replaces the key that seals by the newest of the key file, and seals all
 * anew, a batch a transaction: c->again until it is done. When the newest seals
 * everything already a new one is put into the file first. So it can be broken
 * off anywhere and begun again. Nothing is sealed under a key that another
 * node hasn't yet.
 */
int rotate_run(struct api_call *c, struct store *s, struct err *e);

/* "keys": id, whether it seals, how many secrets are under it. Blocks for a
 * moment; nothing, if the store can't be read. */
void rotate_status(struct jwrite *w, struct store *s);

#endif
