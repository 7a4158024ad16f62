/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "slack/markdown.h"

#define Z "\xe2\x80\x8b" /* U+200B */

/* What a model writes, and what Slack is to get. */
static const struct {
	const char *md;
	const char *mrkdwn;
} cases[] = {
	/* Emphasis */
	{ "**b** __b__", "*b* *b*" },
	{ "*i* _i_", "_i_ _i_" },
	{ "***bi***", "_*bi*_" },
	{ "~~gone~~", "~gone~" },
	{ "**a _b_ c**", "*a _b_ c*" },
	{ "**two\nlines**", "*two lines*" },
	{ "un**believ**able", "un" Z "*believ*" Z "able" },
	{ "日本**太字**語", "日本" Z "*太字*" Z "語" },
	{ "snake_case_name and 2 * 3 * 4", "snake_case_name and 2 * 3 * 4" },
	{ "\\*not bold\\*", "*" Z "not bold*" },

	/* Escapes, entities, HTML */
	{ "a < b && c > d", "a &lt; b &amp;&amp; c &gt; d" },
	{ "&lt;b&gt; &amp; &quot;q&quot;", "&lt;b&gt; &amp; \"q\"" },
	{ "&#60;!here&#x3e;", "&lt;!here&gt;" },
	{ "&nosuch; &copy;", "&amp;nosuch; ©" },
	{ "a<br>b<br/>c", "a\nb\nc" },
	{ "the <div> tag", "the &lt;div&gt; tag" },
	{ "<!-- a comment -->", "&lt;!-- a comment --&gt;" },

	/* Nothing pings */
	{ "<!channel> <!here|x>", "&lt;!channel&gt; &lt;!here|x&gt;" },
	{ "<@U1> @here @channel", "&lt;@U1&gt; @here @channel" },
	{ "<!subteam^S1>", "&lt;!subteam^S1&gt;" },
	{ "[x](!channel)", "x" },
	{ "[x](<!channel>)", "x" },
	{ "[x](@U1) [y](#C1)", "x y" },
	{ "[x](&#33;channel)", "x" },
	{ "`<!channel>`", "`&lt;!channel&gt;`" },
	{ "```\n<!channel>\n```", "```\n&lt;!channel&gt;\n```" },
	{ "![<!here>](!here)", "&lt;!here&gt;" },
	{ "<https://x|!channel>", "<https://x|!channel>" },

	/* Links */
	{ "[t](https://a.b/c \"title\")", "<https://a.b/c|t>" },
	{ "[t](https://a.b/?c=1&d=2)", "<https://a.b/?c=1&amp;d=2|t>" },
	{ "[**bold** t](https://a.b)", "<https://a.b|bold t>" },
	{ "see https://a.b/c_d.", "see <https://a.b/c_d>." },
	{ "**https://a.b/**", "*<https://a.b/>*" },
	{ "<https://a.b>", "<https://a.b>" },
	{ "<me@a.b>", "<mailto:me@a.b|me@a.b>" },
	{ "[t](javascript:alert(1))", "t" },
	{ "[t](<https://a.b/x y|z>)", "<https://a.b/x%20y%7Cz|t>" },
	{ "[a][1]\n\n[1]: https://a.b", "<https://a.b|a>" },
	{ "![alt](https://a.b/i.png)", "<https://a.b/i.png|alt>" },
	{ "![](https://a.b/i.png)", "<https://a.b/i.png>" },
	{ "[![b](https://b)](https://a)", "<https://a|b>" },

	/* Blocks */
	{ "# One\ntext", "*One*\n\ntext" },
	{ "Setext\n======\ntext", "*Setext*\n\ntext" },
	{ "## **Bold** head", "*Bold head*" },
	{ "#\n\ntext", "text" },
	{ "one\ntwo\n\nthree", "one\ntwo\n\nthree" },
	{ "hard  \nbreak", "hard\nbreak" },
	{ "a\n\n---\n\nb", "a\n\n———\n\nb" },
	{ "> q\n> r\n>\n> s\n\nt", "> q\n> r\n>\n> s\n\nt" },
	{ "> a\n>> b", "> a\n>\n> b" },

	/* Lists */
	{ "- a\n- b", "• a\n• b" },
	{ "* a\n\n* b", "• a\n• b" },
	{ "- a\n  - b\n    - c", "• a\n  ◦ b\n    ▪ c" },
	{ "3. c\n4. d", "3. c\n4. d" },
	{ "1. a\n   - b\n2. c", "1. a\n  ◦ b\n2. c" },
	{ "- [ ] todo\n- [x] done", "☐ todo\n☑ done" },
	{ "- a\n\n  more of a\n- b", "• a\n  more of a\n• b" },
	{ "text:\n- a\n\nafter", "text:\n\n• a\n\nafter" },
	{ "- a\n  ```\n  x\n  ```\n- b", "• a\n```\nx\n```\n• b" },

	/* Code */
	{ "`a & b`", "`a &amp; b`" },
	{ "`` a`b ``", "`a'b`" },
	{ "```python\nx = 1\n\ny < 2\n```", "```\nx = 1\n\ny &lt; 2\n```" },
	{ "~~~\n```\n~~~", "```\n``" Z "`\n```" },
	{ "a\n```\nx\n```\nb", "a\n\n```\nx\n```\n\nb" },
	{ "\\`\\`\\`", "`" Z "``" },

	/* Tables */
	{ "| a | b |\n|---|--:|\n| 1 | 22 |\n| x&y | 3 |",
	  "```\na   |  b\n----+---\n1   | 22\nx&amp;y |  3\n```" },
	{ "| 名 | b |\n|---|---|\n| x | y |",
	  "```\n名 | b\n---+--\nx  | y\n```" },
	{ "| a | b |\n|---|---|\n| [l](https://x) | **y** |",
	  "*<https://x|l>*\n• b: y" },

	/* Still being written */
	{ "some **bold te", "some *bold te*" },
	{ "some **bold te*", "some *bold te*" },
	{ "some **", "some" },
	{ "an *it", "an _it_" },
	{ "a `code sp", "a `code sp`" },
	{ "**b `c", "*b `c`*" },
	{ "```js\nlet x", "```\nlet x\n```" },
	{ "```\nlet x\n``", "```\nlet x\n```" },
	{ "text\n-", "text" },
	{ "a [link](", "a [link](" },
	{ "[](r[](", "[](r[](" },
	{ "a [link](https://a.b", "a [link](<https://a.b>" },
	{ "text\n==", "text" },
	{ "- a\n- **b", "• a\n• *b*" },
	{ "**a**\n\n~~b", "*a*\n\n~b~" },
	{ "", "" },
	{ "   \n\n", "" },
};

