/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "integration/rig.h"
#include "sim/act.h"

#define SIZE ((size_t)8 << 20)
#define PNG  "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"

static struct rig rig;

static void setup(void)
{
	rig_set_model(NULL);
	rig_open(&rig, NULL);
}

static void teardown(void)
{
	rig_close(&rig);
}

static void add_file(const char *id, const char *name, const char *type,
		     const void *bytes, size_t len)
{
	const struct sim_file f = {
		.id = id,
		.name = name,
		.mimetype = type,
		.bytes = bytes,
		.len = len,
	};

	ck_assert_int_eq(sim_add_file(rig.sim, &f), 0);
}

static void say_with(const char *channel, const char *user, const char *text,
		     const char *ids, char ts[SIM_TS])
{
	struct sim_say with = { .file_ids = ids };

	ck_assert_int_eq(sim_say(rig.sim, channel, user, text, &with, ts), 0);
}

/* Says it in Alice's direct messages; the answer, to be freed. */
static char *answer_with(const char *text, const char *ids)
{
	char ts[SIM_TS];

	say_with("D1", "U1", text, ids, ts);
	return rig_answer(&rig, "D1", ts);
}

/* What the model was told last, of the question; to be freed. */
static char *told(void)
{
	struct sim_ask *asks;
	char *text;
	size_t n;

	asks = sim_asks(rig.sim, &n);
	ck_assert_uint_gt(n, 0);
	text = strdup(asks[n - 1].last);
	sim_asks_free(asks, n);
	return text;
}

static void check_told(const char *words)
{
	char *text = told();

	ck_assert_msg(strstr(text, words) != NULL, "no '%s' in '%s'", words,
		      text);
	free(text);
}

static const struct {
	const char *name;
	const char *type;
	const char *bytes;
	size_t n;
	const char *told;
} texts[] = {
	{ "notes.txt", "text/plain", "one\ntwo\n", 8,
	  "\n    | one\n    | two\n    [end of \"notes.txt\"]" },
	{ "sales.csv", "text/csv", "a;b\r\n1;2", 8,
	  "\n    | a;b\n    | 1;2\n    [end of \"sales.csv\"]" },
	{ "old.log", "application/octet-stream",
	  "Stra\xdf"
	  "e gesperrt\n",
	  16,
	  "\n    | Stra\xc3\x9f"
	  "e gesperrt\n    [end" },
	{ "export.csv", "text/csv",
	  "\xff\xfe"
	  "a\0;\0\xe9\0",
	  8, "\n    | a;\xc3\xa9\n    [end" },
	{ "empty.md", "text/markdown", "", 0, "; it is empty]" },
	{ "page.html", "text/html", "<!DOCTYPE html>\n<p>x", 20,
	  "\n    | <!DOCTYPE html>\n    | <p>x\n" },
};

START_TEST(a_text_is_read_into_the_question)
{
	rig_start(&rig);
	add_file("F1", texts[_i].name, texts[_i].type, texts[_i].bytes,
		 texts[_i].n);
	free(answer_with("what does it say?", "F1"));
	check_told("what does it say?\n    [attached file: \"");
	check_told(texts[_i].told);
	ck_assert(!rig_logged(&rig, "file not read", 0));
}
END_TEST

START_TEST(a_large_file_is_cut_and_the_model_told_so)
{
	struct sim_download *d;
	struct buf text;
	char *asked;
	size_t i, n;

	buf_init(&text, SIZE);
	for (i = 0; i < 200000; i++)
		buf_addf(&text, "line %06zu\n", i);
	rig_start(&rig);
	add_file("F1", "big.log", "text/plain", text.data, text.len);
	buf_release(&text);
	free(answer_with("why?", "F1"));
	check_told("    | line 000000\n    | line 000001\n");
	check_told("[\"big.log\" goes on: only its first ");
	asked = told();
	ck_assert_uint_gt(strlen(asked), 5000);
	ck_assert_uint_lt(strlen(asked), 60000);
	free(asked);
	d = sim_downloads(rig.sim, &n);
	ck_assert_uint_eq(n, 1);
	sim_downloads_free(d, n);
}
END_TEST

START_TEST(a_file_alone_is_a_question)
{
	char ts[SIM_TS], *text;

	rig_start(&rig);
	add_file("F1", "a.txt", "text/plain", "alpha", 5);
	add_file("F2", "b.txt", "text/plain", "beta", 4);
	free(answer_with("", "F1"));
	check_told("    | alpha\n");
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	free(rig_answer(&rig, "C1", ts));
	{
		struct sim_say in = { .file_ids = "F2", .thread_ts = ts };

		ck_assert_int_eq(sim_say(rig.sim, "C1", "U2", "", &in, NULL),
				 0);
	}
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", ts, 2, MS), 0);
	text = rig_answer(&rig, "C1", ts);
	check_told("    | beta\n");
	free(text);
}
END_TEST

