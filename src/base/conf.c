/* SPDX-License-Identifier: ISC */
#include "base/conf.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf_in.h"
#include "base/conf_keys.h"
#include "base/err.h"
#include "base/file.h"
#include "base/price.h"
#include "base/secret.h"

#define DROP_INS "conf.d"
#define ENDING   ".conf"

#define PATH_SIZE 4096

static int no_memory(const struct conf *c, struct err *e)
{
	return err_set(e, ERR_RETRY, "cannot read '%s': no memory", c->path);
}

__attribute__((format(printf, 3, 4))) static int bad(struct err *e,
						     const struct conf_at *at,
						     const char *fmt, ...)
{
	char msg[sizeof(e->msg)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return err_set(e, ERR_INPUT, "%s:%d: %s", at->file, at->line, msg);
}

/* of "llm" the base is a struct conf_model, else a struct conf */
static int set_defaults(void *base, bool llm)
{
	const struct conf_key *k;
	void *at;

	for (k = conf_keys; k < conf_keys + conf_nkeys; k++) {
		if ((strcmp(k->section, CONF_LLM) == 0) != llm)
			continue;
		at = (char *)base + k->at;
		switch (k->type) {
		case CONF_STR:
			*(char **)at = strdup(k->str);
			if (!*(char **)at)
				return -1;
			break;
		case CONF_INT:
			*(int *)at = (int)k->num;
			break;
		case CONF_BOOL:
			*(bool *)at = k->num != 0;
			break;
		}
	}
	return 0;
}

/* Everything its default; no model. What fails leaves c to conf_release(). */
static int conf_init(struct conf *c, const char *path, struct err *e)
{
	memset(c, 0, sizeof(*c));
	c->path = strdup(path);
	c->at = calloc(conf_nkeys, sizeof(*c->at));
	if (!c->path || !c->at || set_defaults(c, false) < 0)
		return err_set(e, ERR_RETRY, "cannot read '%s': no memory",
			       path);
	return 0;
}

struct conf_model *conf_add_model(struct conf *c, const char *name)
{
	struct conf_model *m = &c->models[c->nmodels++];

	m->name = strdup(name);
	m->at = calloc(conf_nkeys, sizeof(*m->at));
	if (!m->name || !m->at || set_defaults(m, true) < 0)
		return NULL;
	return m;
}

/* Where a model says that it is the default one, or where it ends. */
static const struct conf_at *where_default(const struct conf_model *m)
{
	size_t i;

	for (i = 0; i < conf_nkeys; i++) {
		if (strcmp(conf_keys[i].section, CONF_LLM) == 0 &&
		    strcmp(conf_keys[i].name, "default") == 0 && m->at[i].file)
			return &m->at[i];
	}
	return &m->where;
}

/* One model needs no "default = true"; of several just one must say it. */
static int choose_default(struct conf *c, struct err *e)
{
	const struct conf_model *first = NULL;
	const struct conf_model *m;

	if (c->nmodels == 1)
		c->models[0].is_default = true;
	for (m = c->models; m < c->models + c->nmodels; m++) {
		if (!m->is_default)
			continue;
		if (first)
			return bad(e, where_default(m),
				   "llm '%s' and llm '%s' are both default",
				   first->name, m->name);
		first = m;
	}
	if (!first)
		return bad(e, &c->models[c->nmodels - 1].where,
			   "no llm has 'default = true'");
	return 0;
}

static int check_models(struct conf *c, struct err *e)
{
	const struct conf_model *m;

	if (c->nmodels == 0)
		return bad(e, &c->end,
			   "no llm section: one is needed, as "
			   "llm \"main\" { url = \"...\" }");
	for (m = c->models; m < c->models + c->nmodels; m++) {
		if (!*m->url && *c->path)
			return bad(e, &m->where, "llm '%s' has no url",
				   m->name);
	}
	return choose_default(c, e);
}

/* What is put behind a URL wants one slash between. */
static int settle_urls(struct conf *c, struct err *e)
{
	size_t i, n;
	char *url;

	for (i = 0; i < c->nmodels; i++) {
		url = c->models[i].url;
		for (n = strlen(url); n > 0 && url[n - 1] == '/'; n--)
			url[n - 1] = '\0';
	}
	n = strlen(c->slack_api_url);
	if (c->slack_api_url[n - 1] == '/')
		return 0;
	url = realloc(c->slack_api_url, n + 2);
	if (!url)
		return no_memory(c, e);
	memcpy(url + n, "/", 2);
	c->slack_api_url = url;
	return 0;
}

static int settle(struct conf *c, struct err *e)
{
	return check_models(c, e) < 0 ? -1 : settle_urls(c, e);
}

int conf_parse(struct conf *c, const char *name, const char *text, size_t len,
	       struct err *e)
{
	if (conf_init(c, name, e) == 0 &&
	    conf_read(c, *name ? name : "defaults", text, len, e) == 0 &&
	    settle(c, e) == 0)
		return 0;
	conf_release(c);
	return -1;
}

static int read_file(struct conf *c, const char *path, struct err *e)
{
	char *text = malloc(CONF_FILE_MAX);
	ssize_t n;
	int rc = -1;

	if (!text)
		return no_memory(c, e);
	n = file_read(path, text, CONF_FILE_MAX, NULL, e);
	if (n >= 0)
		rc = conf_read(c, path, text, (size_t)n, e);
	free(text);
	return rc;
}

/* As a shell's *.conf does: no dot files. */
static int is_drop_in(const struct dirent *d)
{
	size_t n = strlen(d->d_name);
	size_t end = sizeof(ENDING) - 1;

	return d->d_name[0] != '.' && n > end &&
	       strcmp(d->d_name + n - end, ENDING) == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_drop_in(struct conf *c, const char *dir, const char *name,
			struct err *e)
{
	char path[PATH_SIZE];
	int n = snprintf(path, sizeof(path), "%s/%s", dir, name);

	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(e, ERR_INPUT, "'%s': a path in it is too long",
			       dir);
	if (c->nfiles == CONF_FILES_MAX)
		return err_set(e, ERR_INPUT, "'%s' holds more than %d files",
			       dir, CONF_FILES_MAX - 1);
	return read_file(c, path, e);
}

static int read_drop_ins(struct conf *c, struct err *e)
{
	const char *slash = strrchr(c->path, '/');
	struct dirent **list;
	char dir[PATH_SIZE];
	int i, n;
	int rc = 0;

	n = snprintf(dir, sizeof(dir), "%.*s" DROP_INS,
		     slash ? (int)(slash - c->path) + 1 : 0, c->path);
	if (n < 0 || (size_t)n >= sizeof(dir))
		return err_set(e, ERR_INPUT, "path of '%s' is too long",
			       c->path);
	n = scandir(dir, &list, is_drop_in, by_name);
	if (n < 0)
		return errno == ENOENT
			       ? 0
			       : err_set(e, ERR_INPUT, "cannot read '%s': %s",
					 dir, strerror(errno));
	for (i = 0; i < n; i++) {
		if (rc == 0)
			rc = read_drop_in(c, dir, list[i]->d_name, e);
		free(list[i]);
	}
	free(list);
	return rc;
}

int conf_load(struct conf *c, const char *path, struct err *e)
{
	static const char bare[] = CONF_LLM " \"main\" { }\n";

	if (!path)
		return conf_parse(c, "", bare, sizeof(bare) - 1, e);
	if (conf_init(c, path, e) == 0 && read_file(c, path, e) == 0 &&
	    read_drop_ins(c, e) == 0 && settle(c, e) == 0)
		return 0;
	conf_release(c);
	return -1;
}

static void release_strings(void *base, bool llm)
{
	const struct conf_key *k;

	for (k = conf_keys; k < conf_keys + conf_nkeys; k++) {
		if (k->type == CONF_STR &&
		    (strcmp(k->section, CONF_LLM) == 0) == llm)
			free(*(char **)((char *)base + k->at));
	}
}

void conf_release(struct conf *c)
{
	size_t i;

	for (i = 0; i < c->nmodels; i++) {
		free(c->models[i].name);
		free(c->models[i].at);
		release_strings(&c->models[i], true);
	}
	release_strings(c, false);
	for (i = 0; i < c->nfiles; i++)
		free(c->files[i]);
	free(c->at);
	free(c->path);
	memset(c, 0, sizeof(*c));
}

const struct conf_model *conf_model(const struct conf *c, const char *name)
{
	const struct conf_model *found = NULL;
	size_t i;

	for (i = 0; i < c->nmodels; i++) {
		if (name && strcmp(c->models[i].name, name) == 0)
			return &c->models[i];
		if (c->models[i].is_default)
			found = &c->models[i];
	}
	return found;
}

static bool has_prices(const struct conf_model *m)
{
	return m->prompt_price && m->prompt_price[0] != '\0' &&
	       m->completion_price && m->completion_price[0] != '\0';
}

double conf_cost(const struct conf *c, const char *model, int64_t prompt_tokens,
		 int64_t completion_tokens)
{
	const struct conf_model *m = conf_model(c, model);

	/* The default one isn't meant. */
	if (!m || strcmp(m->name, model) != 0 || !has_prices(m))
		return -1;
	return ((double)prompt_tokens * price_parse(m->prompt_price) +
		(double)completion_tokens * price_parse(m->completion_price)) /
	       1e6;
}

bool conf_has_prices(const struct conf *c)
{
	size_t i;

	for (i = 0; i < c->nmodels; i++)
		if (has_prices(&c->models[i]))
			return true;
	return false;
}

int conf_key_path(const struct conf *c, char *out, size_t size, struct err *e)
{
	bool own = c->key_file[0] == '\0';
	int n;

	if (!own)
		return secret_path(c->key_file, out, size, e);
	n = snprintf(out, size, "%s/key", c->state_dir);
	if (n < 0 || (size_t)n >= size)
		return err_set(e, ERR_INPUT, "path of the key is too long");
	return 0;
}