static struct buf out;

static void setup(void)
{
	buf_init(&out, 1024 * 1024);
}

static void teardown(void)
{
	buf_release(&out);
}

START_TEST(markdown_becomes_mrkdwn)
{
	const char *md = cases[_i].md;

	ck_assert_int_eq(mrkdwn_render(md, strlen(md), &out), 0);
	ck_assert_str_eq(out.data ? out.data : "", cases[_i].mrkdwn);
}
END_TEST

/* What might smuggle "<!channel>" or "<@U1>" out. */
static const char *const pings[] = {
	"[x](https://a|<!here>)",
	"<https://a|<!here>>",
	"<https://a&gt;&lt;!here>",
	"[x](https://a/><!channel>)",
	"[x](<https://a/><!channel>)",
	"[x](https://a&gt;&lt;!channel&gt;)",
	"[x](https://a&#124;!here)",
	"[x](http&#58;//a|!here)",
	"[x](https://a\n<!here>)",
	"[x](https://a \"<!here>\")",
	"[x](mailto:a|!channel)",
	"<mailto:x@y&gt;&lt;!here>",
	"[<!channel>](https://a)",
	"[<@U1>](<@U1>)",
	"![<!channel>](https://a)",
	"![x](<https://a|<!here>>)",
	"[x]: <!channel>\n\n[x]",
	"[x]: https://a/\"><!channel>\n\n[x]",
	"https://a/|<!here>",
	"www.a.b/<!here>",
	"``<@U1>``",
	"```\n<!channel>\n",
	"    <!channel>",
	"<b><!channel></b>",
	"<br <!channel>>",
	"<a href=\"<!channel>\">x</a>",
	"<!--><!channel>-->",
	"<?<!channel>?>",
	"<![CDATA[<!channel>]]>",
	"\\<!channel>",
	"&#x3c;!channel&#x3e;",
	"| <!channel> | b |\n|---|---|\n| `<@U1>` | [l](https://a|<!here>) |",
	"| a | b |\n|---|---|\n| <!here> | [l](https://a) |",
	"**<!everyone>**",
	"# <!here>",
	"> <!here>",
	"- <!here>",
};

/* Slack acts on angle brackets, and each that is ours begins a link. */
START_TEST(nothing_that_a_model_writes_pings)
{
	const char *p;

	ck_assert_int_eq(mrkdwn_render(pings[_i], strlen(pings[_i]), &out), 0);
	for (p = strchr(out.data, '<'); p; p = strchr(p + 1, '<'))
		ck_assert_msg(strncmp(p, "<http://", 8) == 0 ||
				      strncmp(p, "<https://", 9) == 0 ||
				      strncmp(p, "<mailto:", 8) == 0,
			      "%s: %s", pings[_i], out.data);
}
END_TEST

START_TEST(output_that_does_not_fit_is_refused)
{
	struct buf small;

	buf_init(&small, 10);
	ck_assert_int_eq(mrkdwn_render("more than ten", 13, &small), -1);
	ck_assert_uint_le(small.len, 10);
	buf_release(&small);
}
END_TEST

