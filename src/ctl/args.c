/* SPDX-License-Identifier: ISC */
#include "ctl/args.h"

#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "ctl/args_in.h"

const struct ctl_word ctl_words[] = {
	{ "tenant", "add", "NAME", TAKES_TOKENS, CTL_TENANT_ADD },
	{ "tenant", "set", "NAME", TAKES_CHANGE, CTL_TENANT_SET },
	{ "tenant", "list", NULL, 0, CTL_TENANT_LIST },
	{ "tenant", "show", "NAME", 0, CTL_TENANT_SHOW },
	{ "tenant", "remove", "NAME", 0, CTL_TENANT_REMOVE },
	{ "tenant", "pause", "NAME", 0, CTL_TENANT_PAUSE },
	{ "tenant", "resume", "NAME", 0, CTL_TENANT_RESUME },
	{ "tenant", "purge", "NAME", 0, CTL_TENANT_PURGE },
	{ "agent", "add", "TENANT", TAKES_AGENT, CTL_AGENT_ADD },
	{ "agent", "set", "TENANT [AGENT]", TAKES_AGENT, CTL_AGENT_SET },
	{ "agent", "list", "TENANT", 0, CTL_AGENT_LIST },
	{ "agent", "show", "TENANT [AGENT]", 0, CTL_AGENT_SHOW },
	{ "agent", "remove", "TENANT AGENT", 0, CTL_AGENT_REMOVE },
	{ "apply", NULL, "FILE", 0, CTL_APPLY },
	{ "export", NULL, NULL, TAKES_EXPORT, CTL_EXPORT },
	{ "backup", NULL, "FILE", NO_OFFLINE, CTL_BACKUP },
	{ "explain", NULL, "PERMALINK|EVENT|ENTRY", 0, CTL_EXPLAIN },
	{ "dead", "list", NULL, 0, CTL_DEAD_LIST },
	{ "dead", "show", "ENTRY", 0, CTL_DEAD_SHOW },
	{ "dead", "replay", "ENTRY|all", 0, CTL_DEAD_REPLAY },
	{ "dead", "drop", "ENTRY|all", 0, CTL_DEAD_DROP },
	{ "key", "list", NULL, 0, CTL_KEY_LIST },
	{ "key", "new", NULL, NO_OFFLINE, CTL_KEY_NEW },
	{ "key", "add", NULL, NO_OFFLINE, CTL_KEY_ADD },
	{ "key", "rotate", NULL, 0, CTL_KEY_ROTATE },
	{ "key", "remove", "KEY", 0, CTL_KEY_REMOVE },
	{ "secret", "list", NULL, 0, CTL_SECRET_LIST },
	{ "secret", "set", "NAME FILE", 0, CTL_SECRET_SET },
	{ "secret", "remove", "NAME", 0, CTL_SECRET_REMOVE },
	{ "status", NULL, NULL, NO_OFFLINE, CTL_STATUS },
	{ "usage", NULL, "[TENANT]", TAKES_USAGE, CTL_USAGE },
	{ "audit", "verify", "[FILE]", TAKES_HEAD, CTL_AUDIT_VERIFY },
	{ "audit", "export", NULL, TAKES_SINCE, CTL_AUDIT_EXPORT },
	{ "top", NULL, NULL, TAKES_ONCE | NO_OFFLINE, CTL_TOP },
	{ "log-level", NULL, "[PART] [LEVEL]", NO_OFFLINE, CTL_LOG_LEVEL },
	{ "reload", NULL, NULL, NO_OFFLINE, CTL_RELOAD },
	{ "config", "check", NULL, NO_OFFLINE, CTL_CONFIG_CHECK },
	{ "config", "diff", NULL, NO_OFFLINE, CTL_CONFIG_DIFF },
	{ "doctor", NULL, "[TENANT]", NO_OFFLINE, CTL_DOCTOR },
	{ "init", NULL, NULL, TAKES_INIT | NO_OFFLINE, CTL_INIT },
	{ "manifest", NULL, NULL, TAKES_MANIFEST | NO_OFFLINE, CTL_MANIFEST },
	{ "migrate", NULL, NULL, TAKES_DATABASE, CTL_MIGRATE },
};
const size_t ctl_nwords = sizeof(ctl_words) / sizeof(ctl_words[0]);

