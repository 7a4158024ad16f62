/* SPDX-License-Identifier: ISC */
#include "llm/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/secret.h"
#include "net/way.h"

static char *make_url(const char *base)
{
	static const char path[] = "/chat/completions";
	size_t n = strlen(base);
	char *url;

	while (n > 0 && base[n - 1] == '/')
		n--;
	url = malloc(n + sizeof(path));
	if (url) {
		memcpy(url, base, n);
		memcpy(url + n, path, sizeof(path));
	}
	return url;
}

static int model_init(struct model *m, const struct conf_model *c,
		      struct err *e)
{
	if (breaker_init(&m->breaker, e) < 0)
		return -1;
	if (slots_init(&m->slots, c->concurrency, c->tenant_concurrency, e) <
	    0) {
		breaker_release(&m->breaker);
		return -1;
	}
	m->whole = true;
	m->name = strdup(c->name);
	m->url = make_url(c->url);
	m->id = strdup(c->model);
	if (!m->name || !m->url || !m->id)
		return err_set(e, ERR_RETRY, "no memory");
	m->way = way_create(&c->way, e);
	if (!m->way)
		return -1;
	if (c->api_key_file[0]) {
		m->key = secret_read(c->api_key_file, e);
		if (!m->key)
			return -1;
	}
	m->connect_ms = (unsigned int)c->connect_timeout_s * 1000;
	m->first_token_ms = (unsigned int)c->first_token_timeout_s * 1000;
	m->idle_ms = (unsigned int)c->idle_timeout_s * 1000;
	m->total_ms = (unsigned int)c->timeout_s * 1000;
	m->max_tokens = c->max_tokens;
	return 0;
}

static void model_release(struct model *m)
{
	if (m->whole) {
		slots_release(&m->slots);
		breaker_release(&m->breaker);
	}
	free(m->name);
	free(m->url);
	free(m->id);
	way_free(m->way);
	secret_free(m->key);
}

struct llm *llm_create(const struct conf *c, struct err *e)
{
	struct llm *m;
	size_t i;

	m = calloc(1, sizeof(*m));
	if (!m) {
		err_set(e, ERR_RETRY, "cannot set up models: no memory");
		return NULL;
	}
	m->models = calloc(c->nmodels, sizeof(*m->models));
	if (!m->models) {
		err_set(e, ERR_RETRY, "cannot set up models: no memory");
		goto fail;
	}
	for (i = 0; i < c->nmodels; i++) {
		m->n++;
		if (model_init(&m->models[i], &c->models[i], e) < 0) {
			err_wrap(e, "llm \"%s\"", c->models[i].name);
			goto fail;
		}
		if (i == 0 || c->models[i].is_default)
			m->standard = &m->models[i];
	}
	return m;
fail:
	llm_free(m);
	return NULL;
}

void llm_free(struct llm *m)
{
	size_t i;

	if (!m)
		return;
	for (i = 0; i < m->n; i++)
		model_release(&m->models[i]);
	free(m->models);
	free(m);
}

struct model *model_find(struct llm *m, const char *name)
{
	size_t i;

	for (i = 0; name && i < m->n; i++) {
		if (strcmp(m->models[i].name, name) == 0)
			return &m->models[i];
	}
	return m->standard;
}

void llm_each(struct llm *m, void (*fn)(const struct llm_view *v, void *arg),
	      void *arg)
{
	static const char *const states[] = {
		[BREAKER_CLOSED] = "ok",
		[BREAKER_OPEN] = "failing",
		[BREAKER_PROBING] = "trying",
	};
	struct llm_view v;
	size_t i;

	for (i = 0; i < m->n; i++) {
		v.name = m->models[i].name;
		v.state = states[breaker_get(&m->models[i].breaker)];
		slots_count(&m->models[i].slots, &v.busy, &v.waiting);
		fn(&v, arg);
	}
}
