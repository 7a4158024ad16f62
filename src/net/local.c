/* SPDX-License-Identifier: ISC */
#include "net/local.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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

static void set_up(CURL *c, const char *socket, const char *method,
		   const char *url, struct buf *out)
{
	curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, socket);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, TOTAL_MS);
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

int local_call(const char *socket, const char *method, const char *path,
	       const char *body, size_t len, struct buf *out, struct err *e)
{
	struct curl_slist *headers;
	char url[URL_MAX];
	CURL *c = NULL;
	CURLcode rc;
	long status = -1;
	int n;

	n = snprintf(url, sizeof(url), "http://localhost%s", path);
	if (n < 0 || (size_t)n >= sizeof(url))
		return err_set(e, ERR_INPUT, "path is too long");
	/* The server doesn't do "100 Continue"; curl would wait for it. */
	headers = curl_slist_append(NULL, "Expect:");
	c = curl_easy_init();
	if (!c || !headers) {
		err_set(e, ERR_RETRY, "no memory");
		goto out;
	}
	set_up(c, socket, method, url, out);
	if (body || strcmp(method, "POST") == 0)
		set_body(c, body ? body : "", len, headers);
	rc = curl_easy_perform(c);
	if (rc != CURLE_OK)
		transport_failed(c, rc, socket, e);
	else
		(void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
out:
	curl_easy_cleanup(c);
	curl_slist_free_all(headers);
	return (int)status;
}