#define ACCESS_OPTION 256 /* the first of those without a letter */
#define HEAD_OPTION   300
#define KEEP_OPTION   320

const struct option ctl_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "socket", required_argument, NULL, 's' },
	{ "json", no_argument, NULL, 'j' },
	{ "offline", no_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "app-token-file", required_argument, NULL, 'A' },
	{ "bot-token-file", required_argument, NULL, 'B' },
	{ "refresh-token-file", required_argument, NULL, 'X' },
	{ "client-id", required_argument, NULL, 'I' },
	{ "client-secret-file", required_argument, NULL, 'S' },
	{ "name", required_argument, NULL, 'N' },
	{ "role", required_argument, NULL, 'R' },
	{ "persona", required_argument, NULL, 'P' },
	{ "persona-file", required_argument, NULL, 'F' },
	{ "model", required_argument, NULL, 'M' },
	{ "placeholder", required_argument, NULL, 'T' },
	{ "locale", required_argument, NULL, 'l' },
	{ "database", required_argument, NULL, 'D' },
	{ "url", required_argument, NULL, 'U' },
	{ "api-key-file", required_argument, NULL, 'K' },
	{ "tenant", required_argument, NULL, 'E' },
	{ "rate-per-minute", required_argument, NULL, 'r' },
	{ "burst", required_argument, NULL, 'b' },
	{ "budget", required_argument, NULL, 'L' },
	{ "by", required_argument, NULL, 'Y' },
	{ "since", required_argument, NULL, 'Z' },
	{ "head", required_argument, NULL, HEAD_OPTION },
	{ "channels", required_argument, NULL, 'C' },
	{ "channels-allowed", required_argument, NULL, ACCESS_OPTION + 0 },
	{ "channels-denied", required_argument, NULL, ACCESS_OPTION + 1 },
	{ "people-allowed", required_argument, NULL, ACCESS_OPTION + 2 },
	{ "people-denied", required_argument, NULL, ACCESS_OPTION + 3 },
	{ "groups-allowed", required_argument, NULL, ACCESS_OPTION + 4 },
	{ "groups-denied", required_argument, NULL, ACCESS_OPTION + 5 },
	{ "guests", required_argument, NULL, ACCESS_OPTION + 6 },
	{ "strangers", required_argument, NULL, ACCESS_OPTION + 7 },
	{ "direct-messages", required_argument, NULL, ACCESS_OPTION + 8 },
	{ "bots-allowed", required_argument, NULL, ACCESS_OPTION + 9 },
	{ "bot-answers", required_argument, NULL, ACCESS_OPTION + 10 },
	{ "agent-sessions", required_argument, NULL, 'G' },
	{ "streaming", required_argument, NULL, 'g' },
	{ "keep-transcripts", required_argument, NULL, KEEP_OPTION + 0 },
	{ "keep-usage", required_argument, NULL, KEEP_OPTION + 1 },
	{ "keep-feedback", required_argument, NULL, KEEP_OPTION + 2 },
	{ "keep-audit", required_argument, NULL, KEEP_OPTION + 3 },
	{ "keep-history", required_argument, NULL, KEEP_OPTION + 4 },
	{ "default", no_argument, NULL, 'd' },
	{ "agent-view", no_argument, NULL, 'W' },
	{ "once", no_argument, NULL, 'O' },
	{ "token-files", no_argument, NULL, 'x' },
	{ "commands", no_argument, NULL, 'Q' },
	{ NULL, 0, NULL, 0 },
};

#define ACCESS_PLACE(i)                                     \
	{                                                   \
		ACCESS_OPTION + (i),                        \
			offsetof(struct ctl_args, access) + \
				(i) * sizeof(const char *), \
			TAKES_AGENT | TAKES_CHANGE          \
	}

#define KEEP_PLACE(i)                                       \
	{                                                   \
		KEEP_OPTION + (i),                          \
			offsetof(struct ctl_args, keep) +   \
				(i) * sizeof(const char *), \
			TAKES_CHANGE                        \
	}

