/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/secret.h"
#include "state/redis_conn.h"

#define PORT     6379
#define DB_MAX   9999
#define HOST_MAX 253
#define PATH_LEN 107 /* sun_path is 108 bytes with its NUL */

/* Decimal digits up to end, which is moved to; -1: none, or above max. */
static int number(const char **p, int max)
{
	int n = 0;

	if (**p < '0' || **p > '9')
		return -1;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		n = n * 10 + (**p - '0');
		if (n > max)
			return -1;
	}
	return n;
}

static int bad_url(struct err *e, const char *why)
{
	return err_set(e, ERR_INPUT, "state url: %s", why);
}

static int parse_socket(struct redis_server *s, const char *path, struct err *e)
{
	if (path[0] != '/')
		return bad_url(e, "unix: needs an absolute path");
	if (strlen(path) > PATH_LEN)
		return bad_url(e, "path is longer than 107 bytes");
	s->path = strdup(path);
	return s->path ? 0 : err_set(e, ERR_RETRY, "no memory");
}

/* The host, with [] around an IPv6 address; where it ends, or NULL. */
static const char *take_host(struct redis_server *s, const char *p)
{
	bool v6 = *p == '[';
	size_t n;

	if (v6)
		p++;
	n = strcspn(p, v6 ? "]" : ":/");
	if (n == 0 || n > HOST_MAX || (v6 && p[n] != ']'))
		return NULL;
	s->host = strndup(p, n);
	return p + n + v6;
}

static int parse_host(struct redis_server *s, const char *p, struct err *e)
{
	if (strchr(p, '@'))
		return bad_url(e, "user and password have settings of their "
				  "own");
	p = take_host(s, p);
	if (!p || !s->host)
		return bad_url(e, "no host");
	s->port = PORT;
	if (*p == ':') {
		p++;
		s->port = number(&p, 65535);
		if (s->port <= 0)
			return bad_url(e, "no port");
	}
	if (*p == '/' && p[1] != '\0') {
		p++;
		s->db = number(&p, DB_MAX);
	} else if (*p == '/') {
		p++;
	}
	if (*p != '\0' || s->db < 0)
		return bad_url(e, "is not redis://host:port/db");
	return 0;
}

static int parse(struct redis_server *s, const char *url, struct err *e)
{
	if (strncmp(url, "unix:", 5) == 0)
		return parse_socket(s, url + 5, e);
	if (strncmp(url, "redis://", 8) == 0)
		return parse_host(s, url + 8, e);
	return bad_url(e, "is not redis://host:port/db");
}

int redis_server_init(struct redis_server *s, const char *url, const char *user,
		      const char *password_file, struct err *e)
{
	*s = (struct redis_server){ 0 };
	if (parse(s, url, e) < 0)
		goto fail;
	if (password_file && password_file[0]) {
		s->password = secret_read(password_file, e);
		if (!s->password)
			goto fail;
	}
	if (user && user[0]) {
		if (!s->password) {
			err_set(e, ERR_INPUT, "state user without a password");
			goto fail;
		}
		s->user = strdup(user);
		if (!s->user) {
			err_set(e, ERR_RETRY, "no memory");
			goto fail;
		}
	}
	return 0;
fail:
	redis_server_release(s);
	return -1;
}

void redis_server_release(struct redis_server *s)
{
	free(s->host);
	free(s->path);
	free(s->user);
	secret_free(s->password);
	*s = (struct redis_server){ 0 };
}
