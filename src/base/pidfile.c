/* SPDX-License-Identifier: ISC */
#include "base/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/err.h"

int pidfile_open(const char *path, struct err *e)
{
	char text[24];
	int n, fd;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return err_set(e, ERR_FATAL, "cannot open '%s': %s", path,
			       strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		err_set(e, ERR_FATAL, "'%s' belongs to a daemon that runs",
			path);
		goto fail_open;
	}
	n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) < 0 || write(fd, text, (size_t)n) != n) {
		err_set(e, ERR_FATAL, "cannot write '%s': %s", path,
			strerror(errno));
		goto fail_open;
	}
	return fd;
fail_open:
	close(fd);
	return -1;
}

void pidfile_remove(int fd, const char *path)
{
	if (fd < 0)
		return;
	(void)unlink(path);
	close(fd);
}
