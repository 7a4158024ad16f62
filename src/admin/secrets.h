/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_SECRETS_H
#define ADMIN_SECRETS_H

#include <stddef.h>

struct api_call;
struct err;
struct store;

/*
 * Named secrets of the store, as API keys of models: set, removed and listed
 * by name, and never shown.
 */

/* {"value": "..."}, at most SECRET_MAX bytes; into c->value. */
int secrets_parse(struct api_call *c, const char *body, size_t len,
		  struct err *e);

int secrets_list(struct api_call *c, struct store *s, struct err *e);
int secrets_set(struct api_call *c, struct store *s, struct err *e);
int secrets_remove(struct api_call *c, struct store *s, struct err *e);

#endif
