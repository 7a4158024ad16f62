/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/err.h"
#include "sim/api.h"
#include "sim/http.h"

static void add(struct args *a, char *key, char *value)
{
	if (a->n == ARGS_MAX) {
		free(key);
		free(value);
		return;
	}
	a->v[a->n].key = key;
	a->v[a->n].value = value;
	a->n++;
}

static int hex(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A percent sign that starts no byte stays as it is. */
static char *decode(const char *p, size_t n)
{
	char *out = must_alloc(n + 1);
	size_t i, at = 0;

	for (i = 0; i < n; i++) {
		if (p[i] == '%' && i + 2 < n && hex(p[i + 1]) >= 0 &&
		    hex(p[i + 2]) >= 0) {
			out[at++] = (char)(hex(p[i + 1]) * 16 + hex(p[i + 2]));
			i += 2;
		} else {
			out[at++] = p[i] == '+' ? ' ' : p[i];
		}
	}
	return out;
}

void args_form(struct args *a, const char *text)
{
	size_t n, key;

	while (*text) {
		n = strcspn(text, "&");
		key = strcspn(text, "=&");
		if (key > 0)
			add(a, decode(text, key),
			    key < n ? decode(text + key + 1, n - key - 1)
				    : must_dup(""));
		text += n + (text[n] == '&');
	}
}

void basic_args(struct args *a, const struct request *r)
{
	const char *v = http_header(r, "authorization");
	unsigned char text[512] = { 0 };
	char *colon;
	size_t n;

	if (!v || strncasecmp(v, "Basic ", 6) != 0)
		return;
	v += 6;
	n = strlen(v);
	if (n > 600 ||
	    EVP_DecodeBlock(text, (const unsigned char *)v, (int)n) < 0)
		return;
	colon = strchr((char *)text, ':');
	if (!colon)
		return;
	*colon = '\0';
	add(a, must_dup("client_id"), must_dup((char *)text));
	add(a, must_dup("client_secret"), must_dup(colon + 1));
}

static bool add_member(const char *key, const struct json *value, void *arg)
{
	const char *s = json_str(value, "");
	struct buf b;

	if (s) {
		add(arg, must_dup(key), must_dup(s));
		return true;
	}
	buf_init(&b, SIM_BODY_MAX);
	json_copy(value, &b);
	/* null is as good as absent */
	if (b.data && strcmp(b.data, "null") != 0)
		add(arg, must_dup(key), must_take(&b));
	buf_release(&b);
	return true;
}

int args_json(struct args *a, const char *text, size_t len)
{
	struct err e = { 0 };
	struct json *j = json_parse(text, len, SIM_BODY_MAX, &e);

	if (!j || !json_is_object(j, "")) {
		json_free(j);
		return -1;
	}
	json_each(j, add_member, a);
	json_free(j);
	return 0;
}

const char *args_get(const struct args *a, const char *key)
{
	size_t i;

	for (i = 0; i < a->n; i++) {
		if (strcmp(a->v[i].key, key) == 0)
			return a->v[i].value;
	}
	return NULL;
}

bool args_bool(const struct args *a, const char *key, bool fallback)
{
	const char *v = args_get(a, key);

	if (!v || !*v)
		return fallback;
	return strcmp(v, "true") == 0 || strcmp(v, "1") == 0;
}

int64_t args_int(const struct args *a, const char *key, int64_t fallback)
{
	const char *v = args_get(a, key);

	return v && *v ? strtoll(v, NULL, 10) : fallback;
}

void args_release(struct args *a)
{
	size_t i;

	for (i = 0; i < a->n; i++) {
		free(a->v[i].key);
		free(a->v[i].value);
	}
	a->n = 0;
}

char *args_dump(const struct args *a)
{
	struct jwrite w;
	struct buf b;
	size_t i;

	buf_init(&b, 2 * SIM_BODY_MAX);
	jw_init(&w, &b);
	jw_object(&w, NULL);
	for (i = 0; i < a->n; i++) {
		if (strcmp(a->v[i].key, "token") != 0)
			jw_str(&w, a->v[i].key, a->v[i].value);
	}
	jw_object_end(&w);
	return must_take(&b);
}
