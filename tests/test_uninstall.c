/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "books.h"
#include "store/grants.h"
#include "store/journal.h"
#include "store/keep.h"
#include "store/uninstall.h"

/* What becomes of a workspace that an app was taken out of, on both stores. */

#define MS     20000
#define DAY_MS KEEP_DAY_MS
#define SOON   10000 /* after the token was given */

static int64_t began; /* ms */

static void begin(void)
{
	began = clock_wall_ms();
}

static const struct uninstall_ops *ops(void)
{
	return books.st->ops->uninstalls;
}

static void resolve(const char *workspace, struct connection *c)
{
	ck_assert_msg(books.st->ops->resolve(books.st, "slack", "A1", workspace,
					     c, &books.e) == 1,
		      "%s", books.e.msg);
}

/* One call of uninstall_ops as a write. */
struct call {
	enum {
		NOTE,
		BACK,
		KNOWS,
		HOME,
		TOKEN,
		GRANT
	} what;
	const char *workspace, *why, *token;
	const char *channel, *user;
	int64_t at_ms, now_ms;
	int rc;
};

static int put_token(struct store *s, struct connection *c, const char *token,
		     struct err *e)
{
	free(c->bot_token);
	c->bot_token = strdup(token);
	return s->ops->connection_put(s, c, e);
}

static int put_grant(struct store *s, const struct connection *c, struct err *e)
{
	const struct grant g = {
		.tenant_id = c->tenant_id,
		.channel_type = c->channel_type,
		.app_id = c->app_id,
		.workspace_id = c->workspace_id,
		.refresh_token = (char *)"xoxe-1-refresh",
	};

	return s->ops->grants->put(s, &g, e);
}

static int do_call(struct store *s, void *arg, struct err *e)
{
	struct call *k = arg;
	const struct uninstall_ops *o = s->ops->uninstalls;
	struct connection c = { 0 };
	struct home_new h = { books.acme, "A1", k->workspace, k->channel,
			      k->user };

	if (s->ops->resolve(s, "slack", "A1", k->workspace, &c, e) != 1)
		return -1;
	switch (k->what) {
	case NOTE:
		k->rc = o->note(s, &c, k->why, k->at_ms, k->now_ms, e);
		break;
	case BACK:
		k->rc = o->back(s, &c, k->at_ms, e);
		break;
	case KNOWS:
		free(c.bot_token);
		c.bot_token = strdup(k->token);
		k->rc = o->knows(s, &c, e);
		break;
	case HOME:
		k->rc = o->home(s, &h, k->now_ms, e);
		break;
	case TOKEN:
		k->rc = put_token(s, &c, k->token, e);
		break;
	case GRANT:
		k->rc = put_grant(s, &c, e);
		break;
	}
	connection_release(&c);
	return k->rc < 0 ? -1 : 0;
}

static int call(struct call k)
{
	struct journal_req r = { .kind = JOURNAL_WRITE,
				 .write = do_call,
				 .arg = &k };

	books_must(&r);
	return k.rc;
}

static int note(const char *workspace, const char *why, int64_t at_ms)
{
	return call((struct call){ .what = NOTE,
				   .workspace = workspace,
				   .why = why,
				   .at_ms = at_ms,
				   .now_ms = clock_wall_ms() });
}

static int back(int64_t at_ms)
{
	return call((struct call){
		.what = BACK, .workspace = "T1", .at_ms = at_ms });
}

static int knows(const char *token)
{
	return call((struct call){
		.what = KNOWS, .workspace = "T1", .token = token });
}

static void home(const char *workspace, const char *channel, const char *user,
		 int days)
{
	(void)call((struct call){ .what = HOME,
				  .workspace = workspace,
				  .channel = channel,
				  .user = user,
				  .now_ms = clock_wall_ms() - days * DAY_MS });
}

/* Those that are gone. */
struct seen {
	int n, erased;
	char why[32];
	int64_t gone_ms, noted_ms;
	bool alone, busy;
};

static int see(const struct uninstall *u, void *arg)
{
	struct seen *s = arg;

	ck_assert_str_eq(u->tenant, "acme");
	ck_assert_str_eq(u->tenant_id, books.acme);
	ck_assert_str_eq(u->app_id, "A1");
	s->n++;
	s->erased += u->erased_ms > 0;
	(void)snprintf(s->why, sizeof(s->why), "%s", u->why);
	s->gone_ms = u->gone_ms;
	s->noted_ms = u->noted_ms;
	s->alone = u->alone;
	s->busy = u->busy;
	return 0;
}

