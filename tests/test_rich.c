/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "slack/rich.h"
#include "slack/shared.h"

#define COUNT(a)    (sizeof(a) / sizeof((a)[0]))
#define HEAD        "[table, columns separated by tabs]\n"
#define END         "\n[end of table]"
#define RAW(s)      "{\"type\":\"raw_text\",\"text\":\"" s "\"}"
#define TABLE(rows) "{\"blocks\":[{\"type\":\"table\",\"rows\":[" rows "]}]}"
#define RICH(elements)                                     \
	"{\"type\":\"rich_text\",\"elements\":[{\"type\":" \
	"\"rich_text_section\",\"elements\":[" elements "]}]}"

static struct buf out;

static void setup(void)
{
	buf_init(&out, 1 << 20);
}

static void teardown(void)
{
	buf_release(&out);
}

static struct json *parse(const char *text)
{
	struct err e = { 0 };
	struct json *j = json_parse(text, strlen(text), 1 << 22, &e);

	ck_assert_msg(j != NULL, "%s", e.msg);
	return j;
}

static const char *tables_of(const char *message)
{
	struct json *j = parse(message);

	rich_tables(j, &out);
	json_free(j);
	ck_assert(!out.failed);
	return out.data ? out.data : "";
}

static const struct {
	const char *message;
	const char *text;
} tables[] = {
	{ TABLE("[" RAW("Name") "," RAW("Qty") "],[" RAW("nut") "," RAW(
		  "7") "]"),
	  HEAD "Name\tQty\nnut\t7" END },
	{ TABLE("[{\"type\":\"raw_number\",\"value\":1.25},"
		"{\"type\":\"raw_number\",\"value\":3,\"text\":\"3.00\"}]"),
	  HEAD "1.25\t3.00" END },
	{ TABLE("[" RAW("a\\tb\\nc\\rd") "," RAW("") "," RAW("<&>") "]"),
	  HEAD "a b c d\t\t&lt;&amp;&gt;" END },
	{ TABLE("[" RICH("{\"type\":\"text\",\"text\":\"bold\",\"style\":"
			 "{\"bold\":true}},{\"type\":\"text\",\"text\":\" \"},"
			 "{\"type\":\"user\",\"user_id\":\"U1\"},"
			 "{\"type\":\"link\",\"url\":\"https://x.test\"}") "]"),
	  HEAD "bold <@U1>https://x.test" END },
	{ TABLE("[" RICH("{\"type\":\"user\",\"user_id\":\"U1> x\"}") "]"),
	  HEAD "U1&gt; x" END },
	{ TABLE("[7,null,\"x\",{}]"), HEAD "\t\t\t" END },
	{ TABLE("7,[]"), HEAD "\n" END },
	{ TABLE(""), "" },
	{ "{\"blocks\":[{\"type\":\"table\"}]}", "" },
	{ "{\"blocks\":7,\"attachments\":[7,{\"blocks\":[7]}]}", "" },
	{ "{\"blocks\":[{\"type\":\"section\"}]}", "" },
	{ "{\"attachments\":[{\"blocks\":[{\"type\":\"data_table\","
	  "\"caption\":\"Sales\\n2026\",\"rows\":[[" RAW("x") "]]}]}]}",
	  "[table, columns separated by tabs: Sales 2026]\nx" END },
};

START_TEST(a_table_is_lines_with_tabs)
{
	ck_assert_str_eq(tables_of(tables[_i].message), tables[_i].text);
}
END_TEST

START_TEST(tables_stand_below_what_is_there)
{
	buf_adds(&out, "see");
	ck_assert_str_eq(tables_of(TABLE("[" RAW("x") "]")),
			 "see\n" HEAD "x" END);
}
END_TEST

/* A row is a single cell of n bytes. */
static char *many_rows(size_t rows, int n)
{
	struct buf b;
	size_t i;

	buf_init(&b, 1 << 22);
	buf_adds(&b, "{\"blocks\":[{\"type\":\"table\",\"rows\":[");
	for (i = 0; i < rows; i++)
		buf_addf(&b, "%s[" RAW("%0*zu") "]", i ? "," : "", n, i);
	buf_adds(&b, "]}]}");
	ck_assert(!b.failed);
	return buf_take(&b);
}

