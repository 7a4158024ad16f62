/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "slack/blocks.h"
#include "turn/post.h"
#include "turn/reply.h"
#include "turn/sentence.h"
#include "turn/turn.h"

static struct reply reply;
static struct buf md, part;

static void setup(void)
{
	buf_init(&md, 1024 * 1024);
	buf_init(&part, 64 * 1024);
}

static void teardown(void)
{
	reply_release(&reply);
	buf_release(&md);
	buf_release(&part);
}

static void add(const char *s, size_t times)
{
	while (times-- > 0)
		ck_assert_int_eq(buf_adds(&md, s), 0);
}

static const char *text_of(size_t k)
{
	buf_reset(&part);
	ck_assert_int_eq(reply_part(&reply, k, &part), 0);
	return part.data;
}

START_TEST(a_short_answer_is_one_part)
{
	add("**Yes**, it is.", 1);
	ck_assert_int_eq(reply_init(&reply, md.data, md.len), 0);
	ck_assert_uint_eq(reply.n, 1);
	ck_assert_str_eq(text_of(0), "**Yes**, it is.");
}
END_TEST

START_TEST(no_part_is_longer_than_slack_takes)
{
	size_t k, whole = 0;

	add("Some words of a sentence. ", 3000);
	ck_assert_int_eq(reply_init(&reply, md.data, md.len), 0);
	ck_assert_uint_ge(reply.n, 7);
	for (k = 0; k < reply.n; k++) {
		ck_assert_uint_le(strlen(text_of(k)), BLOCKS_PART_MAX);
		ck_assert_int_eq(part.data[part.len - 1], '.');
		whole += part.len + 1;
	}
	ck_assert_uint_eq(whole, md.len);
}
END_TEST

START_TEST(a_fence_is_closed_and_opened_again)
{
	size_t k, fences;
	const char *p;

	add("Code:\n```c\n", 1);
	add("\tint some_variable = 1; /* and a comment */\n", 1000);
	add("```\nThe end.", 1);
	ck_assert_int_eq(reply_init(&reply, md.data, md.len), 0);
	ck_assert_uint_ge(reply.n, 4);
	for (k = 0; k < reply.n; k++) {
		fences = 0;
		p = text_of(k);
		while ((p = strstr(p, "```"))) {
			fences++;
			p += 3;
		}
		ck_assert_uint_eq(fences, 2);
	}
	ck_assert_ptr_eq(strstr(text_of(1), "```c\n    int"), part.data);
	ck_assert_ptr_nonnull(strstr(text_of(reply.n - 1), "The end."));
}
END_TEST

START_TEST(the_parts_are_the_same_every_time)
{
	struct reply again;
	size_t k;

	add("A paragraph with *emphasis*.\n\n", 2000);
	ck_assert_int_eq(reply_init(&reply, md.data, md.len), 0);
	ck_assert_int_eq(reply_init(&again, md.data, md.len), 0);
	ck_assert_uint_eq(reply.n, again.n);
	for (k = 0; k <= reply.n; k++)
		ck_assert_uint_eq(reply.cut[k].end, again.cut[k].end);
	reply_release(&again);
}
END_TEST

static size_t times_in(const char *text, const char *word)
{
	size_t n = 0;

	for (; (text = strstr(text, word)); text++)
		n++;
	return n;
}

/* A shape of part k; how often it has the word in its text. */
static size_t words_in(size_t k, const char *word)
{
	struct shape s;
	size_t n;

	ck_assert_int_eq(reply_shape(&reply, k, SHAPE_TABLES, &s), 0);
	ck_assert_ptr_null(s.blocks);
	ck_assert_uint_le(strlen(s.text), SHAPE_TEXT_MAX + 8);
	n = times_in(s.text, word);
	shape_release(&s);
	return n;
}

START_TEST(text_alone_is_cut_smaller_and_leaves_earlier_parts_alone)
{
	size_t k, n, words;

	add("A paragraph with *emphasis*.\n\n", 2000);
	ck_assert_int_eq(reply_init(&reply, md.data, md.len), 0);
	n = reply.n;
	ck_assert_uint_ge(n, 5);
	words = times_in(text_of(0), "paragraph");
	ck_assert_int_eq(reply_plain(&reply, 1), 0);
	ck_assert_uint_gt(reply.n, 3 * n - 3);
	ck_assert_uint_eq(times_in(text_of(0), "paragraph"), words);
	for (k = 1; k < reply.n; k++)
		words += words_in(k, "_emphasis_");
	ck_assert_uint_eq(words, 2000);
}
END_TEST