static struct seen seen(void)
{
	struct seen s = { 0 }, one = { 0 }, none = { 0 };
	struct store *st = books.st;

	ck_assert_int_eq(ops()->each(st, NULL, see, &s, &books.e), 0);
	ck_assert_int_eq(ops()->each(st, "acme", see, &one, &books.e), 0);
	ck_assert_int_eq(ops()->each(st, "nobody", see, &none, &books.e), 0);
	ck_assert_int_eq(s.n, one.n);
	ck_assert_int_eq(none.n, 0);
	return s;
}

static int64_t gone_ms(void)
{
	struct connection c;
	int64_t at;

	resolve("T1", &c);
	at = c.gone_ms;
	connection_release(&c);
	return at;
}

START_TEST(it_is_noted_once)
{
	struct seen s = seen();
	int64_t at = began + SOON;

	ck_assert_int_eq(s.n, 0);
	ck_assert_int_eq(note("T1", "tokens_revoked", at), 1);
	ck_assert_int_eq(note("T1", "app_uninstalled", at + 1), 0);
	s = seen();
	ck_assert_int_eq(s.n, 1);
	ck_assert_str_eq(s.why, "tokens_revoked");
	ck_assert_int_eq(s.gone_ms, at);
	ck_assert_int_ge(s.noted_ms, began);
	ck_assert_int_eq(s.erased, 0);
	ck_assert(s.alone);
	ck_assert(!s.busy);
	ck_assert_int_eq(gone_ms(), at);
}
END_TEST

START_TEST(what_was_before_the_token_was_given_says_nothing_of_it)
{
	ck_assert_int_eq(note("T1", "app_uninstalled", began - DAY_MS), 0);
	ck_assert_int_eq(seen().n, 0);
}
END_TEST

START_TEST(what_comes_later_ends_it_and_an_old_event_begins_it_no_more)
{
	int64_t at = began + SOON;

	ck_assert_int_eq(back(at), 0);
	ck_assert_int_eq(note("T1", "app_uninstalled", at), 1);
	ck_assert_int_eq(back(at - 1), 0);
	ck_assert_int_eq(back(at), 0);
	ck_assert_int_eq(seen().n, 1);
	ck_assert_int_eq(back(at + 2), 1);
	ck_assert_int_eq(back(at + 2), 0);
	ck_assert_int_eq(seen().n, 0);
	ck_assert_int_eq(gone_ms(), 0);
	ck_assert_int_eq(note("T1", "app_uninstalled", at), 0);
	ck_assert_int_eq(note("T1", "app_uninstalled", at + 3), 1);
}
END_TEST

START_TEST(a_new_token_ends_it_and_the_old_one_is_known_again)
{
	int64_t at = began + SOON;

	ck_assert_int_eq(knows("xoxb-one"), 0);
	ck_assert_int_eq(note("T1", "app_uninstalled", at), 1);
	ck_assert_int_eq(knows("xoxb-one"), 1);
	ck_assert_int_eq(knows("xoxb-two"), 0);
	(void)call((struct call){
		.what = TOKEN, .workspace = "T1", .token = "xoxb-two" });
	ck_assert_int_eq(seen().n, 0);
	ck_assert_int_eq(knows("xoxb-two"), 0);
}
END_TEST

START_TEST(of_tokens_that_are_renewed_each_is_revoked_some_time)
{
	int64_t at = began + SOON;

	(void)call((struct call){ .what = GRANT, .workspace = "T1" });
	ck_assert_int_eq(note("T1", "tokens_revoked", at), 0);
	ck_assert_int_eq(note("T1", "app_uninstalled", at), 1);
}
END_TEST

static int64_t rows(const char *table)
{
	char sql[200];

	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
	return books_ask(sql);
}

static void add_line(const char *channel, const char *user, int n)
{
	char sql[300];

	(void)snprintf(sql, sizeof(sql),
		       "INSERT INTO transcript (tenant_id, channel, thread, ts,"
		       " ours, user_id, text) VALUES ('%s', '%s', '1.0',"
		       " '%d.0', %s, '%s', 'hello')",
		       books.acme, channel, n,
		       books_are_on_postgres() ? "false" : "0", user);
	(void)books_ask(sql);
}