static const struct {
	size_t rows;
	int width;
	const char *says;
} large[] = {
	{ 500, 5, "00499" END },
	{ 501, 5, "00499\n[1 more rows are left out]" END },
	{ 100, 1000, "\n[35 more rows are left out]" END },
	{ 2, 20000, "]\n[2 more rows are left out]" END },
};

START_TEST(a_large_table_says_what_is_left_out)
{
	char *message = many_rows(large[_i].rows, large[_i].width);
	const char *text = tables_of(message);

	ck_assert_ptr_nonnull(strstr(text, large[_i].says));
	ck_assert_uint_lt(out.len, 70000);
	free(message);
}
END_TEST

START_TEST(what_does_not_fit_is_left_out)
{
	buf_release(&out);
	buf_init(&out, 40);
	ck_assert_str_eq(tables_of(TABLE("[" RAW("x") "]")), "");
	buf_adds(&out, "still");
	ck_assert_str_eq(out.data, "still");
}
END_TEST

static const struct {
	const char *blocks;
	const char *text;
} texts[] = {
	{ "[" RICH(
		  "{\"type\":\"text\",\"text\":\"so\",\"style\":{\"bold\":true,"
		  "\"italic\":true}},{\"type\":\"text\",\"text\":\" <x>\"},"
		  "{\"type\":\"text\",\"text\":\"y\",\"style\":"
		  "{\"code\":true,\"strike\":false}}") "]",
	  "*_so_* &lt;x&gt;`y`" },
	{ "[" RICH("{\"type\":\"link\",\"url\":\"https://x.test/?a&b\","
		   "\"text\":\"here\"},{\"type\":\"emoji\",\"name\":\"wave\"},"
		   "{\"type\":\"channel\",\"channel_id\":\"C1\"},"
		   "{\"type\":\"usergroup\",\"usergroup_id\":\"S1\"},"
		   "{\"type\":\"broadcast\",\"range\":\"here\"},"
		   "{\"type\":\"date\",\"fallback\":\"today\"},"
		   "{\"type\":\"color\",\"value\":\"#fff\"},"
		   "{\"type\":\"new\",\"text\":\"?\"}") "]",
	  "here (https://x.test/?a&amp;b):wave:<#C1><!subteam^S1>@heretoday#fff" },
	{ "[{\"type\":\"rich_text\",\"elements\":["
	  "{\"type\":\"rich_text_list\",\"style\":\"bullet\",\"elements\":["
	  "{\"type\":\"rich_text_section\",\"elements\":["
	  "{\"type\":\"text\",\"text\":\"one\"}]}]},"
	  "{\"type\":\"rich_text_list\",\"style\":\"ordered\",\"indent\":1,"
	  "\"elements\":[{\"type\":\"rich_text_section\",\"elements\":["
	  "{\"type\":\"text\",\"text\":\"two\"}]},{},7]},"
	  "{\"type\":\"rich_text_preformatted\",\"elements\":["
	  "{\"type\":\"text\",\"text\":\"x = 1\"}]},"
	  "{\"type\":\"rich_text_quote\",\"elements\":["
	  "{\"type\":\"text\",\"text\":\"so\"}]}]}]",
	  "- one\n    1. two\n    2. \n    3. \n```\nx = 1\n```\n&gt; so" },
	{ "[{\"type\":\"header\",\"text\":{\"type\":\"plain_text\","
	  "\"text\":\"<H>\"}},{\"type\":\"divider\"},"
	  "{\"type\":\"section\",\"text\":{\"type\":\"mrkdwn\","
	  "\"text\":\"*b* <@U1>\"}},{\"type\":\"markdown\","
	  "\"text\":\"**b** <@U1>\"},{\"type\":\"section\"}]",
	  "&lt;H&gt;\n*b* <@U1>\n**b** &lt;@U1&gt;" },
	{ "[]", "" },
	{ "[7,{},{\"type\":\"rich_text\"}]", "" },
};

