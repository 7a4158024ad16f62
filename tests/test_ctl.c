/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "ctl/args_in.h"
#include "ctl/audit.h"
#include "ctl/files.h"
#include "ctl/plain.h"
#include "ctl/table.h"
#include "ctl/top.h"

#define ARGS_MAX 12

static struct ctl_args args;
static struct err err;

/* Words with spaces between, as a shell would split them. */
static int parse(const char *line)
{
	static char text[512];
	static char *argv[ARGS_MAX + 1];
	char *save = NULL;
	int argc = 0;

	(void)snprintf(text, sizeof(text), "konstructctl %s", line);
	for (argv[argc] = strtok_r(text, " ", &save);
	     argv[argc] && argc < ARGS_MAX;
	     argv[argc] = strtok_r(NULL, " ", &save))
		argc++;
	memset(&err, 0, sizeof(err));
	return ctl_args_parse(&args, argc, argv, &err);
}

static const struct {
	const char *line;
	enum ctl_command command;
	const char *operand;
} good[] = {
	{ "tenant list", CTL_TENANT_LIST, NULL },
	{ "tenant show acme", CTL_TENANT_SHOW, "acme" },
	{ "tenant add acme --app-token-file a --bot-token-file b",
	  CTL_TENANT_ADD, "acme" },
	{ "--app-token-file a tenant add --bot-token-file b acme",
	  CTL_TENANT_ADD, "acme" },
	{ "tenant set acme --burst 3", CTL_TENANT_SET, "acme" },
	{ "tenant set acme --budget none", CTL_TENANT_SET, "acme" },
	{ "usage acme --by day --since 30d", CTL_USAGE, "acme" },
	{ "usage", CTL_USAGE, NULL },
	{ "tenant set acme --model fast", CTL_TENANT_SET, "acme" },
	{ "tenant set acme --bot-token-file f", CTL_TENANT_SET, "acme" },
	{ "tenant remove acme --offline", CTL_TENANT_REMOVE, "acme" },
	{ "agent set acme --name Mara", CTL_AGENT_SET, "acme" },
	{ "--json agent show acme", CTL_AGENT_SHOW, "acme" },
	{ "agent add acme --name Nils --channels C1,C2", CTL_AGENT_ADD,
	  "acme" },
	{ "agent set acme Nils --default", CTL_AGENT_SET, "acme" },
	{ "agent list acme", CTL_AGENT_LIST, "acme" },
	{ "agent remove acme Nils", CTL_AGENT_REMOVE, "acme" },
	{ "-c f -s s apply t.json", CTL_APPLY, "t.json" },
	{ "apply -", CTL_APPLY, "-" },
	{ "explain Ev1", CTL_EXPLAIN, "Ev1" },
	{ "backup f", CTL_BACKUP, "f" },
	{ "dead list", CTL_DEAD_LIST, NULL },
	{ "dead replay all --offline", CTL_DEAD_REPLAY, "all" },
	{ "dead drop 0abc", CTL_DEAD_DROP, "0abc" },
	{ "status", CTL_STATUS, NULL },
	{ "reload", CTL_RELOAD, NULL },
	{ "export --token-files", CTL_EXPORT, NULL },
	{ "top --once", CTL_TOP, NULL },
	{ "config diff --json", CTL_CONFIG_DIFF, NULL },
	{ "-c f config check", CTL_CONFIG_CHECK, NULL },
	{ "status --help", CTL_HELP, "status" },
	{ "--help", CTL_HELP, NULL },
	{ "help", CTL_HELP, NULL },
	{ "help tenant set", CTL_HELP, "tenant" },
	{ "tenant set --help --burst 3", CTL_HELP, "tenant" },
	{ "--version", CTL_VERSION, NULL },
};

START_TEST(options_stand_anywhere)
{
	ck_assert_msg(parse(good[_i].line) == 0, "%s: %s", good[_i].line,
		      err.msg);
	ck_assert_int_eq(args.command, good[_i].command);
	ck_assert_pstr_eq(args.operand, good[_i].operand);
}
END_TEST