/* A heading of 5,000 columns over 5,000 short rows asks for 25 million. */
START_TEST(table_of_too_many_cells_is_left_as_text)
{
	struct buf md;
	size_t i;

	buf_init(&md, 1024 * 1024);
	for (i = 0; i < 5000; i++)
		buf_adds(&md, "|a");
	buf_adds(&md, "|\n");
	for (i = 0; i < 5000; i++)
		buf_adds(&md, "|-");
	buf_adds(&md, "|\n");
	for (i = 0; i < 5000; i++)
		buf_adds(&md, "|\n");
	ck_assert_int_eq(mrkdwn_render(md.data, md.len, &out), 0);
	ck_assert_uint_le(out.len, 2 * md.len);
	buf_release(&md);
}
END_TEST

static const char *const hostile[] = {
	"> ",      "*a ", "[a](",  "![",      "`",    "<a ", "- ",
	"**a _b ", "|a",  "&#1;",  "~~",      "[a][", "\\",  "<!",
	"1. ",     "# ",  "```\n", "http://", "***",
};

START_TEST(hostile_repeats_take_linear_time)
{
	struct buf md;
	clock_t start;
	size_t i;

	buf_init(&md, 1024 * 1024);
	for (i = 0; i < 16000; i++)
		buf_adds(&md, hostile[_i]);
	buf_release(&out);
	buf_init(&out, 8 * md.len);
	start = clock();
	(void)mrkdwn_render(md.data, md.len, &out);
	/* What is quadratic takes a hundred times as long. */
	ck_assert_int_lt((clock() - start) / CLOCKS_PER_SEC, 10);
	buf_release(&md);
}
END_TEST

static void check_split(const char *text, size_t max, bool fence_before,
			const char *want, bool fence_after)
{
	bool fence = fence_before;
	size_t n = mrkdwn_split(text, strlen(text), max, &fence);

	ck_assert_msg(n == strlen(want) && memcmp(text, want, n) == 0,
		      "'%s' at %zu: got '%.*s'", text, max, (int)n, text);
	ck_assert_int_eq(fence, fence_after);
}

static const struct {
	const char *text;
	size_t max;
	bool before;
	const char *want;
	bool after;
} splits[] = {
	{ "short", 10, false, "short", false },
	{ "one two.\n\nthree\nfour", 18, false, "one two.\n\n", false },
	{ "one two\nthree four", 14, false, "one two\n", false },
	{ "One two. Three four", 14, false, "One two. ", false },
	{ "one two three", 10, false, "one two ", false },
	{ "一。二三四", 12, false, "一。", false },
	{ "一！二？三四", 15, false, "一！二？", false },
	{ "abcdefghij", 4, false, "abcd", false },
	{ "äöüß", 5, false, "äö", false },
	{ "ab&amp;cd", 5, false, "ab", false },
	{ "ab<https://x|y>c", 14, false, "ab", false },
	{ "a <https://x y|z w> b", 18, false, "a ", false },
	/* A paragraph that is hardly anything isn't worth a post. */
	{ "a\n\nbcd efg hij", 12, false, "a\n\nbcd efg ", false },
	{ "text\n```\none\ntwo\nthree\n```", 18, false, "text\n```\none\ntwo\n",
	  true },
	{ "one\ntwo\n```\nafter", 10, true, "one\n", true },
	{ "x\n```\nend", 8, true, "x\n```\n", false },
	/* Not right behind the opening of a fence. */
	{ "some text\n```\nlonglonglong\n```", 16, false, "some text\n",
	  false },
};

START_TEST(parts_end_at_the_best_place)
{
	check_split(splits[_i].text, splits[_i].max, splits[_i].before,
		    splits[_i].want, splits[_i].after);
}
END_TEST

START_TEST(a_fence_left_open_is_closed)
{
	static const struct {
		const char *md, *closed;
	} c[] = {
		{ "```c\nx", "```c\nx\n```" },
		{ "~~~~\nx\n~~~", "~~~~\nx\n~~~\n~~~~" },
		{ "```\nx\n```", "```\nx\n```" },
		{ "text", "text" },
		{ "", "" },
	};
	size_t i;

	for (i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		buf_reset(&out);
		buf_adds(&out, c[i].md);
		mrkdwn_close(&out);
		ck_assert_str_eq(out.data, c[i].closed);
	}
}
END_TEST

START_TEST(plain_text_is_only_escaped)
{
	ck_assert_int_eq(mrkdwn_plain("*a* <!here>\n\tb", 14, &out), 0);
	ck_assert_str_eq(out.data, "*a* &lt;!here&gt;\n\tb");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("markdown");
	TCase *tc = tcase_create("markdown");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, markdown_becomes_mrkdwn, 0,
			    sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tc, nothing_that_a_model_writes_pings, 0,
			    sizeof(pings) / sizeof(pings[0]));
	tcase_add_test(tc, output_that_does_not_fit_is_refused);
	tcase_add_test(tc, table_of_too_many_cells_is_left_as_text);
	tcase_add_loop_test(tc, hostile_repeats_take_linear_time, 0,
			    sizeof(hostile) / sizeof(hostile[0]));
	tcase_add_loop_test(tc, parts_end_at_the_best_place, 0,
			    sizeof(splits) / sizeof(splits[0]));
	tcase_add_test(tc, a_fence_left_open_is_closed);
	tcase_add_test(tc, plain_text_is_only_escaped);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
