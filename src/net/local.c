/* SPDX-License-Identifier: ISC */
#include "net/local.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/err.h"

#define CONNECT_MS 5000L
/* Many tenants' ids may be asked of Slack meanwhile. */
#define TOTAL_MS 300000L
#define URL_MAX  512

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	return buf_add(arg, p, size * n) < 0 ? 0 : size * n;
}

/* What stands behind it nearly always. */
static void hint(long no, const char *socket, char *out, size_t size)
{
	const struct group *g = NULL;
	struct stat st;

	out[0] = '\0';
	if (no == EACCES && stat(socket, &st) == 0)
		g = getgrgid(st.st_gid);
	if (g)
		(void)snprintf(out, size, " (members of group '%.60s' may)",
			       g->gr_name);
	else if (no == EACCES)
		(void)snprintf(out, size, " (are you in its group?)");
	else if (no == ENOENT || no == ECONNREFUSED)
		(void)snprintf(out, size, " (is konstructd running?)");
}

static int transport_failed(CURL *c, CURLcode rc, const char *socket,
			    struct err *e)
{
	char why[100];
	long no = 0;

	(void)curl_easy_getinfo(c, CURLINFO_OS_ERRNO, &no);
	if (rc != CURLE_COULDNT_CONNECT || no == 0)
		return err_set(e, ERR_RETRY, "no answer at '%s': %s", socket,
			       curl_easy_strerror(rc));
	hint(no, socket, why, sizeof(why));
	return err_set(e, no == EACCES ? ERR_FATAL : ERR_RETRY,
		       "cannot connect to '%s': %s%s", socket,
		       strerror((int)no), why);
}

struct local_request {
	const char *socket, *method;
	char url[URL_MAX];
	const char *body; /* NULL: none */
	size_t len;
	long timeout_ms;
};

static void set_up(CURL *c, const struct local_request *r, struct buf *out)
{
	curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, r->socket);
	curl_easy_setopt(c, CURLOPT_URL, r->url);
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->method);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, r->timeout_ms);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, out);
}

static void set_body(CURL *c, const char *body, size_t len,
		     struct curl_slist *headers)
{
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_POST, 1L);
	curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
	curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
}

static int run(const struct local_request *r, struct buf *out, struct err *e)
{
	struct curl_slist *headers;
	CURL *c = NULL;
	CURLcode rc;
	long status = -1;

	/* The server doesn't do "100 Continue"; curl would wait for it. */
	headers = curl_slist_append(NULL, "Expect:");
	c = curl_easy_init();
	if (!c || !headers) {
		err_set(e, ERR_RETRY, "no memory");
		goto out;
	}
	set_up(c, r, out);
	if (r->body || strcmp(r->method, "POST") == 0)
		set_body(c, r->body ? r->body : "", r->len, headers);
	rc = curl_easy_perform(c);
	if (rc != CURLE_OK)
		transport_failed(c, rc, r->socket, e);
	else
		(void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
out:
	curl_easy_cleanup(c);
	curl_slist_free_all(headers);
	return (int)status;
}

static int write_url(struct local_request *r, const char *path, struct err *e)
{
	int n = snprintf(r->url, sizeof(r->url), "http://localhost%s", path);

	if (n < 0 || (size_t)n >= sizeof(r->url))
		return err_set(e, ERR_INPUT, "path is too long");
	return 0;
}

int local_call(const char *socket, const char *method, const char *path,
	       const char *body, size_t len, struct buf *out, struct err *e)
{
	struct local_request r = { .socket = socket,
				   .method = method,
				   .body = body,
				   .len = len,
				   .timeout_ms = TOTAL_MS };

	return write_url(&r, path, e) < 0 ? -1 : run(&r, out, e);
}

int local_ask(const char *socket, const char *path, long timeout_ms,
	      struct buf *out, struct err *e)
{
	struct local_request r = { .socket = socket,
				   .method = "GET",
				   .timeout_ms = timeout_ms };

	return write_url(&r, path, e) < 0 ? -1 : run(&r, out, e);
}

long local_pid(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	const struct timeval wait = { .tv_sec = 1 };
	struct ucred peer = { 0 };
	socklen_t n = sizeof(peer);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* It may be stopped, and have no room for one more. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		(void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n);
	close(fd);
	return peer.pid;
}