static const struct {
	const char *line;
	const char *want;
} bad[] = {
	{ "", "no command" },
	{ "tennant list", "unknown command 'tennant'; perhaps 'tenant'" },
	{ "tenant lst", "unknown command 'lst'; perhaps 'tenant list'" },
	{ "frobnicate", "unknown command 'frobnicate'" },
	{ "dead letters", "unknown command 'letters'; 'dead' has list, show, "
			  "replay, drop" },
	{ "stats", "unknown command 'stats'; perhaps 'status'" },
	{ "config", "'config' wants one of check, diff" },
	{ "help tennant", "unknown command 'tennant'; perhaps 'tenant'" },
	{ "tenant show", "NAME is missing" },
	{ "tenant show a b", "unexpected 'b'" },
	{ "status now", "unexpected 'now'" },
	{ "apply", "FILE is missing" },
	{ "explain", "PERMALINK|EVENT|ENTRY is missing" },
	{ "dead", "'dead' wants one of list, show, replay, drop" },
	{ "dead rplay x", "unknown command 'rplay'; perhaps 'dead replay'" },
	{ "tenant add a --app-token-file f",
	  "--app-token-file and --bot-token-file are needed" },
	{ "tenant set a", "nothing to set" },
	{ "tenant set a --app-token-file f",
	  "--app-token-file wants a --bot-token-file" },
	{ "tenant list --role x", "this command takes no '--role'" },
	{ "tenant set a --role x --burst 3", "this command takes no '--role'" },
	{ "tenant set a --bugdet none",
	  "unknown option '--bugdet'; perhaps '--budget'" },
	{ "agent set a", "nothing to set" },
	{ "agent set a b c --role x", "unexpected 'c'" },
	{ "agent add a --role x", "--name is needed" },
	{ "agent add a b --name x", "unexpected 'b'" },
	{ "agent remove", "TENANT is missing" },
	{ "agent remove a", "AGENT is missing" },
	{ "agent list a --default", "this command takes no '--default'" },
	{ "agent set a --persona x --persona-file f",
	  "--persona and --persona-file exclude each other" },
	{ "--frob status", "unknown option '--frob'" },
	{ "status --socket", "'--socket' wants an argument" },
	{ "status --offline", "this command takes no '--offline'" },
	{ "reload --offline", "this command takes no '--offline'" },
	{ "config dif", "unknown command 'dif'; perhaps 'config diff'" },
};

START_TEST(a_wrong_line_is_answered_with_what_is_wrong)
{
	ck_assert_msg(parse(bad[_i].line) == -1, "%s", bad[_i].line);
	ck_assert_str_eq(err.msg, bad[_i].want);
}
END_TEST

/* What "help WORD VERB" prints. */
static const char *help_of(const char *word, const char *verb)
{
	static char text[8192];
	FILE *f = fmemopen(text, sizeof(text), "w");

	ctl_usage(word, verb, f);
	(void)fclose(f);
	return text;
}

START_TEST(help_of_a_command_is_of_that_alone)
{
	const char *text = help_of("tenant", "pause");

	ck_assert_ptr_nonnull(strstr(text, "  tenant show|remove|pause"));
	ck_assert_ptr_null(strstr(text, "  tenant set"));
	ck_assert_ptr_null(strstr(text, "who may"));
	text = help_of("tenant", "set");
	ck_assert_ptr_nonnull(strstr(text, "--budget"));
	ck_assert_ptr_nonnull(strstr(text, "--guests"));
	ck_assert_ptr_null(strstr(text, "  agent list"));
	ck_assert_ptr_nonnull(strstr(help_of("agent", "add"), "--guests"));
	text = help_of("dead", NULL);
	ck_assert_ptr_nonnull(strstr(text, "  dead list"));
	ck_assert_ptr_nonnull(strstr(text, "  dead replay|drop"));
	ck_assert_ptr_nonnull(strstr(help_of("dead", "letter"), "dead list"));
}
END_TEST

START_TEST(no_option_takes_a_token)
{
	ck_assert_int_eq(parse("tenant add a --bot-token xoxb-1"), -1);
}
END_TEST

