/* SPDX-License-Identifier: ISC */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/secret.h"

static int fail(struct err *e, const char *what, const char *path)
{
	int no = errno;

	if (no != EACCES)
		return err_set(e, ERR_FATAL, "cannot %s '%s': %s", what, path,
			       strerror(no));
	return err_set(e, ERR_FATAL,
		       "cannot %s '%s': %s for uid %ld, which has to be able "
		       "to (chgrp, chmod 640; directories: chmod 755)",
		       what, path, strerror(no), (long)geteuid());
}

/* One byte more than size is asked for, to see whether there is more. */
static ssize_t read_all(int fd, char *out, size_t size)
{
	size_t len = 0;
	ssize_t n;
	char more;

	for (;;) {
		if (len < size)
			n = read(fd, out + len, size - len);
		else
			n = read(fd, &more, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			return (ssize_t)len;
		if (len == size) {
			errno = EFBIG;
			return -1;
		}
		len += (size_t)n;
	}
}

ssize_t file_read(const char *path, char *out, size_t size, struct stat *st,
		  struct err *e)
{
	ssize_t n = -1;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(e, "open", path);
	if (st && fstat(fd, st) < 0) {
		fail(e, "stat", path);
		goto out;
	}
	n = read_all(fd, out, size);
	if (n < 0)
		fail(e, "read", path);
out:
	close(fd);
	return n;
}

/* st: NULL, or what to make it like. */
static int write_new(const char *path, const char *data, size_t len,
		     const struct stat *st)
{
	int rc = -1;
	int fd;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	if ((!st || (fchown(fd, st->st_uid, st->st_gid) == 0 &&
		     fchmod(fd, st->st_mode & 07777) == 0)) &&
	    write(fd, data, len) == (ssize_t)len && fsync(fd) == 0)
		rc = 0;
	close(fd);
	return rc;
}

static int sync_folder(const char *path)
{
	char copy[PATH_MAX];
	int fd, rc;

	(void)snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	rc = fsync(fd);
	close(fd);
	return rc;
}

/* Another name in the same folder. */
static int name_beside(const char *path, char tmp[PATH_MAX])
{
	char id[ID_SIZE];
	int n;

	id_make(id);
	n = snprintf(tmp, PATH_MAX, "%s.%s", path, id);
	if (n >= 0 && n < PATH_MAX)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

int file_create(const char *path, const char *data, size_t len, struct err *e)
{
	char tmp[PATH_MAX];
	int rc = -1;

	if (name_beside(path, tmp) < 0)
		return fail(e, "create", path);
	/* link(2), unlike rename(2), never replaces what another made. */
	if (write_new(tmp, data, len, NULL) < 0 ||
	    (link(tmp, path) < 0 && errno != EEXIST) || sync_folder(path) < 0)
		fail(e, "create", path);
	else
		rc = 0;
	(void)unlink(tmp);
	return rc;
}

int file_replace(const char *path, const char *data, size_t len,
		 const struct stat *st, struct err *e)
{
	char tmp[PATH_MAX];

	if (name_beside(path, tmp) < 0)
		return fail(e, "replace", path);
	if (write_new(tmp, data, len, st) == 0 && rename(tmp, path) == 0 &&
	    sync_folder(path) == 0)
		return 0;
	fail(e, "replace", path);
	(void)unlink(tmp);
	return -1;
}
