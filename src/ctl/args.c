/* SPDX-License-Identifier: ISC */
#include "ctl/args.h"

#include <getopt.h>
#include <stddef.h>
#include <string.h>

#include "base/err.h"
#include "ctl/args_in.h"

/* Levenshtein's distance; words are short. */
static size_t distance(const char *a, const char *b)
{
	size_t row[32];
	size_t i, k, up, diagonal;
	size_t n = strlen(b);

	if (n >= 32)
		return n;
	for (k = 0; k <= n; k++)
		row[k] = k;
	for (i = 1; a[i - 1]; i++) {
		diagonal = row[0];
		row[0] = i;
		for (k = 1; k <= n; k++) {
			up = row[k];
			row[k] = diagonal + (a[i - 1] != b[k - 1]);
			if (up + 1 < row[k])
				row[k] = up + 1;
			if (row[k - 1] + 1 < row[k])
				row[k] = row[k - 1] + 1;
			diagonal = up;
		}
	}
	return row[n];
}

/* Say what was not understood, and what comes nearest; within a word, verbs
 * are looked at. */
static int unknown(const char *got, const char *word, struct err *e)
{
	const char *best = NULL;
	const char *candidate;
	size_t least = 3;
	size_t i, d;

	for (i = 0; i < ctl_nwords; i++) {
		if (word && strcmp(ctl_words[i].word, word) != 0)
			continue;
		candidate = word ? ctl_words[i].verb : ctl_words[i].word;
		d = distance(got, candidate);
		if (d < least) {
			least = d;
			best = candidate;
		}
	}
	if (!best)
		return err_set(e, ERR_INPUT, "unknown command '%.60s'", got);
	return err_set(e, ERR_INPUT,
		       "unknown command '%.60s'; perhaps '%s%s%s'", got,
		       word ? word : "", word ? " " : "", best);
}

static bool is_word(const char *word)
{
	size_t i;

	for (i = 0; i < ctl_nwords; i++)
		if (strcmp(ctl_words[i].word, word) == 0)
			return true;
	return false;
}

/* The row of the words, or -1. *used tells how many words it took. */
static int find(int n, char **words, int *used, struct err *e)
{
	size_t i;

	if (n == 0)
		return err_set(e, ERR_INPUT, "no command");
	if (!is_word(words[0]))
		return unknown(words[0], NULL, e);
	for (i = 0; i < ctl_nwords; i++) {
		if (strcmp(ctl_words[i].word, words[0]) != 0)
			continue;
		*used = ctl_words[i].verb ? 2 : 1;
		if (!ctl_words[i].verb ||
		    (n > 1 && strcmp(ctl_words[i].verb, words[1]) == 0))
			return (int)i;
	}
	if (n == 1)
		return err_set(e, ERR_INPUT, "'%s' wants a further word",
			       words[0]);
	return unknown(words[1], words[0], e);
}

unsigned int ctl_takes(int opt)
{
	size_t i;

	for (i = 0; i < ctl_nplaces; i++)
		if (ctl_places[i].opt == opt)
			return ctl_places[i].takes;
	return 0;
}

static int find_place(int opt)
{
	size_t i;

	for (i = 0; i < ctl_nplaces; i++)
		if (ctl_places[i].opt == opt)
			return (int)i;
	return -1;
}

static const char *option_name(int opt)
{
	const struct option *o;

	for (o = ctl_options; o->name; o++)
		if (o->val == opt)
			return o->name;
	return "?";
}

/* Keeps which options of single commands were given. */
static int take_option(struct ctl_args *a, int opt, char **argv, int *seen,
		       struct err *e)
{
	int at = find_place(opt);

