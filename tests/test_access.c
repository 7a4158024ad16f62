/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "route/access.h"

/* Who: Ann (U1) in C1, a member of the workspace, who mentions the agent. */
#define ANN                                                     \
	{                                                       \
		.channel = "C1", .user = "U1", .mention = true, \
		.guest = FACT_NO, .stranger = FACT_NO           \
	}
#define GUEST                                                   \
	{                                                       \
		.channel = "C1", .user = "U2", .mention = true, \
		.guest = FACT_YES, .stranger = FACT_NO          \
	}
#define STRANGER                                                \
	{                                                       \
		.channel = "C1", .user = "U3", .mention = true, \
		.guest = FACT_NO, .stranger = FACT_YES          \
	}
/* Of whom nothing is known: not yet, or Slack doesn't tell. */
#define SOMEBODY                                               \
	{                                                      \
		.channel = "C1", .user = "U4", .mention = true \
	}
#define NOBODY                                                  \
	{                                                       \
		.channel = "C1", .user = "U5", .mention = true, \
		.guest = FACT_UNKNOWN, .stranger = FACT_NO      \
	}
#define DIRECT                                                 \
	{                                                      \
		.channel = "D1", .direct = true, .user = "U1", \
		.guest = FACT_NO, .stranger = FACT_NO          \
	}
/* Ann, in a group that is allowed or denied, or not. */
#define IN(how, fact)                                                     \
	{                                                                 \
		.channel = "C1", .user = "U1", .mention = true,           \
		.guest = FACT_NO, .stranger = FACT_NO, .in_##how = (fact) \
	}
#define BOT                                                                    \
	{                                                                      \
		.channel = "C1", .user = "U9", .is_bot = true, .bot_id = "B9", \
		.mention = true                                                \
	}

