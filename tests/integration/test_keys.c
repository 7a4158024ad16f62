/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "integration/rig.h"

/* The key of the store is replaced while the daemon works, and is killed. */

#define MANY  60               /* further tenants: more than two batches */
#define ROWS  (2 * (MANY + 1)) /* each with an app and a connection */
#define BATCH 50

static struct rig rig;

static void teardown(void)
{
	unsetenv("KONSTRUCT_DIE_AT");
	rig_close(&rig);
}

static void open_nodes(size_t n)
{
	rig_open_nodes(&rig, NULL, n);
	ck_assert_int_eq(sim_load_many(rig.sim, 1, MANY), 0);
}

static void key_path(char out[128])
{
	(void)snprintf(out, 128, "%s/state/key", rig.bed.dir);
}

/* One line each. */
static int keys_in_file(void)
{
	char path[128];
	struct stat st;

	key_path(path);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	return (int)(st.st_size / 65);
}

struct keys {
	int n;
	char seals[20], other[20];
	long long under, elsewhere;
};

/* What "key list" says: the key that seals, and another. */
static struct keys list(void)
{
	struct keys k = { 0 };
	struct err e = { 0 };
	struct json *j;
	const struct json *row;
	char at[32];
	char *out = NULL;

	out = rig_run(&rig, 0, ARGS("--json", "key", "list"));
	j = json_parse(out, strlen(out), 100000, &e);
	ck_assert_msg(j != NULL, "%s", out);
	k.n = (int)json_len(j, "keys");
	for (int i = 0; i < k.n; i++) {
		(void)snprintf(at, sizeof(at), "keys.%d", i);
		row = json_at(j, at);
		if (json_bool(row, "seals", false)) {
			(void)snprintf(k.seals, sizeof(k.seals), "%s",
				       json_str(row, "id"));
			k.under = json_int(row, "secrets", -1);
		} else {
			(void)snprintf(k.other, sizeof(k.other), "%s",
				       json_str(row, "id"));
			k.elsewhere += json_int(row, "secrets", -1);
		}
	}
	json_free(j);
	free(out);
	return k;
}

static void rotate(void)
{
	rig_do(&rig, 0, ARGS("--json", "key", "rotate"));
}

static void expect_answer(const char *ts)
{
	char *text = rig_answer(&rig, "C1", ts);

	ck_assert_ptr_nonnull(strstr(text, "Mara"));
	ck_assert_uint_eq(rig_replies(&rig, "C1", ts), 1);
	free(text);
}

/* All tokens can still be read: every app has its link, and one answers. */
static void expect_all_well(void)
{
	char ts[SIM_TS];

	ck_assert_int_eq(sim_wait_links(rig.sim, "A00060", 1, MS), 0);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	expect_answer(ts);
}

START_TEST(key_is_replaced_while_answers_are_written)
{
	struct sim_settings set;
	struct keys before, after;
	char first[SIM_TS], second[SIM_TS];
	char *out = NULL;

	open_nodes(1);
	sim_settings(rig.sim, &set);
	set.llm_token_ms = 50;
	sim_set(rig.sim, &set);
	rig_start(&rig);
	before = list();
	ck_assert_int_eq(before.n, 1);
	ck_assert_int_eq(before.under, ROWS);
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, first);
	ck_assert_int_eq(sim_wait_asks(rig.sim, 1, MS), 0);
	rotate();
	rig_say(&rig, "C1", "U1", "<@UB1> hello again", NULL, second);
	expect_answer(first);
	expect_answer(second);

	after = list();
	ck_assert_int_eq(after.n, 2);
	ck_assert_str_eq(after.other, before.seals);
	ck_assert_int_eq(after.under, ROWS);
	ck_assert_int_eq(after.elsewhere, 0);
	out = rig_run(&rig, 0, ARGS("--json", "status"));
	ck_assert_ptr_nonnull(strstr(out, after.seals));
	ck_assert_ptr_null(strstr(out, before.seals));
	free(out);

	/* The new one is needed, the old one isn't. */
	rig_fails(&rig, ARGS("--json", "key", "remove", after.seals), "");
	rig_do(&rig, 0, ARGS("--json", "key", "remove", before.seals));
	ck_assert_int_eq(keys_in_file(), 1);
	rig_stop(&rig);
	rig_start(&rig);
	expect_all_well();
	ck_assert_int_eq(list().n, 1);
}
END_TEST

START_TEST(key_that_the_admin_puts_into_the_file_is_taken)
{
	struct keys before, after;

	open_nodes(1);
	rig_start(&rig);
	before = list();
	rig_do(&rig, 0, ARGS("--json", "key", "add"));
	after = list();
	ck_assert_int_eq(after.n, 2);
	ck_assert_str_eq(after.seals, before.seals);
	/* While something is under it. */
	rig_fails(&rig, ARGS("--json", "key", "remove", before.seals), "");
	rotate();
	ck_assert_int_eq(keys_in_file(), 2);
	ck_assert_str_eq(list().seals, after.other);
	ck_assert_int_eq(list().under, ROWS);
}
END_TEST