START_TEST(no_two_options_are_taken_for_each_other)
{
	const struct option *o, *p;

	for (o = ctl_options; o->name; o++)
		for (p = o + 1; p->name; p++)
			ck_assert_msg(o->val != p->val, "%s and %s", o->name,
				      p->name);
}
END_TEST

static char dir[] = "/tmp/test_ctl.XXXXXX";

static void put(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, 0600), 0);
}

static void drop(const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	(void)unlink(path);
}

static void files_setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	put("bot", "xoxb-1-secret\n");
	put("persona", "Dry \"wit\".\nKind.\n");
}

static void files_teardown(void)
{
	drop("bot");
	drop("persona");
	(void)rmdir(dir);
}

static int resolve(const char *text, struct buf *out)
{
	char path[256];

	memset(&err, 0, sizeof(err));
	buf_init(out, 65536);
	(void)snprintf(path, sizeof(path), "%s/tenants.json", dir);
	return files_resolve(path, text, strlen(text), out, &err);
}

START_TEST(files_are_looked_for_beside_the_apply_file)
{
	struct buf out;

	ck_assert_msg(resolve("{\"tenants\":[{\"bot_token_file\":\"bot\","
			      "\"n\":[1,true,null,\"x\"],"
			      "\"agent\":{\"persona_file\":\"persona\"}}]}",
			      &out) == 0,
		      "%s", err.msg);
	ck_assert_str_eq(out.data,
			 "{\"tenants\":[{\"bot_token\":\"xoxb-1-secret\","
			 "\"n\":[1,true,null,\"x\"],\"agent\":{\"persona\":"
			 "\"Dry \\\"wit\\\".\\nKind.\\n\"}}]}");
	buf_release(&out);
}
END_TEST

START_TEST(a_file_that_is_missing_is_named)
{
	struct buf out;

	ck_assert_int_eq(resolve("{\"app_token_file\":\"none\"}", &out), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "/none"));
	buf_release(&out);
}
END_TEST

START_TEST(a_reference_that_is_no_string_is_refused)
{
	struct buf out;

	ck_assert_int_eq(resolve("{\"app_token_file\":[\"bot\"]}", &out), -1);
	ck_assert_str_eq(err.msg, "app_token_file: not a string");
	buf_release(&out);
}
END_TEST

START_TEST(columns_are_aligned_and_cells_cannot_steer_a_terminal)
{
	static const char *const heads[] = { "A", "B" };
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	struct table t;

	ck_assert_ptr_nonnull(f);
	table_init(&t, 2, heads);
	table_add(&t, "é\033[2J");
	table_add(&t, NULL);
	table_print(&t, f);
	table_release(&t);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_str_eq(text, "A      B\né?[2J  -\n");
	free(text);
}
END_TEST

static const struct {
	long long seconds;
	const char *want;
} ages[] = {
	{ -5, "0s" },          { 59, "59s" },      { 60, "1m" },
	{ 3600 * 3, "3h 0m" }, { 90000, "1d 1h" },
};

static const struct {
	const char *text;
	const char *line;
} plain[] = {
	{ "Ad\xc3\xa4 \xf0\x9f\x98\x80", "Ad\xc3\xa4 \xf0\x9f\x98\x80" },
	{ "a\033[2Jb\x7f", "a?[2Jb?" },
	{ "\xc2\x9b"
	  "2J",
	  "?2J" },
	{ "acme\xe2\x80\xae"
	  "txt.exe",
	  "acme?txt.exe" },
	{ "\xe2\x80\xa8\xd8\x9c\xe2\x81\xa6", "???" },
	{ "\xff\xc0\xaf", "???" },
	{ "two\nlines\t.", "two?lines?." },
};

/* What "audit verify FILE" says to a file of these bytes. */
static int verify(const char *bytes, size_t n)
{
	struct ctl_args a = { 0 };
	FILE *in = n > 0 ? fmemopen((void *)(uintptr_t)bytes, n, "r")
			 : fopen("/dev/null", "r");
	FILE *out = fopen("/dev/null", "w");
	int rc;

	ck_assert(in && out);
	memset(&err, 0, sizeof(err));
	rc = audit_verify_stream(in, "f", &a, out, &err);
	(void)fclose(in);
	(void)fclose(out);
	return rc;
}

