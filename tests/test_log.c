/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log_in.h"
#include "base/log_text.h"

static int fds[2];
static char line[65536];

/* Each test runs in a process of its own, whose stderr ends here. */
static void setup(void)
{
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_ge(dup2(fds[1], STDERR_FILENO), 0);
	close(fds[1]);
	unsetenv("JOURNAL_STREAM");
	log_journal_at("/nonexistent");
}

/* What one read finds: a line is one write. */
static const char *read_line(void)
{
	ssize_t n = read(fds[0], line, sizeof(line) - 1);

	ck_assert_int_gt(n, 0);
	line[n] = '\0';
	return line;
}

static const char *after_time(void)
{
	const char *s = read_line();

	ck_assert_int_eq(strncmp(s, "time=2", 6), 0);
	ck_assert_int_eq(s[28], 'Z');
	return s + 30;
}

START_TEST(line_has_level_message_and_fields)
{
	log_info(LOG_FIELDS({ "tenant", "t1" }, { "gone", NULL },
			    { "channel", "C1" }),
		 "link is %s", "up");
	ck_assert_str_eq(after_time(), "level=info msg=\"link is up\" "
				       "tenant=t1 channel=C1\n");
	log_error(NULL, "plain");
	ck_assert_str_eq(after_time(), "level=error msg=plain\n");
}
END_TEST

static const struct {
	const char *value;
	const char *shown;
} values[] = {
	{ "plain-1.2/x:y", "plain-1.2/x:y" },
	{ "", "\"\"" },
	{ "two words", "\"two words\"" },
	{ "a=b", "\"a=b\"" },
	{ "say \"hi\"", "\"say \\\"hi\\\"\"" },
	{ "back\\slash", "\"back\\\\slash\"" },
	{ "x\nlevel=error msg=forged", "\"x\\nlevel=error msg=forged\"" },
	{ "x\rfoo", "\"x\\u000dfoo\"" },
	{ "x\" level=error y=\"", "\"x\\\" level=error y=\\\"\"" },
	{ "esc\x1b[2J", "\"esc\\u001b[2J\"" },
	{ "csi\xc2\x9b"
	  "2J",
	  "\"csi\\u009b2J\"" },
	{ "nel\xc2\x85", "\"nel\\u0085\"" },
	{ "ls\xe2\x80\xa8", "\"ls\\u2028\"" },
	{ "rtl\xe2\x80\xae", "\"rtl\\u202e\"" },
	{ "del\x7f", "\"del\\u007f\"" },
	{ "bad\xff\xc0\xaf", "\"bad\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\"" },
};

START_TEST(hostile_value_stays_in_its_quotes)
{
	char want[200];

	log_warn(LOG_FIELDS({ "v", values[_i].value }), "m");
	(void)snprintf(want, sizeof(want), "level=warn msg=m v=%s\n",
		       values[_i].shown);
	ck_assert_str_eq(after_time(), want);
	log_warn(NULL, "%s", values[_i].value);
	(void)snprintf(want, sizeof(want), "level=warn msg=%s\n",
		       values[_i].shown);
	ck_assert_str_eq(after_time(), want);
}
END_TEST

/* A line is an object with this member, however long it would be. */
static void check_object(const char *s, const char *key, const char *value)
{
	struct err e = { 0 };
	struct json *j = json_parse(s, strlen(s), 8192, &e);

	ck_assert_msg(j != NULL, "%s: %s", e.msg, s);
	ck_assert_ptr_nonnull(json_str(j, "time"));
	ck_assert_pstr_eq(json_str(j, "level"), "warn");
	ck_assert_pstr_eq(json_str(j, key), value);
	json_free(j);
}

START_TEST(hostile_value_stays_in_its_object)
{
	char want[64];

	log_set_json(true);
	log_warn(LOG_FIELDS({ "v", values[_i].value }), "m");
	/* What isn't UTF-8 can't come through. */
	(void)snprintf(want, sizeof(want), "%s", values[_i].value);
	if (strncmp(want, "bad", 3) == 0)
		(void)snprintf(want, sizeof(want), "bad%s%s%s", "\xef\xbf\xbd",
			       "\xef\xbf\xbd", "\xef\xbf\xbd");
	check_object(read_line(), "v", want);
}
END_TEST

START_TEST(long_object_is_whole)
{
	struct log_field f[12] = { { NULL, NULL } };
	char big[1000];
	size_t i;

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	for (i = 0; i < 11; i++)
		f[i] = (struct log_field){ "field", big };
	f[0].key = "first";
	f[0].value = "1";
	log_set_json(true);
	log_warn(f, "m");
	check_object(read_line(), "first", "1");
	ck_assert_uint_le(strlen(line), 4096);
}
END_TEST

