/* SPDX-License-Identifier: ISC */
#include "admin/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"

int listen_split(const char *listen, char host[LISTEN_HOST_SIZE], int *port,
		 bool *v6, struct err *e)
{
	const char *colon = strrchr(listen, ':');
	unsigned char addr[sizeof(struct in6_addr)];
	char *end;
	size_t n;

	n = colon ? (size_t)(colon - listen) : 0;
	if (n == 0 || n >= LISTEN_HOST_SIZE)
		goto bad;
	*v6 = listen[0] == '[' && listen[n - 1] == ']';
	(void)snprintf(host, LISTEN_HOST_SIZE, "%.*s", (int)(*v6 ? n - 2 : n),
		       listen + (*v6 ? 1 : 0));
	if (inet_pton(*v6 ? AF_INET6 : AF_INET, host, addr) != 1)
		goto bad;
	errno = 0;
	*port = (int)strtol(colon + 1, &end, 10);
	if (errno == 0 && *end == '\0' && *port > 0 && *port < 65536)
		return 0;
bad:
	return err_set(e, ERR_INPUT,
		       "listen '%s': not a numeric address and port", listen);
}

/* Only the last part of the path is made: /run/konstruct in /run. */
static int make_parent(const char *path, struct err *e)
{
	char copy[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	const char *dir;

	(void)snprintf(copy, sizeof(copy), "%s", path);
	dir = dirname(copy);
	if (mkdir(dir, 0750) == 0)
		return chmod(dir, 0750); /* whatever the umask was */
	if (errno == EEXIST)
		return 0;
	return err_set(e, ERR_FATAL, "cannot make directory '%s': %s", dir,
		       strerror(errno));
}

/* Does anybody answer there? */
static bool answers(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	bool ok;
	int fd;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	memcpy(sa.sun_path, path, strlen(path) + 1);
	ok = connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;
	close(fd);
	return ok;
}

int listen_check_path(const char *path, struct err *e)
{
	struct sockaddr_un sa;
	struct stat st;

	if (strlen(path) >= sizeof(sa.sun_path))
		return err_set(e, ERR_INPUT,
			       "admin_socket '%.80s...': longer than %zu bytes",
			       path, sizeof(sa.sun_path) - 1);
	if (path[0] != '/')
		return err_set(e, ERR_INPUT,
			       "admin_socket '%s': not an absolute path", path);
	if (make_parent(path, e) < 0)
		return -1;
	if (lstat(path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_FATAL, "'%s' is there, and no socket",
			       path);
	if (answers(path))
		return err_set(e, ERR_FATAL, "another daemon listens on '%s'",
			       path);
	return 0;
}
