/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/keyfile.h"
#include "base/keyring.h"
#include "pg.h"
#include "scratch.h"
#include "store/grants.h"
#include "store/keys.h"

/* apps, connections, leaving, secrets, clients, grants: one each, but for the
 * apps. */
#define ROWS 8

static const struct pg *pg;
static struct scratch scratch;
static struct store *st;
static struct err e;

static bool is_postgres(void)
{
	return st->ops == &store_postgres;
}

/* Past the store. */
static void tamper(const char *sql)
{
	sqlite3 *db;

	if (is_postgres()) {
		(void)pg_ask(sql);
		return;
	}
	store_sqlite.close(st);
	ck_assert_int_eq(sqlite3_open(scratch.path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	st = scratch_open(&scratch, true);
}

/* What is there to be sealed, of every kind. */
static void fill(void)
{
	char acme[ID_SIZE];

	scratch_acme(st, acme);
	ck_assert_int_eq(
		st->ops->app_put(st,
				 &(struct app){ .app_id = (char *)"A2",
						.token = (char *)"xapp-two" },
				 &e),
		0);
	ck_assert_int_eq(
		st->ops->app_put(st,
				 &(struct app){ .app_id = (char *)"A3",
						.token = (char *)"xapp-three" },
				 &e),
		0);
	ck_assert_msg(st->ops->grants->client_put(st, "A1", "1.2", "shh", &e) ==
			      0,
		      "%s", e.msg);
	ck_assert_msg(
		st->ops->grants->put(
			st,
			&(struct grant){ .tenant_id = acme,
					 .channel_type = (char *)"slack",
					 .app_id = (char *)"A1",
					 .workspace_id = (char *)"T1",
					 .refresh_token = (char *)"xoxe-1-a" },
			&e) == 0,
		"%s", e.msg);
	ck_assert_msg(st->ops->keys->put(st, "openai", "sk-one", &e) == 0, "%s",
		      e.msg);
	tamper("INSERT INTO leaving SELECT channel_type, app_id, workspace_id,"
	       " tenant_id, bot_token, bot_user_id, bot_id, 1"
	       " FROM connections");
}

static void setup_sqlite(void)
{
	e = (struct err){ 0 };
	scratch_make(&scratch);
	st = scratch_open(&scratch, true);
	fill();
}

static void setup_postgres(void)
{
	e = (struct err){ 0 };
	pg_empty();
	scratch_make_at(&scratch, pg->url);
	st = scratch_open(&scratch, true);
	fill();
}

static void teardown(void)
{
	st->ops->close(st);
	scratch_remove(&scratch);
}

struct under {
	const char *id;
	int64_t n, others;
};

static int add(const char *id, int64_t n, void *arg)
{
	struct under *u = arg;

	if (strcmp(id, u->id) == 0)
		u->n += n;
	else
		u->others += n;
	return 0;
}

static struct under count(const char *id)
{
	struct under u = { .id = id };

	ck_assert_msg(st->ops->keys->count(st, add, &u, &e) == 0, "%s", e.msg);
	return u;
}

static int check_app(const struct app *a, void *arg)
{
	ck_assert_int_eq(strncmp(a->token, "xapp-", 5), 0);
	++*(int *)arg;
	return 0;
}

static int check_grant(const struct grant *g, void *arg)
{
	ck_assert_str_eq(g->bot_token, "xoxb-one");
	ck_assert_str_eq(g->refresh_token, "xoxe-1-a");
	ck_assert_str_eq(g->client_id, "1.2");
	ck_assert_str_eq(g->client_secret, "shh");
	++*(int *)arg;
	return 0;
}

/* All that was put in can be read. */
static void check_all(void)
{
	struct connection c;
	char *secret;
	int n = 0;

	ck_assert_int_eq(st->ops->apps(st, check_app, &n, &e), 0);
	ck_assert_int_eq(n, 3);
	ck_assert_int_eq(st->ops->resolve(st, "slack", "A1", "T1", &c, &e), 1);
	ck_assert_str_eq(c.bot_token, "xoxb-one");
	connection_release(&c);
	ck_assert_int_eq(st->ops->leaving(st, "slack", "A1", "T1", &c, &e), 1);
	ck_assert_str_eq(c.bot_token, "xoxb-one");
	connection_release(&c);
	secret = st->ops->keys->get(st, "openai", &e);
	ck_assert_pstr_eq(secret, "sk-one");
	secret_free(secret);
	n = 0;
	ck_assert_int_eq(st->ops->grants->due(st, 0, check_grant, &n, &e), 0);
	ck_assert_int_eq(n, 1);
}

START_TEST(all_is_sealed_under_the_first_key)
{
	char key[KEY_ID_SIZE], seals[KEY_ID_SIZE];
	struct under u;

	keyring_newest(scratch.keyring, key);
	ck_assert_int_eq(st->ops->keys->sealing(st, seals, &e), 0);
	ck_assert_str_eq(seals, key);
	u = count(key);
	ck_assert_int_eq(u.n, ROWS);
	ck_assert_int_eq(u.others, 0);
	check_all();
	ck_assert_int_eq(keys_check(st, scratch.keyring, &e), 0);
}
END_TEST

START_TEST(new_key_in_the_file_seals_nothing_by_itself)
{
	char key[KEY_ID_SIZE], fresh[KEY_ID_SIZE];

	keyring_newest(scratch.keyring, key);
	ck_assert_int_eq(keyring_add(scratch.keyring, fresh, &e), 0);
	ck_assert_int_eq(st->ops->keys->put(st, "other", "sk-two", &e), 0);
	ck_assert_int_eq(count(key).n, ROWS + 1);
}
END_TEST

START_TEST(all_kinds_of_rows_are_sealed_anew_in_batches)
{
	char old[KEY_ID_SIZE], key[KEY_ID_SIZE];
	int n, sum = 0;

	keyring_newest(scratch.keyring, old);
	ck_assert_int_eq(keyring_add(scratch.keyring, key, &e), 0);
	ck_assert_int_eq(st->ops->keys->use(st, key, &e), 0);
	do {
		check_all();
		n = st->ops->keys->reseal(st, 2, &e);
		ck_assert_msg(n >= 0, "%s", e.msg);
		sum += n;
		ck_assert_int_eq(count(key).n, sum);
		ck_assert_int_eq(count(old).n, ROWS - sum);
	} while (n == 2);
	ck_assert_int_eq(sum, ROWS);
	check_all();

	/* And what comes later; the old key is needed no more. */
	ck_assert_int_eq(st->ops->keys->put(st, "other", "sk-two", &e), 0);
	ck_assert_int_eq(count(key).n, ROWS + 1);
	ck_assert_int_eq(keyfile_remove(keyring_path(scratch.keyring), old, &e),
			 0);
	st->ops->close(st);
	keyring_free(scratch.keyring);
	scratch_keyring(&scratch);
	ck_assert(!keyring_has(scratch.keyring, old));
	st = scratch_open(&scratch, true);
	check_all();
	ck_assert_int_eq(keys_check(st, scratch.keyring, &e), 0);
}
END_TEST

START_TEST(missing_key_is_named_with_its_file)
{
	char old[KEY_ID_SIZE], want[80];
	struct keyring *k;

	keyring_newest(scratch.keyring, old);
	(void)unlink(keyring_path(scratch.keyring));
	k = keyring_open(keyring_path(scratch.keyring), true, &e);
	ck_assert_ptr_nonnull(k);
	ck_assert_int_lt(keys_settle(st, k, true, &e), 0);
	(void)snprintf(want, sizeof(want), "%d secrets in the store", ROWS);
	ck_assert_ptr_nonnull(strstr(e.msg, want));
	ck_assert_ptr_nonnull(strstr(e.msg, old));
	ck_assert_ptr_nonnull(strstr(e.msg, keyring_path(k)));
	/* No new key stands in the way of the right one. */
	ck_assert_int_lt(access(keyring_path(k), F_OK), 0);
	keyring_free(k);
}
END_TEST

START_TEST(key_that_seals_must_be_there_though_nothing_is_under_it)
{
	ck_assert_int_eq(st->ops->keys->use(st, "01234567", &e), 0);
	ck_assert_int_lt(keys_check(st, scratch.keyring, &e), 0);
	ck_assert_ptr_nonnull(strstr(e.msg, "seals under key 01234567"));
	ck_assert_int_lt(st->ops->keys->put(st, "other", "sk-two", &e), 0);
	ck_assert_ptr_nonnull(strstr(e.msg, "01234567"));
}
END_TEST

static const struct {
	const char *sql;
	const char *place;
} moves[] = {
	{ "UPDATE apps SET token = (SELECT token FROM apps"
	  " WHERE app_id = 'A1') WHERE app_id = 'A2'",
	  "apps/A2/token" },
	{ "UPDATE apps SET token = (SELECT bot_token FROM connections)"
	  " WHERE app_id = 'A2'",
	  "apps/A2/token" },
	{ "UPDATE connections SET bot_token = (SELECT token FROM apps"
	  " WHERE app_id = 'A1')",
	  "connections/slack/A1/T1/bot_token" },
	{ "UPDATE leaving SET workspace_id = 'T2'",
	  "connections/slack/A1/T2/bot_token" },
	{ "UPDATE grants SET refresh_token = (SELECT bot_token FROM"
	  " connections)",
	  "grants/slack/A1/T1/refresh_token" },
	{ "UPDATE clients SET client_secret = (SELECT token FROM apps"
	  " WHERE app_id = 'A1')",
	  "clients/A1/client_secret" },
	{ "UPDATE secrets SET name = 'other'", "secrets/other" },
	{ "UPDATE secrets SET value = (SELECT token FROM apps"
	  " WHERE app_id = 'A1')",
	  "secrets/openai" },
};

/* Whoever moves a ciphertext doesn't get it opened, nor sealed anew. */
START_TEST(ciphertext_of_another_row_is_refused_and_named)
{
	char key[KEY_ID_SIZE];

	tamper(moves[_i].sql);
	ck_assert_int_eq(keyring_add(scratch.keyring, key, &e), 0);
	ck_assert_int_eq(st->ops->keys->use(st, key, &e), 0);
	ck_assert_int_lt(st->ops->keys->reseal(st, 100, &e), 0);
	ck_assert_msg(strstr(e.msg, moves[_i].place) != NULL, "%s", e.msg);
	ck_assert_ptr_nonnull(strstr(e.msg, "was moved"));
}
END_TEST

static int add_name(const char *name, void *arg)
{
	(void)strncat(arg, name, 100);
	(void)strncat(arg, " ", 2);
	return 0;
}

static struct grant of_acme(const char *bot, const char *refresh)
{
	struct connection c;
	struct grant g = { .channel_type = (char *)"slack",
			   .app_id = (char *)"A1",
			   .workspace_id = (char *)"T1",
			   .bot_token = (char *)bot,
			   .refresh_token = (char *)refresh,
			   .expires_ms = 20000,
			   .renew_ms = 10000,
			   .generation = 1 };

	ck_assert_int_eq(st->ops->resolve(st, "slack", "A1", "T1", &c, &e), 1);
	g.tenant_id = strdup(c.tenant_id);
	connection_release(&c);
	return g;
}

static int keep_generation(const struct grant *g, void *arg)
{
	*(int64_t *)arg = g->generation;
	return 0;
}

static int take_times(const struct grant *g, void *arg)
{
	struct grant *out = arg;

	ck_assert_str_eq(g->app_id, "A1");
	ck_assert_str_eq(g->workspace_id, "T1");
	ck_assert_ptr_null(g->bot_token);
	out->expires_ms = g->expires_ms;
	out->renew_ms = g->renew_ms;
	return 0;
}

START_TEST(when_tokens_expire_is_told_by_tenant_and_of_all)
{
	struct grant g = of_acme("xoxe.xoxb-2", "xoxe-1-b");
	struct grant_sum sum = { .n = -1, .renew_ms = -1, .expires_ms = -1 };
	struct grant seen = { .expires_ms = -1, .renew_ms = -1 };

	ck_assert_int_eq(st->ops->grants->sum(st, &sum, &e), 0);
	ck_assert_int_eq(sum.n, 1);
	ck_assert_int_eq(sum.renew_ms, 0);
	ck_assert_int_eq(sum.expires_ms, 0);
	ck_assert_int_eq(st->ops->grants->renew(st, &g, &e), 1);
	ck_assert_int_eq(st->ops->grants->sum(st, &sum, &e), 0);
	ck_assert_int_eq(sum.renew_ms, 10000);
	ck_assert_int_eq(sum.expires_ms, 20000);
	ck_assert_int_eq(st->ops->grants->times(st, g.tenant_id, take_times,
						&seen, &e),
			 0);
	ck_assert_int_eq(seen.renew_ms, 10000);
	ck_assert_int_eq(seen.expires_ms, 20000);
	seen.expires_ms = -1;
	ck_assert_int_eq(
		st->ops->grants->times(st, "nobody", take_times, &seen, &e), 0);
	ck_assert_int_eq(seen.expires_ms, -1);
	free(g.tenant_id);
}
END_TEST

static int note_workspace(const struct grant *g, void *arg)
{
	(void)strncat(arg, g->workspace_id, 8);
	return 0;
}

START_TEST(grant_that_cannot_be_decrypted_holds_no_other_up)
{
	struct connection c;
	char told[64] = "";

	ck_assert_int_eq(st->ops->resolve(st, "slack", "A1", "T1", &c, &e), 1);
	free(c.workspace_id);
	c.workspace_id = strdup("T2");
	ck_assert_int_eq(st->ops->connection_put(st, &c, &e), 0);
	ck_assert_int_eq(
		st->ops->grants->put(
			st,
			&(struct grant){ .tenant_id = c.tenant_id,
					 .channel_type = (char *)"slack",
					 .app_id = (char *)"A1",
					 .workspace_id = (char *)"T2",
					 .refresh_token = (char *)"xoxe-1-z" },
			&e),
		0);
	connection_release(&c);
	tamper("UPDATE grants SET refresh_token = (SELECT token FROM apps"
	       " WHERE app_id = 'A1') WHERE workspace_id = 'T1'");
	ck_assert_int_lt(st->ops->grants->due(st, 1, note_workspace, told, &e),
			 0);
	ck_assert_str_eq(told, "T2");
	ck_assert_ptr_nonnull(strstr(e.msg, "A1/T1"));
}
END_TEST

START_TEST(pair_is_renewed_once_and_known_by_what_was_given_first)
{
	struct grant g = of_acme("xoxe.xoxb-2", "xoxe-1-b");
	struct grant given = of_acme(NULL, "xoxe-1-a");
	struct connection c;
	int64_t generation = 0;

	ck_assert_int_eq(st->ops->grants->renew(st, &g, &e), 1);
	/* Whoever made another one from the same is too late. */
	ck_assert_int_eq(st->ops->grants->renew(st, &g, &e), 0);
	ck_assert_int_eq(st->ops->resolve(st, "slack", "A1", "T1", &c, &e), 1);
	ck_assert_str_eq(c.bot_token, "xoxe.xoxb-2");
	connection_release(&c);
	ck_assert_int_eq(st->ops->grants->due(st, 9999, keep_generation,
					      &generation, &e),
			 0);
	ck_assert_int_eq(generation, 0);
	ck_assert_int_eq(st->ops->grants->due(st, 10000, keep_generation,
					      &generation, &e),
			 0);
	ck_assert_int_eq(generation, 2);
	ck_assert_int_eq(st->ops->grants->knows(st, &given, &e), 1);
	ck_assert_int_eq(st->ops->grants->knows(st, &g, &e), 0);

	/* A token that doesn't expire takes its place. */
	free(given.tenant_id);
	given = of_acme(NULL, NULL);
	ck_assert_int_eq(st->ops->grants->put(st, &given, &e), 0);
	ck_assert_int_eq(
		st->ops->grants->due(st, INT64_MAX, check_grant, NULL, &e), 0);
	ck_assert_int_eq(st->ops->grants->has_client(st, "A1", &e), 1);
	ck_assert_int_eq(st->ops->grants->has_client(st, "A2", &e), 0);
	free(given.tenant_id);
	free(g.tenant_id);
}
END_TEST

START_TEST(what_renews_a_token_goes_with_its_tenant)
{
	char key[KEY_ID_SIZE];

	keyring_newest(scratch.keyring, key);
	ck_assert_int_eq(count(key).n, ROWS);
	ck_assert_msg(st->ops->tenant_remove(st, "acme", &e) == 0, "%s", e.msg);
	/* App, connection, client and grant. */
	ck_assert_int_eq(count(key).n, ROWS - 4);
	ck_assert_int_eq(
		st->ops->grants->due(st, INT64_MAX, check_grant, NULL, &e), 0);
	ck_assert_int_eq(st->ops->grants->has_client(st, "A1", &e), 0);
}
END_TEST

START_TEST(named_secrets_are_replaced_listed_and_removed)
{
	char all[200] = "";
	char *value;

	ck_assert_int_eq(st->ops->keys->put(st, "mistral", "sk-two", &e), 0);
	ck_assert_int_eq(st->ops->keys->put(st, "openai", "sk-three", &e), 0);
	ck_assert_int_eq(st->ops->keys->names(st, add_name, all, &e), 0);
	ck_assert_str_eq(all, "mistral openai ");
	value = st->ops->keys->get(st, "openai", &e);
	ck_assert_pstr_eq(value, "sk-three");
	secret_free(value);
	ck_assert_int_eq(st->ops->keys->remove(st, "openai", &e), 1);
	ck_assert_int_eq(st->ops->keys->remove(st, "openai", &e), 0);
	ck_assert_ptr_null(st->ops->keys->get(st, "openai", &e));
	ck_assert_int_eq(e.kind, ERR_INPUT);
	ck_assert_ptr_nonnull(strstr(e.msg, "openai"));
}
END_TEST

static TCase *both(const char *name, void (*setup)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, all_is_sealed_under_the_first_key);
	tcase_add_test(tc, new_key_in_the_file_seals_nothing_by_itself);
	tcase_add_test(tc, all_kinds_of_rows_are_sealed_anew_in_batches);
	tcase_add_test(tc, missing_key_is_named_with_its_file);
	tcase_add_test(tc,
		       key_that_seals_must_be_there_though_nothing_is_under_it);
	tcase_add_loop_test(tc, ciphertext_of_another_row_is_refused_and_named,
			    0, sizeof(moves) / sizeof(moves[0]));
	tcase_add_test(tc, when_tokens_expire_is_told_by_tenant_and_of_all);
	tcase_add_test(tc, grant_that_cannot_be_decrypted_holds_no_other_up);
	tcase_add_test(tc,
		       pair_is_renewed_once_and_known_by_what_was_given_first);
	tcase_add_test(tc, what_renews_a_token_goes_with_its_tenant);
	tcase_add_test(tc, named_secrets_are_replaced_listed_and_removed);
	return tc;
}

int main(void)
{
	Suite *s = suite_create("keys");
	SRunner *sr = srunner_create(s);
	int nfailed;

	pg = pg_start();
	suite_add_tcase(s, both("sqlite", setup_sqlite));
	suite_add_tcase(s, both("postgres", setup_postgres));
	srunner_run_all(sr, CK_ENV);
	nfailed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return nfailed ? EXIT_FAILURE : EXIT_SUCCESS;
}