START_TEST(endless_value_is_cut_and_closed)
{
	char big[100000];
	const char *s;

	memset(big, '"', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	log_info(LOG_FIELDS({ "a", big }, { "b", "after" }), "%s", big);
	s = read_line();
	ck_assert_uint_le(strlen(s), 4096);
	ck_assert_ptr_nonnull(strstr(s, "...\" b=after\n"));
}
END_TEST

START_TEST(field_that_does_not_fit_is_left_out_whole)
{
	char big[701];
	const char *s;

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	log_info(LOG_FIELDS({ "a", big }, { "b", big }, { "c", big },
			    { "d", big }, { "e", big }, { "f", big },
			    { "g", "end" }),
		 "m");
	s = read_line();
	ck_assert_uint_le(strlen(s), 4096);
	ck_assert_ptr_null(strstr(s, " f="));
	ck_assert_ptr_nonnull(strstr(s, " g=end\n"));
}
END_TEST

START_TEST(level_decides_what_is_written)
{
	enum log_level level;

	log_debug(NULL, "not seen");
	ck_assert_int_eq(log_level_parse("debug", &level), 0);
	log_set_level(level);
	log_debug(NULL, "seen");
	ck_assert_str_eq(after_time(), "level=debug msg=seen\n");
	log_set_level(LOG_LEVEL_ERROR);
	log_warn(NULL, "not seen");
	log_error(NULL, "seen");
	ck_assert_str_eq(after_time(), "level=error msg=seen\n");
	ck_assert_int_eq(log_level_parse("loud", &level), -1);
	ck_assert_int_eq(log_level_parse("", &level), -1);
}
END_TEST

static void set_journal(int fd)
{
	struct stat st;
	char text[64];

	ck_assert_int_eq(fstat(fd, &st), 0);
	(void)snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)st.st_dev,
		       (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", text, 1);
}

START_TEST(journal_gets_a_priority_and_no_time)
{
	set_journal(STDERR_FILENO);
	log_warn(LOG_FIELDS({ "k", "v" }), "hello");
	ck_assert_str_eq(read_line(), "<4>level=warn msg=hello k=v\n");
}
END_TEST

START_TEST(journal_of_another_stream_is_not_ours)
{
	set_journal(STDIN_FILENO);
	log_warn(NULL, "hello");
	ck_assert_str_eq(after_time(), "level=warn msg=hello\n");
}
END_TEST

/* A socket as the journal's; what one datagram brings. */
static int journal_fd = -1;

static void open_journal(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "/tmp/konstruct-%ld",
		       (long)getpid());
	journal_fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	ck_assert_int_ge(journal_fd, 0);
	ck_assert_int_eq(bind(journal_fd, (struct sockaddr *)&sa, sizeof(sa)),
			 0);
	log_journal_at(sa.sun_path);
}

static const char *read_journal(void)
{
	ssize_t n = read(journal_fd, line, sizeof(line) - 1);

	ck_assert_int_gt(n, 0);
	line[n] = '\0';
	return line;
}

START_TEST(journals_socket_gets_fields)
{
	char path[64];

	set_journal(STDERR_FILENO);
	open_journal();
	log_warn(LOG_FIELDS({ "tenant", "t1" }, { "channel", "C1" },
			    { "event", "Ev1" }, { "entry", "e1" },
			    { "stage", "admit" }, { "link", "A1/2" },
			    { "k", "v" }),
		 "hello");
	ck_assert_str_eq(read_journal(),
			 "PRIORITY=4\nSYSLOG_IDENTIFIER=konstructd\n"
			 "MESSAGE=level=warn msg=hello tenant=t1 channel=C1"
			 " event=Ev1 entry=e1 stage=admit link=A1/2 k=v\n"
			 "TENANT=t1\nCHANNEL=C1\nEVENT_ID=Ev1\nENTRY=e1\n"
			 "STAGE=admit\nLINK=A1/2\n");
	log_info(LOG_FIELDS({ "tenant", "t1\n_UID=0" }, { "channel", "" }),
		 "x\ny");
	/* Without a field, or the socket, the stream takes it. */
	ck_assert_str_eq(read_line(), "<6>level=info msg=\"x\\ny\""
				      " tenant=\"t1\\n_UID=0\" channel=\"\"\n");
	log_info(LOG_FIELDS({ "tenant", "t1\n_UID=0" }, { "stage", "x" }), "z");
	ck_assert_str_eq(read_journal(),
			 "PRIORITY=6\nSYSLOG_IDENTIFIER=konstructd\n"
			 "MESSAGE=level=info msg=z tenant=\"t1\\n_UID=0\""
			 " stage=x\nSTAGE=x\n");
	(void)snprintf(path, sizeof(path), "/tmp/konstruct-%ld",
		       (long)getpid());
	(void)unlink(path);
	log_warn(LOG_FIELDS({ "stage", "x" }), "hello");
	ck_assert_str_eq(read_line(), "<4>level=warn msg=hello stage=x\n");
}
END_TEST

