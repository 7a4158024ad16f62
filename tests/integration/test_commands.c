/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "ctl/args_in.h"
#include "integration/rig.h"
#include "pg.h"

/*
 * Every command of konstructctl is run with --json, and is told of in its help,
 * in its manual page and in the completion. A command without a row here fails
 * the test: its own tests are elsewhere, this one sees that it is none that is
 * only half there.
 */
#define WORDS    12
#define JSON_MAX ((size_t)1 << 20)

static const struct pg *pg;
static struct rig rig;

/* What stands for these in the lines below. */
static char entry[40], old_key[16], message[SIM_TS + 8];

/*
 * In the order in which they are run: DIR is the bed's directory, ENTRY a dead
 * letter, MESSAGE one that was answered, KEY the first key of the store, OWNER
 * a database's URL. Of the doctor's findings there is one: it runs without a
 * unit.
 */
static const struct {
	enum ctl_command command;
	const char *args;
	int status;
	const char *out; /* where its output goes, in DIR; NULL: nowhere */
} runs[] = {
	{ CTL_STATUS, "", 0, NULL },
	{ CTL_TOP, "--once", 0, NULL },
	{ CTL_USAGE, "", 0, NULL },
	{ CTL_USAGE, "acme --by day --since 30d", 0, NULL },
	{ CTL_EXPLAIN, "MESSAGE", 0, NULL },
	{ CTL_DEAD_LIST, "", 0, NULL },
	{ CTL_DEAD_SHOW, "ENTRY", 0, NULL },
	{ CTL_DEAD_REPLAY, "ENTRY", 0, NULL },
	{ CTL_DEAD_DROP, "all", 0, NULL },
	{ CTL_LOG_LEVEL, "", 0, NULL },
	{ CTL_LOG_LEVEL, "turn debug", 0, NULL },
	{ CTL_RELOAD, "", 0, NULL },
	{ CTL_CONFIG_CHECK, "", 0, NULL },
	{ CTL_CONFIG_DIFF, "", 0, NULL },
	{ CTL_DOCTOR, "", 1, NULL },

	{ CTL_APP_CONNECT, "A1", 0, NULL },
	{ CTL_TENANT_ADD,
	  "bolt --app-token-file DIR/app --bot-token-file DIR/bot", 0, NULL },
	{ CTL_TENANT_SET, "bolt --burst 3", 0, NULL },
	{ CTL_TENANT_LIST, "", 0, NULL },
	{ CTL_TENANT_SHOW, "bolt", 0, NULL },
	{ CTL_TENANT_PAUSE, "bolt", 0, NULL },
	{ CTL_TENANT_RESUME, "bolt", 0, NULL },
	{ CTL_TENANT_PURGE, "bolt", 0, NULL },
	{ CTL_TENANT_REMOVE, "bolt", 0, NULL },
	{ CTL_INIT,
	  "--tenant fresh --name Kim --app-token-file DIR/app --bot-token-file "
	  "DIR/bot",
	  0, NULL },
	{ CTL_AGENT_ADD, "acme --name Nils", 0, NULL },
	{ CTL_AGENT_SET, "acme Nils --role cook", 0, NULL },
	{ CTL_AGENT_LIST, "acme", 0, NULL },
	{ CTL_AGENT_SHOW, "acme Nils", 0, NULL },
	{ CTL_AGENT_REMOVE, "acme Nils", 0, NULL },
	{ CTL_EXPORT, "", 0, "all.json" },
	{ CTL_APPLY, "DIR/all.json", 0, NULL },
	{ CTL_MANIFEST, "--name Kim", 0, NULL },

	{ CTL_SECRET_SET, "openai DIR/app", 0, NULL },
	{ CTL_SECRET_LIST, "", 0, NULL },
	{ CTL_SECRET_REMOVE, "openai", 0, NULL },
	{ CTL_KEY_NEW, "", 0, NULL },
	{ CTL_KEY_ADD, "", 0, NULL },
	{ CTL_KEY_ROTATE, "", 0, NULL },
	{ CTL_KEY_LIST, "", 0, NULL },
	{ CTL_KEY_REMOVE, "KEY", 0, NULL },
	{ CTL_BACKUP, "DIR/backup.db", 0, NULL },
	{ CTL_MIGRATE, "--database OWNER", 0, NULL },
	{ CTL_AUDIT_EXPORT, "", 0, "trail.json" },
	{ CTL_AUDIT_VERIFY, "", 0, NULL },
	{ CTL_AUDIT_VERIFY, "DIR/trail.json", 0, NULL },
};
#define RUNS (sizeof(runs) / sizeof(runs[0]))

static void teardown(void)
{
	rig_close(&rig);
}

