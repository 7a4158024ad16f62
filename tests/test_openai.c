/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/base64.h"
#include "llm/openai.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TEXT(s)  "data: {\"choices\":[{\"delta\":{\"content\":\"" s "\"}}]}\n\n"
#define STOP(s) \
	"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"" s "\"}]}\n\n"
#define DONE "data: [DONE]\n\n"

static struct openai a;
static struct buf said;
static int stop_after;

static int on_text(const char *p, size_t n, void *arg)
{
	ck_assert_ptr_eq(arg, &a);
	if (!p) {
		buf_reset(&said);
		return 0;
	}
	ck_assert_uint_gt(n, 0);
	ck_assert_int_eq(buf_add(&said, p, n), 0);
	return stop_after > 0 && --stop_after == 0 ? 9 : 0;
}

static void setup(void)
{
	openai_init(&a, on_text, &a);
	buf_init(&said, 64 * 1024);
	buf_adds(&said, "");
	stop_after = 0;
}

static void teardown(void)
{
	openai_release(&a);
	buf_release(&said);
}

/* A response that was whole, and what it comes to. */
static const struct {
	const char *name;
	const char *in;
	const char *said;
	enum llm_end end;
} cases[] = {
	{ "a stream", TEXT("Hel") TEXT("lo") STOP("stop") DONE, "Hello",
	  LLM_DONE },
	{ "no [DONE]", TEXT("Hi") STOP("stop"), "Hi", LLM_DONE },
	{ "no finish_reason", TEXT("Hi") DONE, "Hi", LLM_DONE },
	{ "neither", TEXT("Hi"), "Hi", LLM_BROKEN },
	{ "nothing at all", "", "", LLM_BROKEN },
	{ "cut at the token limit", TEXT("Hi") STOP("length") DONE, "Hi",
	  LLM_LENGTH },
	{ "all tokens went into thinking", STOP("length") DONE, "", LLM_EMPTY },
	{ "filtered", TEXT("Hi") STOP("content_filter") DONE, "Hi",
	  LLM_FILTERED },
	{ "empty", STOP("stop") DONE, "", LLM_EMPTY },
	{ "white space", TEXT(" \\n") STOP("stop") DONE, "", LLM_EMPTY },
	{ "an unknown reason", TEXT("Hi") STOP("eos"), "Hi", LLM_DONE },
	{ "the reason error", TEXT("Hi") STOP("error"), "Hi", LLM_ERROR },
	{ "after [DONE]", TEXT("Hi") DONE TEXT("!"), "Hi", LLM_DONE },
	{ "reasoning",
	  "data: {\"choices\":[{\"delta\":{\"reasoning\":\"hm\"}}]}\n\n"
	  "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\","
	  "\"content\":null}}]}\n\n" TEXT("Hi") STOP("stop"),
	  "Hi", LLM_DONE },
	{ "reasoning in the text",
	  TEXT("\\n<th") TEXT("ink>So <b></th") TEXT("x</think") TEXT(">\\n\\n")
		  TEXT("\\nHi") TEXT(" <think>") STOP("stop"),
	  "Hi <think>", LLM_DONE },
	{ "reasoning that began in the prompt",
	  TEXT("So <b>.\\n</th") TEXT("ink>\\n") TEXT("\\nHi\\n</think>")
		  STOP("stop"),
	  "Hi\n</think>", LLM_DONE },
	{ "no reasoning, which began in the prompt",
	  TEXT("<") TEXT("/think>\\n\\nHi") STOP("stop"), "Hi", LLM_DONE },
	{ "reasoning in one piece", TEXT("So\\n </think>Hi") STOP("stop"), "Hi",
	  LLM_DONE },
	{ "nothing but reasoning that began in the prompt",
	  TEXT("So\\n</think>\\n") STOP("stop"), "", LLM_EMPTY },
	{ "a talk of marks", TEXT("Use `<think>` and\\n</think>.") STOP("stop"),
	  "Use `<think>` and\n</think>.", LLM_DONE },
	{ "a talk of the end", TEXT("It ends with </think>.") STOP("stop"),
	  "It ends with </think>.", LLM_DONE },
	{ "nothing but reasoning", TEXT("<think>So") STOP("stop"), "",
	  LLM_EMPTY },
	{ "reasoning up to the limit", TEXT("<think>So") STOP("length"), "",
	  LLM_EMPTY },
	{ "something like reasoning",
	  TEXT("<thi") TEXT("rd> is it") STOP("stop"), "<third> is it",
	  LLM_DONE },
	{ "an open angle", TEXT(" <") STOP("stop"), "<", LLM_DONE },
	{ "tool calls",
	  "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,"
	  "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}}]}\n\n" STOP(
		  "tool_calls"),
	  "", LLM_EMPTY },
	{ "NUL bytes", TEXT("H\\u0000i") TEXT("\\u0000") TEXT("!") STOP("stop"),
	  "Hi!", LLM_DONE },
	{ "half a character", TEXT("caf\xc3") TEXT("\xa9!") STOP("stop"),
	  "caf\xef\xbf\xbd\xef\xbf\xbd!", LLM_DONE },
	{ "parts",
	  "data: {\"choices\":[{\"delta\":{\"content\":["
	  "{\"type\":\"thinking\",\"text\":\"hm\"},"
	  "{\"type\":\"text\",\"text\":\"H\"},7,{},"
	  "{\"type\":\"text\",\"text\":\"i\"}]}}]}\n\n" STOP("stop"),
	  "Hi", LLM_DONE },
	{ "refusal",
	  "data: {\"choices\":[{\"delta\":{\"refusal\":\"No.\"}}]}\n\n" STOP(
		  "stop"),
	  "No.", LLM_DONE },
	{ "keep-alive comments", ": OPENROUTER PROCESSING\n\n" TEXT("Hi") DONE,
	  "Hi", LLM_DONE },
	{ "no choices", "data: {\"choices\":[]}\n\n" TEXT("Hi") DONE, "Hi",
	  LLM_DONE },
	{ "odd types",
	  "data: {\"choices\":{\"0\":1}}\n\ndata: {\"choices\":[3]}\n\n"
	  "data: {\"choices\":[{\"delta\":[]}],\"usage\":7}\n\n"
	  "data: {\"choices\":[{\"delta\":{\"content\":{}}}]}\n\n"
	  "data: []\n\n" TEXT("Hi") DONE,
	  "Hi", LLM_DONE },
	{ "not JSON", TEXT("Hi") "data: {\"choices\":[\n\n", "Hi", LLM_BROKEN },
	{ "deep JSON",
	  "data: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]\n\n", "",
	  LLM_BROKEN },
	{ "HTML", "<html><body>Welcome</body></html>", "", LLM_BROKEN },
	{ "an error in the stream",
	  TEXT("Hi") "data: {\"error\":{\"message\":\"boom\"}}\n\n", "Hi",
	  LLM_ERROR },
	{ "busy in the stream",
	  "data: {\"error\":{\"message\":\"boom\",\"code\":502}}\n\n", "",
	  LLM_BUSY },
	{ "busy by word",
	  "data: {\"error\":{\"code\":\"rate_limit_exceeded\"}}\n\n", "",
	  LLM_BUSY },
	{ "too long in the stream",
	  "data: {\"error\":{\"code\":\"context_length_exceeded\"}}\n\n", "",
	  LLM_TOO_LONG },
	{ "an error as a string", "{\"error\":\"no such model\"}", "",
	  LLM_ERROR },
	{ "not streamed",
	  " {\"choices\":[{\"message\":{\"content\":\"Hi\"},"
	  "\"finish_reason\":\"stop\"}]}\n",
	  "Hi", LLM_DONE },
	{ "not streamed, cut",
	  "{\"choices\":[{\"message\":{\"content\":\"Hi\"},"
	  "\"finish_reason\":\"length\"}]}",
	  "Hi", LLM_LENGTH },
	{ "not streamed, empty", "{\"choices\":[]}", "", LLM_EMPTY },
	{ "not streamed, half", "{\"choices\":[{\"message\":{\"conte", "",
	  LLM_BROKEN },
};

