/* SPDX-License-Identifier: ISC */
#include "base/conf_diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf_keys.h"
#include "base/err.h"

struct diff {
	void (*fn)(const struct conf_change *c, void *arg);
	void *arg;
};

static bool is_llm(const struct conf_key *k)
{
	return strcmp(k->section, CONF_LLM) == 0;
}

static const void *at_of(const void *base, const struct conf_key *k)
{
	return (const char *)base + k->at;
}

static bool same(const void *a, const void *b, const struct conf_key *k)
{
	const void *x = at_of(a, k);
	const void *y = at_of(b, k);

	switch (k->type) {
	case CONF_STR:
		return strcmp(*(char *const *)x, *(char *const *)y) == 0;
	case CONF_INT:
		return *(const int *)x == *(const int *)y;
	case CONF_BOOL:
		return *(const bool *)x == *(const bool *)y;
	}
	return true;
}

static void print(const void *base, const struct conf_key *k,
		  char out[CONF_VALUE_SIZE])
{
	const void *at = at_of(base, k);
	const char *text = "(hidden)";

	switch (k->type) {
	case CONF_STR:
		if (!k->hidden)
			text = *(char *const *)at;
		(void)snprintf(out, CONF_VALUE_SIZE, "%s", text);
		break;
	case CONF_INT:
		(void)snprintf(out, CONF_VALUE_SIZE, "%d", *(const int *)at);
		break;
	case CONF_BOOL:
		(void)snprintf(out, CONF_VALUE_SIZE, "%s",
			       *(const bool *)at ? "true" : "false");
		break;
	}
}

/* The rows of "llm", or all the others. */
static void diff_keys(const struct diff *d, const void *old, const void *new,
		      const struct conf_at *at, const char *model)
{
	const struct conf_key *k;
	struct conf_change c;

	for (k = conf_keys; k < conf_keys + conf_nkeys; k++) {
		if (is_llm(k) != (model != NULL) || same(old, new, k))
			continue;
		c = (struct conf_change){ .section = k->section,
					  .model = model,
					  .key = k->name,
					  .live = k->live,
					  .at = &at[k - conf_keys] };
		print(old, k, c.old);
		print(new, k, c.new);
		d->fn(&c, d->arg);
	}
}

static const struct conf_model *find(const struct conf *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->nmodels; i++) {
		if (strcmp(c->models[i].name, name) == 0)
			return &c->models[i];
	}
	return NULL;
}

static void diff_model(const struct diff *d, const struct conf_model *old,
		       const struct conf_model *new)
{
	static const struct conf_at nowhere;
	struct conf_change c = { .section = CONF_LLM,
				 .live = true,
				 .at = new ? &new->where : &nowhere };

	if (old && new) {
		diff_keys(d, old, new, new->at, new->name);
		return;
	}
	c.model = old ? old->name : new->name;
	(void)snprintf(c.old, sizeof(c.old), "%s", old ? old->url : "");
	(void)snprintf(c.new, sizeof(c.new), "%s", new ? new->url : "");
	d->fn(&c, d->arg);
}

void conf_diff(const struct conf *old, const struct conf *new,
	       void (*fn)(const struct conf_change *c, void *arg), void *arg)
{
	const struct diff d = { fn, arg };
	const struct conf_model *m;

	diff_keys(&d, old, new, new->at, NULL);
	for (m = old->models; m < old->models + old->nmodels; m++)
		diff_model(&d, m, find(new, m->name));
	for (m = new->models; m < new->models + new->nmodels; m++) {
		if (!find(old, m->name))
			diff_model(&d, NULL, m);
	}
}

bool conf_model_same(const struct conf_model *a, const struct conf_model *b)
{
	const struct conf_key *k;

	for (k = conf_keys; k < conf_keys + conf_nkeys; k++) {
		if (is_llm(k) && strcmp(k->name, "default") != 0 &&
		    !same(a, b, k))
			return false;
	}
	return strcmp(a->name, b->name) == 0;
}

int conf_keep(struct conf *c, const struct conf *running)
{
	const struct conf_key *k;
	const void *from;
	char *copy;
	void *to;

	for (k = conf_keys; k < conf_keys + conf_nkeys; k++) {
		if (is_llm(k) || k->live)
			continue;
		from = at_of(running, k);
		to = (char *)c + k->at;
		switch (k->type) {
		case CONF_STR:
			copy = strdup(*(char *const *)from);
			if (!copy)
				return -1;
			free(*(char **)to);
			*(char **)to = copy;
			break;
		case CONF_INT:
			*(int *)to = *(const int *)from;
			break;
		case CONF_BOOL:
			*(bool *)to = *(const bool *)from;
			break;
		}
	}
	return 0;
}

/* The place of a setting of these whose value stands in quotes in the text. */
static const struct conf_at *quoted(const void *base, const struct conf_at *at,
				    bool llm, const char *text)
{
	const struct conf_key *k;
	const char *value, *p;
	size_t n;

	for (k = conf_keys; k < conf_keys + conf_nkeys; k++) {
		if (k->type != CONF_STR || is_llm(k) != llm ||
		    !at[k - conf_keys].file)
			continue;
		value = *(char *const *)at_of(base, k);
		n = strlen(value);
		for (p = text; n > 0 && (p = strstr(p, value)) != NULL; p++)
			if (p > text && p[-1] == '\'' && p[n] == '\'')
				return &at[k - conf_keys];
	}
	return NULL;
}

static const struct conf_at *place(const struct conf *c, const char *text)
{
	const struct conf_at *at = quoted(c, c->at, false, text);
	size_t i;

	for (i = 0; i < c->nmodels && !at; i++)
		at = quoted(&c->models[i], c->models[i].at, true, text);
	return at;
}

int conf_place(const struct conf *c, struct err *e)
{
	const struct conf_at *at = place(c, e->msg);

	return at ? err_wrap(e, "%s:%d", at->file, at->line) : -1;
}

int conf_blame(const struct conf *c, struct err *e)
{
	if (place(c, e->msg))
		return conf_place(c, e);
	return err_wrap(e, "%s", c->path);
}

int conf_blame_key(const struct conf *c, const char *section, const char *name,
		   struct err *e)
{
	const struct conf_key *k;
	const struct conf_at *at;

	for (k = conf_keys; k < conf_keys + conf_nkeys; k++) {
		at = &c->at[k - conf_keys];
		if (strcmp(k->section, section) == 0 &&
		    strcmp(k->name, name) == 0 && at->file)
			return err_wrap(e, "%s:%d", at->file, at->line);
	}
	return err_wrap(e, "%s", c->path);
}