static const struct ctl_word *word_of(enum ctl_command command)
{
	size_t i;

	for (i = 0; i < ctl_nwords; i++)
		if (ctl_words[i].command == command)
			return &ctl_words[i];
	ck_abort_msg("row %d is no command", (int)command);
	return NULL;
}

static void full_name(const struct ctl_word *w, char out[40])
{
	(void)snprintf(out, 40, "%s%s%s", w->word, w->verb ? " " : "",
		       w->verb ? w->verb : "");
}

static const char *meant(const char *word)
{
	if (strcmp(word, "ENTRY") == 0)
		return entry;
	if (strcmp(word, "MESSAGE") == 0)
		return message;
	if (strcmp(word, "KEY") == 0)
		return old_key;
	if (strcmp(word, "OWNER") == 0)
		return pg->owner;
	return word;
}

/* Its standard output alone; what goes to the other one shows in the log. */
static char *output_of(const char *program, const char *const *args,
		       int *status)
{
	char *text = malloc(JSON_MAX);
	size_t n;
	int out[2];
	pid_t pid;
	FILE *f;

	ck_assert_int_eq(pipe(out), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)dup2(out[1], STDOUT_FILENO);
		(void)execv(program, (char *const *)args);
		_exit(98);
	}
	close(out[1]);
	f = fdopen(out[0], "r");
	ck_assert(f && text);
	n = fread(text, 1, JSON_MAX - 1, f);
	text[n] = '\0';
	(void)fclose(f);
	ck_assert_int_eq(waitpid(pid, status, 0), pid);
	*status = WIFEXITED(*status) ? WEXITSTATUS(*status) : -1;
	return text;
}

/* Runs "konstructctl --json NAME ARGS"; what it says, to be freed. */
static char *run(const char *name, const char *more, int status)
{
	const char *args[WORDS + 5] = { "konstructctl", "--config",
					rig.bed.config, "--json" };
	const char *dir = getenv("KONSTRUCT_BUILDDIR");
	char text[256], paths[WORDS][128], program[512], *out, *save = NULL;
	size_t n = 0;
	char *word;
	int rc;

	(void)snprintf(text, sizeof(text), "%s %s", name, more);
	for (word = strtok_r(text, " ", &save); word && n < WORDS;
	     word = strtok_r(NULL, " ", &save)) {
		(void)snprintf(paths[n], sizeof(paths[n]), "%s", meant(word));
		if (strncmp(word, "DIR/", 4) == 0)
			(void)snprintf(paths[n], sizeof(paths[n]), "%s/%s",
				       rig.bed.dir, word + 4);
		args[n + 4] = paths[n];
		n++;
	}
	ck_assert_ptr_null(word);
	(void)snprintf(program, sizeof(program), "%s/konstructctl",
		       dir ? dir : ".");
	out = output_of(program, args, &rc);
	ck_assert_msg(rc == status, "%s %s: %d, %s", name, more, rc, out);
	return out;
}

/* What bash offers in the place of the last of these words, a line each; to be
 * freed. */
static char *bash_offers(const char *words)
{
	const char *top = getenv("KONSTRUCT_SRCDIR");
	const char *dir = getenv("KONSTRUCT_BUILDDIR");
	char script[1024];
	const char *const args[] = { "bash", "--norc", "-c", script, NULL };
	char *out;
	int rc;

	(void)snprintf(script, sizeof(script),
		       "PATH=%s:$PATH; . %s/etc/konstructctl.bash;"
		       " COMP_WORDS=(konstructctl --config %s %s);"
		       " COMP_CWORD=$((${#COMP_WORDS[@]} - 1));"
		       " _konstructctl; printf '%%s\\n' \"${COMPREPLY[@]}\"",
		       dir ? dir : ".", top ? top : ".", rig.bed.config, words);
	out = output_of("/bin/bash", args, &rc);
	ck_assert_msg(rc == 0, "%s: %d", words, rc);
	return out;
}

/* Nobody waits at a shell for long; who is offered nothing presses it again. */
static void check_offer(const char *words, const char *want)
{
	int64_t until = clock_ms() + MS;
	char *out = bash_offers(words);

	while (strcmp(out, "\n") == 0 && strcmp(want, "\n") != 0 &&
	       clock_ms() < until) {
		free(out);
		out = bash_offers(words);
	}
	ck_assert_msg(strcmp(out, want) == 0, "after '%s': '%s'", words, out);
	free(out);
}

/* One value, or one on each line. */
static void check_json(const char *name, const char *out)
{
	const char *line = out;
	struct err e = { 0 };
	struct json *j;
	size_t n;

	ck_assert_msg(out && *out, "%s says nothing", name);
	for (; *line; line += n + (line[n] == '\n')) {
		n = strcspn(line, "\n");
		j = json_parse(line, n, JSON_MAX, &e);
		ck_assert_msg(j != NULL, "%s: %s", name, out);
		json_free(j);
	}
}