static const struct {
	const char *bytes;
	const char *why;
} no_trails[] = {
	{ "", "f:1: no row" },
	{ "\n", "f:1: " },
	{ "{\"seq\":0}\n", "f:1: seq" },
	{ "{\"seq\":1}\n{\"seq\":\"2\"}\n", "f:2: seq" },
	{ "{\"seq\":1}\nnot json\n", "f:2: invalid JSON" },
	{ "[1]\n", "f:1: seq" },
};

START_TEST(a_file_that_is_no_trail_is_refused_with_its_line)
{
	const char *bytes = no_trails[_i].bytes;

	ck_assert_int_eq(verify(bytes, strlen(bytes)), EX_DATAERR);
	ck_assert_msg(strncmp(err.msg, no_trails[_i].why,
			      strlen(no_trails[_i].why)) == 0,
		      "%s", err.msg);
}
END_TEST

START_TEST(a_line_without_an_end_is_not_read_to_it)
{
	size_t n = 200000;
	char *line = malloc(n);

	ck_assert_ptr_nonnull(line);
	memset(line, ' ', n);
	ck_assert_int_eq(verify(line, n), EX_DATAERR);
	ck_assert_ptr_nonnull(strstr(err.msg, "f:1: longer than"));
	free(line);
}
END_TEST

START_TEST(a_folder_is_no_trail)
{
	struct ctl_args a = { .operand = "/" };

	ck_assert_int_eq(audit_verify_file(&a), EX_DATAERR);
}
END_TEST