/* All that there can be of a person and a channel. */
static void fill(const char *workspace, const char *channel, const char *user)
{
	const char *yes = books_are_on_postgres() ? "true" : "1";
	char sql[600];

	add_line(channel, user, 1);
	home(workspace, channel, user, 0);
	(void)snprintf(sql, sizeof(sql),
		       "INSERT INTO usage_by VALUES"
		       " ('%s', 'person', '%s', '2026-01-01', 'm', 1, 1, 1),"
		       " ('%s', 'channel', '%s', '2026-01-01', 'm', 1, 1, 1)",
		       books.acme, user, books.acme, channel);
	(void)books_ask(sql);
	(void)snprintf(sql, sizeof(sql),
		       "INSERT INTO budget_marks VALUES ('%s', '2026-01-01',"
		       " 'person/tokens/day', '%s', 1)",
		       books.acme, user);
	(void)books_ask(sql);
	(void)snprintf(sql, sizeof(sql),
		       "INSERT INTO greeted VALUES ('%s', 'A1', '%s', 1)",
		       books.acme, channel);
	(void)books_ask(sql);
	(void)snprintf(sql, sizeof(sql),
		       "INSERT INTO feedback VALUES ('%s', 'e-%s', '%s', %s,"
		       " 1)",
		       books.acme, user, user, yes);
	(void)books_ask(sql);
}

static void fill_usage(void)
{
	char sql[200];

	(void)snprintf(sql, sizeof(sql),
		       "INSERT INTO usage VALUES ('%s', '2026-01-01', 'm', 1,"
		       " 1, 1)",
		       books.acme);
	(void)books_ask(sql);
}

/* An entry of that workspace which was given up, or is under way. */
static void add_entry(const char *id, const char *workspace, bool dead)
{
	char claim[64];
	struct journal_req n = { .kind = dead ? JOURNAL_DONE : JOURNAL_NOTE,
				 .note = { .state = dead ? ENTRY_DEAD
							 : ENTRY_ACCEPTED,
					   .claim = claim,
					   .tenant_id = books.acme } };

	(void)snprintf(claim, sizeof(claim), "A1:%s:C1:%s", workspace, id);
	(void)snprintf(n.entry_id, sizeof(n.entry_id), "%s", id);
	books_append(id);
	books_must(&n);
}

static void await_erased(int n)
{
	int i;

	for (i = 0; i < MS / 20 && seen().erased < n; i++)
		poll(NULL, 0, 20);
	ck_assert_int_eq(seen().erased, n);
}

static int64_t trail(const char *decision)
{
	char more[120];

	(void)snprintf(more, sizeof(more),
		       "audit WHERE body LIKE '%%\"what\":\"slack\"%%"
		       "\"decision\":\"%s\"%%'",
		       decision);
	return rows(more);
}

static const char *const kept[] = { "transcript",   "usage",    "usage_by",
				    "budget_marks", "feedback", "homes",
				    "pending",      "greeted" };
#define KEPT (sizeof(kept) / sizeof(kept[0]))

START_TEST(the_last_workspace_takes_all_with_it_and_the_tokens)
{
	struct connection c;
	size_t i;
	int n;

	(void)call((struct call){ .what = GRANT, .workspace = "T1" });
	fill("T1", "C1", "U1");
	fill_usage();
	add_entry("e1", "T1", true);
	for (n = 2; n < 200; n++)
		add_line("C1", "U1", n);
	for (i = 0; i < KEPT; i++)
		ck_assert_int_gt(rows(kept[i]), 0);
	ck_assert_int_eq(note("T1", "app_uninstalled", began + SOON), 1);
	journal_set_grace(books.j, 0);
	await_erased(1);
	for (i = 0; i < KEPT; i++)
		ck_assert_msg(rows(kept[i]) == 0, "%s", kept[i]);
	resolve("T1", &c);
	ck_assert_str_eq(c.bot_token, "");
	connection_release(&c);
	ck_assert_int_eq(rows("grants WHERE refresh_token <> ''"), 0);
	ck_assert_int_eq(rows("sealed WHERE kind <> 'app'"), 0);
	ck_assert_int_eq(trail("erased"), 1);
	/* Nothing is to be saved any more, and the old token isn't new. */
	ck_assert_int_eq(back(began + 2 * SOON), 0);
	ck_assert_int_eq(knows("xoxb-one"), 1);
	(void)call((struct call){
		.what = TOKEN, .workspace = "T1", .token = "xoxb-two" });
	ck_assert_int_eq(seen().n, 0);
	resolve("T1", &c);
	ck_assert_str_eq(c.bot_token, "xoxb-two");
	connection_release(&c);
}
END_TEST

