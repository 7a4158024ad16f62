/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "llm/tokens.h"

/* What cl100k and o200k make of it, counted once; ours may be up to twice as
 * many as the larger of them, and not fewer by more than a tenth. */
static const struct {
	const char *text;
	size_t cl100k, o200k;
} cases[] = {
	{ "Good morning, could anybody tell me where the documents for tomorrow's meeting are? I looked in the folder of the project yesterday and found only last week's draft.",
	  33, 32 },
	{ "Guten Morgen zusammen, kann mir jemand sagen, wo die Unterlagen für die Sitzung liegen? Die Geschwindigkeitsbegrenzung der Schnittstelle müssen wir noch einmal besprechen.",
	  45, 36 },
	{ "Доброе утро! Подскажите, пожалуйста, где лежат документы для завтрашней встречи?",
	  42, 23 },
	{ "早上好，请问明天会议的文件放在哪里？我昨天在项目目录里找过，只找到了上周四的旧草稿。",
	  44, 32 },
	{ "おはようございます。明日の会議の資料はどこにありますか。", 25, 18 },
	{ "صباح الخير، هل يمكن لأحد أن يخبرني أين توجد مستندات اجتماع الغد؟",
	  48, 21 },
	{ "सुप्रभात, क्या कोई बता सकता है कि कल की बैठक के दस्तावेज़ कहाँ हैं?", 63, 23 },
	{ "for (i = 0; i < n; i++) {\n\tif (!v[i])\n\t\tcontinue;\n\tsum += v[i]->len;\n}\n",
	  30, 30 },
	{ "{\"id\":\"U0ADA\",\"ts\":\"1767312000.000100\",\"tags\":[\"a\",\"b\"],\"n\":12345}",
	  28, 29 },
	{ "https://example.com/browse/KON-1234?focusedCommentId=98231&page=all",
	  19, 21 },
	{ "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
	  43, 43 },
	{ "2026-11-29T07:39:09.123456Z 10.0.12.255:8443", 27, 27 },
	{ "👍 Great 🎉🎉 see you 🙂 👩‍💻 ✅ done", 22, 16 },
	{ "| name | size |\n|---|---:|\n| a | 1 |\n| b | 22 |\n", 23, 23 },
};

START_TEST(an_estimate_is_rather_too_large_than_too_small)
{
	size_t most = cases[_i].cl100k > cases[_i].o200k ? cases[_i].cl100k
							 : cases[_i].o200k;
	size_t n = llm_tokens(cases[_i].text, strlen(cases[_i].text));

	ck_assert_uint_ge(n * 10, most * 9);
	ck_assert_uint_le(n, most * 2);
}
END_TEST

START_TEST(nothing_is_nothing_and_more_is_not_less)
{
	char text[600];
	size_t i, last = 0, n;

	ck_assert_uint_eq(llm_tokens("", 0), 0);
	for (i = 0; i < sizeof(text); i++) {
		text[i] = (char)(i * 37 % 251);
		n = llm_tokens(text, i + 1);
		ck_assert_uint_ge(n, last);
		last = n;
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tokens");
	TCase *tc = tcase_create("tokens");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, an_estimate_is_rather_too_large_than_too_small,
			    0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tc, nothing_is_nothing_and_more_is_not_less);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
