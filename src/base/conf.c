/* SPDX-License-Identifier: ISC */
#include "base/conf.h"

#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf_keys.h"
#include "base/conf_scan.h"
#include "base/err.h"
#include "base/file.h"

#define KEYS_MAX     32 /* in one section */
#define SECTIONS_MAX 8
#define TITLE_MAX    64

/*
 * libconfuse hands no argument to its callbacks, and its scanner is global
 * anyway. The first error counts; what follows is its consequence.
 */
static struct {
	const char *name;
	struct err *e;
	bool failed;
} parse;

__attribute__((format(printf, 2, 0))) static int vfail(int line,
						       const char *fmt,
						       va_list ap)
{
	char msg[sizeof(parse.e->msg)];

	if (parse.failed)
		return -1;
	parse.failed = true;
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	return err_set(parse.e, ERR_INPUT, "%s:%d: %s", parse.name, line, msg);
}

__attribute__((format(printf, 2, 3))) static int fail(int line, const char *fmt,
						      ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vfail(line, fmt, ap);
	va_end(ap);
	return -1;
}

__attribute__((format(printf, 2, 0))) static void on_error(cfg_t *cfg,
							   const char *fmt,
							   va_list ap)
{
	(void)vfail(cfg->line, fmt, ap);
}

/*
 * The row of an option. To libconfuse "daemon|workers" outside the section
 * is the same option; to us it is a mistake, with e filled and NULL.
 */
static const struct conf_key *key_of(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct conf_key *k;

	for (k = conf_keys; k < conf_keys + conf_nkeys; k++) {
		if (strcmp(k->section, cfg_name(cfg)) == 0 &&
		    strcmp(k->name, cfg_opt_name(opt)) == 0)
			return k;
	}
	fail(cfg->line, "'%s' stands outside its section", cfg_opt_name(opt));
	return NULL;
}

/* Decimal only: libconfuse's own would take "" for 0 and 010 for 8. */
static int take_int(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *out)
{
	const struct conf_key *k = key_of(cfg, opt);
	char *end;
	long v;

	if (!k)
		return -1;
	errno = 0;
	v = strtol(value, &end, 10);
	if (end == value || *end || errno != 0)
		return fail(cfg->line, "'%s' is no whole number", k->name);
	if (v < k->min || v > k->max)
		return fail(cfg->line, "'%s' is %ld, allowed is %ld to %ld",
			    k->name, v, k->min, k->max);
	*(long *)out = v;
	return 0;
}

static int take_bool(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *out)
{
	const struct conf_key *k = key_of(cfg, opt);
	int v;

	if (!k)
		return -1;
	v = cfg_parse_boolean(value);
	if (v < 0)
		return fail(cfg->line, "'%s' is neither true nor false",
			    k->name);
	*(int *)out = v;
	return 0;
}

static bool has_control(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return true;
	}
	return false;
}

static int take_str(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *out)
{
	const struct conf_key *k = key_of(cfg, opt);
	const char *wrong = NULL;

	if (!k)
		return -1;
	if (has_control(value))
		wrong = "holds a control character";
	else if (k->check)
		wrong = k->check(value);
	if (wrong)
		return fail(cfg->line, "'%s' %s", k->name, wrong);
	*(const char **)out = value;
	return 0;
}

static cfg_opt_t option(const struct conf_key *k)
{
	switch (k->type) {
	case CONF_INT:
		return (cfg_opt_t)CFG_INT_CB(k->name, k->num, CFGF_NONE,
					     take_int);
	case CONF_BOOL:
		return (cfg_opt_t)CFG_BOOL_CB(k->name, (cfg_bool_t)k->num,
					      CFGF_NONE, take_bool);
	case CONF_STR:
		break;
	}
	return (cfg_opt_t)CFG_STR_CB(k->name, k->str, CFGF_NONE, take_str);
}

static cfg_opt_t section(const char *name, cfg_opt_t *opts)
{
	cfg_flag_t flags = CFGF_NONE;

	if (strcmp(name, CONF_LLM) == 0)
		flags = CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES;
	return (cfg_opt_t)CFG_SEC(name, opts, flags);
}

/* cfg_init() copies the options, so that these may live on the stack. */
static cfg_t *make_parser(void)
{
	cfg_opt_t opts[SECTIONS_MAX][KEYS_MAX + 1] = { 0 };
	cfg_opt_t sections[SECTIONS_MAX + 1] = { 0 };
	const struct conf_key *k = conf_keys;
	const struct conf_key *end = conf_keys + conf_nkeys;
	size_t n, s;

	for (s = 0; k < end && s < SECTIONS_MAX; s++) {
		sections[s] = section(k->section, opts[s]);
		for (n = 0; k < end && n < KEYS_MAX; n++) {
			if (strcmp(k->section, sections[s].name) != 0)
				break;
			opts[s][n] = option(k++);
		}
	}
	return cfg_init(sections, CFGF_NONE);
}

static int copy_str(char **at, const char *s)
{
	*at = strdup(s);
	if (!*at)
		return err_set(parse.e, ERR_RETRY,
			       "cannot read '%s': no memory", parse.name);
	return 0;
}

/* base is a struct conf, or a struct conf_model for keys of "llm". */
static int copy_key(void *base, const struct conf_key *k, cfg_t *sec)
{
	void *at = (char *)base + k->at;

	switch (k->type) {
	case CONF_STR:
		return copy_str(at, cfg_getstr(sec, k->name));
	case CONF_INT:
		*(int *)at = (int)cfg_getint(sec, k->name);
		break;
	case CONF_BOOL:
		*(bool *)at = cfg_getbool(sec, k->name);
		break;
	}
	return 0;
}