static void check_case(int i)
{
	enum llm_end end = openai_end(&a);

	ck_assert_msg(strcmp(said.data, cases[i].said) == 0, "%s: said %s",
		      cases[i].name, said.data);
	ck_assert_msg(end == cases[i].end, "%s: %s (%s)", cases[i].name,
		      llm_end_name(end), a.msg);
	if (end != LLM_DONE && end != LLM_LENGTH)
		ck_assert_str_ne(a.msg, "");
}

START_TEST(reads_an_answer)
{
	openai_feed(&a, cases[_i].in, strlen(cases[_i].in));
	check_case(_i);
}
END_TEST

START_TEST(reads_an_answer_byte_by_byte)
{
	const char *p;

	for (p = cases[_i].in; *p; p++) {
		if (openai_feed(&a, p, 1) != 0)
			break;
	}
	check_case(_i);
}
END_TEST

START_TEST(counts_tokens_where_the_server_tells)
{
	const char in[] = TEXT("Hi") STOP(
		"stop") "data: {\"choices\":[],"
			"\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":3}}\n\n";

	openai_feed(&a, in, sizeof(in) - 1);
	ck_assert_int_eq(openai_end(&a), LLM_DONE);
	ck_assert(a.usage.known);
	ck_assert_int_eq(a.usage.prompt_tokens, 12);
	ck_assert_int_eq(a.usage.completion_tokens, 3);
}
END_TEST