START_TEST(text_from_afar_cannot_steer_a_terminal)
{
	char *out = NULL;
	char copy[64];
	size_t n = 0;
	FILE *f = open_memstream(&out, &n);

	ck_assert_ptr_nonnull(f);
	plain_put(plain[_i].text, false, f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_str_eq(out, plain[_i].line);
	free(out);
	(void)snprintf(copy, sizeof(copy), "%s", plain[_i].text);
	plain_mend(copy);
	ck_assert_str_eq(copy, plain[_i].line);
}
END_TEST

START_TEST(ages_are_short)
{
	char out[TABLE_AGE_SIZE];

	table_age(out, ages[_i].seconds);
	ck_assert_str_eq(out, ages[_i].want);
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static const struct {
	const char *text;
	size_t columns, rows;
	const char *want;
} screens[] = {
	{ "a\nb\n", 80, 24, "\x1b[H\x1b[2Ka\n\x1b[2Kb\n\x1b[J" },
	{ "a\nb\nc\n", 80, 2, "\x1b[H\x1b[2Ka\n\x1b[2Kb" },
	{ "abcdef", 3, 24, "\x1b[H\x1b[2Kabc\n\x1b[J" },
	{ "\xc3\xa4\xc3\xb6\xc3\xbc", 2, 24,
	  "\x1b[H\x1b[2K\xc3\xa4\xc3\xb6\n\x1b[J" },
	{ "", 80, 24, "\x1b[H\n\x1b[J" },
};

START_TEST(screen_is_cut_to_its_size)
{
	struct buf out;

	buf_init(&out, 1000);
	top_fit(screens[_i].text, screens[_i].columns, screens[_i].rows, &out);
	ck_assert_str_eq(out.data, screens[_i].want);
	buf_release(&out);
}
END_TEST

#define TOP_HEAD "\"version\":\"1\",\"uptime_s\":60,\"bounds_us\":[1000,50000]"

static const char top_before[] =
	"{" TOP_HEAD ",\"now_ms\":1000,\"turns\":{\"answers\":10},"
	"\"times\":[{\"name\":\"ack\",\"upto\":[5,5,5]}],"
	"\"tenants\":[{\"name\":\"acme\",\"answers\":9},"
	"{\"name\":\"bolt\",\"answers\":1}]}";
static const char top_now[] =
	"{" TOP_HEAD ",\"now_ms\":3000,\"turns\":{\"answers\":15},"
	"\"times\":[{\"name\":\"ack\",\"upto\":[6,103,105]}],"
	"\"tenants\":[{\"name\":\"acme\",\"answers\":10},"
	"{\"name\":\"bolt\",\"answers\":5,\"tokens_in\":7}],"
	"\"links_down\":[{\"app_id\":\"A\\u001b[1m\",\"state\":\"backoff\","
	"\"since_ms\":1000,\"last\":\"closed\"}]}";

static char *top_text(const char *now, const char *before)
{
	struct json *a = json_parse(now, strlen(now), 10000, &err);
	struct json *b =
		before ? json_parse(before, strlen(before), 10000, &err) : NULL;
	char *text;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	ck_assert_ptr_nonnull(a);
	top_show(a, b, f);
	fclose(f);
	json_free(a);
	json_free(b);
	return text;
}

START_TEST(top_shows_what_came_since_the_answer_before)
{
	char *text = top_text(top_now, top_before);

	ck_assert_ptr_nonnull(strstr(text, "answers 15 (2.5/s)"));
	/* Of a hundred one is under a millisecond, two above 50. */
	ck_assert_ptr_nonnull(
		strstr(text, "ack   100    < 50 ms  < 50 ms  > 50 ms"));
	/* The busiest first. */
	ck_assert_ptr_nonnull(strstr(text, "bolt    4        0         7"));
	ck_assert(strstr(text, "bolt") < strstr(text, "acme"));
	ck_assert_ptr_nonnull(strstr(text, "A?[1m     backoff  2s     closed"));
	free(text);
}
END_TEST

START_TEST(top_counts_anew_after_a_restart)
{
	char *text = top_text(top_before, top_now);

	ck_assert_ptr_nonnull(strstr(text, "ack   5      < 1 ms"));
	free(text);
	text = top_text(top_now, NULL);
	ck_assert_ptr_nonnull(strstr(text, "answers 15,"));
	ck_assert_ptr_nonnull(strstr(text, "acme    10 "));
	free(text);
	free(top_text("{}", "{}"));
	free(top_text("{\"times\":[{\"name\":\"x\",\"upto\":[1,2]},{}],"
		      "\"tenants\":[{},{}]}",
		      top_now));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ctl");
	TCase *tc = tcase_create("args");
	TCase *files = tcase_create("files");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, options_stand_anywhere, 0, COUNT(good));
	tcase_add_loop_test(tc, a_wrong_line_is_answered_with_what_is_wrong, 0,
			    COUNT(bad));
	tcase_add_test(tc, help_of_a_command_is_of_that_alone);
	tcase_add_test(tc, no_option_takes_a_token);
	tcase_add_test(tc, no_two_options_are_taken_for_each_other);
	tcase_add_test(tc,
		       columns_are_aligned_and_cells_cannot_steer_a_terminal);
	tcase_add_loop_test(tc,
			    a_file_that_is_no_trail_is_refused_with_its_line, 0,
			    sizeof(no_trails) / sizeof(no_trails[0]));
	tcase_add_test(tc, a_line_without_an_end_is_not_read_to_it);
	tcase_add_test(tc, a_folder_is_no_trail);
	tcase_add_loop_test(tc, text_from_afar_cannot_steer_a_terminal, 0,
			    sizeof(plain) / sizeof(plain[0]));
	tcase_add_loop_test(tc, ages_are_short, 0, COUNT(ages));
	tcase_add_loop_test(tc, screen_is_cut_to_its_size, 0, COUNT(screens));
	tcase_add_test(tc, top_shows_what_came_since_the_answer_before);
	tcase_add_test(tc, top_counts_anew_after_a_restart);
	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(files, files_setup, files_teardown);
	tcase_add_test(files, files_are_looked_for_beside_the_apply_file);
	tcase_add_test(files, a_file_that_is_missing_is_named);
	tcase_add_test(files, a_reference_that_is_no_string_is_refused);
	suite_add_tcase(s, files);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
