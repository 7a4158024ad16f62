/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "books.h"
#include "envelopes.h"
#include "link/flight.h"
#include "route/chirp.h"
#include "route/envelope.h"
#include "store/canary.h"
#include "store/journal.h"
#include "store/store.h"

/* A canary in the store, and what is known of its events; the rest is in
 * integration/test_canary.c. */

#define TS    "1700000000.000100"
#define NONCE "0123456789abcdef0123456789abcdef"
#define MIN   INT64_C(60000)

static bool read_event(const char *event, struct chirp *out)
{
	char *text = event_frame(event);
	struct envelope env;
	struct err e = { 0 };
	bool is;

	ck_assert_msg(envelope_parse(&env, text, strlen(text), &e) == 0, "%s",
		      e.msg);
	env.app_id = "A1";
	is = chirp_read(&env, out);
	envelope_release(&env);
	free(text);
	return is;
}

/* By who, and what it says; as edited when sub is that. */
static bool read_message(const char *sub, const char *who, const char *said,
			 struct chirp *out)
{
	static const char changed[] =
		"{\"type\":\"message\",\"subtype\":\"%s\",\"hidden\":true,"
		"\"channel\":\"C1\",\"ts\":\"1700000009.000900\","
		"\"message\":{%s,\"ts\":\"" TS "\",\"text\":\"%s\"}}";
	static const char plain[] =
		"{\"type\":\"message\"%s,\"channel\":\"C1\",%s,\"ts\":\"" TS
		"\",\"text\":\"%s\"}";
	char *event = malloc(strlen(said) + 400);
	bool is;

	ck_assert_ptr_nonnull(event);
	(void)snprintf(event, strlen(said) + 400, sub[0] ? changed : plain, sub,
		       who, said);
	is = read_event(event, out);
	free(event);
	return is;
}

START_TEST(an_edit_is_known_by_its_nonce_and_the_message_it_is_of)
{
	struct chirp c;
	struct buf text;

	buf_init(&text, 1000);
	chirp_text(&text, 5, NONCE);
	ck_assert(read_message("message_changed", "\"user\":\"UBOT\"",
			       text.data, &c));
	ck_assert_str_eq(c.nonce, NONCE);
	ck_assert_str_eq(c.ts, TS);
	ck_assert_str_eq(c.app_id, "A1");
	ck_assert(read_message("", "\"user\":\"UBOT\"", text.data, &c));
	ck_assert_str_eq(c.ts, TS);
	ck_assert(read_message("message_changed",
			       "\"bot_profile\":{\"app_id\":\"A1\"}", text.data,
			       &c));
	buf_release(&text);
}
END_TEST

static const char *const foreign[][2] = {
	{ "\"user\":\"U1\"", "konstruct-canary:" NONCE },
	{ "\"app_id\":\"A2\"", "konstruct-canary:" NONCE },
	{ "\"user\":null", "konstruct-canary:" NONCE },
	{ "\"user\":\"UBOT\"", "konstruct-canary:" },
	{ "\"user\":\"UBOT\"", "konstruct-canary:0123" },
	{ "\"user\":\"UBOT\"", "konstruct-canary:" NONCE "0" },
	{ "\"user\":\"UBOT\"", "konstruct-canary:0123456789ABCDEF" },
	{ "\"user\":\"UBOT\"", "an answer" },
};

START_TEST(what_others_say_and_what_has_no_nonce_is_none)
{
	struct chirp c;

	ck_assert(!read_message("message_changed", foreign[_i][0],
				foreign[_i][1], &c));
	ck_assert(!read_message("", foreign[_i][0], foreign[_i][1], &c));
}
END_TEST

START_TEST(a_long_text_is_none)
{
	char *text = malloc(200000);
	struct chirp c;

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', 199000);
	(void)snprintf(text + 199000, 1000, "%s", "konstruct-canary:" NONCE);
	ck_assert(!read_message("message_changed", "\"user\":\"UBOT\"", text,
				&c));
	free(text);
}
END_TEST

static const char *const odd[] = {
	"{\"type\":\"message\",\"subtype\":\"message_changed\"}",
	"{\"type\":\"message\",\"subtype\":\"message_changed\",\"message\":7}",
	"{\"type\":\"message\",\"user\":\"UBOT\",\"text\":[]}",
	"{\"type\":\"message\",\"user\":\"UBOT\",\"ts\":\"x\","
	"\"text\":\"konstruct-canary:" NONCE "\"}",
	"{\"type\":\"message\",\"user\":\"UBOT\","
	"\"text\":\"konstruct-canary:" NONCE "\"}",
	"{\"type\":\"app_mention\",\"user\":\"UBOT\",\"ts\":\"" TS "\","
	"\"text\":\"konstruct-canary:" NONCE "\"}",
};

START_TEST(what_is_odd_is_none)
{
	struct chirp c;

	ck_assert(!read_event(odd[_i], &c));
}
END_TEST