/* Where an option's argument goes, and who takes it (0: every command). */
static const struct {
	int opt;
	size_t offset;
	unsigned int takes;
} places[] = {
	{ 'c', offsetof(struct ctl_args, config), 0 },
	{ 's', offsetof(struct ctl_args, socket), 0 },
	{ 'A', offsetof(struct ctl_args, app_token_file),
	  TAKES_TOKENS | TAKES_CHANGE | TAKES_INIT },
	{ 'B', offsetof(struct ctl_args, bot_token_file),
	  TAKES_TOKENS | TAKES_CHANGE | TAKES_INIT },
	{ 'X', offsetof(struct ctl_args, refresh_token_file),
	  TAKES_TOKENS | TAKES_CHANGE },
	{ 'I', offsetof(struct ctl_args, client_id),
	  TAKES_TOKENS | TAKES_CHANGE },
	{ 'S', offsetof(struct ctl_args, client_secret_file),
	  TAKES_TOKENS | TAKES_CHANGE },
	{ 'N', offsetof(struct ctl_args, name),
	  TAKES_AGENT | TAKES_INIT | TAKES_MANIFEST },
	{ 'R', offsetof(struct ctl_args, role), TAKES_AGENT | TAKES_INIT },
	{ 'P', offsetof(struct ctl_args, persona), TAKES_AGENT | TAKES_INIT },
	{ 'F', offsetof(struct ctl_args, persona_file), TAKES_AGENT },
	{ 'M', offsetof(struct ctl_args, model),
	  TAKES_AGENT | TAKES_INIT | TAKES_CHANGE },
	{ 'T', offsetof(struct ctl_args, placeholder), TAKES_AGENT },
	{ 'l', offsetof(struct ctl_args, locale), TAKES_AGENT },
	{ 'D', offsetof(struct ctl_args, database), TAKES_DATABASE },
	{ 'U', offsetof(struct ctl_args, url), TAKES_INIT },
	{ 'K', offsetof(struct ctl_args, api_key_file), TAKES_INIT },
	{ 'E', offsetof(struct ctl_args, tenant), TAKES_INIT },
	{ 'r', offsetof(struct ctl_args, rate), TAKES_CHANGE },
	{ 'b', offsetof(struct ctl_args, burst), TAKES_CHANGE },
	{ 'L', offsetof(struct ctl_args, budget), TAKES_CHANGE },
	{ 'G', offsetof(struct ctl_args, agent_sessions), TAKES_CHANGE },
	{ 'g', offsetof(struct ctl_args, streaming), TAKES_CHANGE },
	{ 'Y', offsetof(struct ctl_args, by), TAKES_USAGE },
	{ 'Z', offsetof(struct ctl_args, since), TAKES_USAGE | TAKES_SINCE },
	{ HEAD_OPTION, offsetof(struct ctl_args, head), TAKES_HEAD },
	{ 'C', offsetof(struct ctl_args, channels), TAKES_AGENT },
	ACCESS_PLACE(0),
	ACCESS_PLACE(1),
	ACCESS_PLACE(2),
	ACCESS_PLACE(3),
	ACCESS_PLACE(4),
	ACCESS_PLACE(5),
	ACCESS_PLACE(6),
	ACCESS_PLACE(7),
	ACCESS_PLACE(8),
	ACCESS_PLACE(9),
	ACCESS_PLACE(10),
	KEEP_PLACE(0),
	KEEP_PLACE(1),
	KEEP_PLACE(2),
	KEEP_PLACE(3),
	KEEP_PLACE(4),
	{ 'd', offsetof(struct ctl_args, is_default), TAKES_AGENT },
	{ 'W', offsetof(struct ctl_args, agent_view), TAKES_MANIFEST },
	{ 'O', offsetof(struct ctl_args, once), TAKES_ONCE },
	{ 'x', offsetof(struct ctl_args, token_files), TAKES_EXPORT },
	{ 'Q', offsetof(struct ctl_args, commands), TAKES_MANIFEST },
};