START_TEST(a_file_stays_known_in_its_thread)
{
	struct sim_ask *asks;
	char ts[SIM_TS];
	size_t n;

	rig_start(&rig);
	add_file("F1", "a.txt", "text/plain", "the code is 4711", 16);
	say_with("C1", "U1", "<@UB1> read this", "F1", ts);
	free(rig_answer(&rig, "C1", ts));
	rig_say(&rig, "C1", "U1", "which code?", ts, NULL);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", ts, 2, MS), 0);
	free(rig_answer(&rig, "C1", ts));
	asks = sim_asks(rig.sim, &n);
	ck_assert_uint_eq(n, 2);
	ck_assert_ptr_nonnull(strstr(asks[1].body, "| the code is 4711"));
	sim_asks_free(asks, n);
}
END_TEST

/* Of what Slack says when the words change it isn't a part. */
START_TEST(a_file_stays_known_when_its_question_is_edited)
{
	const struct sim_llm says = { .text = "Yes." };
	struct sim_ask *asks;
	char ts[SIM_TS];
	size_t n;

	rig_start(&rig);
	ck_assert_int_eq(sim_llm(rig.sim, &says), 0);
	add_file("F1", "a.txt", "text/plain", "the code is 4711", 16);
	say_with("C1", "U1", "<@UB1> read this", "F1", ts);
	free(rig_answer(&rig, "C1", ts));
	ck_assert_int_eq(sim_edit(rig.sim, "C1", ts, "<@UB1> read that"), 0);
	ck_assert_int_eq(sim_wait_acked(rig.sim, MS), 0);
	free(rig_answer(&rig, "C1", ts));
	rig_say(&rig, "C1", "U1", "which code?", ts, NULL);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "C1", ts, 2, MS), 0);
	free(rig_answer(&rig, "C1", ts));
	asks = sim_asks(rig.sim, &n);
	ck_assert_uint_eq(n, 2);
	ck_assert_ptr_nonnull(strstr(asks[1].body, "read that"));
	ck_assert_ptr_null(strstr(asks[1].body, "read this"));
	ck_assert_ptr_nonnull(strstr(asks[1].body, "| the code is 4711"));
	sim_asks_free(asks, n);
}
END_TEST

START_TEST(the_files_of_a_thread_entered_late_are_read_too)
{
	char ts[SIM_TS], *text;

	rig_start(&rig);
	add_file("F1", "old.txt", "text/plain", "alpha", 5);
	add_file("F2", "plan.pdf", "application/pdf", "%PDF-1.7", 8);
	add_file("F3", "new.txt", "text/plain", "gamma", 5);
	say_with("C1", "U2", "", "F1,F2", ts);
	{
		struct sim_say in = { .thread_ts = ts, .file_ids = "F3" };

		ck_assert_int_eq(sim_say(rig.sim, "C1", "U1",
					 "<@UB1> compare these", &in, NULL),
				 0);
	}
	text = rig_answer(&rig, "C1", ts);
	check_told("compare these\n    [attached file: \"new.txt\"");
	check_told("    | gamma\n");
	check_told("[file from earlier in this thread: \"old.txt\"");
	check_told("    | alpha\n");
	ck_assert_ptr_null(strstr(text, "I couldn't read"));
	free(text);
}
END_TEST

