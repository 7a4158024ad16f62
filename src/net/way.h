/* SPDX-License-Identifier: ISC */
#ifndef NET_WAY_H
#define NET_WAY_H

#include <stdbool.h>

struct conf_way;
struct err;

/*
 * How a server is reached and whom it has to be, as struct conf_way says it,
 * with the proxy's password read and held in memory of its own. Unchanging,
 * so that any thread may use it.
 */
struct way;

/* Of conf what isn't set is as "". What is in the files of CAs counts as it is
 * when the first call after this connects. NULL with e filled. */
struct way *way_create(const struct conf_way *conf, struct err *e);
void way_free(struct way *w); /* NULL is allowed */

/* Do they lead the same way, with the same password and the same CAs in their
 * file? */
bool way_same(const struct way *a, const struct way *b);

/*
 * The way of the moment: a reload puts another in its place, for what begins
 * from then on. Any thread.
 */
struct way_box;

/* Takes the way. NULL: no memory, and the way stays the caller's. */
struct way_box *way_box_create(struct way *w, struct err *e);
void way_box_free(struct way_box *b); /* nobody holds one; NULL is allowed */

/* Held until way_box_drop(). */
const struct way *way_box_take(struct way_box *b);
void way_box_drop(struct way_box *b, const struct way *w);

/* Takes the way; it can't fail. */
void way_box_put(struct way_box *b, struct way *w);

/*
 * The proxy for https, or for http, as libcurl would choose it, with the
 * environment's user in it: a secret, not to be logged. NULL: none. Hosts
 * that no_proxy excepts aren't looked at.
 */
const char *way_proxy(const struct way *w, bool tls);
bool way_proxy_is_tls(const char *proxy);

/* Sets all that it is about on a libcurl handle; -1: memory is short. */
int way_set(const struct way *w, void *easy);

#endif
