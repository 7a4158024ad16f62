/* SPDX-License-Identifier: ISC */
#include "ctl/args.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/near.h"
#include "ctl/args_in.h"

#define VERBS_SIZE 128
#define PLACES_MAX 64

/* Which options of single commands were given, by their places. */
struct given {
	bool place[PLACES_MAX];
	bool any;
	bool help;
};

/* What else may stand behind a word. */
static void list_verbs(const char *word, char *out, size_t size)
{
	size_t i, n = 0;

	out[0] = '\0';
	for (i = 0; i < ctl_nwords && n < size; i++)
		if (ctl_words[i].verb && strcmp(ctl_words[i].word, word) == 0)
			n += (size_t)snprintf(out + n, size - n, "%s%s",
					      n > 0 ? ", " : "",
					      ctl_words[i].verb);
}

/* Say what was not understood, and what comes nearest; within a word, verbs
 * are looked at. */
static int unknown(const char *got, const char *word, struct err *e)
{
	const char *best = NULL;
	const char *candidate;
	char verbs[VERBS_SIZE];
	size_t least = NEAR;
	size_t i, d;

	for (i = 0; i < ctl_nwords; i++) {
		if (word && strcmp(ctl_words[i].word, word) != 0)
			continue;
		candidate = word ? ctl_words[i].verb : ctl_words[i].word;
		d = near_distance(got, candidate);
		if (d < least) {
			least = d;
			best = candidate;
		}
	}
	if (best)
		return err_set(e, ERR_INPUT,
			       "unknown command '%.60s'; perhaps '%s%s%s'", got,
			       word ? word : "", word ? " " : "", best);
	if (!word)
		return err_set(e, ERR_INPUT, "unknown command '%.60s'", got);
	list_verbs(word, verbs, sizeof(verbs));
	return err_set(e, ERR_INPUT, "unknown command '%.60s'; '%s' has %s",
		       got, word, verbs);
}

/* The same of an option. */
static int unknown_option(const char *got, struct err *e)
{
	const char *best = NULL;
	const struct option *o;
	size_t least = NEAR;
	size_t d;

	for (o = ctl_options; strncmp(got, "--", 2) == 0 && o->name; o++) {
		d = near_distance(got + 2, o->name);
		if (d < least) {
			least = d;
			best = o->name;
		}
	}
	if (!best)
		return err_set(e, ERR_INPUT, "unknown option '%.60s'", got);
	return err_set(e, ERR_INPUT, "unknown option '%.60s'; perhaps '--%s'",
		       got, best);
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
	char verbs[VERBS_SIZE];
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
	list_verbs(words[0], verbs, sizeof(verbs));
	if (n == 1)
		return err_set(e, ERR_INPUT, "'%s' wants one of %s", words[0],
			       verbs);
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

static int take_option(struct ctl_args *a, int opt, char **argv,
		       struct given *g, struct err *e)
{
	int at = find_place(opt);
	void *to;

	if (opt == ':')
		return err_set(e, ERR_INPUT, "'%.60s' wants an argument",
			       argv[optind - 1]);
	if (opt == '?')
		return unknown_option(argv[optind - 1], e);
	if (opt == 'h') {
		a->command = CTL_HELP;
		g->help = true;
		return 0;
	}
	if (ctl_places[at].takes != 0) {
		g->place[at] = true;
		g->any = true;
	}
	to = (char *)a + ctl_places[at].offset;
	if (optarg)
		*(const char **)to = optarg;
	else
		*(bool *)to = true;
	return 0;
}

/* Each one: what is passed over looks as if it were done. */
static int check_taken(const struct given *g, unsigned int takes, struct err *e)
{
	size_t i;

	for (i = 0; i < ctl_nplaces && i < PLACES_MAX; i++)
		if (g->place[i] && !(ctl_places[i].takes & takes))
			return err_set(e, ERR_INPUT,
				       "this command takes no '--%s'",
				       option_name(ctl_places[i].opt));
	return 0;
}

static int check(const struct ctl_args *a, unsigned int takes,
		 const struct given *g, struct err *e)
{
	if (check_taken(g, takes, e) < 0)
		return -1;
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
	if ((takes & (TAKES_AGENT | TAKES_CHANGE)) && !g->any)
		return err_set(e, ERR_INPUT, "nothing to set");
	if (a->command == CTL_AGENT_ADD && !a->name)
		return err_set(e, ERR_INPUT, "--name is needed");
	if (a->persona && a->persona_file)
		return err_set(e, ERR_INPUT,
			       "--persona and --persona-file exclude each "
			       "other");
	if ((takes & NO_OFFLINE) && a->offline)
		return err_set(e, ERR_INPUT,
			       "this command takes no '--offline'");
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

/* Of which command; of all, if it is none. */
static int take_help(struct ctl_args *a, int n, char **words, struct err *e)
{
	a->command = CTL_HELP;
	if (n == 0)
		return 0;
	if (!is_word(words[0]))
		return unknown(words[0], NULL, e);
	a->operand = words[0];
	a->second = n > 1 ? words[1] : NULL;
	return 0;
}

int ctl_args_parse(struct ctl_args *a, int argc, char **argv, struct err *e)
{
	struct given given = { 0 };
	int used = 0;
	int opt, row, left;

	memset(a, 0, sizeof(*a));
	optind = 0; /* GNU: begin anew, permute */
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":c:s:jh", ctl_options, NULL)) !=
	       -1) {
		if (opt == 'V') {
			a->command = CTL_VERSION;
			return 0;
		}
		if (take_option(a, opt, argv, &given, e) < 0)
			return -1;
	}
	argv += optind;
	left = argc - optind;
	if (left > 0 && strcmp(argv[0], "help") == 0)
		return take_help(a, left - 1, argv + 1, e);
	if (given.help)
		return take_help(a, left, argv, e);
	row = find(left, argv, &used, e);
	if (row < 0)
		return -1;
	a->command = ctl_words[row].command;
	argv += used;
	left -= used;
	if (take_operands(a, ctl_words[row].operand, left, argv, e) < 0)
		return -1;
	return check(a, ctl_words[row].takes, &given, e);
}
