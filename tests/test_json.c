/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/utf8.h"

#define MAX 1000000

static struct json *j;
static struct buf out;

static void setup(void)
{
	j = NULL;
	buf_init(&out, MAX);
}

static void teardown(void)
{
	json_free(j);
	buf_release(&out);
}

static void parse(const char *text)
{
	struct err e = { 0 };

	j = json_parse(text, strlen(text), MAX, &e);
	ck_assert_msg(j != NULL, "%s: %s", text, e.msg);
}

static const char doc[] =
	"{\"event\":{\"type\":\"message\",\"files\":[{\"name\":\"a.txt\"},"
	"{\"name\":\"b.txt\",\"size\":-12}],\"hidden\":false,\"user\":null,"
	"\"cut\":\"a\\u0000b\",\"ratio\":1.5,\"0\":\"zero\",\"\":\"none\"},"
	"\"ok\":true,\"big\":9223372036854775806,\"more\":99999999999999999999}";

static const struct {
	const char *path;
	const char *want;
} strings[] = {
	{ "event.type", "message" },
	{ "event.files.0.name", "a.txt" },
	{ "event.files.1.name", "b.txt" },
	{ "event.0", "zero" },
	{ "event.", NULL },
	{ "event.files.2.name", NULL },
	{ "event.files.-1.name", NULL },
	{ "event.files.+1.name", NULL },
	{ "event.files.99999999999999999999.name", NULL },
	{ "event.files.18446744073709551617.name", NULL },
	{ "event.files..name", NULL },
	{ "event.files.name", NULL },
	{ "event.files", NULL },
	{ "event.user", NULL },
	{ "event.user.name", NULL },
	{ "event.type.more", NULL },
	{ "event.cut", NULL },
	{ "event.ratio", NULL },
	{ "ok", NULL },
	{ "", NULL },
	{ "nowhere", NULL },
};

START_TEST(path_leads_to_a_string_or_nowhere)
{
	const char *got;

	parse(doc);
	got = json_str(j, strings[_i].path);
	if (strings[_i].want)
		ck_assert_pstr_eq(got, strings[_i].want);
	else
		ck_assert_msg(!got, "%s gave %s", strings[_i].path, got);
}
END_TEST

START_TEST(longest_key_is_found_and_a_longer_one_is_not_cut)
{
	char key[65];
	char text[80];

	memset(key, 'k', sizeof(key));
	key[63] = '\0';
	(void)snprintf(text, sizeof(text), "{\"%s\":\"v\"}", key);
	parse(text);
	ck_assert_pstr_eq(json_str(j, key), "v");
	key[63] = 'k';
	key[64] = '\0';
	ck_assert_ptr_null(json_at(j, key));
}
END_TEST

START_TEST(numbers_and_booleans_keep_their_type)
{
	parse(doc);
	ck_assert_int_eq(json_int(j, "event.files.1.size", 7), -12);
	ck_assert_int_eq(json_int(j, "big", 7), INT64_MAX - 1);
	ck_assert_int_eq(json_int(j, "more", 7), 7);
	ck_assert_int_eq(json_int(j, "event.ratio", 7), 7);
	ck_assert_int_eq(json_int(j, "event.type", 7), 7);
	ck_assert_int_eq(json_int(j, "none", 7), 7);
	ck_assert(json_bool(j, "ok", false));
	ck_assert(!json_bool(j, "event.hidden", true));
	ck_assert(json_bool(j, "event.type", true));
	ck_assert(json_bool(j, "none", true));
}
END_TEST

START_TEST(kinds_are_told_apart)
{
	parse(doc);
	ck_assert(json_is_object(j, ""));
	ck_assert(json_is_object(j, "event"));
	ck_assert(!json_is_object(j, "event.files"));
	ck_assert(!json_is_object(j, "event.user"));
	ck_assert(json_is_array(j, "event.files"));
	ck_assert(!json_is_array(j, "event"));
	ck_assert(!json_is_array(j, "event.user"));
	ck_assert_uint_eq(json_len(j, "event.files"), 2);
	ck_assert_uint_eq(json_len(j, "event"), 0);
	ck_assert_ptr_eq(json_nth(j, "event.files", 1),
			 json_at(j, "event.files.1"));
	ck_assert_ptr_nonnull(json_nth(json_at(j, "event.files"), "", 0));
	ck_assert_ptr_null(json_nth(j, "event.files", 2));
	ck_assert_ptr_null(json_nth(j, "event", 0));
	ck_assert_ptr_null(json_at(NULL, "event"));
	ck_assert_ptr_null(json_str(NULL, ""));
	ck_assert_int_eq(json_int(NULL, "x", 3), 3);
	json_free(NULL);
}
END_TEST

