/* SPDX-License-Identifier: ISC */
#include "admin/check.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

#include "admin/listen.h"
#include "admin/role.h"
#include "base/conf.h"
#include "base/conf_diff.h"
#include "base/err.h"
#include "base/keyring.h"
#include "base/secret.h"
#include "llm/llm.h"
#include "net/tls.h"
#include "net/way.h"
#include "state/gate.h"
#include "store/store.h"

static int check_way(const struct conf_way *c, struct err *e)
{
	struct way *way = way_create(c, e);
	struct ssl_ctx_st *tls;

	way_free(way);
	if (!way && !secret_is_elsewhere(c->proxy_password_file))
		return -1;
	tls = tls_client_create(c, e);
	tls_client_free(tls);
	return tls ? 0 : -1;
}

/* The key that is made at the first start need not be there yet. */
static int check_key(const struct conf *c, struct err *e)
{
	char path[PATH_MAX];
	struct keyring *k;

	if (!*c->key_file || secret_is_elsewhere(c->key_file))
		return 0;
	if (conf_key_path(c, path, sizeof(path), e) < 0)
		return -1;
	k = keyring_open(path, false, e);
	keyring_free(k);
	return k ? 0 : -1;
}

/* A credential that only the unit is given, or in the store. */
static bool is_elsewhere(const struct conf_model *m)
{
	return secret_is_elsewhere(m->api_key_file) ||
	       secret_is_elsewhere(m->way.proxy_password_file);
}

int check_ways(const struct conf *c, struct err *e)
{
	size_t i;

	if (check_way(&c->slack_way, e) < 0)
		return err_wrap(e, "slack");
	for (i = 0; i < c->nmodels; i++) {
		if (check_way(&c->models[i].way, e) < 0)
			return err_wrap(e, "llm \"%s\"", c->models[i].name);
	}
	return 0;
}

static int check_models(const struct conf *c, struct err *e)
{
	struct llm *m;
	size_t i;

	for (i = 0; i < c->nmodels; i++) {
		if (is_elsewhere(&c->models[i]))
			return 0;
	}
	m = llm_create(c, e);
	llm_free(m);
	return m ? 0 : -1;
}

static int check_all(const struct conf *c, struct err *e)
{
	char host[LISTEN_HOST_SIZE];
	struct roles roles;
	bool v6;
	int port;

	if (*c->listen && listen_split(c->listen, host, &port, &v6, e) < 0)
		return -1;
	if (role_settle(&roles, c, e) < 0)
		return -1;
	if (check_key(c, e) < 0 || check_ways(c, e) < 0)
		return -1;
	return check_models(c, e);
}

int check_conf(const struct conf *c, struct err *e)
{
	/* Which may hold a password, so that no message has them. */
	if (!store_find(c->store_url, e))
		return conf_blame_key(c, "store", "url", e);
	if (gate_suits(c->state_url, c->store_url, e) < 0)
		return conf_blame_key(c, "state", "url", e);
	return check_all(c, e) < 0 ? conf_blame(c, e) : 0;
}