START_TEST(a_table_is_cut_between_rows_and_its_heading_repeated)
{
	size_t k, rows = 0;

	add("| name | value |\n|---|--:|\n", 1);
	add("| a row of the table | 12345 |\n", 1000);
	ck_assert_int_eq(reply_init(&reply, md.data, md.len), 0);
	ck_assert_uint_ge(reply.n, 3);
	for (k = 0; k < reply.n; k++) {
		ck_assert_ptr_eq(strstr(text_of(k),
					"| name | value |\n| --- | --: |\n"),
				 part.data);
		rows += times_in(part.data, "| a row of the table | 12345 |");
	}
	ck_assert_uint_eq(rows, 1000);
}
END_TEST

START_TEST(parts_begin_with_headings)
{
	size_t k;

	for (k = 0; k < 30; k++) {
		add("# A heading\n\n", 1);
		add("Words and words. ", 50);
		add("\n\nMore words.\n\n", 1);
	}
	ck_assert_int_eq(reply_init(&reply, md.data, md.len), 0);
	ck_assert_uint_ge(reply.n, 3);
	for (k = 0; k < reply.n; k++)
		ck_assert_ptr_eq(strstr(text_of(k), "# A heading"), part.data);
}
END_TEST

/* Where a cut could be, there is something that must stay whole. */
static const struct {
	const char *md, *whole;
} units[] = {
	{ "[a label](https://a.b/c)", "[a label](https://a.b/c)" },
	{ "https://a.b/c ", "<https://a.b/c>" },
	{ "&lt;", "&lt;" },
	{ "語", "語" },
	{ "\xf0\x9f\x8e\x89", "\xf0\x9f\x8e\x89" },
};

START_TEST(nothing_is_cut_in_two)
{
	const char *unit = units[_i % 5].md;
	size_t k, want = 20000 / strlen(unit) + 1000, n = 0;

	add("x", (size_t)_i / 5);
	add(" ", 1);
	add(unit, want);
	ck_assert_int_eq(reply_init(&reply, md.data, md.len), 0);
	for (k = 0; k < reply.n; k++)
		n += times_in(text_of(k), units[_i % 5].whole);
	ck_assert_uint_eq(n, want);
}
END_TEST

/* One long header makes every one of many short rows wide. */
static const char *const hostile[] = {
	"> ",    "*a ",
	"[a](",  "![",
	"`",     "<a ",
	"- ",    "**a _b ",
	"|a",    "&#1;",
	"~~",    "[a][",
	"\\",    "<!",
	"1. ",   "# ",
	"```\n", "http://",
	"***",   "|a|\n",
	"> - ",  "**「a」",
	"[^",    "a|b\n-|-\n",
	"@here", "[a](https://b) ",
	"&",
};

/* Output of n and of 4 n: as if each byte were looked at so many times. */
static size_t work_on_md(void)
{
	struct reply r;
	struct shape s;
	size_t k, sum;

	ck_assert_int_eq(reply_init(&r, md.data, md.len), 0);
	sum = r.md.len;
	for (k = 0; k < r.n; k++) {
		ck_assert_int_eq(reply_shape(&r, k, SHAPE_TABLES, &s), 0);
		sum += strlen(s.text) + (s.blocks ? strlen(s.blocks) : 0);
		shape_release(&s);
	}
	reply_release(&r);
	return sum;
}

static size_t work(const char *pattern, size_t times)
{
	buf_reset(&md);
	add(pattern, times);
	return work_on_md();
}

START_TEST(hostile_repeats_make_four_times_as_much_of_four_times_as_many)
{
	size_t once = work(hostile[_i], 4000);

	ck_assert_uint_le(work(hostile[_i], 16000), 5 * once + 20000);
}
END_TEST

/* What has made Markdown parsers quadratic (md4c's own list, and more): before
 * so often, between once, after so often. */
