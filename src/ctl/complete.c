/* SPDX-License-Identifier: ISC */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/err.h"
#include "ctl/args_in.h"
#include "ctl/names.h"

#define GIVEN_MAX 4

/* The words so far, and the one that is to be completed. */
struct line {
	const char *given[GIVEN_MAX]; /* those that are no options */
	int n;
	const struct option *of; /* the option whose argument that is */
	const char *last;
	const char *config, *socket; /* NULL: not given */
};

/* NULL: it is none, or one that has no argument. */
static const struct option *wants_argument(const char *word)
{
	const struct option *o;

	for (o = ctl_options; o->name; o++) {
		if (o->has_arg != required_argument)
			continue;
		if (strncmp(word, "--", 2) == 0 &&
		    strcmp(word + 2, o->name) == 0)
			return o;
		if (word[0] == '-' && word[1] == o->val && word[2] == '\0')
			return o;
	}
	return NULL;
}

static bool is_file(const struct option *o)
{
	size_t n = strlen(o->name);

	return strcmp(o->name, "config") == 0 ||
	       strcmp(o->name, "socket") == 0 ||
	       (n > 5 && strcmp(o->name + n - 5, "-file") == 0);
}

static void read_line(struct line *l, int n, char **words)
{
	const struct option *o = NULL;
	int i;

	l->last = n > 0 ? words[n - 1] : "";
	for (i = 0; i < n - 1; i++) {
		if (o && o->val == 'c')
			l->config = words[i];
		else if (o && o->val == 's')
			l->socket = words[i];
		if (o) {
			o = NULL;
			continue;
		}
		o = wants_argument(words[i]);
		if (!o && words[i][0] != '-' && l->n < GIVEN_MAX)
			l->given[l->n++] = words[i];
	}
	l->of = o;
}

/* n of the words are given: can it be this command? */
static bool fits(const struct ctl_word *w, const struct line *l, int n)
{
	return (n < 1 || strcmp(w->word, l->given[0]) == 0) &&
	       (n < 2 || !w->verb || strcmp(w->verb, l->given[1]) == 0);
}

static void list_options(unsigned int takes, FILE *out)
{
	const struct option *o;
	unsigned int by;

	for (o = ctl_options; o->name; o++) {
		by = ctl_takes(o->val);
		if (by == 0 || (by & takes))
			fprintf(out, "--%s\n", o->name);
	}
}

/* Each word once: those of one command stand together. */
static void list_words(const struct line *l, int n, FILE *out)
{
	const char *last = "";
	const char *word;
	size_t i;

	for (i = 0; i < ctl_nwords; i++) {
		if (!fits(&ctl_words[i], l, n))
			continue;
		word = n == 0 ? ctl_words[i].word : ctl_words[i].verb;
		if (word && strcmp(word, last) != 0)
			fprintf(out, "%s\n", word);
		if (word)
			last = word;
	}
}

/* What all commands that it can still be take. */
static unsigned int takes_of(const struct line *l)
{
	unsigned int takes = 0;
	size_t i;

	for (i = 0; i < ctl_nwords; i++)
		if (fits(&ctl_words[i], l, l->n))
			takes |= ctl_words[i].takes;
	return takes;
}

/* As konstructctl does that is called so. */
static void list_names(const struct line *l, enum names_kind kind,
		       const char *tenant, const char *before, FILE *out)
{
	const char *path = l->config ? l->config : CTL_DEFAULT_CONFIG;
	struct err e = { 0 };
	struct conf c;

	if (l->socket || access(path, R_OK) < 0) {
		names_print(l->socket ? l->socket : CTL_DEFAULT_SOCKET, kind,
			    tenant, before, out);
	} else if (conf_load(&c, path, &e) == 0) {
		names_print(c.admin_socket, kind, tenant, before, out);
		conf_release(&c);
	}
}

/* The words of the table that stand for an operand, and what it names. */
static const struct {
	const char *operand;
	enum names_kind kind;
} operands[] = {
	{ "NAME", NAMES_TENANTS },  { "TENANT", NAMES_TENANTS },
	{ "AGENT", NAMES_AGENTS },  { "APP", NAMES_APPS },
	{ "ENTRY", NAMES_ENTRIES }, { "ENTRY|all", NAMES_ENTRIES },
	{ "KEY", NAMES_KEYS },
};

static bool is_word(const char *word, const char *p, size_t n)
{
	return strlen(word) == n && strncmp(word, p, n) == 0;
}

/* p of n bytes: how the table calls the operand. */
static void list_operand(const struct line *l, const struct ctl_word *w,
			 const char *p, size_t n, FILE *out)
{
	const char *tenant = l->n > 2 ? l->given[2] : NULL;
	size_t i;

	if (is_word("FILE", p, n)) {
		fputs("FILE\n", out);
		return;
	}
	/* A new one has no name yet. */
	if (w->command == CTL_TENANT_ADD)
		return;
	if (w->command == CTL_SECRET_SET || w->command == CTL_SECRET_REMOVE) {
		list_names(l, NAMES_SECRETS, NULL, "", out);
		return;
	}
	for (i = 0; i < sizeof(operands) / sizeof(operands[0]); i++)
		if (is_word(operands[i].operand, p, n))
			list_names(l, operands[i].kind, tenant, "", out);
}

/* The operand of that number of the one command that this is. */
static void list_operands(const struct line *l, FILE *out)
{
	const struct ctl_word *w = ctl_words;
	const char *p;
	size_t n;
	int i;

	while (w < ctl_words + ctl_nwords && !fits(w, l, l->n))
		w++;
	if (w == ctl_words + ctl_nwords || !w->operand)
		return;
	p = w->operand;
	for (i = l->n - (w->verb ? 2 : 1); i > 0 && *p; i--) {
		p += strcspn(p, " ");
		p += strspn(p, " ");
	}
	p += strspn(p, "[");
	n = strcspn(p, " ]");
	if (i == 0 && n > 0)
		list_operand(l, w, p, n, out);
}

/* Of a list with commas the last one is being written. */
static void list_channels(const struct line *l, FILE *out)
{
	const char *comma = strrchr(l->last, ',');
	char *before = comma ? strndup(l->last, (size_t)(comma - l->last) + 1)
			     : strdup("");

	if (before && l->n > 2)
		list_names(l, NAMES_CHANNELS, l->given[2], before, out);
	free(before);
}

static void list_argument(const struct line *l, FILE *out)
{
	const char *name = l->of->name;

	if (is_file(l->of))
		fputs("FILE\n", out);
	else if (strcmp(name, "model") == 0)
		list_names(l, NAMES_MODELS, NULL, "", out);
	else if (strncmp(name, "channels", 8) == 0)
		list_channels(l, out);
}

static void list_help(struct line *l, FILE *out)
{
	l->given[0] = l->given[1];
	if (--l->n < 2)
		list_words(l, l->n, out);
}

void ctl_complete(int n, char **words, FILE *out)
{
	struct line l = { 0 };

	read_line(&l, n, words);
	if (l.of) {
		list_argument(&l, out);
		return;
	}
	if (l.n > 0 && strcmp(l.given[0], "help") == 0) {
		list_help(&l, out);
		return;
	}
	if (l.last[0] == '-')
		list_options(takes_of(&l), out);
	else if (l.n == 0)
		list_words(&l, 0, out);
	else if (l.n == 1)
		list_words(&l, 1, out);
	if (l.last[0] != '-' && l.n > 0)
		list_operands(&l, out);
}
