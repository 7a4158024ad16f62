/* SPDX-License-Identifier: ISC */
#include "llm/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/conf_diff.h"
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

static void line_free(struct line *l)
{
	if (!l)
		return;
	slots_release(&l->slots);
	free(l);
}

/* The line is another's matter. */
static void model_free(struct model *m)
{
	if (m->whole)
		breaker_release(&m->breaker);
	free(m->name);
	free(m->url);
	free(m->id);
	way_free(m->way);
	secret_free(m->key);
	free(m);
}

static struct model *model_create(const struct conf_model *c, struct err *e)
{
	struct model *m = calloc(1, sizeof(*m));

	if (!m) {
		err_set(e, ERR_RETRY, "no memory");
		return NULL;
	}
	m->refs = 1;
	if (model_init(m, c, e) == 0)
		return m;
	model_free(m);
	return NULL;
}

static struct line *line_create(const struct conf_model *c, struct err *e)
{
	struct line *l = calloc(1, sizeof(*l));

	if (!l) {
		err_set(e, ERR_RETRY, "no memory");
		return NULL;
	}
	l->refs = 1;
	if (slots_init(&l->slots, c->concurrency, c->tenant_concurrency, e) ==
	    0)
		return l;
	free(l);
	return NULL;
}

void model_put(struct llm *m, struct model *model)
{
	struct line *line = NULL;
	bool last;

	pthread_mutex_lock(&m->lock);
	last = --model->refs == 0;
	if (last && model->line && --model->line->refs == 0)
		line = model->line;
	pthread_mutex_unlock(&m->lock);
	line_free(line);
	if (last)
		model_free(model);
}

static struct model *find(const struct models *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (strcmp(s->all[i]->name, name) == 0)
			return s->all[i];
	}
	return NULL;
}

static bool equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Would old go on as fresh would, which isn't used yet? */
static bool same(const struct model *old, const struct model *fresh,
		 const struct conf *was, const struct conf_model *c)
{
	const struct conf_model *w = was ? conf_model(was, c->name) : NULL;

	return w && conf_model_same(w, c) && equal(old->key, fresh->key) &&
	       way_same(old->way, fresh->way);
}

/* The old one once more, or a fresh one in the old one's line, or all new. */
static struct model *choose(struct llm *m, const struct conf *was,
			    const struct conf_model *c, struct err *e)
{
	struct model *fresh = model_create(c, e);
	struct model *old = find(&m->now, c->name);

	if (!fresh)
		return NULL;
	if (old) {
		pthread_mutex_lock(&m->lock);
		if (same(old, fresh, was, c)) {
			model_free(fresh);
			fresh = old;
			fresh->refs++;
		} else {
			fresh->line = old->line;
			fresh->line->refs++;
		}
		pthread_mutex_unlock(&m->lock);
		return fresh;
	}
	fresh->line = line_create(c, e);
	if (fresh->line)
		return fresh;
	model_free(fresh);
	return NULL;
}

static void put_all(struct llm *m, struct models *s)
{
	while (s->n > 0)
		model_put(m, s->all[--s->n]);
	free(s->all);
	s->all = NULL;
}

static int make_all(struct llm *m, struct models *s, const struct conf *was,
		    const struct conf *c, struct err *e)
{
	struct model *one;
	size_t i;

	s->all = calloc(c->nmodels, sizeof(*s->all));
	if (!s->all)
		return err_set(e, ERR_RETRY, "cannot set up models: no memory");
	for (i = 0; i < c->nmodels; i++) {
		one = choose(m, was, &c->models[i], e);
		if (!one) {
			err_wrap(e, "llm \"%s\"", c->models[i].name);
			put_all(m, s);
			return -1;
		}
		s->all[s->n++] = one;
		if (i == 0 || c->models[i].is_default)
			s->standard = one;
	}
	return 0;
}

int llm_reload(struct llm *m, const struct conf *was, const struct conf *c,
	       struct err *e)
{
	struct models next = { 0 };
	struct models old;
	size_t i;

	if (make_all(m, &next, was, c, e) < 0)
		return -1;
	pthread_mutex_lock(&m->lock);
	old = m->now;
	m->now = next;
	pthread_mutex_unlock(&m->lock);
	for (i = 0; i < c->nmodels; i++)
		slots_limit(&next.all[i]->line->slots, c->models[i].concurrency,
			    c->models[i].tenant_concurrency);
	put_all(m, &old);
	return 0;
}

struct llm *llm_create(const struct conf *c, struct err *e)
{
	struct llm *m = calloc(1, sizeof(*m));

	if (!m || pthread_mutex_init(&m->lock, NULL) != 0) {
		err_set(e, ERR_RETRY, "cannot set up models: no memory");
		free(m);
		return NULL;
	}
	if (make_all(m, &m->now, NULL, c, e) == 0)
		return m;
	llm_free(m);
	return NULL;
}

void llm_free(struct llm *m)
{
	if (!m)
		return;
	put_all(m, &m->now);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

struct model *model_take(struct llm *m, const char *name)
{
	struct model *model;

	pthread_mutex_lock(&m->lock);
	model = name ? find(&m->now, name) : NULL;
	if (!model)
		model = m->now.standard;
	model->refs++;
	pthread_mutex_unlock(&m->lock);
	return model;
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
	struct model *one;
	size_t i;

	pthread_mutex_lock(&m->lock);
	for (i = 0; i < m->now.n; i++) {
		one = m->now.all[i];
		v.name = one->name;
		v.state = states[breaker_get(&one->breaker)];
		slots_count(&one->line->slots, &v.busy, &v.waiting);
		fn(&v, arg);
	}
	pthread_mutex_unlock(&m->lock);
}