START_TEST(no_two_nonces_are_the_same)
{
	char a[CHIRP_NONCE], b[CHIRP_NONCE];

	chirp_nonce(a);
	chirp_nonce(b);
	ck_assert_uint_eq(strlen(a), CHIRP_NONCE - 1);
	ck_assert_str_ne(a, b);
}
END_TEST

/* When it came last, when links were wanted last, and how many are missed; is
 * it time in the thousandth minute? */
static const struct {
	int heard, redial, missed;
	bool wants;
} times[] = {
	{ 0, 0, 9, false },   /* it never came */
	{ 990, 0, 1, false }, /* once may be by chance */
	{ 998, 0, 2, true },
	{ 998, 500, 2, true },  /* of an earlier time */
	{ 998, 995, 2, false }, /* just now, and it came since */
	{ 980, 991, 9, false },
	{ 985, 990, 9, true },
	{ 900, 950, 99, true }, /* as long as it had been until then */
	{ 900, 951, 99, false },
	{ 1, 639, 999, true }, /* and six hours at most */
	{ 1, 641, 999, false },
};

START_TEST(fresh_links_are_wanted_seldomer_and_seldomer)
{
	const struct canary c = {
		.heard_ms = times[_i].heard * MIN,
		.redial_ms = times[_i].redial * MIN,
		.missed = times[_i].missed,
	};

	ck_assert_int_eq(flight_wants_links(&c, 1000 * MIN), times[_i].wants);
}
END_TEST

/* ---- the store ---- */

struct call {
	enum {
		PUT,
		PACE,
		DROP,
		NOTE,
		HEARD
	} what;
	struct canary c;
	const char *was;
	const char *nonce, *ts;
	int64_t at_ms;
	struct canary_heard heard;
	int rc;
};

static int do_call(struct store *s, void *arg, struct err *e)
{
	const struct canary_ops *ops = s->ops->canaries;
	struct call *k = arg;

	switch (k->what) {
	case PUT:
		k->rc = ops->put(s, &k->c, e);
		break;
	case PACE:
		k->rc = ops->pace(s, books.acme, k->c.minutes, e);
		break;
	case DROP:
		k->rc = ops->drop(s, books.acme, e);
		break;
	case NOTE:
		k->rc = ops->note(s, &k->c, k->was, e);
		break;
	case HEARD:
		k->rc = ops->heard(s, "A1", k->nonce, k->ts, k->at_ms,
				   &k->heard, e);
		break;
	}
	return k->rc < 0 ? -1 : 0;
}

static int run(struct call *k)
{
	struct journal_req r = { .kind = JOURNAL_WRITE,
				 .write = do_call,
				 .arg = k };

	books_must(&r);
	return k->rc;
}

static void put(const char *channel)
{
	struct call k = { .what = PUT,
			  .c = { .tenant_id = books.acme,
				 .app_id = "A1",
				 .workspace_id = "T1",
				 .channel = channel,
				 .minutes = 5 } };

	ck_assert_int_eq(run(&k), 0);
}

static int note(const char *was, const char *nonce, const char *ts)
{
	struct call k = { .what = NOTE,
			  .was = was,
			  .c = { .tenant_id = books.acme,
				 .channel = "C1",
				 .nonce = nonce,
				 .ts = ts,
				 .sent_ms = 1000,
				 .due_ms = 61000,
				 .missed = 2,
				 .made = true,
				 .problem = "" } };

	return run(&k);
}

static int heard(const char *nonce, const char *ts, struct canary_heard *out)
{
	struct call k = {
		.what = HEARD, .nonce = nonce, .ts = ts, .at_ms = 1300
	};
	int rc = run(&k);

	if (out)
		*out = k.heard;
	return rc;
}

static int keep(const struct canary *c, void *arg)
{
	struct canary *out = arg;

	*out = *c;
	ck_assert_str_eq(c->tenant, "acme");
	ck_assert_str_eq(c->channel, "C1");
	return 0;
}

static struct canary only(void)
{
	struct canary c = { .minutes = 0 };

	ck_assert_int_eq(books.st->ops->canaries->each(books.st, NULL, keep, &c,
						       &books.e),
			 0);
	return c;
}

static int count(const struct canary *c, void *arg)
{
	ck_assert_ptr_nonnull(strstr(c->bot_token, "xoxb-"));
	++*(int *)arg;
	return 0;
}

static int due(int64_t now_ms)
{
	int n = 0;

	ck_assert_int_eq(books.st->ops->canaries->due(books.st, now_ms, count,
						      &n, &books.e),
			 0);
	return n;
}

