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

#include "admin/role.h"
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

bool listen_is_loopback(const struct sockaddr_storage *sa)
{
	const struct sockaddr_in *v4 = (const void *)sa;
	const struct sockaddr_in6 *v6 = (const void *)sa;
	const struct in6_addr *a = &v6->sin6_addr;

	if (sa->ss_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	if (sa->ss_family != AF_INET6)
		return false;
	return IN6_IS_ADDR_LOOPBACK(a) ||
	       (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == IN_LOOPBACKNET);
}

/* Only the last part of the path is made: /run/konstruct in /run. */
static int make_parent(const char *path, struct err *e)
{
	char copy[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	const char *dir;

	(void)snprintf(copy, sizeof(copy), "%s", path);
	dir = dirname(copy);
	if (mkdir(dir, 0755) == 0)
		return chmod(dir, 0755); /* whatever the umask was */
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

static int check_path(const char *path, struct err *e)
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

static int no_listener(int fd, const char *where, enum err_kind kind,
		       struct err *e)
{
	int no = errno;

	if (fd >= 0)
		close(fd);
	return err_set(e, kind, "cannot listen on '%s': %s%s", where,
		       strerror(no),
		       no == EADDRINUSE ? " (another konstructd? ss -ltnp "
					  "tells; or set another one)"
					: "");
}

int listen_tcp(const char *listen_on, struct err *e)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	struct sockaddr_in6 sa6 = { .sin6_family = AF_INET6 };
	char host[LISTEN_HOST_SIZE];
	const int on = 1;
	bool v6 = false;
	int port, fd, rc;

	if (listen_split(listen_on, host, &port, &v6, e) < 0)
		return -1;
	sa.sin_port = sa6.sin6_port = htons((uint16_t)port);
	(void)inet_pton(v6 ? AF_INET6 : AF_INET, host,
			v6 ? (void *)&sa6.sin6_addr : (void *)&sa.sin_addr);
	fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return no_listener(fd, listen_on, ERR_RETRY, e);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	rc = v6 ? bind(fd, (struct sockaddr *)&sa6, sizeof(sa6))
		: bind(fd, (struct sockaddr *)&sa, sizeof(sa));
	if (rc < 0 || listen(fd, SOMAXCONN) < 0)
		return no_listener(fd, listen_on, ERR_RETRY, e);
	return fd;
}

int listen_unix(const char *path, struct err *e)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd;

	if (check_path(path, e) < 0)
		return -1;
	memcpy(sa.sun_path, path, strlen(path) + 1);
	(void)unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return no_listener(fd, path, ERR_RETRY, e);
	/* Nobody gets in before it listens. */
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    chmod(path, 0600) < 0 || listen(fd, SOMAXCONN) < 0)
		return no_listener(fd, path, ERR_FATAL, e);
	return fd;
}

int listen_open_to(const char *path, const struct roles *r, struct err *e)
{
	mode_t mode = 0666;
	struct stat st;

	/* Whoever owns it may give it to groups that he is in, but not under
	 * our unit, which filters chown(2). */
	if (!r->has_read && stat(path, &st) == 0 &&
	    (st.st_gid == r->admin || chown(path, (uid_t)-1, r->admin) == 0))
		mode = 0660;
	if (chmod(path, mode) == 0)
		return (int)mode;
	return err_set(e, ERR_FATAL, "cannot change the mode of '%s': %s", path,
		       strerror(errno));
}