static bool join_keys(const char *key, const struct json *value, void *arg)
{
	buf_addf(arg, "%s%s ", key, value ? "" : "!");
	return strcmp(key, "d") != 0;
}

START_TEST(members_come_in_their_order_until_enough)
{
	parse("{\"c\":1,\"a\":null,\"b\":[],\"d\":0,\"e\":5}");
	json_each(j, join_keys, &out);
	ck_assert_str_eq(out.data, "c a! b d ");
	json_each(json_at(j, "b"), join_keys, &out);
	json_each(NULL, join_keys, &out);
	ck_assert_str_eq(out.data, "c a! b d ");
}
END_TEST

#define T(s) s, sizeof(s) - 1

static const struct {
	const char *text;
	size_t len;
} refused[] = {
	{ T("") },
	{ T(" ") },
	{ T("1") },
	{ T("\"a\"") },
	{ T("null") },
	{ T("true") },
	{ T("{") },
	{ T("{}{}") },
	{ T("{} x") },
	{ T("[1,]") },
	{ T("{\"a\":1,}") },
	{ T("{'a':1}") },
	{ T("{\"a\":'b'}") },
	{ T("{a:1}") },
	{ T("[NaN]") },
	{ T("[Infinity]") },
	{ T("[-Infinity]") },
	{ T("[nan]") },
	{ T("[True]") },
	{ T("[tru]") },
	{ T("[01]") },
	{ T("[1.]") },
	{ T("[1.") },
	{ T("// c\n{}") },
	{ T("{}/* c */") },
	{ T("\xef\xbb\xbf{}") },
	{ T("{}\0") },
	{ T("[\"a\0b\"]") },
	{ T("[\"a\nb\"]") },
	{ T("[\"\x1f\"]") },
	{ T("[\"\xff\"]") },
	{ T("[\"\xc0\xaf\"]") },
	{ T("[\"\xed\xa0\x80\"]") },
	{ T("[\"\xf4\x90\x80\x80\"]") },
	{ T("[\"\xe2\x82\"]") },
	{ T("[\"\xe2\x82") },
	{ T("[\"a") },
	{ T("[\"a\\") },
	{ T("[\"a\\\"") },
	{ T("[\"\\u12\"]") },
	{ T("[\"\\x\"]") },
	{ T("{\"a\\u0000b\":1}") },
	{ T("{\"a\\u0000b\" \n:1}") },
	{ T("[\v1]") },
};

START_TEST(what_is_not_json_is_refused)
{
	/* a copy of just that size, for the sanitizer */
	char *text = malloc(refused[_i].len + 1);
	struct err e = { 0 };

	memcpy(text, refused[_i].text, refused[_i].len);
	text = realloc(text, refused[_i].len ? refused[_i].len : 1);
	j = json_parse(text, refused[_i].len, MAX, &e);
	ck_assert_msg(!j, "accepted %s", refused[_i].text);
	ck_assert_int_eq(e.kind, ERR_INPUT);
	ck_assert_str_ne(e.msg, "");
	free(text);
}
END_TEST

static const struct {
	const char *text;
	const char *copy;
} accepted[] = {
	{ " [ ] ", "[]" },
	{ "{ }", "{}" },
	{ "[null,true,false,-0,1e9,1.50]", "[null,true,false,0,1e9,1.50]" },
	{ "[\"\\u0041\\ud83d\\ude00\"]", "[\"A\xf0\x9f\x98\x80\"]" },
	{ "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]",
	  "[\"\\\"\\\\/\\u0008\\u000c\\n\\r\\t\"]" },
	{ "[\"a\\u0000b\"]", "[\"a\\u0000b\"]" },
	{ "[\"\\ud83d\"]", "[\"\xef\xbf\xbd\"]" },
	{ "{\"a\":1,\"a\":2}", "{\"a\":2}" },
	{ "[18446744073709551615]", "[18446744073709551615]" },
	{ "[\"\\\\u0000\"]", "[\"\\\\u0000\"]" },
	{ "{\"\\\\u0000\":1}", "{\"\\\\u0000\":1}" },
	{ "{\"\":{\"x\":[[],{}]}}", "{\"\":{\"x\":[[],{}]}}" },
};

