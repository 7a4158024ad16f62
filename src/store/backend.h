/* SPDX-License-Identifier: ISC */
#ifndef STORE_BACKEND_H
#define STORE_BACKEND_H

#include <stddef.h>

struct buf;
struct entry;
struct err;
struct keyring;

/* What the backends have in common. */

/* A model has no use for more lines, however short they are. */
#define HISTORY_LINES_MAX 2000
/* Far above what one answer is cut into. */
#define PARTS_MAX 1000

/* Longer than engaged_minutes can be. */
#define ENGAGED_KEPT_MS (8 * 24 * 3600 * 1000LL)
/* Of a tenant that is gone; what is unfinished of it ends at the next start. */
#define LEAVING_KEPT_MS (24 * 3600 * 1000LL)

/* Of what is sealed, as it is kept. */
#define SEALED_MAX 65536

/* What has no NULL in the store. */
const char *text_or_empty(const char *s);

/* "apps/<app>/token" and the like, that a token is sealed for; -1 when it
 * would be too long. */
#define PLACE_SIZE 400
int place_app(char out[PLACE_SIZE], const char *app_id);
int place_connection(char out[PLACE_SIZE], const char *type, const char *app_id,
		     const char *workspace_id);

int place_client(char out[PLACE_SIZE], const char *app_id);
int place_grant(char out[PLACE_SIZE], const char *type, const char *app_id,
		const char *workspace_id);
int place_secret(char out[PLACE_SIZE], const char *name);

/* A row of the view "sealed". */
struct sealed {
	char *kind, *a, *b, *c, *tenant_id, *value;
};
/* Its text under another key, appended to out. */
int sealed_renew(const struct sealed *row, const struct keyring *k,
		 const char *key, struct buf *out, struct err *e);

/* Parts before it are "" if they are missing; -1 when memory is short or i
 * out of bounds. */
int entry_set_part(struct entry *en, size_t i, const char *ts);

#endif
