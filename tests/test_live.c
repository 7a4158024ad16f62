/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/conf_diff.h"
#include "base/err.h"
#include "base/live.h"

#define LLM "llm main { url = \"https://a\" }\n"

static struct conf a, b;

static void parse(struct conf *c, const char *text)
{
	struct err e = { 0 };

	ck_assert_msg(conf_parse(c, "t", text, strlen(text), &e) == 0, "%s",
		      e.msg);
}

static struct live_conf *make(const char *text)
{
	struct live_conf *c = calloc(1, sizeof(*c));

	ck_assert_ptr_nonnull(c);
	parse(&c->conf, text);
	return c;
}

START_TEST(what_was_taken_stays_until_it_is_dropped)
{
	struct live *l = live_create(make(LLM "limits { burst = 1 }"));
	const struct conf *first = live_take(l, NULL);
	const struct conf *second;

	live_replace(l, make(LLM "limits { burst = 2 }"));
	second = live_take(l, NULL);
	ck_assert_int_eq(first->burst, 1);
	ck_assert_int_eq(second->burst, 2);
	live_drop(l, first);
	live_drop(l, second);
	live_free(l);
}
END_TEST

START_TEST(without_reloads_it_is_always_the_same)
{
	parse(&a, LLM);
	ck_assert_ptr_eq(live_take(NULL, &a), &a);
	live_drop(NULL, &a);
	conf_release(&a);
}
END_TEST

static atomic_bool stop;

/* Both are always of one reading. */
static void *read_on(void *arg)
{
	struct live *l = arg;
	const struct conf *c;

	while (!atomic_load(&stop)) {
		c = live_take(l, NULL);
		ck_assert_int_eq(c->burst, c->rate_per_minute);
		live_drop(l, c);
	}
	return NULL;
}

START_TEST(many_threads_may_take_while_it_is_replaced)
{
	struct live *l = live_create(
		make(LLM "limits { burst = 30 rate_per_minute = 30 }"));
	pthread_t readers[4];
	int i;

	for (i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&readers[i], NULL, read_on, l),
				 0);
	for (i = 0; i < 200; i++)
		live_replace(l, make(i % 2 ? LLM "limits { burst = 7 "
						 "rate_per_minute = 7 }"
					   : LLM "limits { burst = 8 "
						 "rate_per_minute = 8 }"));
	atomic_store(&stop, true);
	for (i = 0; i < 4; i++)
		pthread_join(readers[i], NULL);
	live_free(l);
}
END_TEST

/* "section.model.key old new line live|restart;" for each. */
static void note(const struct conf_change *c, void *arg)
{
	char *out = arg;
	size_t n = strlen(out);

	(void)snprintf(out + n, 1024 - n, "%s.%s.%s '%s' '%s' %d %s;",
		       c->section, c->model ? c->model : "",
		       c->key ? c->key : "", c->old, c->new,
		       c->at->file ? c->at->line : 0,
		       c->live ? "live" : "restart");
}

static const struct {
	const char *old, *new, *want;
} diffs[] = {
	{ LLM, LLM, "" },
	{ LLM, LLM "limits { burst = 30 }", "" },
	{ LLM, LLM "\nlimits { burst = 5 }", "limits..burst '30' '5' 3 live;" },
	{ LLM "limits { burst = 5 }", LLM, "limits..burst '5' '30' 0 live;" },
	{ LLM, LLM "daemon { workers = 5 }",
	  "daemon..workers '0' '5' 2 restart;" },
	{ LLM, LLM "store { url = \"postgresql://u:p@h/\" }",
	  "store..url '(hidden)' '(hidden)' 2 restart;" },
	{ LLM, "llm main { url = \"https://b\" }",
	  "llm.main.url 'https://a' 'https://b' 1 live;" },
	{ LLM, "llm other { url = \"https://a\" }",
	  "llm.main. 'https://a' '' 0 live;"
	  "llm.other. '' 'https://a' 1 live;" },
	{ "llm a { url = \"https://a\" default = yes }\n"
	  "llm b { url = \"https://a\" }",
	  "llm a { url = \"https://a\" }\n"
	  "llm b { url = \"https://a\" default = yes }",
	  "llm.a.default 'true' 'false' 0 live;"
	  "llm.b.default 'false' 'true' 2 live;" },
};

START_TEST(differences_are_told_with_their_place)
{
	char got[1024] = "";

	parse(&a, diffs[_i].old);
	parse(&b, diffs[_i].new);
	conf_diff(&a, &b, note, got);
	ck_assert_str_eq(got, diffs[_i].want);
	conf_release(&a);
	conf_release(&b);
}
END_TEST

START_TEST(what_needs_a_restart_is_kept)
{
	char got[1024] = "";

	parse(&a, LLM "slack { links_per_app = 1 proxy = \"h:1\" }");
	parse(&b, LLM "slack { links_per_app = 3 proxy = \"h:2\" }\n"
		      "daemon { workers = 3 log_level = debug }");
	ck_assert_int_eq(conf_keep(&b, &a), 0);
	conf_diff(&a, &b, note, got);
	ck_assert_str_eq(got, "daemon..log_level 'info' 'debug' 3 live;"
			      "slack..proxy 'h:1' 'h:2' 2 live;");
	conf_release(&a);
	conf_release(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("live");
	TCase *tc = tcase_create("live");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, what_was_taken_stays_until_it_is_dropped);
	tcase_add_test(tc, without_reloads_it_is_always_the_same);
	tcase_add_test(tc, many_threads_may_take_while_it_is_replaced);
	tcase_add_loop_test(tc, differences_are_told_with_their_place, 0,
			    sizeof(diffs) / sizeof(diffs[0]));
	tcase_add_test(tc, what_needs_a_restart_is_kept);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