static const struct {
	const char *before, *between, *after;
} pathological[] = {
	{ "*a **a ", "b", " a** a*" },
	{ "a_ ", "", "" },
	{ "_a ", "", "" },
	{ "a]", "", "" },
	{ "[a", "", "" },
	{ "*a_ ", "", "" },
	{ "a**b", "", "c* " },
	{ "[ a_", "", "" },
	{ "[ (](", "", "" },
	{ "[", "a", "]" },
	{ "![", "a", "](b)" },
	{ "![[]()", "", "" },
	{ "> ", "a", "" },
	{ "- ", "a", "" },
	{ "a`", "", "``" },
	{ "[a](<b", "", "" },
	{ "[a](b", "", "" },
	{ "<!--", "", "" },
	{ "<![CDATA[", "", "" },
	{ "<?", "", "" },
	{ "<!A ", "", "" },
	{ "<b>", "", "</b>" },
	{ "[a]: u\n", "\n", "[a] " },
	{ "|a|b|\n|-|-|\n", "", "|c|d|\n" },
	{ "|", "\n|-", "|-" },
	{ "|\\|", "", "" },
	{ "~~a~ ", "", "" },
	{ "&amp", "", "" },
	{ "http://a.", "", "" },
	{ "www.", "", "" },
	{ "a\n=\n", "", "" },
	{ "```\n~~~\n", "", "" },
	{ "[^a]: b\n", "", "" },
	{ "\1U1\2@a\3 ", "", "" },
	{ "\1U1\2", "", "\3" },
	{ "@Ada\n\n", "", "" },
};

START_TEST(pathological_inputs_take_linear_time)
{
	clock_t start;

	add(pathological[_i].before, 20000);
	add(pathological[_i].between, 1);
	if (pathological[_i].after[0] != '\0')
		add(pathological[_i].after, 20000);
	start = clock();
	(void)work_on_md();
	buf_reset(&part);
	(void)reply_interim(md.data, md.len, &part);
	/* About a tenth of a second; what is quadratic takes a minute. */
	ck_assert_int_lt((clock() - start) / CLOCKS_PER_SEC, 10);
}
END_TEST

START_TEST(what_has_no_blanks_is_cut_at_sentences)
{
	size_t k;

	add("これは長い文です。", 4000);
	ck_assert_int_eq(reply_init(&reply, md.data, md.len), 0);
	ck_assert_uint_gt(reply.n, 2);
	for (k = 0; k < reply.n; k++) {
		const char *text = text_of(k);
		size_t n = strlen(text);

		ck_assert_int_eq(strncmp(text, "これ", 6), 0);
		ck_assert_int_eq(strcmp(text + n - 3, "。"), 0);
	}
}
END_TEST

/* Where a line that is too long is cut before a "|", no table begins. */
START_TEST(pipes_inside_of_a_line_are_no_table)
{
	static const char *const lines[] = { "|", "<|a b", "x { y | ", "a|" };
	struct shape s;
	size_t k, pipes = 0;
	const char *p;

	add(lines[_i], 30000 / strlen(lines[_i]));
	ck_assert_int_eq(reply_init(&reply, md.data, md.len), 0);
	ck_assert_uint_gt(reply.n, 2);
	for (k = 0; k < reply.n; k++) {
		ck_assert_uint_le(strlen(text_of(k)), BLOCKS_PART_MAX);
		for (p = strchr(part.data, '|'); p; p = strchr(p + 1, '|'))
			pipes++;
		ck_assert_int_eq(reply_shape(&reply, k, SHAPE_BLOCKS, &s), 0);
		ck_assert_ptr_nonnull(strstr(s.blocks, "\"markdown\""));
		ck_assert_ptr_null(strstr(s.blocks, "**"));
		shape_release(&s);
	}
	ck_assert_uint_eq(pipes, 30000 / strlen(lines[_i]));
}
END_TEST

START_TEST(pipes_of_a_long_line_of_code_stay_as_they_are)
{
	size_t k;

	add("```\n", 1);
	add("| ", 10000);
	add("\n```\n", 1);
	ck_assert_int_eq(reply_init(&reply, md.data, md.len), 0);
	ck_assert_uint_gt(reply.n, 1);
	for (k = 0; k < reply.n; k++)
		ck_assert_ptr_null(strstr(text_of(k), "\\|"));
}
END_TEST