/* By its own hand, at the place that was named. */
static void await_death(void)
{
	int status = 0;

	while (waitpid(rig.bed.pid, &status, 0) < 0)
		ck_assert_int_eq(errno, EINTR);
	rig.bed.pid = 0;
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static const struct {
	const char *place;
	long long under; /* the new key, when it starts again */
} deaths[] = {
	{ "key_made", 0 },        /* it is in the file, nothing uses it */
	{ "resealing", 0 },       /* in the first transaction */
	{ "resealing:2", BATCH }, /* in the second */
	{ "resealing:3", 2 * BATCH },
};

START_TEST(death_at_any_place_leaves_a_store_that_works)
{
	struct keys before, k;
	struct err e = { 0 };

	open_nodes(1);
	setenv("KONSTRUCT_DIE_AT", deaths[_i].place, 1);
	rig_start(&rig);
	unsetenv("KONSTRUCT_DIE_AT");
	before = list();
	rig_fails(&rig, ARGS("--json", "key", "rotate"), "");
	await_death();
	/* As it is: rig_start() would store all tenants anew. */
	ck_assert_msg(bed_start(&rig.bed, &e) == 0, "%s", e.msg);
	expect_all_well();
	ck_assert_int_eq(keys_in_file(), 2);
	k = list();
	ck_assert_int_eq(k.n, 2);
	ck_assert_int_eq(strcmp(k.seals, before.seals) == 0 ? k.elsewhere
							    : k.under,
			 deaths[_i].under);

	/* What was begun goes on, with no third key. */
	rotate();
	ck_assert_int_eq(keys_in_file(), 2);
	k = list();
	ck_assert_str_eq(k.other, before.seals);
	ck_assert_int_eq(k.under, ROWS);
	ck_assert_int_eq(k.elsewhere, 0);
	expect_all_well();
}
END_TEST

static void write_key(const char *hex)
{
	char path[128];
	FILE *f;

	key_path(path);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_gt(fputs(hex, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

START_TEST(start_without_the_key_names_key_and_file)
{
	struct err e = { 0 };
	char path[128], kept[140];
	struct keys k;

	open_nodes(1);
	rig_start(&rig);
	k = list();
	rig_stop(&rig);
	key_path(path);
	(void)snprintf(kept, sizeof(kept), "%s.kept", path);
	ck_assert_int_eq(rename(path, kept), 0);
	ck_assert_int_lt(bed_start(&rig.bed, &e), 0);
	ck_assert(rig_logged(&rig, "secrets in the store are sealed", MS));
	ck_assert(rig_logged(&rig, k.seals, 0));
	ck_assert(rig_logged(&rig, path, 0));
	ck_assert_int_lt(access(path, F_OK), 0);

	write_key("00112233445566778899aabbccddeeff"
		  "00112233445566778899aabbccddeeff\n");
	ck_assert_int_eq(chmod(path, 0600), 0);
	rig.bed.pid = 0;
	ck_assert_int_lt(bed_start(&rig.bed, &e), 0);
	rig.bed.pid = 0;

	ck_assert_int_eq(rename(kept, path), 0);
	rig_start(&rig);
	expect_all_well();
}
END_TEST

START_TEST(nothing_is_sealed_before_all_nodes_have_the_key)
{
	int64_t end = clock_ms() + MS;
	bool refused = false;
	struct keys before, k;
	char *out = NULL;
	int rc;

	if (!rig_is_shared())
		return;
	open_nodes(2);
	rig_start(&rig);
	before = list();
	/* The other one looks at the file from time to time. */
	do {
		ck_assert_int_lt(clock_ms(), end);
		rc = rig_ctl(&rig, &out, ARGS("--json", "key", "rotate"));
		if (rc != 0) {
			refused = true;
			k = list();
			ck_assert_str_eq(k.seals, before.seals);
			ck_assert_int_eq(k.under, ROWS);
		}
		free(out);
	} while (rc != 0);
	ck_assert(refused);
	ck_assert_int_eq(keys_in_file(), 2);
	k = list();
	ck_assert_str_eq(k.other, before.seals);
	ck_assert_int_eq(k.under, ROWS);
	rig_stop_node(&rig, 0);
	rig_start_node(&rig, 0);
	expect_all_well();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("keys");
	TCase *tc = tcase_create("rotation");
	SRunner *sr = srunner_create(s);
	int failed;

	rig_begin();
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_set_timeout(tc, CASE_S);
	tcase_add_test(tc, key_is_replaced_while_answers_are_written);
	tcase_add_test(tc, key_that_the_admin_puts_into_the_file_is_taken);
	tcase_add_loop_test(tc, death_at_any_place_leaves_a_store_that_works, 0,
			    sizeof(deaths) / sizeof(deaths[0]));
	tcase_add_test(tc, start_without_the_key_names_key_and_file);
	tcase_add_test(tc, nothing_is_sealed_before_all_nodes_have_the_key);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