static void take(const char *name, const char *more, const char *path,
		 char *out, size_t size)
{
	char *text = run(name, more, 0);
	struct err e = { 0 };
	struct json *j = json_parse(text, strlen(text), JSON_MAX, &e);

	ck_assert_ptr_nonnull(json_str(j, path));
	(void)snprintf(out, size, "%s", json_str(j, path));
	json_free(j);
	free(text);
}

/* No daemon runs. */
static void let_two_hours_pass(void)
{
	(void)rig_sql(&rig, "UPDATE journal SET received_ms ="
			    " received_ms - 7200000");
}

/* A message that was answered, one that was given up, a second app. */
static void prepare(void)
{
	static const struct sim_install second = {
		.app_id = "A2",
		.team_id = "T2",
		.bot_token = "xoxb-sim-t2",
		.bot_user_id = "UB2",
		.bot_id = "BB2",
		.name = "unused",
	};
	char ts[SIM_TS];

	rig_pace(&rig, 60000, -1);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 1, MS), 0);
	rig_kill(&rig);
	let_two_hours_pass();
	rig_pace(&rig, 0, -1);
	rig_start(&rig);
	free(rig_answer(&rig, "C1", ts));
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	(void)snprintf(message, sizeof(message), "C1:%s", ts);
	ck_assert_int_eq(sim_add_app(rig.sim, "A2", "xapp-1-A2-1-sim", NULL),
			 0);
	ck_assert_int_eq(sim_add_install(rig.sim, &second), 0);
	rig_file(&rig, "app", "xapp-1-A2-1-sim\n", NULL);
	rig_file(&rig, "bot", "xoxb-sim-t2\n", NULL);
	take("dead list", "", "dead.0.entry", entry, sizeof(entry));
	take("key list", "", "keys.0.id", old_key, sizeof(old_key));
}

START_TEST(every_command_speaks_json)
{
	char name[40], *out;
	size_t i;

	rig_up(&rig);
	prepare();
	for (i = 0; i < RUNS; i++) {
		full_name(word_of(runs[i].command), name);
		out = run(name, runs[i].args, runs[i].status);
		check_json(name, out);
		if (runs[i].out)
			rig_file(&rig, runs[i].out, out, NULL);
		free(out);
	}
}
END_TEST

START_TEST(every_command_is_run_here)
{
	char name[40];
	size_t i, k;

	for (i = 0; i < ctl_nwords; i++) {
		full_name(&ctl_words[i], name);
		for (k = 0; k < RUNS; k++)
			if (runs[k].command == ctl_words[i].command)
				break;
		ck_assert_msg(k < RUNS, "'%s' has no row in this test", name);
	}
}
END_TEST

/* Is name there as whole words? */
static bool has_words(const char *text, const char *name)
{
	const char *p = strstr(text, name);

	return p && (p == text || isspace((unsigned char)p[-1])) &&
	       !isalnum((unsigned char)p[strlen(name)]) &&
	       p[strlen(name)] != '-';
}

/* Behind a ".Cm " of an entry: ".It Cm tenant pause Ar name , Cm tenant ...",
 * or one of the lines of an ".It Xo". */
START_TEST(every_command_is_in_the_manual_page)
{
	const char *top = getenv("KONSTRUCT_SRCDIR");
	char line[512], name[48] = "Cm ";
	bool found;
	size_t i;
	FILE *f;

	(void)snprintf(line, sizeof(line), "%s/docs/man/konstructctl.1",
		       top ? top : ".");
	f = fopen(line, "r");
	ck_assert_msg(f != NULL, "%s", line);
	for (i = 0; i < ctl_nwords; i++) {
		full_name(&ctl_words[i], name + 3);
		found = false;
		rewind(f);
		while (!found && fgets(line, sizeof(line), f))
			found = (strncmp(line, ".It Cm ", 7) == 0 &&
				 has_words(line + 4, name)) ||
				(strncmp(line, ".Cm ", 4) == 0 &&
				 has_words(line + 1, name) &&
				 has_words(line + 1, "Ar"));
		ck_assert_msg(found, "konstructctl(1) has no entry '%s'",
			      name + 3);
	}
	(void)fclose(f);
}
END_TEST

/* Commands stand at the left, those that differ in the verb alone together:
 * "  dead replay|drop ENTRY|all". */
static bool is_in_help(const char *help, const struct ctl_word *w)
{
	char words[2][80], name[40];
	const char *line, *verb;

	full_name(w, name);
	for (line = help; line; line = strchr(line + 1, '\n')) {
		if (sscanf(line, "\n  %79[a-z-] %79[a-z|-]", words[0],
			   words[1]) < 1 ||
		    strncmp(line, "\n  ", 3) != 0 || line[3] == ' ' ||
		    strcmp(words[0], w->word) != 0)
			continue;
		if (!w->verb)
			return true;
		for (verb = strtok(words[1], "|"); verb;
		     verb = strtok(NULL, "|"))
			if (strcmp(verb, w->verb) == 0)
				return true;
	}
	return false;
}