START_TEST(a_caption_is_short_whatever_the_heading)
{
	const char *caption;
	struct shape s;

	add("| ", 1);
	add("語頭 ", 300);
	add("| b |\n|---|---|\n| 1 | 2 |\n", 1);
	ck_assert_int_eq(reply_init(&reply, md.data, md.len), 0);
	ck_assert_int_eq(reply_shape(&reply, 0, SHAPE_TABLES, &s), 0);
	caption = strstr(s.blocks, "\"caption\":\"");
	ck_assert_ptr_nonnull(caption);
	ck_assert_uint_le(strcspn(caption + 11, "\""), 210);
	ck_assert_ptr_nonnull(strstr(caption, "…\""));
	shape_release(&s);
}
END_TEST

START_TEST(what_grows_too_much_is_shown_as_it_is)
{
	add("|a", 2000);
	add("|\n", 1);
	add("|-", 2000);
	add("|\n", 1);
	add("|\n", 2000);
	ck_assert_int_eq(reply_init(&reply, md.data, md.len), 0);
	ck_assert_ptr_eq(strstr(text_of(0), "\\|a|a|a"), part.data);
}
END_TEST

START_TEST(a_reply_without_end_says_that_it_goes_on)
{
	struct shape s;

	add("Some words of a sentence. ", 32 * 1024);
	ck_assert_int_eq(reply_init(&reply, md.data, md.len), 0);
	ck_assert_uint_eq(reply.n, REPLY_PARTS_MAX);
	reply.remark = "_cut_";
	ck_assert_int_eq(reply_shape(&reply, 0, SHAPE_BLOCKS, &s), 0);
	ck_assert_ptr_null(strstr(s.blocks, "_cut_"));
	shape_release(&s);
	ck_assert_int_eq(reply_shape(&reply, reply.n - 1, SHAPE_BLOCKS, &s), 0);
	ck_assert_ptr_nonnull(strstr(s.blocks, "_cut_"));
	shape_release(&s);
	ck_assert_int_eq(reply_plain(&reply, 0), 0);
	ck_assert_int_eq(reply_shape(&reply, reply.n - 1, SHAPE_BLOCKS, &s), 0);
	ck_assert_ptr_nonnull(strstr(s.text, "_cut_"));
	shape_release(&s);
}
END_TEST

START_TEST(a_reply_has_no_more_parts_than_are_wanted)
{
	add("Some words of a sentence. ", 1000);
	ck_assert_int_eq(reply_init(&reply, md.data, md.len), 0);
	ck_assert(!reply.more);
	reply_limit(&reply, reply.n);
	ck_assert(!reply.more);
	reply_limit(&reply, 2);
	ck_assert_uint_eq(reply.n, 2);
	ck_assert(reply.more);
}
END_TEST

/* 4,500 bytes are 1,500 of the characters that Slack counts. */
START_TEST(no_word_of_a_long_cell_is_lost)
{
	const char *p = NULL;
	struct shape s;
	size_t n = 0;

	add("| a | b |\n|---|---|\n| 1 | ", 1);
	add("\xe8\xaa\x9e", 1500);
	add(" |\n", 1);
	ck_assert_int_eq(reply_init(&reply, md.data, md.len), 0);
	ck_assert_int_eq(reply_shape(&reply, 0, SHAPE_TABLES, &s), 0);
	for (p = s.blocks; (p = strstr(p, "\xe8\xaa\x9e")); p += 3)
		n++;
	ck_assert_uint_eq(n, 1500);
	shape_release(&s);
}
END_TEST

START_TEST(interim_shows_the_first_part_and_that_there_is_more)
{
	add("A paragraph with *emphasis*.\n\n", 1000);
	ck_assert_int_eq(reply_interim(md.data, md.len, &part), 0);
	ck_assert_uint_le(part.len, BLOCKS_PART_MAX);
	ck_assert_str_eq(part.data + part.len - 4, " …");
	buf_reset(&part);
	ck_assert_int_eq(reply_interim("**Yes", 5, &part), 0);
	ck_assert_str_eq(part.data, "**Yes**");
}
END_TEST