static const struct {
	const char *text;
	const char *line;
} lines[] = {
	{ "{\"a\":NaN}", "line 1:" },
	{ "{\n\"a\": 1\n\"b\": 2}", "line 3:" },
	{ "{\n\n\"a\": 'b'\n}\n", "line 3:" },
	{ "{\"a\":\n\"b\n\"}", "line 2:" },
	{ "[1,\n2,\n\"a", "line 3:" },
	{ "[1,\n2,\n]", "line 3:" },
};

START_TEST(fault_has_a_line)
{
	struct err e = { 0 };

	ck_assert_ptr_null(
		json_parse(lines[_i].text, strlen(lines[_i].text), MAX, &e));
	ck_assert_msg(strstr(e.msg, lines[_i].line) != NULL, "%s: %s",
		      lines[_i].text, e.msg);
}
END_TEST

START_TEST(copy_is_compact_and_the_same)
{
	parse(accepted[_i].text);
	ck_assert_int_eq(json_copy(j, &out), 0);
	ck_assert_str_eq(out.data, accepted[_i].copy);
}
END_TEST

START_TEST(copy_fails_when_it_does_not_fit)
{
	struct buf small;

	parse("{\"a\":[1,2,3]}");
	buf_init(&small, 5);
	ck_assert_int_eq(json_copy(j, &small), -1);
	buf_release(&small);
	ck_assert_int_eq(json_copy(NULL, &out), 0);
	ck_assert_str_eq(out.data, "null");
}
END_TEST

static struct json *parse_nested(int depth)
{
	struct err e = { 0 };
	struct json *got;
	int i;

	buf_reset(&out);
	for (i = 0; i < depth; i++)
		buf_addc(&out, '[');
	for (i = 0; i < depth; i++)
		buf_addc(&out, ']');
	got = json_parse(out.data, out.len, MAX, &e);
	return got;
}

START_TEST(depth_and_size_have_a_limit)
{
	struct err e = { 0 };

	j = parse_nested(32);
	ck_assert_ptr_nonnull(j);
	ck_assert_ptr_null(parse_nested(33));
	ck_assert_ptr_null(parse_nested(100000));
	ck_assert_ptr_null(json_parse("[1,2]", 5, 4, &e));
	ck_assert_int_eq(e.kind, ERR_INPUT);
}
END_TEST

START_TEST(only_len_bytes_are_read)
{
	struct err e = { 0 };

	j = json_parse("[1]garbage", 3, MAX, &e);
	ck_assert_ptr_nonnull(j);
	ck_assert_uint_eq(json_len(j, ""), 1);
}
END_TEST

START_TEST(writer_puts_commas_where_they_belong)
{
	struct jwrite w;

	jw_init(&w, &out);
	jw_object(&w, NULL);
	jw_str(&w, "s", "v");
	jw_str(&w, "n", NULL);
	jw_array(&w, "a");
	jw_int(&w, NULL, INT64_MIN);
	jw_object(&w, NULL);
	jw_object_end(&w);
	jw_bool(&w, NULL, true);
	jw_array_end(&w);
	jw_bool(&w, "f", false);
	jw_raw(&w, "r", "[1]");
	jw_strn(&w, "part", "abcdef", 3);
	jw_object_end(&w);
	ck_assert_str_eq(out.data, "{\"s\":\"v\",\"n\":null,"
				   "\"a\":[-9223372036854775808,{},true],"
				   "\"f\":false,\"r\":[1],\"part\":\"abc\"}");
}
END_TEST

