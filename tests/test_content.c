/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "slack/content.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define S(s)     s, sizeof(s) - 1

static const struct {
	const char *bytes;
	size_t n;
	enum content_kind kind;
} kinds[] = {
	{ S(""), CONTENT_EMPTY },
	{ S("a,b\n1,2\n"), CONTENT_TEXT },
	{ S("\xef\xbb\xbfwith a mark"), CONTENT_TEXT },
	{ S("gr\xc3\xbc\xc3\x9f dich"), CONTENT_TEXT },
	{ S("M\xfcller, Stra\xdf"
	    "e"),
	  CONTENT_TEXT },
	{ S("\xff\xfeh\0i\0"), CONTENT_TEXT },
	{ S("\xfe\xff\0h\0i"), CONTENT_TEXT },
	{ S("\x1b[31mERROR\x1b[0m disk full, and more of the same\n"),
	  CONTENT_TEXT },
	{ S("<svg xmlns='x'></svg>"), CONTENT_TEXT },
	{ S("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), CONTENT_PNG },
	{ S("\xff\xd8\xff\xe0\0\x10JFIF"), CONTENT_JPEG },
	{ S("GIF89a\1\0\1\0"), CONTENT_GIF },
	{ S("RIFF\x24\0\0\0WEBPVP8 "), CONTENT_WEBP },
	{ S("RIFF\x24\0\0\0WAVEfmt "), CONTENT_OTHER },
	{ S("%PDF-1.7 and nothing but text"), CONTENT_OTHER },
	{ S("PK\x03\x04zip"), CONTENT_OTHER },
	{ S("\x7f"
	    "ELF\2\1\1\0\0\0"),
	  CONTENT_OTHER },
	{ S("text, and a NUL\0"), CONTENT_OTHER },
	{ S("\1\2\3\4\5\6\7"), CONTENT_OTHER },
	{ S("\xff\xfe\0\0h\0\0\0"), CONTENT_OTHER }, /* UTF-32 */
	{ S("\xef\xf0\xe8\xe2\xe5\xf2 \xec\xe8\xf0"), CONTENT_OTHER },
	{ S("\x89PNG"), CONTENT_TEXT }, /* what would it be? */
	{ S("\xff\xfe\xfd"), CONTENT_TEXT },
};

START_TEST(a_file_is_what_its_bytes_are)
{
	ck_assert_int_eq(content_kind(kinds[_i].bytes, kinds[_i].n, true),
			 kinds[_i].kind);
}
END_TEST

START_TEST(only_images_have_a_type)
{
	ck_assert_str_eq(content_image_type(CONTENT_PNG), "image/png");
	ck_assert_str_eq(content_image_type(CONTENT_WEBP), "image/webp");
	ck_assert_ptr_null(content_image_type(CONTENT_TEXT));
	ck_assert_ptr_null(content_image_type(CONTENT_OTHER));
}
END_TEST

static const struct {
	const char *bytes;
	size_t n;
	bool whole;
	const char *text;
} texts[] = {
	{ S("plain\n"), true, "plain\n" },
	{ S("\xef\xbb\xbfmarked"), true, "marked" },
	{ S("a\r\nb\rc\fd"), true, "a\nb\nc\nd" },
	{ S("a\xe2\x80\xa8"
	    "b\xc2\x85"
	    "c"),
	  true, "a\nb\nc" },
	{ S("\r\r\n\n"), true, "\n\n\n" },
	{ S("a\x07z\x7f, and more letters than bells, many more of"), true,
	  "az, and more letters than bells, many more of" },
	{ S("\x1b[1;31mred\x1b[0m and a long line behind it, for once"), true,
	  "red and a long line behind it, for once" },
	{ S("an \x1bodd escape at the end of a line of some length \x1b["),
	  true, "an odd escape at the end of a line of some length " },
	{ S("caf\xe9"), true, "caf\xc3\xa9" },
	{ S("\x80 10, \x93quoted\x94"), true,
	  "\xe2\x82\xac 10, \xe2\x80\x9cquoted\xe2\x80\x9d" },
	{ S("hole \x81."), true, "hole \xef\xbf\xbd." },
	{ S("\xff\xfeh\0\xe9\0"), true, "h\xc3\xa9" },
	{ S("\xfe\xff\0h\x20\xac"), true, "h\xe2\x82\xac" },
	{ S("\xff\xfe\x3d\xd8\x00\xde!\0"), true, "\xf0\x9f\x98\x80!" },
	{ S("\xff\xfe\x3d\xd8!\0\x00\xde"), true, "\xef\xbf\xbd!\xef\xbf\xbd" },
	{ S("\xff\xfeh\0i"), true, "h" },
	{ S("cut \xc3\xa9\xe2\x82"), false, "cut \xc3\xa9" },
	{ S("cut \xf0\x9f\x98"), false, "cut " },
	{ S("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
	    "\xc3\xa9\xc3\xa9\xe9!"),
	  true,
	  "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
	  "\xc3\xa9\xc3\xa9\xef\xbf\xbd!" },
	{ S("binary\0"), true, "" },
};

START_TEST(text_is_made_utf8)
{
	struct buf out;

	buf_init(&out, 1000);
	ck_assert_int_eq(content_text(texts[_i].bytes, texts[_i].n,
				      texts[_i].whole, &out),
			 0);
	ck_assert_str_eq(out.data ? out.data : "", texts[_i].text);
	buf_release(&out);
}
END_TEST

START_TEST(a_text_larger_than_its_buffer_is_an_error)
{
	struct buf out;

	buf_init(&out, 3);
	ck_assert_int_eq(content_text("four", 4, true, &out), -1);
	buf_release(&out);
}
END_TEST

static const struct {
	const char *text;
	bool page;
} pages[] = {
	{ "<!DOCTYPE html><html>", true },
	{ "\xef\xbb\xbf \r\n<HTML lang='en'>", true },
	{ "<html", true },
	{ "<htm", false },
	{ "a,b <html>", false },
	{ "<?xml version='1.0'?>", false },
	{ "", false },
};

START_TEST(a_page_is_known_by_its_beginning)
{
	ck_assert(content_is_page(pages[_i].text, strlen(pages[_i].text)) ==
		  pages[_i].page);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("content");
	TCase *tc = tcase_create("content");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, a_file_is_what_its_bytes_are, 0, COUNT(kinds));
	tcase_add_test(tc, only_images_have_a_type);
	tcase_add_loop_test(tc, text_is_made_utf8, 0, COUNT(texts));
	tcase_add_test(tc, a_text_larger_than_its_buffer_is_an_error);
	tcase_add_loop_test(tc, a_page_is_known_by_its_beginning, 0,
			    COUNT(pages));
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
