/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "slack/markdown.h"
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
		buf_adds(&md, s);
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
	ck_assert_str_eq(text_of(0), "*Yes*, it is.");
}
END_TEST

START_TEST(no_part_is_longer_than_slack_takes)
{
	size_t k, whole = 0;

	add("Some words of a sentence. ", 1000);
	ck_assert_int_eq(reply_init(&reply, md.data, md.len), 0);
	ck_assert_uint_ge(reply.n, 7);
	for (k = 0; k < reply.n; k++) {
		ck_assert_uint_le(strlen(text_of(k)), 3600);
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
	add("\tint some_variable = 1; /* and a comment */\n", 300);
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
	ck_assert_ptr_eq(strstr(text_of(1), "```\n    int"), part.data);
	ck_assert_ptr_nonnull(strstr(text_of(reply.n - 1), "The end."));
}
END_TEST

START_TEST(the_parts_are_the_same_every_time)
{
	struct reply again;
	size_t k;

	add("A paragraph with *emphasis*.\n\n", 500);
	ck_assert_int_eq(reply_init(&reply, md.data, md.len), 0);
	ck_assert_int_eq(reply_init(&again, md.data, md.len), 0);
	ck_assert_uint_eq(reply.n, again.n);
	for (k = 0; k <= reply.n; k++)
		ck_assert_uint_eq(reply.at[k], again.at[k]);
	reply_release(&again);
}
END_TEST

START_TEST(cutting_smaller_leaves_earlier_parts_alone)
{
	size_t first, n;

	add("A paragraph with *emphasis*.\n\n", 500);
	ck_assert_int_eq(reply_init(&reply, md.data, md.len), 0);
	n = reply.n;
	first = reply.at[1];
	reply_cut(&reply, 1, MRKDWN_PART_MAX / 2);
	ck_assert_uint_eq(reply.at[1], first);
	ck_assert_uint_gt(reply.n, n);
	ck_assert_uint_le(strlen(text_of(1)), MRKDWN_PART_MAX / 2);
}
END_TEST

/* One long header makes every one of many short rows wide. */
START_TEST(what_grows_too_much_is_shown_as_it_is)
{
	add("|a|", 1);
	add("b", 60);
	add("|\n|-|-|\n", 1);
	add("|\n", 3000);
	ck_assert_int_eq(reply_init(&reply, md.data, md.len), 0);
	ck_assert_ptr_eq(strstr(text_of(0), "|a|bbb"), part.data);
}
END_TEST

START_TEST(interim_shows_the_first_part_and_that_there_is_more)
{
	add("A paragraph with *emphasis*.\n\n", 1000);
	ck_assert_int_eq(reply_interim(md.data, md.len, &part), 0);
	ck_assert_uint_le(part.len, MRKDWN_PART_MAX + 16);
	ck_assert_str_eq(part.data + part.len - 4, " …");
	buf_reset(&part);
	ck_assert_int_eq(reply_interim("**Yes", 5, &part), 0);
	ck_assert_str_eq(part.data, "*Yes*");
}
END_TEST

START_TEST(interim_closes_a_fence_before_the_ellipsis)
{
	add("```\n", 1);
	add("int x;\n", 1000);
	ck_assert_int_eq(reply_interim(md.data, md.len, &part), 0);
	ck_assert_str_eq(part.data + part.len - 8, "\n``` …");
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
		sentence_write((enum sentence)k, "abcdefghijklmnop", &part);
		ck_assert_int_eq(part.data[0], 'S');
		ck_assert_ptr_nonnull(strstr(part.data, ". (ref. klmnop)"));
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
	tcase_add_test(tc, a_short_answer_is_one_part);
	tcase_add_test(tc, no_part_is_longer_than_slack_takes);
	tcase_add_test(tc, a_fence_is_closed_and_opened_again);
	tcase_add_test(tc, the_parts_are_the_same_every_time);
	tcase_add_test(tc, cutting_smaller_leaves_earlier_parts_alone);
	tcase_add_test(tc, what_grows_too_much_is_shown_as_it_is);
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