static bool may(const char *fmt, const char *tenant, int64_t now_ms)
{
	return log_repeat_may(
		LOG_LEVEL_WARN, fmt, fmt,
		LOG_FIELDS({ "tenant", tenant }, { "entry", "e" }), now_ms);
}

START_TEST(what_is_alike_is_written_ten_times_and_then_counted)
{
	struct log_left left;
	int i;

	for (i = 0; i < 25; i++)
		ck_assert_int_eq(may("cannot %s", "t1", 1000 + i), i < 10);
	ck_assert(may("cannot %s", "t2", 1100));
	ck_assert(log_repeat_may(LOG_LEVEL_INFO, "cannot %s", "x", NULL, 1100));
	ck_assert(!log_repeat_due(10999, &left));
	ck_assert(log_repeat_due(11000, &left));
	ck_assert_uint_eq(left.n, 15);
	ck_assert_int_eq(left.level, LOG_LEVEL_WARN);
	ck_assert_str_eq(left.text, "cannot %s");
	ck_assert(!log_repeat_due(11000, &left));
	for (i = 0; i < 25; i++)
		ck_assert_int_eq(may("cannot %s", "t1", 11001), i < 10);
	ck_assert(log_repeat_due(30000, &left));
	ck_assert_uint_eq(left.n, 15);
	ck_assert(may("cannot %s", "t1", 30000));
}
END_TEST

START_TEST(what_comes_seldom_is_always_written)
{
	struct log_left left;
	int i;

	for (i = 0; i < 100; i++)
		ck_assert(may("cannot %s", "t1", 1000 + i * 1200));
	ck_assert(!log_repeat_due(INT64_MAX, &left));
}
END_TEST

START_TEST(more_than_ten_at_once_are_left_out_of_the_log)
{
	int i;

	for (i = 0; i < 30; i++) {
		log_warn(NULL, "again");
		if (i < 10)
			ck_assert_str_eq(after_time(),
					 "level=warn msg=again\n");
	}
	log_info(NULL, "end");
	ck_assert_str_eq(after_time(), "level=info msg=end\n");
}
END_TEST

START_TEST(how_many_more_there_were_is_told_without_a_further_line)
{
	int i;

	for (i = 0; i < 12; i++) {
		log_warn(NULL, "again");
		if (i < 10)
			(void)read_line();
	}
	log_catch_up(false); /* ten seconds aren't over */
	log_info(NULL, "meanwhile");
	ck_assert_str_eq(after_time(), "level=info msg=meanwhile\n");
	log_catch_up(true);
	ck_assert_str_eq(after_time(), "level=warn msg=\"more like this\" "
				       "more=2 like=again\n");
}
END_TEST

START_TEST(text_is_in_the_log_of_named_tenants_only_until_its_time_is_over)
{
	int64_t now = clock_wall_ms();
	const int64_t hour = INT64_C(3600000);
	const char *s;

	log_set_level(LOG_LEVEL_WARN);
	log_text("t1", NULL, "question", "hello");
	log_text_set("t1", "acme", 0);
	log_text_set("t1", "acme", now + 2 * hour);
	s = after_time();
	ck_assert_ptr_nonnull(strstr(s, "text of messages goes into the log\""
					" tenant=acme until=2"));
	log_text_set("t1", "acme", now + 2 * hour);
	log_text("t2", NULL, "question", "of another");
	log_text("t1", LOG_FIELDS({ "entry", "e1" }), "question",
		 "a \"b\"\nlevel=error");
	ck_assert_str_eq(after_time(), "level=debug msg=question entry=e1"
				       " text=\"a \\\"b\\\"\\nlevel=error\"\n");
	log_text_tick(now + hour / 2);
	log_text_tick(now + hour + 1000);
	ck_assert_ptr_nonnull(strstr(after_time(), "goes into the log\""));
	log_text_tick(now + 2 * hour + 1);
	ck_assert_str_eq(after_time(), "level=warn msg=\"text of messages goes"
				       " into the log no more\" tenant=acme\n");
	ck_assert(!log_text_is("t1"));
	log_text("t1", NULL, "question", "hello");
	log_text_set("t1", "acme", now + hour);
	(void)after_time();
	log_text_set("t1", "acme", 0);
	ck_assert_ptr_nonnull(strstr(after_time(), "no more"));
	ck_assert(!log_text_is("t1"));
}
END_TEST

