/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_ADMIN_IN_H
#define ADMIN_ADMIN_IN_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "admin/admin.h"
#include "admin/role.h"

struct http;
struct op;
struct page;
struct web;

/* Between admin.c, command.c and own.c. */

struct admin {
	struct admin_opts opts;
	int64_t started_ms;
	struct store *store; /* for reading, on the admin's thread */
	struct http *http;
	struct web *web;
	struct page *page;
	struct roles roles;
	bool guarded;   /* by these */
	struct op *ops; /* waiting for Slack or for the journal */

	pthread_mutex_t lock;
	pthread_cond_t idle;
	size_t writing; /* requests that the journal has */
};

#endif
