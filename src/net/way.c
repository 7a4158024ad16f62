/* SPDX-License-Identifier: ISC */
#include "net/way.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/secret.h"

#define CA_MAX ((size_t)4 * 1024 * 1024)

/*
 * libcurl knows CAs by their path: calls that name the same one share
 * connections, TLS sessions and, for a day, what was read of the file. A
 * reload is to find what is in it now, so each way spells the path by itself.
 */
#define SPELLINGS 32

struct way {
	struct conf_way c; /* owned; NULL is "" */
	char *password;    /* NULL: none */
	char *ca_file;     /* these two as libcurl gets them; NULL: none */
	char *ca_dir;
	unsigned char ca[DIGEST_SIZE]; /* of what is in the file */
	long auth;
	unsigned int refs; /* of who has it from a box, and the box's own */
};

struct way_box {
	pthread_mutex_t lock;
	struct way *now;
};

static bool given(const char *s)
{
	return s && *s;
}

static int copy(char **to, const char *from, struct err *e)
{
	*to = NULL;
	if (!given(from))
		return 0;
	*to = strdup(from);
	return *to ? 0 : err_set(e, ERR_RETRY, "no memory for settings");
}

static int copy_all(struct conf_way *to, const struct conf_way *from,
		    struct err *e)
{
	if (copy(&to->proxy, from->proxy, e) < 0 ||
	    copy(&to->no_proxy, from->no_proxy, e) < 0 ||
	    copy(&to->proxy_user, from->proxy_user, e) < 0 ||
	    copy(&to->ca_file, from->ca_file, e) < 0 ||
	    copy(&to->ca_dir, from->ca_dir, e) < 0 ||
	    copy(&to->client_cert_file, from->client_cert_file, e) < 0 ||
	    copy(&to->client_key_file, from->client_key_file, e) < 0)
		return -1;
	return 0;
}

/* libcurl asks the proxy first what it takes, then uses the best of these. */
static long auth_of(const char *name)
{
	static const struct {
		const char *name;
		unsigned long bits;
	} known[] = {
		{ "basic", CURLAUTH_BASIC },
		{ "digest", CURLAUTH_DIGEST },
		{ "ntlm", CURLAUTH_NTLM },
		{ "negotiate", CURLAUTH_NEGOTIATE },
	};
	size_t i;

	for (i = 0; name && i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(name, known[i].name) == 0)
			return (long)known[i].bits;
	}
	return (long)CURLAUTH_ANY;
}

static int read_password(struct way *w, const struct conf_way *c, struct err *e)
{
	if (!given(c->proxy_password_file))
		return 0;
	if (!given(c->proxy_user))
		return err_set(e, ERR_INPUT,
			       "proxy_password_file '%s' without a proxy_user",
			       c->proxy_password_file);
	w->password = secret_read(c->proxy_password_file, e);
	return w->password ? 0 : -1;
}

/* "/etc/ssl/./ca.pem" */
static int spell(char **to, const char *path, unsigned int nth, struct err *e)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	size_t head = slash ? (size_t)(slash + 1 - path) : 0;
	struct buf out;

	if (!path)
		return 0;
	buf_init(&out, strlen(path) + 2 * SPELLINGS + 1);
	(void)buf_add(&out, path, head);
	while (nth-- > 0)
		(void)buf_adds(&out, "./");
	(void)buf_adds(&out, path + head);
	*to = buf_take(&out);
	return *to ? 0 : err_set(e, ERR_RETRY, "no memory for settings");
}

/* What can't be read is told by who connects. */
static void take_digest(struct way *w, const char *path)
{
	char *text = path ? malloc(CA_MAX) : NULL;
	struct err e = { 0 };
	ssize_t n = -1;

	if (text)
		n = file_read(path, text, CA_MAX, NULL, &e);
	if (n >= 0)
		digest(text, (size_t)n, w->ca);
	free(text);
}

/* libcurl takes NULL as no CA at all, not as its default again. */
static int set_cas(struct way *w, struct err *e)
{
	static atomic_uint made;
	unsigned int nth = atomic_fetch_add(&made, 1) % SPELLINGS;
	const char *file = w->c.ca_file;

	if (!file && !w->c.ca_dir)
		file = curl_version_info(CURLVERSION_NOW)->cainfo;
	take_digest(w, file);
	if (spell(&w->ca_file, file, nth, e) < 0)
		return -1;
	return spell(&w->ca_dir, w->c.ca_dir, nth, e);
}

struct way *way_create(const struct conf_way *conf, struct err *e)
{
	struct way *w = calloc(1, sizeof(*w));

	if (!w) {
		err_set(e, ERR_RETRY, "no memory for settings");
		return NULL;
	}
	w->auth = auth_of(conf->proxy_auth);
	if (copy_all(&w->c, conf, e) < 0 || read_password(w, conf, e) < 0 ||
	    set_cas(w, e) < 0) {
		way_free(w);
		return NULL;
	}
	return w;
}

void way_free(struct way *w)
{
	if (!w)
		return;
	free(w->c.proxy);
	free(w->c.no_proxy);
	free(w->c.proxy_user);
	free(w->c.ca_file);
	free(w->c.ca_dir);
	free(w->c.client_cert_file);
	free(w->c.client_key_file);
	free(w->ca_file);
	free(w->ca_dir);
	secret_free(w->password);
	free(w);
}