START_TEST(what_is_awaited_is_noted_once_and_heard_once)
{
	struct canary_heard h;
	struct canary c;

	put("C1");
	ck_assert_int_eq(due(0), 1);
	ck_assert_int_eq(note("", "n1", TS), 1);
	ck_assert_int_eq(note("", "n2", TS), 0); /* by another node */
	ck_assert_int_eq(due(60999), 0);
	ck_assert_int_eq(due(61000), 1);
	ck_assert_int_eq(heard("n2", TS, NULL), 0);
	ck_assert_int_eq(heard("", TS, NULL), 0);
	ck_assert_int_eq(heard("n1", "1.2", NULL), 0); /* a copy */
	ck_assert_int_eq(heard("n1", TS, &h), 1);
	ck_assert_str_eq(h.tenant, "acme");
	ck_assert_str_eq(h.channel, "C1");
	ck_assert_int_eq(h.sent_ms, 1000);
	ck_assert_int_eq(h.missed, 2);
	ck_assert_int_eq(heard("n1", TS, NULL), 0);
	c = only();
	ck_assert_int_eq(c.heard_ms, 1300);
	ck_assert_int_eq(c.trip_ms, 300);
	ck_assert_int_eq(c.missed, 0);
	ck_assert_int_eq(c.due_ms, 1000 + 5 * MIN);
	/* None had come before, so it isn't known since when some are lost. */
	ck_assert_int_eq(c.gap_from_ms, 0);
	ck_assert_int_eq(c.gap_to_ms, 1300);
	/* What its sender has to say of it comes too late. */
	ck_assert_int_eq(note("n1", "n1", TS), 0);
}
END_TEST

START_TEST(the_event_of_a_post_tells_which_message_it_is)
{
	put("C1");
	ck_assert_int_eq(note("", "n1", ""), 1);
	ck_assert_int_eq(heard("n1", TS, NULL), 1);
	ck_assert_int_eq(books_ask("SELECT count(*) FROM canaries"
				   " WHERE ts = '" TS "' AND posted_ms = 0"),
			 1);
}
END_TEST

START_TEST(another_channel_begins_anew_and_another_pace_goes_on)
{
	struct call k = { .what = PACE, .c = { .minutes = 9 } };

	put("C1");
	ck_assert_int_eq(note("", "n1", TS), 1);
	ck_assert_int_eq(heard("n1", TS, NULL), 1);
	ck_assert_int_eq(run(&k), 0);
	ck_assert_int_eq(due(0), 1);
	ck_assert_int_eq(only().minutes, 9);
	ck_assert_int_eq(only().heard_ms, 1300);
	put("C1");
	ck_assert_int_eq(only().heard_ms, 0);
	k.what = DROP;
	ck_assert_int_eq(run(&k), 0);
	ck_assert_int_eq(due(0), 0);
}
END_TEST

static int move(struct store *s, void *arg, struct err *e)
{
	(void)arg;
	return s->ops->channel_moved(s, books.acme, "A1", "T1", "G1", "C1", e);
}

static int remove_tenant(struct store *s, void *arg, struct err *e)
{
	(void)arg;
	return s->ops->tenant_remove(s, "acme", e);
}

START_TEST(it_goes_with_its_channel_and_its_tenant)
{
	struct journal_req r = { .kind = JOURNAL_WRITE, .write = move };

	put("G1");
	books_must(&r);
	(void)only(); /* in C1 */
	r = (struct journal_req){ .kind = JOURNAL_WRITE,
				  .write = remove_tenant };
	books_must(&r);
	ck_assert_int_eq(books_ask("SELECT count(*) FROM canaries"), 0);
}
END_TEST

START_TEST(one_of_an_app_that_was_taken_out_is_not_sent)
{
	put("C1");
	(void)books_ask("UPDATE connections SET gone_ms = 1");
	ck_assert_int_eq(due(0), 0);
}
END_TEST

static TCase *reading(void)
{
	TCase *tc = tcase_create("reading");

	tcase_add_test(tc,
		       an_edit_is_known_by_its_nonce_and_the_message_it_is_of);
	tcase_add_loop_test(tc, what_others_say_and_what_has_no_nonce_is_none,
			    0, sizeof(foreign) / sizeof(foreign[0]));
	tcase_add_test(tc, a_long_text_is_none);
	tcase_add_loop_test(tc, what_is_odd_is_none, 0,
			    sizeof(odd) / sizeof(odd[0]));
	tcase_add_test(tc, no_two_nonces_are_the_same);
	tcase_add_loop_test(tc, fresh_links_are_wanted_seldomer_and_seldomer, 0,
			    sizeof(times) / sizeof(times[0]));
	return tc;
}

static TCase *stored(const char *name, void (*setup)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, books_close);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, what_is_awaited_is_noted_once_and_heard_once);
	tcase_add_test(tc, the_event_of_a_post_tells_which_message_it_is);
	tcase_add_test(tc,
		       another_channel_begins_anew_and_another_pace_goes_on);
	tcase_add_test(tc, it_goes_with_its_channel_and_its_tenant);
	tcase_add_test(tc, one_of_an_app_that_was_taken_out_is_not_sent);
	return tc;
}

int main(void)
{
	Suite *s = suite_create("canary");
	SRunner *sr;
	int failed;

	books_begin();
	suite_add_tcase(s, reading());
	suite_add_tcase(s, stored("sqlite", books_on_sqlite));
	suite_add_tcase(s, stored("postgres", books_on_postgres));
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