static int put_second(struct store *s, void *arg, struct err *e)
{
	const struct connection c = {
		.tenant_id = books.acme,
		.channel_type = (char *)"slack",
		.app_id = (char *)"A1",
		.workspace_id = (char *)"T2",
		.bot_token = (char *)"xoxb-second",
		.bot_user_id = (char *)"UB2",
		.bot_id = (char *)"BB2",
	};

	(void)arg;
	return s->ops->connection_put(s, &c, e);
}

static void add_second(void)
{
	struct journal_req r = { .kind = JOURNAL_WRITE, .write = put_second };

	books_must(&r);
}

START_TEST(another_workspace_keeps_what_is_its_own_or_common)
{
	size_t i;

	add_second();
	fill("T1", "C1", "U1");
	fill("T2", "C2", "U2");
	fill("T1", "C3", "U3");
	home("T2", "C3", "U3", 0);
	fill_usage();
	add_entry("e1", "T1", true);
	add_entry("e2", "T2", true);
	ck_assert_int_eq(note("T1", "app_uninstalled", began + SOON), 1);
	ck_assert(!seen().alone);
	journal_set_grace(books.j, 0);
	await_erased(1);
	ck_assert_int_eq(rows("transcript WHERE channel = 'C1'"), 0);
	ck_assert_int_eq(rows("transcript WHERE channel = 'C2'"), 1);
	ck_assert_int_eq(rows("transcript WHERE channel = 'C3'"), 1);
	ck_assert_int_eq(rows("usage_by WHERE who IN ('C1', 'U1')"), 0);
	ck_assert_int_eq(rows("usage_by"), 4);
	ck_assert_int_eq(rows("budget_marks"), 2);
	ck_assert_int_eq(rows("feedback WHERE user_id = 'U1'"), 0);
	ck_assert_int_eq(rows("feedback"), 2);
	ck_assert_int_eq(rows("usage"), 1);
	ck_assert_int_eq(rows("pending"), 1);
	ck_assert_int_eq(rows("greeted WHERE channel = 'C1'"), 0);
	ck_assert_int_eq(rows("greeted"), 2);
	ck_assert_int_eq(rows("homes WHERE workspace_id = 'T1'"), 0);
	ck_assert_int_eq(rows("homes WHERE workspace_id = 'T2'"), 4);
	ck_assert_int_eq(note("T2", "tokens_revoked", began + SOON), 1);
	await_erased(2);
	for (i = 0; i < KEPT; i++)
		ck_assert_msg(rows(kept[i]) == 0, "%s", kept[i]);
	ck_assert_int_eq(trail("erased"), 2);
}
END_TEST

START_TEST(nothing_goes_before_its_time_is_over)
{
	char sql[200];

	add_second();
	fill("T1", "C1", "U1");
	fill("T2", "C2", "U2");
	ck_assert_int_eq(note("T1", "app_uninstalled", began + SOON), 1);
	ck_assert_int_eq(note("T2", "app_uninstalled", began + SOON), 1);
	(void)snprintf(sql, sizeof(sql),
		       "UPDATE connections SET noted_ms = noted_ms - %" PRId64
		       " WHERE workspace_id = 'T2'",
		       7 * DAY_MS + 1000);
	(void)books_ask(sql);
	journal_set_grace(books.j, 7);
	await_erased(1);
	ck_assert_int_eq(rows("transcript WHERE channel = 'C2'"), 0);
	ck_assert_int_eq(rows("transcript WHERE channel = 'C1'"), 1);
}
END_TEST

START_TEST(what_is_under_way_there_ends_before)
{
	struct journal_req d = { .kind = JOURNAL_DONE, .entry_id = "e1" };
	struct journal_req other = { .kind = JOURNAL_WRITE,
				     .write = put_second };

	fill("T1", "C1", "U1");
	add_entry("e1", "T1", false);
	ck_assert_int_eq(note("T1", "app_uninstalled", began + SOON), 1);
	ck_assert(seen().busy);
	journal_set_grace(books.j, 0);
	/* Long enough for a look. */
	poll(NULL, 0, 1500);
	books_must(&other);
	ck_assert_int_eq(seen().erased, 0);
	ck_assert_int_eq(rows("transcript"), 1);
	books_must(&d);
	await_erased(1);
	ck_assert_int_eq(rows("transcript"), 0);
}
END_TEST

