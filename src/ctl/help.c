/* SPDX-License-Identifier: ISC */
#include <stdbool.h>
#include <string.h>

#include "ctl/args.h"

/* A command begins with two blanks, what belongs to it with more. */
static const char commands[] =
	"  tenant add NAME --app-token-file FILE --bot-token-file FILE\n"
	"        [--refresh-token-file FILE --client-id ID\n"
	"        --client-secret-file FILE]\n"
	"  tenant set NAME [[--app-token-file FILE] --bot-token-file FILE]\n"
	"        [--model MODEL]\n"
	"        [--rate-per-minute N|default] [--burst N|default]\n"
	"        [--budget SCOPE/KIND/PERIOD=N,...|none] [who may]\n"
	"        [--agent-sessions yes|no] [--streaming yes|no]\n"
	"        [--debug-text 2h|30m|off]\n"
	"        [--canary-channel [WORKSPACE:]ID|off] [--canary-minutes N]\n"
	"        [--keep-transcripts, --keep-usage, --keep-feedback,\n"
	"        --keep-audit, --keep-history DAYS|default]\n"
	"  tenant purge NAME   erase what is stored of its people\n"
	"  tenant list\n"
	"  tenant show|remove|pause|resume NAME\n"
	"  agent add TENANT --name NAME [the same as set]\n"
	"  agent set TENANT [AGENT] [--name NAME] [--role ROLE]\n"
	"        [--persona TEXT | --persona-file FILE]\n"
	"        [--model MODEL] [--placeholder TEXT] [--locale en|de]\n"
	"        [--channels ID,ID...|none] [--default]\n"
	"        [--paused yes|no] [who may]\n"
	"  agent list TENANT\n"
	"  agent show TENANT [AGENT]\n"
	"  agent remove TENANT AGENT\n"
	"  app connect APP   dial it at once, whatever it waits for\n"
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
	"        [--proxy URL [--proxy-user NAME\n"
	"        --proxy-password-file FILE]] [--ca-file FILE]\n"
	"        [--tenant NAME] [--app-token-file FILE]\n"
	"        [--bot-token-file FILE] [--name NAME] [--role ROLE]\n"
	"        [--persona TEXT]    from nothing to the first answer\n"
	"  manifest [--name NAME] [--commands] [--agent-view]\n"
	"                                of the Slack app\n"
	"  migrate [--database URL]  as the owner of a PostgreSQL\n";

static const char who_may[] =
	"  who may:\n"
	"      --channels-allowed IDS|all|default\n"
	"      --channels-denied IDS|none|default\n"
	"      --people-allowed IDS|all|default\n"
	"      --people-denied IDS|none|default\n"
	"      --groups-allowed IDS|all|default\n"
	"      --groups-denied IDS|none|default\n"
	"      --guests, --strangers, --direct-messages yes|no|default\n"
	"      --bots-allowed IDS|none|default  --bot-answers N|default\n";

static const char options[] =
	"  -c, --config FILE  the daemon's settings, for its socket\n"
	"  -s, --socket PATH  the daemon's admin socket\n"
	"  -j, --json         print what the daemon says as JSON\n"
	"      --offline      work on the store; no daemon runs\n"
	"      --version, --help\n";

/* "pause" is one of "show|remove|pause|resume". *at: where the next begins. */
static bool is_word(const char **at, const char *word)
{
	const char *p = *at + strspn(*at, " ");
	size_t n = strlen(word);
	bool found = false;

	for (;; p++) {
		found = found || (strncmp(p, word, n) == 0 &&
				  strchr(" |\n", p[n]) != NULL);
		p += strcspn(p, " |\n");
		if (*p != '|')
			break;
	}
	*at = p;
	return found;
}

/* The lines of the commands that these words can be; how many there were. */
static int usage_of(const char *word, const char *verb, bool *who, FILE *out)
{
	const char *p, *at, *end;
	bool fits = false;
	int n = 0;

	for (p = commands; *p; p = end) {
		end = strchr(p, '\n') + 1;
		at = p;
		if (p[2] != ' ') {
			fits = is_word(&at, word) &&
			       (!verb || is_word(&at, verb));
			n += fits;
		}
		if (!fits)
			continue;
		(void)fwrite(p, 1, (size_t)(end - p), out);
		*who = *who || memmem(p, (size_t)(end - p), "who may", 7) ||
		       memmem(p, (size_t)(end - p), "same as set", 11);
	}
	return n;
}

void ctl_usage(const char *word, const char *verb, FILE *out)
{
	bool who = !word;

	fputs("usage: konstructctl [--config FILE] [--socket PATH] [--json]"
	      " [--offline] COMMAND\n\n",
	      out);
	if (!word)
		fputs(commands, out);
	else if (usage_of(word, verb, &who, out) == 0)
		(void)usage_of(word, NULL, &who, out);
	if (who)
		fprintf(out, "\n%s", who_may);
	if (!word)
		fprintf(out, "\n%s", options);
	fputs("\n'konstructctl help COMMAND' shows one; konstructctl(1) tells"
	      " more.\n",
	      out);
}
