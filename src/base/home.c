/* SPDX-License-Identifier: ISC */
#include "base/home.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/err.h"

/* 1: there is one; 0: the file is empty or holds something else. */
static int read_id(int fd, char id[ID_SIZE])
{
	ssize_t n = pread(fd, id, ID_SIZE - 1, 0);

	if (n < 0)
		return -1;
	id[n] = '\0';
	return n == ID_SIZE - 1 &&
	       strspn(id, "0123456789abcdefghjkmnpqrstvwxyz") == ID_SIZE - 1;
}

static int write_id(int fd, char id[ID_SIZE])
{
	id_make(id);
	if (ftruncate(fd, 0) < 0 ||
	    pwrite(fd, id, ID_SIZE - 1, 0) != ID_SIZE - 1)
		return -1;
	return fsync(fd);
}

int home_open(const char *dir, char id[ID_SIZE], struct err *e)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/node", dir);
	int fd, rc;

	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(e, ERR_INPUT, "path of the node is too long");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, ERR_FATAL, "cannot open '%s': %s", path,
			       strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		err_set(e, ERR_FATAL, "cannot lock '%s': %s", path,
			errno == EWOULDBLOCK ? "another konstructd has it"
					     : strerror(errno));
		goto fail;
	}
	rc = read_id(fd, id);
	if (rc == 0)
		rc = write_id(fd, id);
	if (rc < 0) {
		err_set(e, ERR_FATAL, "cannot use '%s': %s", path,
			strerror(errno));
		goto fail;
	}
	return fd;
fail:
	(void)close(fd);
	return -1;
}