/* So many rows can't be erased. */
static void stop_at(int left)
{
	static const char sqlite[] =
		"CREATE TRIGGER stop BEFORE DELETE ON transcript WHEN"
		" (SELECT count(*) FROM transcript) <= %d"
		" BEGIN SELECT raise(ABORT, 'enough'); END";
	static const char postgres[] =
		"CREATE FUNCTION enough() RETURNS trigger LANGUAGE plpgsql"
		" SECURITY DEFINER AS 'BEGIN IF (SELECT count(*) FROM"
		" konstruct.transcript) <= %d THEN RAISE EXCEPTION ''enough'';"
		" END IF; RETURN OLD; END';"
		"CREATE TRIGGER stop BEFORE DELETE ON transcript"
		" FOR EACH ROW EXECUTE FUNCTION enough()";
	char sql[400];

	(void)snprintf(sql, sizeof(sql),
		       books_are_on_postgres() ? postgres : sqlite, left);
	(void)books_ask(sql);
}

static void stop_no_more(void)
{
	(void)books_ask(books_are_on_postgres()
				? "DROP TRIGGER stop ON transcript;"
				  "DROP FUNCTION enough"
				: "DROP TRIGGER stop");
}

START_TEST(it_goes_on_where_it_was_broken_off)
{
	int n;

	for (n = 0; n < 400; n++)
		add_line("C1", "U1", n);
	ck_assert_int_eq(note("T1", "app_uninstalled", began + SOON), 1);
	stop_at(200);
	journal_set_grace(books.j, 0);
	while (rows("transcript") == 400)
		poll(NULL, 0, 5);
	books_reopen();
	stop_no_more();
	ck_assert_int_gt(rows("transcript"), 0);
	ck_assert_int_eq(seen().erased, 0);
	journal_set_grace(books.j, 0);
	await_erased(1);
	ck_assert_int_eq(rows("transcript"), 0);
	ck_assert_int_eq(trail("erased"), 1);
}
END_TEST

START_TEST(who_is_at_home_where_is_known_as_long_as_something_of_them_is)
{
	struct keep all = { { 30, 100, 20, 0, 0 } };
	int i;

	home("T1", "C1", "U1", 120);
	home("T1", "C2", "U1", 90);
	ck_assert_int_eq(rows("homes"), 3);
	journal_set_keep(books.j, &all);
	for (i = 0; i < MS / 20 && rows("homes") > 2; i++)
		poll(NULL, 0, 20);
	ck_assert_int_eq(rows("homes WHERE who = 'C1'"), 0);
	ck_assert_int_eq(rows("homes WHERE who IN ('C2', 'U1')"), 2);
}
END_TEST

START_TEST(an_answer_tells_who_is_at_home_where)
{
	const struct home_new h = { books.acme, "A1", "T1", "C1", "U1" };
	struct journal_req d = { .kind = JOURNAL_DONE,
				 .entry_id = "e1",
				 .note = { .tenant_id = books.acme },
				 .home = &h };

	books_append("e1");
	books_must(&d);
	ck_assert_int_eq(rows("homes WHERE workspace_id = 'T1'"
			      " AND kind = 'channel' AND who = 'C1'"),
			 1);
	ck_assert_int_eq(rows("homes WHERE app_id = 'A1' AND kind = 'person'"
			      " AND who = 'U1'"),
			 1);
}
END_TEST

static TCase *uninstall(const char *name, void (*setup)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, books_close);
	tcase_add_checked_fixture(tc, begin, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, it_is_noted_once);
	tcase_add_test(tc,
		       what_was_before_the_token_was_given_says_nothing_of_it);
	tcase_add_test(
		tc,
		what_comes_later_ends_it_and_an_old_event_begins_it_no_more);
	tcase_add_test(tc, a_new_token_ends_it_and_the_old_one_is_known_again);
	tcase_add_test(tc,
		       of_tokens_that_are_renewed_each_is_revoked_some_time);
	tcase_add_test(tc, the_last_workspace_takes_all_with_it_and_the_tokens);
	tcase_add_test(tc, another_workspace_keeps_what_is_its_own_or_common);
	tcase_add_test(tc, nothing_goes_before_its_time_is_over);
	tcase_add_test(tc, what_is_under_way_there_ends_before);
	tcase_add_test(tc, it_goes_on_where_it_was_broken_off);
	tcase_add_test(
		tc,
		who_is_at_home_where_is_known_as_long_as_something_of_them_is);
	tcase_add_test(tc, an_answer_tells_who_is_at_home_where);
	return tc;
}

int main(void)
{
	Suite *s = suite_create("uninstall");
	SRunner *sr;
	int failed;

	books_begin();
	suite_add_tcase(s, uninstall("sqlite", books_on_sqlite));
	suite_add_tcase(s, uninstall("postgres", books_on_postgres));
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