static const char *const no_usage[] = {
	"data: {\"usage\":null}\n\n",
	"data: {\"usage\":{\"prompt_tokens\":12}}\n\n",
	"data: {\"usage\":{\"prompt_tokens\":-1,\"completion_tokens\":3}}\n\n",
	"data: {\"usage\":{\"prompt_tokens\":9223372036854775807,"
	"\"completion_tokens\":3}}\n\n",
	"data: {\"usage\":{\"prompt_tokens\":\"1\","
	"\"completion_tokens\":3}}\n\n",
};

START_TEST(half_a_count_is_none)
{
	openai_feed(&a, no_usage[_i], strlen(no_usage[_i]));
	ck_assert(!a.usage.known);
}
END_TEST

START_TEST(an_endless_event_is_cut_off)
{
	char chunk[4096];
	size_t fed = 0;

	memset(chunk, 'x', sizeof(chunk));
	openai_feed(&a, "data: ", 6);
	while (openai_feed(&a, chunk, sizeof(chunk)) == 0)
		fed += sizeof(chunk);
	ck_assert_uint_le(fed, OPENAI_EVENT_MAX);
	ck_assert_int_eq(openai_end(&a), LLM_BROKEN);
}
END_TEST

START_TEST(the_reader_of_text_can_stop)
{
	const char in[] = TEXT("a") TEXT("b") TEXT("c");

	stop_after = 2;
	ck_assert_int_eq(openai_feed(&a, in, sizeof(in) - 1), 9);
	ck_assert_str_eq(said.data, "ab");
}
END_TEST