START_TEST(interim_closes_a_fence_before_the_ellipsis)
{
	add("```\n", 1);
	add("int x;\n", 3000);
	ck_assert_int_eq(reply_interim(md.data, md.len, &part), 0);
	ck_assert_str_eq(part.data + part.len - 9, "\n```\n\n…");
}
END_TEST

START_TEST(interim_of_nothing_visible_is_empty)
{
	ck_assert_int_eq(reply_interim(" \n ", 3, &part), 0);
	ck_assert_uint_eq(part.len, 0);
	ck_assert_int_eq(reply_interim("**", 2, &part), 0);
	ck_assert_uint_eq(part.len, 0);
}
END_TEST

START_TEST(edits_are_stretched_with_number_and_age)
{
	static const struct {
		size_t streaming;
		unsigned int nedits;
		bool paced;
		int64_t ms;
	} c[] = {
		{ 1, 1, true, 1000 },   { 1, 20, true, 1000 },
		{ 1, 24, true, 2000 },  { 1, 36, true, 5000 },
		{ 1, 900, true, 5000 }, { 2, 1, true, 2600 },
		{ 10, 1, true, 13000 }, { 10, 900, true, 13000 },
		{ 10, 1, false, 1000 }, { 10, 36, false, 5000 },
	};
	size_t i;

	for (i = 0; i < sizeof(c) / sizeof(c[0]); i++)
		ck_assert_int_eq(edit_interval_ms(c[i].streaming, c[i].nedits,
						  c[i].paced),
				 c[i].ms);
}
END_TEST

START_TEST(every_sentence_is_a_whole_one)
{
	int k;

	for (k = 0; k < SENTENCES; k++) {
		buf_reset(&part);
		sentence_write((enum sentence)k, "en", "abcdefghijklmnop",
			       &part);
		ck_assert(!part.failed);
		ck_assert_ptr_nonnull(strstr(part.data, " (ref. klmnop)"));
		ck_assert_ptr_nonnull(sentence_name((enum sentence)k));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("reply");
	TCase *tc = tcase_create("reply");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, a_short_answer_is_one_part);
	tcase_add_test(tc, no_part_is_longer_than_slack_takes);
	tcase_add_test(tc, a_fence_is_closed_and_opened_again);
	tcase_add_test(tc, the_parts_are_the_same_every_time);
	tcase_add_test(
		tc, text_alone_is_cut_smaller_and_leaves_earlier_parts_alone);
	tcase_add_test(tc,
		       a_table_is_cut_between_rows_and_its_heading_repeated);
	tcase_add_test(tc, parts_begin_with_headings);
	tcase_add_loop_test(tc, nothing_is_cut_in_two, 0, 25);
	tcase_add_loop_test(
		tc,
		hostile_repeats_make_four_times_as_much_of_four_times_as_many,
		0, sizeof(hostile) / sizeof(hostile[0]));
	tcase_add_loop_test(tc, pathological_inputs_take_linear_time, 0,
			    sizeof(pathological) / sizeof(pathological[0]));
	tcase_add_test(tc, what_has_no_blanks_is_cut_at_sentences);
	tcase_add_loop_test(tc, pipes_inside_of_a_line_are_no_table, 0, 4);
	tcase_add_test(tc, pipes_of_a_long_line_of_code_stay_as_they_are);
	tcase_add_test(tc, a_caption_is_short_whatever_the_heading);
	tcase_add_test(tc, what_grows_too_much_is_shown_as_it_is);
	tcase_add_test(tc, no_word_of_a_long_cell_is_lost);
	tcase_add_test(tc, a_reply_without_end_says_that_it_goes_on);
	tcase_add_test(tc, a_reply_has_no_more_parts_than_are_wanted);
	tcase_add_test(tc, interim_shows_the_first_part_and_that_there_is_more);
	tcase_add_test(tc, interim_closes_a_fence_before_the_ellipsis);
	tcase_add_test(tc, interim_of_nothing_visible_is_empty);
	tcase_add_test(tc, edits_are_stretched_with_number_and_age);
	tcase_add_test(tc, every_sentence_is_a_whole_one);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
