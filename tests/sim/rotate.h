/* SPDX-License-Identifier: ISC */
#ifndef SIM_ROTATE_H
#define SIM_ROTATE_H

#include <stdint.h>

#include "sim/world.h"

/* What an install has whose token rotates. */
struct rotation {
	char *client_id;
	char *client_secret;
	char *given;      /* the refresh token of the installation */
	char *refresh;    /* the one that is good now */
	struct vec spent; /* of struct bearer (rotate.c): those before, which
			   * are good for a moment more */
	struct vec live;  /* of struct bearer: two at most */
};
void rotation_free(struct rotation *r); /* NULL is allowed */

/* NULL, or what Slack says to this token of the install's. */
const char *token_error(const struct install *i, const char *token);
/* Seconds until it expires, 0: it doesn't. */
int64_t token_expires_in(const struct install *i, const char *token);

#endif