START_TEST(a_kind_that_nobody_reads_is_named_and_declined)
{
	char *text;

	rig_start(&rig);
	add_file("F1", "plan.pdf", "application/pdf", "%PDF-1.7\n\0\1", 11);
	text = answer_with("what is in it?", "F1");
	check_told("[attached file: \"plan.pdf\", application/pdf, 11 bytes;"
		   " not read, as it is neither text nor an image");
	ck_assert_ptr_nonnull(strstr(text, "plan.pdf"));
	ck_assert_ptr_nonnull(strstr(text, "I can only read text and images"));
	ck_assert(rig_logged(&rig, "reason=kind", MS));
	free(text);
	ck_assert_int_eq(rig_get(&rig, "/metrics", &text), 200);
	ck_assert_ptr_nonnull(
		strstr(text, "konstruct_files_total{outcome=\"kind\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "konstruct_files_held_bytes 0\n"));
	free(text);
}
END_TEST

/* The images in the last request. */
static size_t images_asked(void)
{
	const struct json *parts;
	struct sim_ask *asks;
	struct err e = { 0 };
	struct json *j;
	char at[64];
	size_t n, images = 0;

	asks = sim_asks(rig.sim, &n);
	j = json_parse(asks[n - 1].body, strlen(asks[n - 1].body), SIZE, &e);
	ck_assert_msg(j != NULL, "%s", e.msg);
	snprintf(at, sizeof(at), "messages.%zu.content",
		 json_len(j, "messages") - 1);
	parts = json_at(j, at);
	if (json_is_array(parts, "")) {
		images = json_len(parts, "") - 1;
		ck_assert_str_eq(json_str(parts, "1.type"), "image_url");
		ck_assert_int_eq(strncmp(json_str(parts, "1.image_url.url"),
					 "data:image/png;base64,iVBOR", 27),
				 0);
	}
	json_free(j);
	sim_asks_free(asks, n);
	return images;
}

START_TEST(an_image_goes_to_a_model_that_sees_and_to_no_other)
{
	char *text;

	rig_close(&rig);
	rig_set_model(_i ? " vision = true\n" : NULL);
	rig_open(&rig, NULL);
	rig_start(&rig);
	add_file("F1", "a.png", "image/png", PNG, sizeof(PNG));
	text = answer_with("what is this?", "F1");
	check_told(_i ? "; it comes with this message now"
		      : "as you can't see images");
	ck_assert_uint_eq(images_asked(), (size_t)_i);
	ck_assert(_i == (strstr(text, "I can't see images") == NULL));
	free(text);
}
END_TEST

/* Of the reply to ts. */
static void press_again(const char *channel, const char *ts)
{
	struct sim_msg *m;
	char reply[SIM_TS] = "";
	size_t i, n;

	m = sim_messages(rig.sim, channel, ts, &n);
	for (i = 0; i < n; i++)
		if (m[i].app_id && !m[i].deleted)
			(void)snprintf(reply, SIM_TS, "%s", m[i].ts);
	sim_messages_free(m, n);
	ck_assert_int_eq(sim_click(rig.sim, channel, reply, "U1",
				   "konstruct_again", NULL),
			 0);
}

START_TEST(an_image_is_shown_again_for_another_answer)
{
	char ts[SIM_TS], *text;

	rig_close(&rig);
	rig_set_model(" vision = true\n");
	rig_open(&rig, NULL);
	rig_start(&rig);
	add_file("F1", "a.png", "image/png", PNG, sizeof(PNG));
	add_file("F2", "b.txt", "text/plain", "beta", 4);
	say_with("D1", "U1", "what is this?", "F1,F2", ts);
	free(rig_answer(&rig, "D1", ts));
	press_again("D1", ts);
	ck_assert_int_eq(sim_wait_reply(rig.sim, "D1", ts, 2, MS), 0);
	free(rig_answer(&rig, "D1", ts));
	ck_assert_uint_eq(images_asked(), 1);
	text = told();
	ck_assert_ptr_nonnull(strstr(text, "| beta"));
	ck_assert_ptr_null(strstr(strstr(text, "a.png") + 1, "a.png"));
	free(text);
}
END_TEST

START_TEST(an_image_beyond_the_limit_is_declined)
{
	char *image = calloc(1, 30000), *text;

	memcpy(image, PNG, sizeof(PNG));
	rig_close(&rig);
	rig_set_model(" vision = true\n");
	rig_open(&rig, " image_max_bytes = 20000\n");
	rig_start(&rig);
	add_file("F1", "a.png", "image/png", image, 30000);
	text = answer_with("what is this?", "F1");
	ck_assert_uint_eq(images_asked(), 0);
	ck_assert_ptr_nonnull(strstr(text, "too large"));
	free(text);
	free(image);
}
END_TEST

/* Neither the question nor the token leaves for another host, whether the file
 * is said to be there or a redirect says so. */
static void expect_no_request_to_another_host(bool redirected)
{
	struct err e = { 0 };
	struct sim *foreign = sim_start(NULL, &e);
	struct sim_file there = { .id = "F1",
				  .name = "a.txt",
				  .mimetype = "text/plain" };
	struct sim_download *d;
	char url[100], *text;
	size_t n;

	ck_assert_msg(foreign != NULL, "%s", e.msg);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/files/F1/F1",
		 sim_port(foreign));
	if (redirected)
		there.location = url;
	else
		there.url = url;
	rig_start(&rig);
	ck_assert_int_eq(sim_add_file(rig.sim, &there), 0);
	text = answer_with("read it", "F1");
	ck_assert_ptr_nonnull(strstr(text, "isn't kept in Slack"));
	d = sim_downloads(foreign, &n);
	ck_assert_uint_eq(n, 0);
	sim_downloads_free(d, n);
	free(text);
	sim_stop(foreign);
}

START_TEST(a_redirect_to_a_foreign_host_is_not_followed)
{
	expect_no_request_to_another_host(true);
	ck_assert(rig_logged(&rig, "redirected to a foreign host", MS));
}
END_TEST

START_TEST(a_link_to_a_foreign_host_is_not_followed)
{
	expect_no_request_to_another_host(false);
}
END_TEST

START_TEST(a_redirect_inside_of_slack_is_followed)
{
	struct sim_file moved = { .id = "F1",
				  .name = "a.txt",
				  .mimetype = "text/plain" };
	char url[200];

	rig_start(&rig);
	snprintf(url, sizeof(url), "%.*sfiles/F2/F2",
		 (int)(strlen(sim_api_url(rig.sim)) - strlen("api/")),
		 sim_api_url(rig.sim));
	moved.location = url;
	ck_assert_int_eq(sim_add_file(rig.sim, &moved), 0);
	add_file("F2", "b.txt", "text/plain", "there", 5);
	free(answer_with("read it", "F1"));
	check_told("    | there\n");
}
END_TEST

START_TEST(of_a_shared_channel_slack_is_asked_first)
{
	struct sim_file bare = { .id = "F1",
				 .name = "a.txt",
				 .mimetype = "text/plain",
				 .bytes = "shared",
				 .len = 6,
				 .bare = true };

	rig_start(&rig);
	ck_assert_int_eq(sim_add_file(rig.sim, &bare), 0);
	free(answer_with("read it", "F1"));
	check_told("[attached file: \"a.txt\", text/plain, 6 bytes;");
	check_told("    | shared\n");
	ck_assert_uint_eq(sim_count(rig.sim, "files.info"), 1);
}
END_TEST

START_TEST(without_the_scope_people_and_the_log_are_told)
{
	static const struct sim_install deaf = {
		.app_id = "A2",
		.team_id = "T2",
		.bot_token = "xoxb-sim-t2",
		.bot_user_id = "UB2",
		.bot_id = "BB2",
		.name = "globex",
		.scopes = "app_mentions:read,chat:write,im:history,users:read",
		.extra = "{\"agent\":{\"name\":\"Nils\"}}",
	};
	struct sim *s = rig.sim;
	char ts[SIM_TS], *text;
	int i;

	ck_assert_int_eq(sim_add_app(s, "A2", "xapp-1-A2-1-sim", NULL), 0);
	ck_assert_int_eq(sim_add_install(s, &deaf), 0);
	ck_assert_int_eq(sim_add_user(s, "U3", "T2", "carol", "Carol"), 0);
	ck_assert_int_eq(sim_add_channel(s, "D3", "T2", "", "im"), 0);
	sim_join(s, "D3", "U3");
	sim_join(s, "D3", "UB2");
	rig_start(&rig);
	ck_assert_int_eq(sim_wait_links(s, "A2", 1, MS), 0);
	add_file("F1", "a.csv", "text/csv", "a,b\n1,2\n", 8);
	for (i = 0; i < 2; i++) {
		say_with("D3", "U3", "sum it up", "F1", ts);
		text = rig_answer(&rig, "D3", ts);
		check_told("not read, as the Slack app may not read files");
		ck_assert_ptr_nonnull(strstr(text, "files:read"));
		ck_assert_ptr_null(strstr(text, "DOCTYPE"));
		free(text);
	}
	text = bed_log(&rig.bed);
	ck_assert_ptr_nonnull(strstr(text, "the app lacks files:read"));
	ck_assert_ptr_null(strstr(strstr(text, "the app lacks files:read") + 1,
				  "the app lacks files:read"));
	free(text);
}
END_TEST

START_TEST(a_file_that_slack_does_not_hand_out_fails_nothing)
{
	struct sim_file broken = { .id = "F1",
				   .name = "a.txt",
				   .mimetype = "text/plain",
				   .status = 500 };
	struct sim_file gone = { .id = "F2",
				 .name = "b.txt",
				 .mimetype = "text/plain",
				 .status = 404 };
	char *text;

	rig_start(&rig);
	ck_assert_int_eq(sim_add_file(rig.sim, &broken), 0);
	ck_assert_int_eq(sim_add_file(rig.sim, &gone), 0);
	add_file("F3", "c.txt", "text/plain", "gamma", 5);
	text = answer_with("read them", "F1,F2,F3");
	check_told("    | gamma\n");
	ck_assert_ptr_nonnull(strstr(text, "a.txt"));
	ck_assert_ptr_nonnull(strstr(text, "please try again"));
	ck_assert_ptr_nonnull(strstr(text, "b.txt"));
	ck_assert_ptr_null(strstr(text, "c.txt_"));
	free(text);
}
END_TEST

START_TEST(a_file_that_slack_hands_out_later_is_read)
{
	static const struct sim_fault faults[] = {
		{ .kind = SIM_FAULT_STATUS, .status = 503, .times = 2 },
		{ .kind = SIM_FAULT_RATE, .ms = 1000, .times = 1 },
		{ .kind = SIM_FAULT_RESET, .times = 3 },
	};
	struct sim_fault f = faults[_i];
	struct sim_download *d;
	size_t n;

	f.method = "file";
	rig_start(&rig);
	add_file("F1", "a.txt", "text/plain", "alpha", 5);
	ck_assert_int_eq(sim_fault(rig.sim, &f), 0);
	free(answer_with("read it", "F1"));
	check_told("    | alpha\n");
	d = sim_downloads(rig.sim, &n);
	ck_assert_uint_gt(n, (size_t)f.times);
	sim_downloads_free(d, n);
}
END_TEST

START_TEST(a_pasted_spreadsheet_is_told_as_a_table)
{
	static const char table[] =
		"[{\"type\":\"table\",\"rows\":[["
		"{\"type\":\"raw_text\",\"text\":\"Item\"},"
		"{\"type\":\"raw_text\",\"text\":\"Qty\"}],["
		"{\"type\":\"raw_text\",\"text\":\"<nut> & bolt\"},"
		"{\"type\":\"raw_number\",\"value\":7}]]}]";
	struct sim_say in_blocks = { .blocks = table };
	struct sim_say attached = { .attachments =
					    "[{\"blocks\":[{\"type\":\"table\","
					    "\"rows\":[[{\"type\":\"raw_text\","
					    "\"text\":\"x\"}]]}]}]" };
	char ts[SIM_TS];

	rig_start(&rig);
	ck_assert_int_eq(sim_say(rig.sim, "D1", "U1", "sum", &in_blocks, ts),
			 0);
	free(rig_answer(&rig, "D1", ts));
	check_told("sum\n    [table, columns separated by tabs]\n"
		   "    Item\tQty\n    <nut> & bolt\t7\n    [end of table]");
	ck_assert_int_eq(
		sim_say(rig.sim, "C1", "U1", "<@UB1> this", &attached, ts), 0);
	free(rig_answer(&rig, "C1", ts));
	check_told("this\n    [table, columns separated by tabs]\n    x\n");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("files");
	TCase *tc = tcase_create("files");
	SRunner *sr = srunner_create(s);
	int failed;

	rig_begin();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, CASE_S);
	tcase_add_loop_test(tc, a_text_is_read_into_the_question, 0,
			    sizeof(texts) / sizeof(texts[0]));
	tcase_add_test(tc, a_large_file_is_cut_and_the_model_told_so);
	tcase_add_test(tc, a_file_alone_is_a_question);
	tcase_add_test(tc, a_file_stays_known_in_its_thread);
	tcase_add_test(tc, a_file_stays_known_when_its_question_is_edited);
	tcase_add_test(tc, the_files_of_a_thread_entered_late_are_read_too);
	tcase_add_test(tc, a_kind_that_nobody_reads_is_named_and_declined);
	tcase_add_loop_test(
		tc, an_image_goes_to_a_model_that_sees_and_to_no_other, 0, 2);
	tcase_add_test(tc, an_image_is_shown_again_for_another_answer);
	tcase_add_test(tc, an_image_beyond_the_limit_is_declined);
	tcase_add_test(tc, a_redirect_to_a_foreign_host_is_not_followed);
	tcase_add_test(tc, a_link_to_a_foreign_host_is_not_followed);
	tcase_add_test(tc, a_redirect_inside_of_slack_is_followed);
	tcase_add_test(tc, of_a_shared_channel_slack_is_asked_first);
	tcase_add_test(tc, without_the_scope_people_and_the_log_are_told);
	tcase_add_test(tc, a_file_that_slack_does_not_hand_out_fails_nothing);
	tcase_add_loop_test(tc, a_file_that_slack_hands_out_later_is_read, 0,
			    3);
	tcase_add_test(tc, a_pasted_spreadsheet_is_told_as_a_table);
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