static const struct {
	const char *own, *common;
	struct access_facts f;
	enum access_answer want;
} cases[] = {
	/* nothing is set */
	{ NULL, NULL, ANN, ACCESS_YES },
	{ "{}", "{}", ANN, ACCESS_YES },
	{ NULL, NULL, DIRECT, ACCESS_YES },
	{ NULL, NULL, GUEST, ACCESS_NO_GUEST },
	{ NULL, NULL, STRANGER, ACCESS_NO_STRANGER },
	{ NULL, NULL, SOMEBODY, ACCESS_ASK },
	{ NULL, NULL, NOBODY, ACCESS_YES },
	{ NULL, NULL, BOT, ACCESS_NO_BOT },

	/* channels */
	{ NULL, "{\"channels_allowed\":[\"C1\"]}", ANN, ACCESS_YES },
	{ NULL, "{\"channels_allowed\":[\"C2\"]}", ANN, ACCESS_NO_CHANNEL },
	{ NULL, "{\"channels_allowed\":[]}", ANN, ACCESS_YES },
	{ NULL, "{\"channels_allowed\":[\"C2\"]}", DIRECT, ACCESS_YES },
	{ NULL, "{\"channels_denied\":[\"C2\",\"C1\"]}", ANN,
	  ACCESS_NO_CHANNEL },
	{ NULL, "{\"channels_denied\":[\"C11\"]}", ANN, ACCESS_YES },
	{ NULL, "{\"channels_denied\":[\"C1\"],\"channels_allowed\":[\"C1\"]}",
	  ANN, ACCESS_NO_CHANNEL },
	{ NULL, "{\"channels_denied\":[\"D1\"]}", DIRECT, ACCESS_YES },
	{ NULL, "{\"channels_denied\":[\"C1\"]}", SOMEBODY, ACCESS_NO_CHANNEL },

	/* direct messages */
	{ NULL, "{\"direct_messages\":false}", DIRECT, ACCESS_NO_DIRECT },
	{ NULL, "{\"direct_messages\":false}", ANN, ACCESS_YES },

	/* people */
	{ NULL, "{\"people_denied\":[\"U1\"]}", ANN, ACCESS_NO_PERSON },
	{ NULL, "{\"people_denied\":[\"U1\"]}", DIRECT, ACCESS_NO_PERSON },
	{ NULL, "{\"people_allowed\":[\"U8\"]}", ANN, ACCESS_NO_PERSON },
	{ NULL, "{\"people_allowed\":[\"U1\"]}", ANN, ACCESS_YES },
	{ NULL, "{\"people_denied\":[\"U1\"],\"people_allowed\":[\"U1\"]}", ANN,
	  ACCESS_NO_PERSON },
	{ NULL, "{\"people_allowed\":[\"U2\"]}", GUEST, ACCESS_YES },
	{ NULL, "{\"people_allowed\":[\"U3\"]}", STRANGER, ACCESS_YES },
	/* and then nobody is asked */
	{ NULL, "{\"people_allowed\":[\"U4\"]}", SOMEBODY, ACCESS_YES },
	{ NULL, "{\"people_allowed\":[\"U8\"]}", SOMEBODY, ACCESS_NO_PERSON },

	/* user groups */
	{ NULL, "{\"groups_denied\":[\"S1\"]}", IN(allowed, FACT_OPEN),
	  ACCESS_ASK },
	{ NULL, "{\"groups_denied\":[\"S1\"]}", IN(denied, FACT_YES),
	  ACCESS_NO_PERSON },
	{ NULL, "{\"groups_denied\":[\"S1\"]}", IN(denied, FACT_NO),
	  ACCESS_YES },
	{ NULL, "{\"groups_denied\":[\"S1\"]}", IN(denied, FACT_UNKNOWN),
	  ACCESS_UNSURE },
	{ NULL, "{\"groups_denied\":[\"S1\"],\"people_allowed\":[\"U1\"]}",
	  IN(denied, FACT_YES), ACCESS_NO_PERSON },
	{ NULL, "{\"groups_allowed\":[\"S1\"]}", IN(allowed, FACT_OPEN),
	  ACCESS_ASK },
	{ NULL, "{\"groups_allowed\":[\"S1\"]}", IN(allowed, FACT_YES),
	  ACCESS_YES },
	{ NULL, "{\"groups_allowed\":[\"S1\"]}", IN(allowed, FACT_NO),
	  ACCESS_NO_PERSON },
	{ NULL, "{\"groups_allowed\":[\"S1\"]}", IN(allowed, FACT_UNKNOWN),
	  ACCESS_UNSURE },
	{ NULL, "{\"groups_allowed\":[\"S1\"],\"people_allowed\":[\"U1\"]}",
	  IN(allowed, FACT_NO), ACCESS_YES },
	{ NULL, "{\"groups_allowed\":[\"S1\"],\"people_allowed\":[\"U8\"]}",
	  IN(allowed, FACT_YES), ACCESS_YES },
	{ NULL, "{\"groups_allowed\":[\"S1\"],\"people_allowed\":[\"U8\"]}",
	  IN(allowed, FACT_NO), ACCESS_NO_PERSON },
	{ NULL, "{\"groups_allowed\":[],\"groups_denied\":[]}", ANN,
	  ACCESS_YES },
	{ NULL, "{\"groups_allowed\":[\"S1\"],\"people_denied\":[\"U1\"]}",
	  IN(allowed, FACT_OPEN), ACCESS_NO_PERSON },

	/* guests and strangers */
	{ NULL, "{\"guests\":true}", GUEST, ACCESS_YES },
	{ NULL, "{\"guests\":true}", STRANGER, ACCESS_NO_STRANGER },
	{ NULL, "{\"strangers\":true}", STRANGER, ACCESS_YES },
	{ NULL, "{\"strangers\":true}", GUEST, ACCESS_NO_GUEST },
	{ NULL, "{\"strangers\":true}", SOMEBODY, ACCESS_ASK },
	{ NULL, "{\"guests\":true,\"strangers\":true}", SOMEBODY, ACCESS_YES },
	{ NULL, "{\"guests\":false}", NOBODY, ACCESS_UNSURE },
	{ NULL, "{\"guests\":true}", NOBODY, ACCESS_YES },

	/* bots */
	{ NULL, "{\"bots_allowed\":[\"B9\"]}", BOT, ACCESS_YES },
	{ NULL, "{\"bots_allowed\":[\"B8\"]}", BOT, ACCESS_NO_BOT },
	{ NULL, "{\"bots_allowed\":[\"U9\"]}", BOT, ACCESS_NO_BOT },
	{ NULL, "{\"bots_allowed\":[\"B9\"],\"bot_answers\":0}", BOT,
	  ACCESS_NO_BOT },
	{ NULL, "{\"bots_allowed\":[\"B9\"],\"channels_denied\":[\"C1\"]}", BOT,
	  ACCESS_NO_CHANNEL },
	{ NULL, "{\"bots_allowed\":[\"B9\"],\"people_allowed\":[\"U8\"]}", BOT,
	  ACCESS_YES },
	{ NULL,
	  "{\"bots_allowed\":[\"B9\"]}",
	  { .channel = "C1", .user = "U9", .is_bot = true, .bot_id = "B9" },
	  ACCESS_NO_BOT },
	{ NULL,
	  "{\"bots_allowed\":[\"B9\"]}",
	  { .channel = "C1", .user = "U9", .is_bot = true, .mention = true },
	  ACCESS_NO_BOT },
	{ NULL,
	  "{\"bots_allowed\":[\"B9\"]}",
	  { .channel = "D1",
	    .direct = true,
	    .user = "U9",
	    .is_bot = true,
	    .bot_id = "B9",
	    .mention = true },
	  ACCESS_NO_BOT },

	/* what an agent has of its own takes the place of the tenant's */
	{ "{\"guests\":true}", "{\"guests\":false}", GUEST, ACCESS_YES },
	{ "{\"guests\":false}", "{\"guests\":true}", GUEST, ACCESS_NO_GUEST },
	{ "{\"channels_denied\":[]}", "{\"channels_denied\":[\"C1\"]}", ANN,
	  ACCESS_YES },
	{ "{\"people_allowed\":[\"U1\"]}", "{\"people_allowed\":[\"U2\"]}", ANN,
	  ACCESS_YES },
	{ "{\"guests\":true}", "{\"people_denied\":[\"U2\"]}", GUEST,
	  ACCESS_NO_PERSON },
	{ "{\"guests\":null}", "{\"guests\":true}", GUEST, ACCESS_YES },
};

