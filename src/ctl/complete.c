/* SPDX-License-Identifier: ISC */
#include <stdbool.h>
#include <string.h>

#include "ctl/args_in.h"

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

static bool fits(const struct ctl_word *w, char **given, int n)
{
	return (n < 1 || strcmp(w->word, given[0]) == 0) &&
	       (n < 2 || !w->verb || strcmp(w->verb, given[1]) == 0);
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
static void list_words(char **given, int n, FILE *out)
{
	const char *last = "";
	const char *word;
	size_t i;

	for (i = 0; i < ctl_nwords; i++) {
		if (!fits(&ctl_words[i], given, n))
			continue;
		word = n == 0 ? ctl_words[i].word : ctl_words[i].verb;
		if (word && strcmp(word, last) != 0)
			fprintf(out, "%s\n", word);
		if (word)
			last = word;
	}
}

/* What all commands that it can still be take. */
static unsigned int takes_of(char **given, int n, bool *file)
{
	unsigned int takes = 0;
	size_t i;

	for (i = 0; i < ctl_nwords; i++) {
		if (!fits(&ctl_words[i], given, n))
			continue;
		takes |= ctl_words[i].takes;
		*file = ctl_words[i].operand &&
			strcmp(ctl_words[i].operand, "FILE") == 0;
	}
	return takes;
}

void ctl_complete(int n, char **words, FILE *out)
{
	const struct option *o = NULL;
	char *given[2];
	bool file = false;
	unsigned int takes;
	int i, plain = 0;

	for (i = 0; i < n - 1; i++) {
		o = o ? NULL : wants_argument(words[i]);
		if (!o && words[i][0] != '-' &&
		    (i == 0 || !wants_argument(words[i - 1])) && plain < 2)
			given[plain++] = words[i];
	}
	if (o) {
		if (is_file(o))
			fputs("FILE\n", out);
		return;
	}
	if (plain > 0 && strcmp(given[0], "help") == 0) {
		given[0] = given[1];
		plain--;
		if (plain < 2)
			list_words(given, plain, out);
		return;
	}
	takes = takes_of(given, plain, &file);
	if (n > 0 && words[n - 1][0] == '-')
		list_options(takes, out);
	else if (plain == 1 && file)
		fputs("FILE\n", out);
	else if (plain < 2)
		list_words(given, plain, out);
}
