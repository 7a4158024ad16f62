/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_ROLE_H
#define ADMIN_ROLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct conf;
struct err;
struct peer;

/* What who comes over the admin socket may do (admin/routes.h). */
enum role {
	ROLE_NONE,
	ROLE_READ,
	ROLE_ADMIN,
};

#define ROLE_GROUP_SIZE 40

/* Who has which: root and the daemon's own user are admins, too. */
struct roles {
	uid_t self;
	gid_t admin;
	gid_t read;
	bool has_read; /* or nobody only reads */
	char admin_name[ROLE_GROUP_SIZE];
	char read_name[ROLE_GROUP_SIZE];
};

/*
 * By the settings admin_group and read_group: names or numbers. Asks the
 * system for them, so it may block. -1 with e: there is no such group.
 */
int role_settle(struct roles *r, const struct conf *c, struct err *e);

enum role role_of(const struct roles *r, const struct peer *p);
const char *role_name(enum role role);

/* Says why who has this role, and needs another, is refused, and what would
 * help. */
int role_refuse(const struct roles *r, const struct peer *p, enum role role,
		struct err *e);

#endif