START_TEST(blocks_are_told_as_text)
{
	struct json *j = parse(texts[_i].blocks);

	rich_text(j, &out);
	json_free(j);
	ck_assert_str_eq(out.data ? out.data : "", texts[_i].text);
}
END_TEST

static const struct {
	const char *attachments;
	const char *text;
} shares[] = {
	{ "[{\"is_share\":true,\"author_name\":\"Bob\","
	  "\"text\":\"the *VPN*\\nis down\",\"fallback\":\"[..] Bob\"}]",
	  "[forwarded message of Bob]\n&gt; the *VPN*\n&gt; is down" },
	{ "[{\"is_msg_unfurl\":true,\"from_url\":\"https://x.test/p1\","
	  "\"author_name\":\"B]\\no<b\",\"fallback\":\"so\"}]",
	  "[forwarded message of B  o b]\n&gt; so" },
	{ "[{\"is_reply_unfurl\":true,\"message_blocks\":[{\"message\":"
	  "{\"blocks\":[" RICH("{\"type\":\"text\",\"text\":\"so\"}") "]}}]}]",
	  "[forwarded message]\n&gt; so" },
	/* an app's card */
	{ "[{\"pretext\":\"[FIRING]\",\"title\":\"disk\","
	  "\"text\":\"95 %\",\"fallback\":\"f\",\"fields\":["
	  "{\"title\":\"host\",\"value\":\"db1\"},{\"value\":\"only\"},"
	  "{\"title\":\"alone\"},7]},{\"fallback\":\"f\"}]",
	  "[FIRING]\ndisk\n95 %\nhost: db1\nonly\nalone\nf" },
	{ "[{\"blocks\":[{\"type\":\"section\",\"text\":"
	  "{\"type\":\"mrkdwn\",\"text\":\"*b*\"}}]}]",
	  "*b*" },
	/* what a link was unfolded to */
	{ "[{\"from_url\":\"https://x.test\",\"title\":\"X\"},"
	  "{\"original_url\":\"https://x.test\",\"text\":\"X\"}]",
	  "" },
	{ "[7,{},{\"is_share\":true},{\"text\":\"\"}]", "" },
};

START_TEST(what_others_said_is_told)
{
	char message[1000];
	struct json *j;

	(void)snprintf(message, sizeof(message), "{\"attachments\":%s}",
		       shares[_i].attachments);
	j = parse(message);
	shared_text(j, &out);
	json_free(j);
	ck_assert_str_eq(out.data ? out.data : "", shares[_i].text);
}
END_TEST

/* Of each half a page and more, up to a whole character; none in half. */
START_TEST(what_others_said_is_cut)
{
	struct json *j;
	struct buf b;
	int i;

	buf_init(&b, 1 << 22);
	buf_adds(&b, "{\"attachments\":[");
	for (i = 0; i < 40; i++) {
		buf_addf(&b, "%s{\"text\":\"x", i ? "," : "");
		while (b.len % 30000 < 20000)
			buf_adds(&b, "\xc3\xa4");
		buf_adds(&b, "\"}");
		while (b.len % 30000 >= 20000)
			buf_addc(&b, ' ');
	}
	buf_adds(&b, "]}");
	j = parse(b.data);
	buf_release(&out);
	buf_init(&out, 100000);
	shared_text(j, &out);
	json_free(j);
	buf_release(&b);
	ck_assert(!out.failed);
	ck_assert_uint_gt(out.len, 80000);
	ck_assert_int_eq((unsigned char)out.data[out.len - 1], 0xa4);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rich");
	TCase *tc = tcase_create("rich");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_table_is_lines_with_tabs, 0, COUNT(tables));
	tcase_add_test(tc, tables_stand_below_what_is_there);
	tcase_add_loop_test(tc, a_large_table_says_what_is_left_out, 0,
			    COUNT(large));
	tcase_add_test(tc, what_does_not_fit_is_left_out);
	tcase_add_loop_test(tc, blocks_are_told_as_text, 0, COUNT(texts));
	tcase_add_loop_test(tc, what_others_said_is_told, 0, COUNT(shares));
	tcase_add_test(tc, what_others_said_is_cut);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
