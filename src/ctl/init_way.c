/* SPDX-License-Identifier: ISC */
#include "ctl/init_way.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/err.h"
#include "ctl/init.h"
#include "net/probe.h"
#include "net/way.h"

#define URL_SIZE 600

static const char none[] = "none";

/* As libcurl looks for it, for https. */
static const char *environment(void)
{
	static const char *const names[] = { "https_proxy", "HTTPS_PROXY",
					     "all_proxy", "ALL_PROXY" };
	const char *value;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		value = getenv(names[i]);
		if (value && *value)
			return value;
	}
	return NULL;
}

/*
 * "http://me:secret@proxy:3128": the URL without the login, and the user. The
 * password goes into no settings and onto no screen.
 */
static void split(const char *url, char **bare, char **user)
{
	const char *host = strstr(url, "://");
	const char *at = strrchr(url, '@');
	size_t n;

	host = host ? host + 3 : url;
	*bare = *user = NULL;
	if (!at || at < host) {
		*bare = strdup(url);
		return;
	}
	n = strcspn(host, ":@");
	*user = n > 0 ? strndup(host, n) : NULL;
	if (asprintf(bare, "%.*s%s", (int)(host - url), url, at + 1) < 0)
		*bare = NULL;
}

static void ask_login(struct init_way *out, const char *user)
{
	out->user = init_ask("its user, if it wants a login", user, 0);
	if (out->user)
		out->password_file = init_ask("file that has the password, "
					      "which the daemon's user may "
					      "read",
					      NULL, 0);
}

void init_way_ask(struct init_way *out)
{
	const char *set = environment();
	char *bare = NULL, *user = NULL;

	memset(out, 0, sizeof(*out));
	if (set)
		split(set, &bare, &user);
	out->proxy = init_ask("proxy to Slack and the model (http://HOST:PORT)",
			      bare ? bare : none, 0);
	if (out->proxy && strcmp(out->proxy, none) == 0) {
		free(out->proxy);
		out->proxy = set ? strdup("direct") : NULL;
	} else if (out->proxy) {
		ask_login(out, user);
	}
	free(bare);
	free(user);
}

void init_way_free(struct init_way *w)
{
	free(w->proxy);
	free(w->user);
	free(w->password_file);
}

static char *judge(const struct probe *p)
{
	if (p->fault == PROBE_OK)
		return NULL;
	if (p->fault != PROBE_TLS || !p->issuer[0]) {
		fprintf(stderr,
			"Slack isn't reached so: %s\n"
			"'konstructctl doctor' tells more.\n",
			p->msg);
		return NULL;
	}
	fprintf(stderr,
		"What answers in Slack's place shows a certificate of a signer "
		"that isn't trusted here: %s. A proxy that reads along? "
		"(docs/firewall.md)\n",
		p->issuer);
	return init_ask("file with that signer's certificate (PEM), if you "
			"trust it",
			NULL, 0);
}

char *init_way_ca(const struct conf *c)
{
	struct err e = { 0 };
	struct way *w = way_create(&c->slack_way, &e);
	char url[URL_SIZE], *ca;
	struct probe p;

	if (!w) {
		fprintf(stderr, "konstructctl: %s\n", e.msg);
		return NULL;
	}
	(void)snprintf(url, sizeof(url), "%sapi.test", c->slack_api_url);
	probe_http(&p, w, url, NULL);
	ca = judge(&p);
	probe_release(&p);
	way_free(w);
	return ca;
}