void ctl_usage(FILE *out)
{
	fputs("usage: konstructctl [--config FILE] [--socket PATH] [--json]"
	      " [--offline] COMMAND\n"
	      "\n"
	      "  tenant add NAME --app-token-file FILE --bot-token-file FILE\n"
	      "        [--refresh-token-file FILE --client-id ID\n"
	      "        --client-secret-file FILE]\n"
	      "  tenant set NAME [[--app-token-file FILE] --bot-token-file FILE]\n"
	      "        [--model MODEL]\n"
	      "        [--rate-per-minute N|default] [--burst N|default]\n"
	      "        [--budget SCOPE/KIND/PERIOD=N,...|none] [who may]\n"
	      "        [--agent-sessions yes|no] [--streaming yes|no]\n"
	      "        [--keep-transcripts, --keep-usage, --keep-feedback,\n"
	      "        --keep-audit, --keep-history DAYS|default]\n"
	      "  tenant purge NAME   erase what is stored of its people\n"
	      "  tenant list\n"
	      "  tenant show|remove|pause|resume NAME\n"
	      "  agent add TENANT --name NAME [the same as set]\n"
	      "  agent set TENANT [AGENT] [--name NAME] [--role ROLE]\n"
	      "        [--persona TEXT | --persona-file FILE]\n"
	      "        [--model MODEL] [--placeholder TEXT] [--locale en|de]\n"
	      "        [--channels ID,ID...|none] [--default] [who may]\n"
	      "  agent list TENANT\n"
	      "  agent show TENANT [AGENT]\n"
	      "  agent remove TENANT AGENT\n"
	      "  apply FILE.json\n"
	      "  export [--token-files]  all tenants, for apply; no secrets\n"
	      "  backup FILE     of an SQLite store, also while the daemon runs\n"
	      "  explain PERMALINK|EVENT|ENTRY\n"
	      "  dead list\n"
	      "  dead show ENTRY\n"
	      "  dead replay|drop ENTRY|all\n"
	      "  key list        under which keys secrets are encrypted\n"
	      "  key rotate      by a new one, or the newest of the key file\n"
	      "  key new         print one\n"
	      "  key add         put one into the key file\n"
	      "  key remove KEY  take one out, that isn't needed any more\n"
	      "  secret list\n"
	      "  secret set NAME FILE\n"
	      "  secret remove NAME\n"
	      "  status\n"
	      "  usage [TENANT] [--by tenant|model|day|channel|person]\n"
	      "        [--since YYYY-MM-DD|DAYSd]   of this month, and budgets\n"
	      "  audit export [--since YYYY-MM-DD|DAYSd]\n"
	      "                  who asked, and what was changed\n"
	      "  audit verify [FILE] [--head ROW:HASH]   is it all there?\n"
	      "  top [--once]    what goes on, live; q ends it\n"
	      "  log-level [[PART] LEVEL]   what is logged, without a restart\n"
	      "  reload          the settings, without a restart\n"
	      "  config check    look for mistakes in the settings\n"
	      "  config diff     how the file differs from what runs\n"
	      "  doctor [TENANT]  as root or as the daemon's user\n"
	      "  init [--url URL] [--model MODEL] [--api-key-file FILE]\n"
	      "        [--tenant NAME] [--app-token-file FILE]\n"
	      "        [--bot-token-file FILE] [--name NAME] [--role ROLE]\n"
	      "        [--persona TEXT]    from nothing to the first answer\n"
	      "  manifest [--name NAME] [--commands] [--agent-view]\n"
	      "                                of the Slack app\n"
	      "  migrate [--database URL]  as the owner of a PostgreSQL\n"
	      "\n"
	      "  who may:\n"
	      "      --channels-allowed IDS|all|default\n"
	      "      --channels-denied IDS|none|default\n"
	      "      --people-allowed IDS|all|default\n"
	      "      --people-denied IDS|none|default\n"
	      "      --groups-allowed IDS|all|default\n"
	      "      --groups-denied IDS|none|default\n"
	      "      --guests, --strangers, --direct-messages yes|no|default\n"
	      "      --bots-allowed IDS|none|default  --bot-answers N|default\n"
	      "\n"
	      "  -c, --config FILE  the daemon's settings, for its socket\n"
	      "  -s, --socket PATH  the daemon's admin socket\n"
	      "  -j, --json         print what the daemon says as JSON\n"
	      "      --offline      work on the store; no daemon runs\n"
	      "      --version, --help\n",
	      out);
}

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

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (places[i].opt == opt)
			return places[i].takes;
	return 0;
}

static int find_place(int opt)
{
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (places[i].opt == opt)
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
	*(const char **)(void *)((char *)a + places[at].offset) = optarg;
	if (places[at].takes != 0)
		*seen = opt;
	return 0;
}

static int check(const struct ctl_args *a, unsigned int takes, int seen,
		 struct err *e)
{
	int at = seen ? find_place(seen) : -1;

	if (at >= 0 && !(places[at].takes & takes))
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