static int copy_settings(struct conf *c, cfg_t *cfg)
{
	const struct conf_key *k;

	for (k = conf_keys; k < conf_keys + conf_nkeys; k++) {
		if (strcmp(k->section, CONF_LLM) != 0 &&
		    copy_key(c, k, cfg_getsec(cfg, k->section)) < 0)
			return -1;
	}
	return 0;
}

static int copy_model(struct conf *c, cfg_t *sec)
{
	struct conf_model *m = &c->models[c->nmodels];
	const char *title = cfg_title(sec);
	const struct conf_key *k;

	if (c->nmodels == CONF_MODELS_MAX)
		return fail(sec->line, "more than %d llm sections",
			    CONF_MODELS_MAX);
	if (!*title || strlen(title) > TITLE_MAX || has_control(title))
		return fail(sec->line, "name of an llm is empty or too long");
	c->nmodels++;
	if (copy_str(&m->name, title) < 0)
		return -1;
	for (k = conf_keys; k < conf_keys + conf_nkeys; k++) {
		if (strcmp(k->section, CONF_LLM) == 0 &&
		    copy_key(m, k, sec) < 0)
			return -1;
	}
	return 0;
}

/* One model needs no "default = true"; of several just one must say it. */
static int choose_default(struct conf *c, cfg_t *cfg)
{
	const struct conf_model *first = NULL;
	unsigned int i;

	if (c->nmodels == 1)
		c->models[0].is_default = true;
	for (i = 0; i < c->nmodels; i++) {
		if (!c->models[i].is_default)
			continue;
		if (first)
			return fail(cfg_getnsec(cfg, CONF_LLM, i)->line,
				    "llm '%s' and llm '%s' are both default",
				    first->name, c->models[i].name);
		first = &c->models[i];
	}
	if (!first)
		return fail(cfg->line, "no llm has 'default = true'");
	return 0;
}

static int copy_models(struct conf *c, cfg_t *cfg)
{
	unsigned int n = cfg_size(cfg, CONF_LLM);
	unsigned int i;
	cfg_t *sec;

	if (n == 0)
		return fail(cfg->line, "no llm section: one is needed, as "
				       "llm \"main\" { url = \"...\" }");
	for (i = 0; i < n; i++) {
		sec = cfg_getnsec(cfg, CONF_LLM, i);
		if (copy_model(c, sec) < 0)
			return -1;
		if (!*c->models[i].url && *c->path)
			return fail(sec->line, "llm '%s' has no url",
				    c->models[i].name);
	}
	return choose_default(c, cfg);
}

/* What is put behind a URL wants one slash between. */
static int settle_urls(struct conf *c)
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
		return err_set(parse.e, ERR_RETRY,
			       "cannot read '%s': no memory", parse.name);
	memcpy(url + n, "/", 2);
	c->slack_api_url = url;
	return 0;
}

/* text is overwritten. */
static int load(struct conf *c, char *text, size_t len)
{
	const char *wrong;
	cfg_t *cfg;
	int line;
	int rc = -1;

	wrong = conf_scan(text, len, &line);
	if (wrong)
		return fail(line, "%s", wrong);
	cfg = make_parser();
	if (!cfg)
		return err_set(parse.e, ERR_RETRY,
			       "cannot read '%s': no memory", parse.name);
	cfg_set_error_function(cfg, on_error);
	if (cfg_parse_buf(cfg, text) != CFG_SUCCESS)
		fail(cfg->line, "cannot be read");
	else if (copy_settings(c, cfg) == 0 && copy_models(c, cfg) == 0)
		rc = settle_urls(c);
	cfg_free(cfg);
	return rc;
}

int conf_parse(struct conf *c, const char *name, const char *text, size_t len,
	       struct err *e)
{
	char *copy;
	int rc = -1;

	memset(c, 0, sizeof(*c));
	parse.name = *name ? name : "defaults";
	parse.e = e;
	parse.failed = false;
	copy = malloc(len + 1);
	if (!copy)
		return err_set(e, ERR_RETRY, "cannot read '%s': no memory",
			       parse.name);
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (copy_str(&c->path, name) == 0)
		rc = load(c, copy, len);
	free(copy);
	if (rc < 0)
		conf_release(c);
	return rc;
}

int conf_load(struct conf *c, const char *path, struct err *e)
{
	static const char bare[] = CONF_LLM " \"main\" { }\n";
	ssize_t n;
	char *text;
	int rc = -1;

	if (!path)
		return conf_parse(c, "", bare, sizeof(bare) - 1, e);
	memset(c, 0, sizeof(*c));
	text = malloc(CONF_FILE_MAX);
	if (!text)
		return err_set(e, ERR_RETRY, "cannot read '%s': no memory",
			       path);
	n = file_read(path, text, CONF_FILE_MAX, NULL, e);
	if (n >= 0)
		rc = conf_parse(c, path, text, (size_t)n, e);
	free(text);
	return rc;
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
		release_strings(&c->models[i], true);
	}
	release_strings(c, false);
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

int conf_key_path(const struct conf *c, char *out, size_t size, struct err *e)
{
	bool own = c->key_file[0] == '\0';
	int n;

	n = snprintf(out, size, "%s%s", own ? c->state_dir : c->key_file,
		     own ? "/key" : "");
	if (n < 0 || (size_t)n >= size)
		return err_set(e, ERR_INPUT, "path of the key is too long");
	return 0;
}
