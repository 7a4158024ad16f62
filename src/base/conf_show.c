/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/conf.h"
#include "base/conf_keys.h"

static void show_string(const char *s, FILE *out)
{
	putc('"', out);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			putc('\\', out);
		putc(*s, out);
	}
	putc('"', out);
}

static void show_key(const void *base, const struct conf_key *k, FILE *out)
{
	const void *at = (const char *)base + k->at;

	fprintf(out, "\t%s = ", k->name);
	switch (k->type) {
	case CONF_STR:
		show_string(*(char *const *)at, out);
		break;
	case CONF_INT:
		fprintf(out, "%d", *(const int *)at);
		break;
	case CONF_BOOL:
		fputs(*(const bool *)at ? "true" : "false", out);
		break;
	}
	putc('\n', out);
}

/* Shows the section that begins with k, and returns the row behind it. */
static const struct conf_key *show_section(const void *base,
					   const struct conf_key *k, FILE *out)
{
	const char *section = k->section;

	fputs("{\n", out);
	while (k < conf_keys + conf_nkeys && strcmp(k->section, section) == 0)
		show_key(base, k++, out);
	fputs("}\n", out);
	return k;
}

void conf_show(const struct conf *c, FILE *out)
{
	const struct conf_key *k = conf_keys;
	size_t i;

	while (strcmp(k->section, CONF_LLM) != 0) {
		fprintf(out, "%s ", k->section);
		k = show_section(c, k, out);
		putc('\n', out);
	}
	for (i = 0; i < c->nmodels; i++) {
		fputs(CONF_LLM " ", out);
		show_string(c->models[i].name, out);
		putc(' ', out);
		(void)show_section(&c->models[i], k, out);
	}
}
