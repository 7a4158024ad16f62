/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/err.h"
#include "llm/llm.h"
#include "net/http.h"
#include "net/loop.h"
#include "scripted.h"

/* Models that are replaced while they are asked. */
#define BODY    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
#define TEXT(s) "data: {\"choices\":[{\"delta\":{\"content\":\"" s "\"}}]}\n\n"
#define END                                                      \
	"data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n" \
	"data: [DONE]\n\n"

static const struct scripted_answer old_answer[] = {
	{ { BODY TEXT("old") END }, SCRIPTED_CLOSE },
};
static const struct scripted_answer new_answer[] = {
	{ { BODY TEXT("new") END }, SCRIPTED_CLOSE },
};
static const struct scripted_answer hang[] = {
	{ { BODY TEXT("hm") }, SCRIPTED_HANG },
};
static const struct scripted_answer refusal[] = {
	{ { "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n" }, SCRIPTED_KEEP },
};

struct asker {
	struct llm_call *call;
	char said[64];
	enum llm_end end;
	int done;
};

static struct loop *l;
static struct http *h;
static struct llm *m;
static struct conf now;
static struct scripted *first, *second;

static void on_text(const char *p, size_t n, void *arg)
{
	struct asker *a = arg;

	strncat(a->said, p, n);
}

static void on_done(const struct llm_result *r, void *arg)
{
	struct asker *a = arg;

	a->end = r->end;
	a->done++;
}

static void ask(struct asker *a, const char *model, const char *tenant)
{
	const struct llm_msg msg = { .role = LLM_USER, .text = "Hello?" };
	const struct llm_question q = {
		.model = model, .tenant = tenant, .msgs = &msg, .nmsgs = 1
	};
	struct err e = { 0 };

	memset(a, 0, sizeof(*a));
	a->call = llm_ask(m, h, l, &q, on_text, on_done, a, &e);
	ck_assert_msg(a->call != NULL, "%s", e.msg);
}

/* Settings with a model "main" at that server. */
static void parse(struct conf *c, struct scripted *s, const char *more,
		  const char *others)
{
	struct err e = { 0 };
	char text[1024];

	(void)snprintf(text, sizeof(text),
		       "llm main { default = true url = \"%s\"\n%s\n}\n%s\n",
		       scripted_url(s, "/v1"), more, others);
	ck_assert_msg(conf_parse(c, "t", text, strlen(text), &e) == 0, "%s",
		      e.msg);
}

static void begin(struct scripted *s, const char *more)
{
	struct err e = { 0 };

	parse(&now, s, more, "");
	m = llm_create(&now, &e);
	ck_assert_msg(m != NULL, "%s", e.msg);
}

static int reload(struct scripted *s, const char *more, const char *others,
		  struct err *e)
{
	struct conf next;
	int rc;

	parse(&next, s, more, others);
	rc = llm_reload(m, &now, &next, e);
	if (rc < 0) {
		conf_release(&next);
		return -1;
	}
	conf_release(&now);
	now = next;
	return 0;
}

static void change(struct scripted *s, const char *more, const char *others)
{
	struct err e = { 0 };

	ck_assert_msg(reload(s, more, others, &e) == 0, "%s", e.msg);
}

static void setup(void)
{
	const struct http_opts o = { 0 };
	struct err e = { 0 };

	signal(SIGPIPE, SIG_IGN);
	l = loop_create("test", &e);
	h = http_create(l, &o, &e);
	ck_assert_msg(h != NULL, "%s", e.msg);
}

static void teardown(void)
{
	llm_free(m);
	http_free(h);
	loop_free(l);
	scripted_stop(first);
	scripted_stop(second);
	conf_release(&now);
}

START_TEST(call_ends_with_the_model_that_it_began_with)
{
	struct asker a, b;

	first = scripted_start(old_answer, 1, NULL);
	second = scripted_start(new_answer, 1, NULL);
	begin(first, "");
	ask(&a, NULL, "t");
	change(second, "", "");
	ask(&b, NULL, "t");
	loop_run_here(l);
	ck_assert_int_eq(a.end, LLM_DONE);
	ck_assert_str_eq(a.said, "old");
	ck_assert_str_eq(b.said, "new");
}
END_TEST

START_TEST(who_waits_in_line_keeps_model_and_place)
{
	struct asker a, b, c;

	first = scripted_start(old_answer, 1, NULL);
	second = scripted_start(new_answer, 1, NULL);
	begin(first, "concurrency = 1");
	ask(&a, NULL, "t");
	ask(&b, NULL, "t");
	change(second, "concurrency = 1", "");
	ask(&c, NULL, "t");
	ck_assert_int_eq(llm_ahead(b.call), 0);
	ck_assert_int_eq(llm_ahead(c.call), 1);
	loop_run_here(l);
	ck_assert_str_eq(b.said, "old");
	ck_assert_str_eq(c.said, "new");
}
END_TEST

