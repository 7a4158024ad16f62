/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "slack/words.h"

#define NAMES_MAX 8

/* The names in braces, sorted, each followed by a space. */
static void names_in(const char *text, char out[200])
{
	const char *names[NAMES_MAX];
	size_t lens[NAMES_MAX], n = 0, i, k;
	const char *end;

	for (; *text != '\0'; text++) {
		ck_assert_int_ne(*text, '}');
		if (*text != '{')
			continue;
		end = strchr(text, '}');
		ck_assert_ptr_nonnull(end);
		ck_assert_uint_lt(n, NAMES_MAX);
		for (i = n; i > 0 && strncmp(text, names[i - 1], 20) < 0; i--) {
			names[i] = names[i - 1];
			lens[i] = lens[i - 1];
		}
		names[i] = text;
		lens[i] = (size_t)(end - text) + 1;
		n++;
		text = end;
	}
	out[0] = '\0';
	for (k = 0; k < n; k++) {
		strncat(out, names[k], lens[k]);
		strcat(out, " ");
	}
}

START_TEST(every_language_has_all_words_and_the_same_names_in_them)
{
	const char *english, *text;
	char own[200], other[200];
	size_t l, len;
	int w;

	for (w = 0; w < WORDS_COUNT; w++) {
		english = words_get((enum words)w, "en");
		ck_assert_ptr_nonnull(english);
		names_in(english, own);
		for (l = 0; words_language(l); l++) {
			text = words_get((enum words)w, words_language(l));
			ck_assert_msg(text && text[0] != '\0', "no %s of: %s",
				      words_language(l), english);
			ck_assert_msg(l == 0 || strcmp(text, english) != 0,
				      "the same in %s: %s", words_language(l),
				      english);
			names_in(text, other);
			ck_assert_msg(strcmp(own, other) == 0, "%s: %s", text,
				      other);
			for (; *text != '\0'; text += len) {
				len = utf8_len(text, strlen(text));
				ck_assert_uint_gt(len, 0);
				ck_assert(strchr("<>&", *text) == NULL);
			}
		}
	}
	ck_assert_uint_ge(l, 2);
}
END_TEST

START_TEST(promised_sentences_are_as_promised)
{
	ck_assert_str_eq(words_get(WORDS_THINKING, ""), "Thinking...");
	ck_assert_str_eq(words_get(WORDS_RATE, NULL),
			 "I'm receiving too many requests right now. Please try"
			 " again in a moment.");
}
END_TEST

static const struct {
	const char *locale;
	bool spoken;
	const char *stop;
} locales[] = {
	{ "en", true, "Stop" },        { "en-GB", true, "Stop" },
	{ "de", true, "Anhalten" },    { "de-AT", true, "Anhalten" },
	{ "DE_ch", true, "Anhalten" }, { "den", false, "Stop" },
	{ "fr", false, "Stop" },       { "d", false, "Stop" },
	{ "", false, "Stop" },         { NULL, false, "Stop" },
};

START_TEST(a_locale_is_its_language_or_english)
{
	ck_assert_int_eq(words_speak(locales[_i].locale), locales[_i].spoken);
	ck_assert_str_eq(words_get(WORDS_STOP, locales[_i].locale),
			 locales[_i].stop);
}
END_TEST

START_TEST(names_are_filled_in_once)
{
	static const struct words_fill fill[] = { { "ahead", "{ahead} %s" },
						  { NULL, NULL } };
	struct buf out;

	buf_init(&out, 1000);
	ck_assert_int_eq(words_add(&out, WORDS_QUEUE, "en", fill), 0);
	ck_assert_str_eq(out.data,
			 "There is a queue: {ahead} %s of your company's"
			 " questions are before this one. My answer will come"
			 " here.");
	buf_release(&out);
	buf_init(&out, 10);
	ck_assert_int_eq(words_add(&out, WORDS_QUEUE, "en", fill), -1);
	buf_release(&out);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("words");
	TCase *tc = tcase_create("words");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc,
		       every_language_has_all_words_and_the_same_names_in_them);
	tcase_add_test(tc, promised_sentences_are_as_promised);
	tcase_add_loop_test(tc, a_locale_is_its_language_or_english, 0,
			    sizeof(locales) / sizeof(locales[0]));
	tcase_add_test(tc, names_are_filled_in_once);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