static bool equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool way_same(const struct way *a, const struct way *b)
{
	return a->auth == b->auth && equal(a->password, b->password) &&
	       equal(a->c.proxy, b->c.proxy) &&
	       equal(a->c.no_proxy, b->c.no_proxy) &&
	       equal(a->c.proxy_user, b->c.proxy_user) &&
	       equal(a->c.ca_file, b->c.ca_file) &&
	       equal(a->c.ca_dir, b->c.ca_dir) &&
	       memcmp(a->ca, b->ca, sizeof(a->ca)) == 0 &&
	       equal(a->c.client_cert_file, b->c.client_cert_file) &&
	       equal(a->c.client_key_file, b->c.client_key_file);
}

struct way_box *way_box_create(struct way *w, struct err *e)
{
	struct way_box *b = calloc(1, sizeof(*b));

	if (!b || pthread_mutex_init(&b->lock, NULL) != 0) {
		err_set(e, ERR_RETRY, "no memory for settings");
		free(b);
		return NULL;
	}
	w->refs = 1;
	b->now = w;
	return b;
}

void way_box_free(struct way_box *b)
{
	if (!b)
		return;
	way_free(b->now);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

const struct way *way_box_take(struct way_box *b)
{
	struct way *w;

	pthread_mutex_lock(&b->lock);
	w = b->now;
	w->refs++;
	pthread_mutex_unlock(&b->lock);
	return w;
}

/* It becomes the caller's to free when nobody has it any more. */
static struct way *drop(struct way *w)
{
	return --w->refs == 0 ? w : NULL;
}

void way_box_drop(struct way_box *b, const struct way *w)
{
	struct way *last;

	if (!w)
		return;
	pthread_mutex_lock(&b->lock);
	last = drop((struct way *)w);
	pthread_mutex_unlock(&b->lock);
	way_free(last);
}

void way_box_put(struct way_box *b, struct way *w)
{
	struct way *last;

	w->refs = 1;
	pthread_mutex_lock(&b->lock);
	last = drop(b->now);
	b->now = w;
	pthread_mutex_unlock(&b->lock);
	way_free(last);
}

static const char *env(const char *name)
{
	const char *v = getenv(name);

	return given(v) ? v : NULL;
}

/* The order of libcurl, which takes no HTTP_PROXY, as a CGI's peer sets it. */
static const char *env_proxy(bool tls)
{
	const char *v;

	if (tls) {
		v = env("https_proxy");
		if (!v)
			v = env("HTTPS_PROXY");
	} else {
		v = env("http_proxy");
	}
	if (!v)
		v = env("all_proxy");
	return v ? v : env("ALL_PROXY");
}

const char *way_proxy(const struct way *w, bool tls)
{
	if (!w->c.proxy)
		return env_proxy(tls);
	return strcmp(w->c.proxy, "direct") == 0 ? NULL : w->c.proxy;
}

bool way_proxy_is_tls(const char *proxy)
{
	return strncasecmp(proxy, "https://", 8) == 0;
}

static void set_proxy(const struct way *w, CURL *z)
{
	const char *proxy = w->c.proxy;

	/* "" is none, NULL as the environment says. */
	if (proxy && strcmp(proxy, "direct") == 0)
		proxy = "";
	curl_easy_setopt(z, CURLOPT_PROXY, proxy);
	curl_easy_setopt(z, CURLOPT_NOPROXY, w->c.no_proxy);
	/* Plain http as well: what a proxy forwards it might send twice. */
	curl_easy_setopt(z, CURLOPT_HTTPPROXYTUNNEL, 1L);
	curl_easy_setopt(z, CURLOPT_PROXYAUTH, w->auth);
	curl_easy_setopt(z, CURLOPT_PROXYUSERNAME, w->c.proxy_user);
	curl_easy_setopt(z, CURLOPT_PROXYPASSWORD,
			 w->c.proxy_user && !w->password ? "" : w->password);
	/* The user is whom Kerberos says. */
	if (!w->c.proxy_user && w->auth == (long)CURLAUTH_NEGOTIATE)
		curl_easy_setopt(z, CURLOPT_PROXYUSERPWD, ":");
}

static void set_ca(const struct way *w, CURL *z)
{
	curl_easy_setopt(z, CURLOPT_CAINFO, w->ca_file);
	curl_easy_setopt(z, CURLOPT_PROXY_CAINFO, w->ca_file);
	/* libcurl reads a directory anew for each connection; a file once. */
	curl_easy_setopt(z, CURLOPT_CAPATH, w->ca_dir);
	curl_easy_setopt(z, CURLOPT_PROXY_CAPATH, w->ca_dir);
}

int way_set(const struct way *w, void *easy)
{
	CURL *z = easy;

	set_proxy(w, z);
	set_ca(w, z);
	curl_easy_setopt(z, CURLOPT_SSLCERT, w->c.client_cert_file);
	if (curl_easy_setopt(z, CURLOPT_SSLKEY,
			     w->c.client_key_file
				     ? w->c.client_key_file
				     : w->c.client_cert_file) != CURLE_OK)
		return -1;
	return 0;
}
