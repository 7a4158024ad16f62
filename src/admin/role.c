/* SPDX-License-Identifier: ISC */
#include "admin/role.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/peer.h"
#include "base/conf.h"
#include "base/err.h"

/* A group's members are in it, and we don't want them. */
#define ROOM_FIRST 4096
#define ROOM_MAX   (1024 * 1024)

/* By name, or by number if name is NULL: 0, ENOENT, or why it isn't known. */
static int look_up(const char *name, gid_t *gid, char out[ROLE_GROUP_SIZE])
{
	size_t size = ROOM_FIRST;
	struct group g, *found = NULL;
	char *room = NULL;
	int rc = ERANGE;

	for (; rc == ERANGE && size <= ROOM_MAX; size *= 4) {
		free(room);
		room = malloc(size);
		if (!room)
			return ENOMEM;
		rc = name ? getgrnam_r(name, &g, room, size, &found)
			  : getgrgid_r(*gid, &g, room, size, &found);
	}
	if (rc == 0 && !found)
		rc = ENOENT;
	if (rc == 0) {
		*gid = g.gr_gid;
		(void)snprintf(out, ROLE_GROUP_SIZE, "'%.36s'", g.gr_name);
	}
	free(room);
	return rc;
}

/* One that has no name is as good. */
static void name_of(gid_t gid, char out[ROLE_GROUP_SIZE])
{
	if (look_up(NULL, &gid, out) != 0)
		(void)snprintf(out, ROLE_GROUP_SIZE, "%lu", (unsigned long)gid);
}

static bool number_of(const char *text, gid_t *gid)
{
	unsigned long n;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno != 0 || *end != '\0' || n >= (gid_t)-1)
		return false;
	*gid = (gid_t)n;
	return true;
}

static int find(const char *key, const char *group, gid_t *gid,
		char out[ROLE_GROUP_SIZE], struct err *e)
{
	int rc;

	if (number_of(group, gid)) {
		name_of(*gid, out);
		return 0;
	}
	rc = look_up(group, gid, out);
	if (rc == 0)
		return 0;
	if (rc == ENOENT || rc == ESRCH)
		return err_set(e, ERR_INPUT, "%s: there is no group '%.60s'",
			       key, group);
	return err_set(e, ERR_RETRY, "%s: cannot look up group '%.60s': %s",
		       key, group, strerror(rc));
}

int role_settle(struct roles *r, const struct conf *c, struct err *e)
{
	memset(r, 0, sizeof(*r));
	r->self = geteuid();
	r->admin = getegid();
	if (*c->admin_group == '\0')
		name_of(r->admin, r->admin_name);
	else if (find("admin_group", c->admin_group, &r->admin, r->admin_name,
		      e) < 0)
		return -1;
	r->has_read = *c->read_group != '\0';
	if (!r->has_read)
		return 0;
	return find("read_group", c->read_group, &r->read, r->read_name, e);
}

enum role role_of(const struct roles *r, const struct peer *p)
{
	if (p->uid == 0 || p->uid == r->self || peer_in_group(p, r->admin))
		return ROLE_ADMIN;
	if (r->has_read && peer_in_group(p, r->read))
		return ROLE_READ;
	return ROLE_NONE;
}

const char *role_name(enum role role)
{
	switch (role) {
	case ROLE_NONE:
		return "none";
	case ROLE_READ:
		return "read";
	case ROLE_ADMIN:
		return "admin";
	}
	return "?";
}

int role_refuse(const struct roles *r, const struct peer *p, enum role role,
		struct err *e)
{
	unsigned long uid = (unsigned long)p->uid;

	if (p->unknown != 0)
		return err_set(e, ERR_INPUT,
			       "the kernel doesn't tell your groups (uid %lu,"
			       " SO_PEERGROUPS: %s): only root and the daemon's"
			       " user may do this",
			       uid, strerror(p->unknown));
	if (role == ROLE_READ)
		return err_set(e, ERR_INPUT,
			       "you may only read (uid %lu, of group %s); this"
			       " is for root and members of group %s",
			       uid, r->read_name, r->admin_name);
	if (r->has_read)
		return err_set(e, ERR_INPUT,
			       "you have no role here (uid %lu): members of"
			       " group %s may read, of group %s do all",
			       uid, r->read_name, r->admin_name);
	return err_set(e, ERR_INPUT,
		       "you have no role here (uid %lu): this is for root and"
		       " members of group %s",
		       uid, r->admin_name);
}