	switch (opt) {
	case 'j':
		a->json = true;
		return 0;
	case 'o':
		a->offline = true;
		return 0;
	case 'W':
		a->agent_view = true;
		*seen = opt;
		return 0;
	case 'x':
		a->token_files = true;
		*seen = opt;
		return 0;
	case 'O':
		a->once = true;
		*seen = opt;
		return 0;
	case 'Q':
		a->commands = true;
		*seen = opt;
		return 0;
	case 'd':
		a->is_default = true;
		*seen = opt;
		return 0;
	case ':':
		return err_set(e, ERR_INPUT, "'%.60s' wants an argument",
			       argv[optind - 1]);
	case '?':
		return err_set(e, ERR_INPUT, "unknown option '%.60s'",
			       argv[optind - 1]);
	default:
		break;
	}
	*(const char **)(void *)((char *)a + ctl_places[at].offset) = optarg;
	if (ctl_places[at].takes != 0)
		*seen = opt;
	return 0;
}

static int check(const struct ctl_args *a, unsigned int takes, int seen,
		 struct err *e)
{
	int at = seen ? find_place(seen) : -1;

	if (at >= 0 && !(ctl_places[at].takes & takes))
		return err_set(e, ERR_INPUT, "this command takes no '--%s'",
			       option_name(seen));
	if ((takes & TAKES_TOKENS) &&
	    (!a->app_token_file || !a->bot_token_file))
		return err_set(e, ERR_INPUT,
			       "--app-token-file and --bot-token-file are "
			       "needed");
	if ((takes & TAKES_CHANGE) && a->app_token_file && !a->bot_token_file)
		return err_set(e, ERR_INPUT,
			       "--app-token-file wants a --bot-token-file");
	if (!a->client_id != !a->client_secret_file)
		return err_set(e, ERR_INPUT,
			       "--client-id and --client-secret-file go "
			       "together");
	if (a->client_id && !a->bot_token_file)
		return err_set(e, ERR_INPUT,
			       "--client-id goes with --bot-token-file");
	if ((takes & (TAKES_AGENT | TAKES_CHANGE)) && !seen)
		return err_set(e, ERR_INPUT, "nothing to set");
	if (a->command == CTL_AGENT_ADD && !a->name)
		return err_set(e, ERR_INPUT, "--name is needed");
	if (a->persona && a->persona_file)
		return err_set(e, ERR_INPUT,
			       "--persona and --persona-file exclude each "
			       "other");
	if ((takes & NO_OFFLINE) && a->offline)
		return err_set(e, ERR_INPUT, "only a daemon that runs knows");
	return 0;
}

/* Words that are wanted, "[...]" only perhaps. */
static int take_operands(struct ctl_args *a, const char *wanted, int n,
			 char **words, struct err *e)
{
	const char **to[] = { &a->operand, &a->second };
	int i, most = 0;
	size_t len;

	for (; wanted && *wanted; wanted += len + strspn(wanted + len, " ")) {
		len = strcspn(wanted, " ");
		if (most == n && *wanted != '[')
			return err_set(e, ERR_INPUT, "%.*s is missing",
				       (int)len, wanted);
		if (most == n)
			break;
		most++;
	}
	if (n > most)
		return err_set(e, ERR_INPUT, "unexpected '%.60s'",
			       words[n - 1]);
	for (i = 0; i < n; i++)
		*to[i] = words[i];
	return 0;
}

int ctl_args_parse(struct ctl_args *a, int argc, char **argv, struct err *e)
{
	int seen = 0;
	int used = 0;
	int opt, row, left;

	memset(a, 0, sizeof(*a));
	optind = 0; /* GNU: begin anew, permute */
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":c:s:jh", ctl_options, NULL)) !=
	       -1) {
		if (opt == 'h' || opt == 'V') {
			a->command = opt == 'h' ? CTL_HELP : CTL_VERSION;
			return 0;
		}
		if (take_option(a, opt, argv, &seen, e) < 0)
			return -1;
	}
	row = find(argc - optind, argv + optind, &used, e);
	if (row < 0)
		return -1;
	a->command = ctl_words[row].command;
	argv += optind + used;
	left = argc - optind - used;
	if (take_operands(a, ctl_words[row].operand, left, argv, e) < 0)
		return -1;
	return check(a, ctl_words[row].takes, seen, e);
}