static const struct {
	const char *name;
	int status;
	const char *body;
	enum llm_end end;
	struct openai_dialect after;
	const char *msg;
	const char *said; /* NULL: nothing */
} refusals[] = {
	{ "key",
	  401,
	  "{\"error\":{\"message\":\"Bad key\"}}",
	  LLM_REFUSED,
	  { 0, 0 },
	  "HTTP 401",
	  "Bad key" },
	{ "key, by a word",
	  401,
	  "{\"error\":{\"message\":\"Bad key\",\"code\":\"invalid_api_key\","
	  "\"type\":\"t\"}}",
	  LLM_REFUSED,
	  { 0, 0 },
	  "HTTP 401: invalid_api_key",
	  "Bad key" },
	{ "a sentence for a word",
	  500,
	  "{\"error\":{\"code\":\"you asked: who?\",\"type\":7}}",
	  LLM_BUSY,
	  { 0, 0 },
	  "HTTP 500",
	  NULL },
	{ "forbidden", 403, "", LLM_REFUSED, { 0, 0 }, "HTTP 403", NULL },
	{ "busy", 429, "slow down", LLM_BUSY, { 0, 0 }, "HTTP 429", NULL },
	{ "gateway", 502, "<html>", LLM_BUSY, { 0, 0 }, "HTTP 502", NULL },
	{ "not found",
	  404,
	  "{\"error\":\"model 'x' not found\"}",
	  LLM_ERROR,
	  { 0, 0 },
	  "HTTP 404 (is there such a model?)",
	  "model 'x' not found" },
	{ "no such path",
	  404,
	  "{\"error\":\"Not Found\"}",
	  LLM_ERROR,
	  { 0, 0 },
	  "HTTP 404 (does the url end in /v1?)",
	  "Not Found" },
	{ "detail",
	  422,
	  "{\"detail\":\"bad\"}",
	  LLM_ERROR,
	  { 0, 0 },
	  "HTTP 422",
	  "bad" },
	{ "too long (OpenAI)",
	  400,
	  "{\"error\":{\"message\":\"x\",\"code\":"
	  "\"context_length_exceeded\"}}",
	  LLM_TOO_LONG,
	  { 0, 0 },
	  "HTTP 400: context_length_exceeded",
	  "x" },
	{ "too long (vLLM)",
	  400,
	  "{\"object\":\"error\",\"message\":\"This model's maximum context "
	  "length is 4096 tokens.\"}",
	  LLM_TOO_LONG,
	  { 0, 0 },
	  "HTTP 400",
	  "This model's maximum context length is 4096 tokens." },
	{ "too long (llama.cpp)",
	  400,
	  "{\"error\":{\"code\":400,\"type\":\"exceed_context_size_error\"}}",
	  LLM_TOO_LONG,
	  { 0, 0 },
	  "HTTP 400: exceed_context_size_error",
	  NULL },
	{ "too long (proxy)", 413, "", LLM_TOO_LONG, { 0, 0 }, NULL, NULL },
	{ "max_tokens",
	  400,
	  "{\"error\":{\"message\":\"Unsupported parameter: 'max_tokens'. Use "
	  "'max_completion_tokens' instead.\"}}",
	  LLM_ERROR,
	  { 1, 0 },
	  "HTTP 400",
	  "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' "
	  "instead." },
	{ "stream_options",
	  400,
	  "{\"error\":{\"message\":\"stream_options not allowed\"}}",
	  LLM_ERROR,
	  { 0, 1 },
	  "HTTP 400",
	  "stream_options not allowed" },
	{ "words of a page count for nothing",
	  400,
	  "<p>stream_options max_completion_tokens",
	  LLM_ERROR,
	  { 0, 0 },
	  "HTTP 400",
	  NULL },
	{ "nor do those of another status",
	  500,
	  "{\"error\":{\"message\":\"stream_options\"}}",
	  LLM_BUSY,
	  { 0, 0 },
	  "HTTP 500",
	  "stream_options" },
};

START_TEST(understands_a_refusal)
{
	const char *body = refusals[_i].body;
	struct openai_dialect d = { 0 };
	enum llm_end end;

	end = openai_refusal(&a, refusals[_i].status, body, strlen(body), &d);
	ck_assert_msg(end == refusals[_i].end, "%s: %s", refusals[_i].name,
		      llm_end_name(end));
	ck_assert_int_eq(d.max_completion, refusals[_i].after.max_completion);
	ck_assert_int_eq(d.no_usage, refusals[_i].after.no_usage);
	if (refusals[_i].msg)
		ck_assert_str_eq(a.msg, refusals[_i].msg);
	ck_assert_str_eq(a.said, refusals[_i].said ? refusals[_i].said : "");
}
END_TEST

START_TEST(a_request_says_what_it_must)
{
	const struct llm_msg msgs[] = {
		{ .role = LLM_SYSTEM, .text = "Be kind." },
		{ .role = LLM_USER, .name = "ada_1", .text = "a \"b\"\n" },
		{ .role = LLM_USER, .name = "Ada L.", .text = "c" },
		{ .role = LLM_ASSISTANT, .text = "d" },
	};
	const struct openai_dialect plain = { false, false };
	const struct openai_dialect other = { true, true };
	struct buf m, b;

	buf_init(&m, 1000);
	buf_init(&b, 1000);
	ck_assert_int_eq(openai_messages(&m, msgs, COUNT(msgs)), 0);
	ck_assert_str_eq(m.data,
			 "[{\"role\":\"system\",\"content\":\"Be kind.\"},"
			 "{\"role\":\"user\",\"name\":\"ada_1\","
			 "\"content\":\"a \\\"b\\\"\\n\"},"
			 "{\"role\":\"user\",\"content\":\"c\"},"
			 "{\"role\":\"assistant\",\"content\":\"d\"}]");
	ck_assert_int_eq(openai_request(&b, "m", "[]", 0, &plain), 0);
	ck_assert_str_eq(b.data,
			 "{\"model\":\"m\",\"messages\":[],\"stream\":true,"
			 "\"stream_options\":{\"include_usage\":true}}");
	buf_reset(&b);
	ck_assert_int_eq(openai_request(&b, "m", "[]", 5, &plain), 0);
	ck_assert_ptr_nonnull(strstr(b.data, "\"max_tokens\":5"));
	buf_reset(&b);
	ck_assert_int_eq(openai_request(&b, "m", "[]", 5, &other), 0);
	ck_assert_str_eq(b.data,
			 "{\"model\":\"m\",\"messages\":[],\"stream\":true,"
			 "\"max_completion_tokens\":5}");
	buf_release(&m);
	buf_release(&b);
}
END_TEST

