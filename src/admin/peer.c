/* SPDX-License-Identifier: ISC */
#include "admin/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"

#define GROUPS_FIRST 32

/* Linux 4.13; of a list that is longer it tells the length. 0 or errno. */
static int read_groups(struct peer *p, int fd)
{
	socklen_t size = GROUPS_FIRST * sizeof(gid_t);
	gid_t *more;
	int rc;

	p->groups = malloc(size);
	if (!p->groups)
		return ENOMEM;
	rc = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, p->groups, &size);
	if (rc < 0 && errno == ERANGE) {
		more = realloc(p->groups, size);
		if (!more)
			return ENOMEM;
		p->groups = more;
		rc = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, more, &size);
	}
	if (rc < 0)
		return errno;
	p->ngroups = size / sizeof(gid_t);
	return 0;
}

int peer_read(struct peer *p, int fd, struct err *e)
{
	struct ucred cred;
	socklen_t size = sizeof(cred);

	memset(p, 0, sizeof(*p));
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
		return err_set(e, ERR_FATAL, "SO_PEERCRED: %m");
	p->uid = cred.uid;
	p->gid = cred.gid;
	p->unknown = read_groups(p, fd);
	return 0;
}

void peer_release(struct peer *p)
{
	free(p->groups);
	memset(p, 0, sizeof(*p));
}

bool peer_in_group(const struct peer *p, gid_t group)
{
	size_t i;

	if (p->gid == group)
		return true;
	for (i = 0; i < p->ngroups; i++)
		if (p->groups[i] == group)
			return true;
	return false;
}