START_TEST(the_table_is_followed)
{
	struct err e = { 0 };
	struct access *a;

	a = access_create(cases[_i].own, cases[_i].common, &e);
	ck_assert_msg(a != NULL, "%s", e.msg);
	ck_assert_msg(access_judge(a, &cases[_i].f) == cases[_i].want,
		      "%s over %s: %s", cases[_i].own, cases[_i].common,
		      access_why(access_judge(a, &cases[_i].f)));
	access_free(a);
}
END_TEST

START_TEST(what_is_no_object_is_an_error)
{
	struct err e = { 0 };

	ck_assert_ptr_null(access_create("{", NULL, &e));
	ck_assert_int_eq(e.kind, ERR_INPUT);
	ck_assert_ptr_null(access_create("{}", "nonsense", &e));
}
END_TEST

START_TEST(bots_get_few_answers_unless_something_is_set)
{
	struct err e = { 0 };
	struct access *a = access_create(NULL, NULL, &e);

	ck_assert_int_eq(access_bot_answers(a), ACCESS_BOT_ANSWERS);
	access_free(a);
	a = access_create("{\"bot_answers\":7}", "{\"bot_answers\":9}", &e);
	ck_assert_int_eq(access_bot_answers(a), 7);
	access_free(a);
	/* Not the -1 that stands for a person, nor what is left of 2^32. */
	a = access_create("{\"bot_answers\":-1}", NULL, &e);
	ck_assert_int_eq(access_bot_answers(a), 0);
	access_free(a);
	a = access_create("{\"bot_answers\":4294967303}", NULL, &e);
	ck_assert_int_eq(access_bot_answers(a), 0);
	access_free(a);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("access");
	TCase *tc = tcase_create("access");
	SRunner *sr;
	int nfailed;

	tcase_add_loop_test(tc, the_table_is_followed, 0,
			    sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tc, what_is_no_object_is_an_error);
	tcase_add_test(tc, bots_get_few_answers_unless_something_is_set);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	nfailed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return nfailed ? EXIT_FAILURE : EXIT_SUCCESS;
}