static const struct {
	const char *in;
	size_t len;
	const char *want;
} escapes[] = {
	{ T("plain"), "plain" },
	{ T("q\" b\\ /"), "q\\\" b\\\\ /" },
	{ T("\n\r\t\b\x01\0\x1f"), "\\n\\r\\t\\u0008\\u0001\\u0000\\u001f" },
	{ T("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
	  "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
	{ T("a\xff"
	    "b"),
	  "a\xef\xbf\xbd"
	  "b" },
	{ T("\xc0\xaf"), "\xef\xbf\xbd\xef\xbf\xbd" },
	{ T("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ T("cut \xe2\x82"), "cut \xef\xbf\xbd\xef\xbf\xbd" },
	/* A terminal would obey these, too. */
	{ T("\x7f\xc2\x9b"
	    "2J\xc2\xa0"),
	  "\\u007f\\u009b2J\xc2\xa0" },
};

START_TEST(written_strings_are_always_valid)
{
	struct jwrite w;
	struct err e = { 0 };
	size_t n = strlen(escapes[_i].want);

	jw_init(&w, &out);
	jw_array(&w, NULL);
	jw_strn(&w, NULL, escapes[_i].in, escapes[_i].len);
	jw_array_end(&w);
	ck_assert_uint_eq(out.len, n + 4);
	ck_assert_mem_eq(out.data + 2, escapes[_i].want, n);
	j = json_parse(out.data, out.len, MAX, &e);
	ck_assert_msg(j != NULL, "%s", e.msg);
}
END_TEST

START_TEST(utf8_is_measured_by_the_rfc)
{
	ck_assert_uint_eq(utf8_len("", 0), 0);
	ck_assert_uint_eq(utf8_len("a", 1), 1);
	ck_assert_uint_eq(utf8_len("\xc2\x80", 2), 2);
	ck_assert_uint_eq(utf8_len("\xc1\xbf", 2), 0);
	ck_assert_uint_eq(utf8_len("\xe0\xa0\x80", 3), 3);
	ck_assert_uint_eq(utf8_len("\xe0\x9f\xbf", 3), 0);
	ck_assert_uint_eq(utf8_len("\xf0\x90\x80\x80", 4), 4);
	ck_assert_uint_eq(utf8_len("\xf0\x8f\xbf\xbf", 4), 0);
	ck_assert_uint_eq(utf8_len("\xf4\x8f\xbf\xbf", 4), 4);
	ck_assert_uint_eq(utf8_len("\xf0\x9f\x98\x80", 3), 0);
	ck_assert_uint_eq(utf8_len("\x80", 1), 0);
	ck_assert_uint_eq(utf8_point("\xf0\x9f\x98\x80", 4), 0x1f600);
	ck_assert_uint_eq(utf8_point("\xe2\x82\xac", 3), 0x20ac);
	ck_assert_uint_eq(utf8_point("a", 1), 'a');
}
END_TEST

int main(void)
{
	Suite *s = suite_create("json");
	TCase *tc = tcase_create("json");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, path_leads_to_a_string_or_nowhere, 0,
			    sizeof(strings) / sizeof(strings[0]));
	tcase_add_test(tc, longest_key_is_found_and_a_longer_one_is_not_cut);
	tcase_add_test(tc, numbers_and_booleans_keep_their_type);
	tcase_add_test(tc, kinds_are_told_apart);
	tcase_add_test(tc, members_come_in_their_order_until_enough);
	tcase_add_loop_test(tc, what_is_not_json_is_refused, 0,
			    sizeof(refused) / sizeof(refused[0]));
	tcase_add_loop_test(tc, fault_has_a_line, 0,
			    sizeof(lines) / sizeof(lines[0]));
	tcase_add_loop_test(tc, copy_is_compact_and_the_same, 0,
			    sizeof(accepted) / sizeof(accepted[0]));
	tcase_add_test(tc, copy_fails_when_it_does_not_fit);
	tcase_add_test(tc, depth_and_size_have_a_limit);
	tcase_add_test(tc, only_len_bytes_are_read);
	tcase_add_test(tc, writer_puts_commas_where_they_belong);
	tcase_add_loop_test(tc, written_strings_are_always_valid, 0,
			    sizeof(escapes) / sizeof(escapes[0]));
	tcase_add_test(tc, utf8_is_measured_by_the_rfc);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