START_TEST(raised_limit_lets_in_who_waits)
{
	struct asker a, b, c;

	first = scripted_start(hang, 1, NULL);
	begin(first, "concurrency = 2 tenant_concurrency = 1");
	ask(&a, NULL, "t");
	ask(&b, NULL, "t");
	ask(&c, NULL, "u");
	ck_assert_int_eq(llm_ahead(b.call), 0);
	ck_assert_int_eq(llm_ahead(c.call), -1);
	change(first, "concurrency = 3 tenant_concurrency = 2", "");
	ck_assert_int_eq(llm_ahead(b.call), -1);
	llm_cancel(a.call);
	llm_cancel(b.call);
	llm_cancel(c.call);
	loop_run_here(l);
}
END_TEST

START_TEST(lowered_limit_counts_who_is_inside)
{
	struct asker a, b, c;

	first = scripted_start(hang, 1, NULL);
	begin(first, "concurrency = 2");
	ask(&a, NULL, "t");
	ask(&b, NULL, "u");
	change(first, "concurrency = 1", "");
	ask(&c, NULL, "v");
	llm_cancel(a.call);
	ck_assert_int_eq(llm_ahead(c.call), 0);
	llm_cancel(b.call);
	ck_assert_int_eq(llm_ahead(c.call), -1);
	llm_cancel(c.call);
	loop_run_here(l);
}
END_TEST

START_TEST(removed_model_leaves_the_default_one)
{
	struct asker a, b;
	char more[128];

	first = scripted_start(old_answer, 1, NULL);
	second = scripted_start(new_answer, 1, NULL);
	begin(first, "");
	(void)snprintf(more, sizeof(more), "llm extra { url = \"%s\" }",
		       scripted_url(second, "/v1"));
	change(first, "", more);
	ask(&a, "extra", "t");
	change(first, "", "");
	ask(&b, "extra", "t");
	loop_run_here(l);
	ck_assert_str_eq(a.said, "new");
	ck_assert_str_eq(b.said, "old");
}
END_TEST

static void count_state(const struct llm_view *v, void *arg)
{
	(void)snprintf(arg, 32, "%s %s", v->name, v->state);
}

static void fail_until_off(void)
{
	struct asker a;
	int i;

	for (i = 0; i < 20; i++) {
		ask(&a, NULL, "t");
		loop_run_here(l);
		if (a.end == LLM_OFF)
			return;
		ck_assert_int_eq(a.end, LLM_REFUSED);
	}
	ck_abort_msg("still asked");
}

START_TEST(failing_model_stays_off_unless_it_is_changed)
{
	struct asker a;
	char state[32];

	first = scripted_start(refusal, 1, NULL);
	begin(first, "");
	fail_until_off();
	change(first, "", "");
	llm_each(m, count_state, state);
	ck_assert_str_eq(state, "main failing");
	change(first, "max_tokens = 5", "");
	llm_each(m, count_state, state);
	ck_assert_str_eq(state, "main ok");
	ask(&a, NULL, "t");
	loop_run_here(l);
	ck_assert_int_eq(a.end, LLM_REFUSED);
}
END_TEST

START_TEST(other_contents_of_a_key_file_are_a_change)
{
	char path[] = "/tmp/konstruct-key-XXXXXX";
	char more[128];
	struct asker a;
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "sk-first\n", 9), 9);
	(void)snprintf(more, sizeof(more), "api_key_file = \"%s\"", path);
	first = scripted_start(old_answer, 1, NULL);
	begin(first, more);
	ask(&a, NULL, "t");
	loop_run_here(l);
	ck_assert_int_eq(pwrite(fd, "sk-other\n", 9, 0), 9);
	change(first, more, "");
	ask(&a, NULL, "t");
	loop_run_here(l);
	ck_assert_ptr_nonnull(
		strstr(scripted_request(first, 0), "Bearer sk-first\r\n"));
	ck_assert_ptr_nonnull(
		strstr(scripted_request(first, 1), "Bearer sk-other\r\n"));
	(void)close(fd);
	(void)unlink(path);
}
END_TEST

START_TEST(mistake_in_one_model_leaves_all_as_they_were)
{
	struct err e = { 0 };
	struct asker a;

	first = scripted_start(old_answer, 1, NULL);
	second = scripted_start(new_answer, 1, NULL);
	begin(first, "");
	ck_assert_int_eq(reload(second, "",
				"llm x { url = \"https://x\""
				" api_key_file = \"/nonexistent/key\" }",
				&e),
			 -1);
	ck_assert_ptr_nonnull(strstr(e.msg, "\"x\""));
	ask(&a, NULL, "t");
	loop_run_here(l);
	ck_assert_str_eq(a.said, "old");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("llm_reload");
	TCase *tc = tcase_create("llm_reload");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, call_ends_with_the_model_that_it_began_with);
	tcase_add_test(tc, who_waits_in_line_keeps_model_and_place);
	tcase_add_test(tc, raised_limit_lets_in_who_waits);
	tcase_add_test(tc, lowered_limit_counts_who_is_inside);
	tcase_add_test(tc, removed_model_leaves_the_default_one);
	tcase_add_test(tc, failing_model_stays_off_unless_it_is_changed);
	tcase_add_test(tc, other_contents_of_a_key_file_are_a_change);
	tcase_add_test(tc, mistake_in_one_model_leaves_all_as_they_were);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
