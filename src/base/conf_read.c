/* SPDX-License-Identifier: ISC */
#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/conf_in.h"
#include "base/conf_keys.h"
#include "base/conf_scan.h"
#include "base/err.h"
#include "base/near.h"

#define KEYS_MAX     32 /* in one section */
#define SECTIONS_MAX 8
#define TITLE_MAX    64

/* A key that the text sets: libconfuse tells neither which nor where. */
struct mark {
	cfg_t *sec;
	const struct conf_key *key;
	int line;
};

/*
 * libconfuse hands no argument to its callbacks, and its scanner is global
 * anyway. The first error counts; what follows is its consequence.
 */
static struct {
	const char *name;
	struct err *e;
	bool failed;
	struct mark *marks; /* in the order of the text */
	size_t nmarks, room;
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

static int no_memory(void)
{
	parse.failed = true;
	return err_set(parse.e, ERR_RETRY, "cannot read '%s': no memory",
		       parse.name);
}

/* What is called nearest to it: settings, and unless these are of just that
 * section, sections; NULL: nothing is near. */
static const char *nearest(const char *section, const char *name)
{
	const char *best = NULL;
	const struct conf_key *k;
	size_t least = NEAR;
	size_t d;

	for (k = conf_keys; k < conf_keys + conf_nkeys; k++) {
		if (section && strcmp(k->section, section) != 0)
			continue;
		d = near_distance(name, k->name);
		if (d < least) {
			least = d;
			best = k->name;
		}
		d = section ? NEAR : near_distance(name, k->section);
		if (d < least) {
			least = d;
			best = k->section;
		}
	}
	return best;
}

/* The section that has a setting of just that name; NULL: none. */
static const char *home_of(const char *name)
{
	const struct conf_key *k;

	for (k = conf_keys; k < conf_keys + conf_nkeys; k++)
		if (strcmp(k->name, name) == 0)
			return k->section;
	return NULL;
}

static void unknown(cfg_t *cfg, const char *msg, const char *name)
{
	const char *home = home_of(name);
	const char *near = nearest(cfg_name(cfg), name);

	if (!near)
		near = nearest(NULL, name);
	if (home)
		(void)fail(cfg->line, "%s here: it belongs to section '%s'",
			   msg, home);
	else if (near)
		(void)fail(cfg->line, "%s; perhaps '%s'", msg, near);
	else
		(void)fail(cfg->line, "%s", msg);
}

__attribute__((format(printf, 2, 0))) static void on_error(cfg_t *cfg,
							   const char *fmt,
							   va_list ap)
{
	char msg[sizeof(parse.e->msg)], name[40];

	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	if (sscanf(msg, "no such option '%39[^']'", name) == 1)
		unknown(cfg, msg, name);
	else if (sscanf(msg, "found duplicate title '%39[^']'", name) == 1)
		(void)fail(cfg->line,
			   "there is an llm '%s' already: each needs a name of "
			   "its own",
			   name);
	else
		(void)fail(cfg->line, "%s", msg);
}

static int mark(cfg_t *sec, const struct conf_key *k)
{
	size_t room = parse.room ? parse.room * 2 : 64;
	struct mark *grown;

	if (parse.nmarks == parse.room) {
		grown = realloc(parse.marks, room * sizeof(*grown));
		if (!grown)
			return no_memory();
		parse.marks = grown;
		parse.room = room;
	}
	parse.marks[parse.nmarks++] = (struct mark){ sec, k, sec->line };
	return 0;
}

/*
 * The row of an option, which is set. To libconfuse "daemon|workers" outside
 * the section is the same option; to us it is a mistake, with e filled and
 * NULL.
 */
static const struct conf_key *key_of(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct conf_key *k;

	for (k = conf_keys; k < conf_keys + conf_nkeys; k++) {
		if (strcmp(k->section, cfg_name(cfg)) == 0 &&
		    strcmp(k->name, cfg_opt_name(opt)) == 0)
			return mark(cfg, k) < 0 ? NULL : k;
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
		return fail(cfg->line,
			    "'%s' is '%.40s', which is no whole number%s",
			    k->name, value,
			    end > value ? " (leave the unit away)" : "");
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
		return fail(cfg->line,
			    "'%s' is '%.40s', which is neither true nor false",
			    k->name, value);
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
	char *copy = strdup(s);

	if (!copy)
		return no_memory();
	free(*at);
	*at = copy;
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

static struct conf_model *model_of(struct conf *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->nmodels; i++) {
		if (strcmp(c->models[i].name, name) == 0)
			return &c->models[i];
	}
	return NULL;
}

static int take_model(struct conf *c, cfg_t *sec)
{
	const char *title = cfg_title(sec);
	struct conf_model *m = model_of(c, title);

	if (!m) {
		if (c->nmodels == CONF_MODELS_MAX)
			return fail(sec->line, "more than %d llm sections",
				    CONF_MODELS_MAX);
		if (!*title || strlen(title) > TITLE_MAX || has_control(title))
			return fail(sec->line,
				    "name of an llm is empty or too long");
		m = conf_add_model(c, title);
		if (!m)
			return no_memory();
	}
	m->where = (struct conf_at){ parse.name, sec->line };
	return 0;
}

static int take_models(struct conf *c, cfg_t *cfg)
{
	unsigned int n = cfg_size(cfg, CONF_LLM);
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (take_model(c, cfg_getnsec(cfg, CONF_LLM, i)) < 0)
			return -1;
	}
	return 0;
}

static int take_key(struct conf *c, const struct mark *m)
{
	struct conf_model *model = NULL;
	struct conf_at *at = c->at;

	if (strcmp(m->key->section, CONF_LLM) == 0) {
		model = model_of(c, cfg_title(m->sec));
		at = model->at;
	}
	at[m->key - conf_keys] = (struct conf_at){ parse.name, m->line };
	return copy_key(model ? (void *)model : c, m->key, m->sec);
}

static int take_all(struct conf *c, cfg_t *cfg)
{
	size_t i;

	if (take_models(c, cfg) < 0)
		return -1;
	for (i = 0; i < parse.nmarks; i++) {
		if (take_key(c, &parse.marks[i]) < 0)
			return -1;
	}
	return 0;
}

/* What an editor may put before the text. */
static const char *skip_mark(char **text, size_t *len)
{
	static const char utf8[] = "\xef\xbb\xbf";
	static const char *const utf16[] = { "\xff\xfe", "\xfe\xff" };
	size_t i;

	for (i = 0; *len >= 2 && i < 2; i++)
		if (memcmp(*text, utf16[i], 2) == 0)
			return "this is UTF-16: save it as UTF-8";
	if (*len >= 3 && memcmp(*text, utf8, 3) == 0) {
		*text += 3;
		*len -= 3;
	}
	return NULL;
}

/* text is overwritten. */
static int load(struct conf *c, char *text, size_t len)
{
	const char *wrong = skip_mark(&text, &len);
	cfg_t *cfg;
	int line = 1;
	int rc = -1;

	if (!wrong)
		wrong = conf_scan(text, len, &line);
	if (wrong)
		return fail(line, "%s", wrong);
	cfg = make_parser();
	if (!cfg)
		return no_memory();
	cfg_set_error_function(cfg, on_error);
	if (cfg_parse_buf(cfg, text) != CFG_SUCCESS)
		fail(cfg->line, "cannot be read");
	else
		rc = take_all(c, cfg);
	if (c->nfiles == 1)
		c->end = (struct conf_at){ parse.name, cfg->line };
	cfg_free(cfg);
	return rc;
}

int conf_read(struct conf *c, const char *name, const char *text, size_t len,
	      struct err *e)
{
	char *copy = malloc(len + 1);
	char *file = strdup(name);
	int rc = -1;

	memset(&parse, 0, sizeof(parse));
	parse.name = file ? file : name;
	parse.e = e;
	if (copy && file) {
		memcpy(copy, text, len);
		copy[len] = '\0';
		c->files[c->nfiles++] = file;
		rc = load(c, copy, len);
	} else {
		(void)no_memory();
		free(file);
	}
	free(parse.marks);
	free(copy);
	return rc;
}