START_TEST(too_large_a_request_is_refused)
{
	const struct llm_msg msg = { .role = LLM_USER, .text = "0123456789" };
	struct buf b;

	buf_init(&b, 20);
	ck_assert_int_eq(openai_messages(&b, &msg, 1), -1);
	buf_release(&b);
}
END_TEST

START_TEST(images_go_along_in_base64)
{
	const struct llm_image images[] = {
		{ "image/png", "\x89PNG", 4 },
		{ "image/gif", "GIF89", 5 },
		{ "image/webp", "RIF", 3 },
	};
	const struct llm_msg msgs[] = {
		{ .role = LLM_SYSTEM, .text = "Be kind." },
		{ .role = LLM_USER,
		  .text = "See \"this\"",
		  .images = images,
		  .nimages = 3 },
	};
	struct buf out;

	buf_init(&out, 4096);
	ck_assert_int_eq(openai_messages(&out, msgs, 2), 0);
	ck_assert_str_eq(out.data,
			 "[{\"role\":\"system\",\"content\":\"Be kind.\"},"
			 "{\"role\":\"user\",\"content\":["
			 "{\"type\":\"text\",\"text\":\"See \\\"this\\\"\"},"
			 "{\"type\":\"image_url\",\"image_url\":"
			 "{\"url\":\"data:image/png;base64,iVBORw==\"}},"
			 "{\"type\":\"image_url\",\"image_url\":"
			 "{\"url\":\"data:image/gif;base64,R0lGODk=\"}},"
			 "{\"type\":\"image_url\",\"image_url\":"
			 "{\"url\":\"data:image/webp;base64,UklG\"}}]}]");
	buf_release(&out);
}
END_TEST

/* More than one step of the encoder, against OpenSSL's. */
START_TEST(large_images_are_encoded_whole)
{
	unsigned char bytes[5000];
	struct buf out;
	size_t i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 7 + i / 256);
	for (i = 760; i < 780; i++) {
		unsigned char want[1100];
		int n = EVP_EncodeBlock(want, bytes, (int)i);

		buf_init(&out, 8192);
		ck_assert_int_eq(base64_add(&out, bytes, i), 0);
		ck_assert_uint_eq(out.len, (size_t)n);
		ck_assert_mem_eq(out.data, want, out.len);
		buf_release(&out);
	}
	buf_init(&out, 10);
	ck_assert_int_eq(base64_add(&out, bytes, 9), -1);
	buf_release(&out);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("openai");
	TCase *tc = tcase_create("openai");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, reads_an_answer, 0, COUNT(cases));
	tcase_add_loop_test(tc, reads_an_answer_byte_by_byte, 0, COUNT(cases));
	tcase_add_test(tc, counts_tokens_where_the_server_tells);
	tcase_add_loop_test(tc, half_a_count_is_none, 0, COUNT(no_usage));
	tcase_add_test(tc, an_endless_event_is_cut_off);
	tcase_add_test(tc, the_reader_of_text_can_stop);
	tcase_add_loop_test(tc, understands_a_refusal, 0, COUNT(refusals));
	tcase_add_test(tc, a_request_says_what_it_must);
	tcase_add_test(tc, too_large_a_request_is_refused);
	tcase_add_test(tc, images_go_along_in_base64);
	tcase_add_test(tc, large_images_are_encoded_whole);
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