START_TEST(long_text_is_cut_and_its_line_is_whole)
{
	static char text[100001];
	const char *s;

	memset(text, '"', sizeof(text) - 1);
	log_text_set("t1", "acme", clock_wall_ms() + 60000);
	(void)after_time();
	log_text("t1", NULL, "answer", text);
	s = after_time();
	ck_assert_uint_lt(strlen(s), 4096);
	ck_assert_uint_gt(strlen(s), 2900);
	ck_assert_str_eq(s + strlen(s) - 5, "...\"\n");
}
END_TEST

START_TEST(a_part_can_have_a_level_of_its_own)
{
	int turn = log_part_find("turn");
	bool own;

	ck_assert_int_ge(turn, 0);
	ck_assert_int_eq(log_part_find("nothing"), -1);
	ck_assert_int_eq(log_level_of(turn, &own), LOG_LEVEL_INFO);
	ck_assert(!own);
	log_set_part(turn, LOG_LEVEL_DEBUG);
	ck_assert_int_eq(log_level_of(turn, &own), LOG_LEVEL_DEBUG);
	ck_assert(own);
	ck_assert(log_part_wants(LOG_LEVEL_DEBUG, "../src/turn/close.c"));
	ck_assert(!log_part_wants(LOG_LEVEL_DEBUG, "../src/link/link.c"));
	ck_assert(!log_part_wants(LOG_LEVEL_DEBUG, "konstructd.c"));
	log_set_part(turn, LOG_LEVEL_ERROR);
	ck_assert(!log_part_wants(LOG_LEVEL_WARN, "src/turn/close.c"));
	ck_assert(log_part_wants(LOG_LEVEL_WARN, "src/link/link.c"));
	log_reset_part(turn);
	ck_assert(log_part_wants(LOG_LEVEL_INFO, "src/turn/close.c"));
	ck_assert(!log_part_wants(LOG_LEVEL_DEBUG, "src/turn/close.c"));
}
END_TEST

#define THREADS 4
#define LINES   50

static void *write_lines(void *arg)
{
	char big[401];
	int i;

	memset(big, *(const char *)arg, sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	for (i = 0; i < LINES; i++)
		log_info(LOG_FIELDS({ "v", big }), "m");
	return NULL;
}

/* Every line is one letter 400 times over. */
static void check_line(const char *s)
{
	const char *v = strstr(s, " v=");

	ck_assert_ptr_nonnull(v);
	v += 3;
	ck_assert_uint_eq(strlen(v), 400);
	ck_assert_uint_eq(strspn(v, (char[]){ *v, '\0' }), 400);
}

START_TEST(lines_of_threads_do_not_mix)
{
	static char names[] = "abcd";
	pthread_t tid[THREADS];
	char text[1000];
	FILE *f = fdopen(fds[0], "r");
	int i;

	for (i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&tid[i], NULL, write_lines,
						&names[i]),
				 0);
	for (i = 0; i < THREADS * LINES; i++) {
		ck_assert_ptr_nonnull(fgets(text, sizeof(text), f));
		text[strcspn(text, "\n")] = '\0';
		check_line(text);
	}
	for (i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_join(tid[i], NULL), 0);
	fclose(f);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("log");
	TCase *tc = tcase_create("log");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, line_has_level_message_and_fields);
	tcase_add_loop_test(tc, hostile_value_stays_in_its_quotes, 0,
			    sizeof(values) / sizeof(values[0]));
	tcase_add_loop_test(tc, hostile_value_stays_in_its_object, 0,
			    sizeof(values) / sizeof(values[0]));
	tcase_add_test(tc, long_object_is_whole);
	tcase_add_test(tc, endless_value_is_cut_and_closed);
	tcase_add_test(tc, field_that_does_not_fit_is_left_out_whole);
	tcase_add_test(tc, level_decides_what_is_written);
	tcase_add_test(tc, journal_gets_a_priority_and_no_time);
	tcase_add_test(tc, journal_of_another_stream_is_not_ours);
	tcase_add_test(tc, journals_socket_gets_fields);
	tcase_add_test(tc, what_is_alike_is_written_ten_times_and_then_counted);
	tcase_add_test(tc, what_comes_seldom_is_always_written);
	tcase_add_test(tc, more_than_ten_at_once_are_left_out_of_the_log);
	tcase_add_test(tc,
		       how_many_more_there_were_is_told_without_a_further_line);
	tcase_add_test(
		tc,
		text_is_in_the_log_of_named_tenants_only_until_its_time_is_over);
	tcase_add_test(tc, long_text_is_cut_and_its_line_is_whole);
	tcase_add_test(tc, a_part_can_have_a_level_of_its_own);
	tcase_add_test(tc, lines_of_threads_do_not_mix);
	suite_add_tcase(s, tc);
	/* stderr and what is read once are the process's own */
	srunner_set_fork_status(sr, CK_FORK);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