START_TEST(every_command_is_in_the_help)
{
	char name[40], *help = NULL;
	size_t i, n;
	FILE *f = open_memstream(&help, &n);

	ctl_usage(NULL, NULL, f);
	(void)fclose(f);
	for (i = 0; i < ctl_nwords; i++) {
		full_name(&ctl_words[i], name);
		ck_assert_msg(is_in_help(help, &ctl_words[i]), "no '%s' in %s",
			      name, help);
	}
	free(help);
}
END_TEST

/* Is want a line of what a shell is offered in the place of the last word? */
static bool is_offered(int n, char **words, const char *want)
{
	char *text = NULL, line[64];
	bool found = false;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	ctl_complete(n, words, f);
	(void)fclose(f);
	f = fmemopen(text, size + 1, "r");
	while (!found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		found = strcmp(line, want) == 0;
	}
	(void)fclose(f);
	free(text);
	return found;
}

START_TEST(every_command_is_completed)
{
	static char nothing[] = "", dash[] = "-";
	char word[40], verb[40];
	char *words[] = { word, verb, dash };
	size_t i;

	for (i = 0; i < ctl_nwords; i++) {
		(void)snprintf(word, sizeof(word), "%s", nothing);
		ck_assert_msg(is_offered(1, words, ctl_words[i].word), "%s",
			      ctl_words[i].word);
		(void)snprintf(word, sizeof(word), "%s", ctl_words[i].word);
		if (!ctl_words[i].verb) {
			words[1] = dash;
			ck_assert_msg(is_offered(2, words, "--json"), "%s",
				      word);
			words[1] = verb;
			continue;
		}
		(void)snprintf(verb, sizeof(verb), "%s", nothing);
		ck_assert_msg(is_offered(2, words, ctl_words[i].verb), "%s %s",
			      word, ctl_words[i].verb);
		(void)snprintf(verb, sizeof(verb), "%s", ctl_words[i].verb);
		ck_assert_msg(is_offered(3, words, "--json"), "%s %s", word,
			      verb);
	}
}
END_TEST

/* The names are others' text: none is run, and each is one word. */
#define TRICKY "Otto $(touch x)"

START_TEST(names_are_completed_in_bash)
{
	const char *const add[] = { "agent",  "add",  "acme",
				    "--name", TRICKY, NULL };
	const char *const bind[] = { "agent",      "set",   "acme", "Mara",
				     "--channels", "C1,C2", NULL };
	char *out;

	if (access("/bin/bash", X_OK) < 0)
		return;
	rig_up(&rig);
	ck_assert_int_eq(rig_ctl(&rig, &out, add), 0);
	free(out);
	ck_assert_int_eq(rig_ctl(&rig, &out, bind), 0);
	free(out);
	check_offer("tenant show ''", "acme\n");
	check_offer("tenant show a", "acme\n");
	check_offer("tenant show b", "\n");
	check_offer("tenant add ''", "\n");
	check_offer("doctor ''", "acme\n");
	check_offer("--json usage ''", "acme\n");
	check_offer("app connect ''", "A1\n");
	check_offer("agent show acme ''", "Mara\nOtto\\ \\$\\(touch\\ x\\)\n");
	check_offer("agent show acme O", "Otto\\ \\$\\(touch\\ x\\)\n");
	check_offer("agent show acme Mara ''", "\n");
	check_offer("agent set acme --model ''", "main\nfast\n");
	check_offer("agent set acme --channels ''", "C1\nC2\n");
	check_offer("agent set acme --channels-denied C1,C", "C1,C1\nC1,C2\n");
	rig_stop(&rig);
	check_offer("tenant show ''", "\n");
	check_offer("tenant sh", "show\n");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("commands");
	TCase *tc = tcase_create("commands");
	SRunner *sr;
	int failed;

	rig_begin();
	pg = pg_start();
	/* Nobody is to be asked at a terminal. */
	if (!freopen("/dev/null", "r", stdin))
		return EXIT_FAILURE;
	tcase_add_test(tc, every_command_is_run_here);
	tcase_add_test(tc, every_command_is_in_the_manual_page);
	tcase_add_test(tc, every_command_is_in_the_help);
	tcase_add_test(tc, every_command_is_completed);
	suite_add_tcase(s, tc);
	tc = tcase_create("runs");
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, every_command_speaks_json);
	tcase_add_test(tc, names_are_completed_in_bash);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	pg_stop();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
