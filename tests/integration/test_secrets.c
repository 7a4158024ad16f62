/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "integration/rig.h"
#include "sim/act.h"

/* Where secrets must not be after a session in which all of them were used. */

#define FILE_ROOM (16 * 1024 * 1024)

#define API_KEY "sk-cafe-0123456789abcdef"

static struct rig rig;

/* Beside those that come with renewing. */
static const char *const secrets[] = {
	"xapp-1-A1-1-sim",       "xoxb-sim-t1",  "xapp-1-A2-1-sim",
	"xoxe.xoxb-1-first",     "xoxe-1-first", "client-secret-cafe",
	"sk-cafe-0123456789abc",
};
#define SECRETS (sizeof(secrets) / sizeof(secrets[0]))

static void teardown(void)
{
	rig_set_model(NULL);
	rig_close(&rig);
}

static void add_rotating(void)
{
	static const struct sim_install t2 = {
		.app_id = "A2",
		.team_id = "T2",
		.bot_token = "xoxe.xoxb-1-first",
		.bot_user_id = "UB2",
		.bot_id = "BB2",
		.name = "bolt",
	};
	static const struct sim_rotation rotation = {
		.client_id = "1.2",
		.client_secret = "client-secret-cafe",
		.refresh_token = "xoxe-1-first",
	};

	ck_assert_int_eq(sim_add_app(rig.sim, "A2", "xapp-1-A2-1-sim", NULL),
			 0);
	ck_assert_int_eq(sim_add_install(rig.sim, &t2), 0);
	ck_assert_int_eq(sim_rotate_token(rig.sim, t2.bot_token, &rotation), 0);
}

static void store_api_key(void)
{
	static const char key[] = API_KEY "\n";
	struct err e = { 0 };
	char path[128];
	const char *const args[] = { "--offline", "secret", "set",
				     "model",     path,     NULL };
	char *out = NULL;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/model.key", rig.bed.dir);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_gt(fputs(key, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_msg(bed_ctl(&rig.bed, &out, args, &e) == 0, "%s %s", e.msg,
		      out ? out : "");
	free(out);
	ck_assert_int_eq(unlink(path), 0);
}

static void check_text(const char *where, const char *text, size_t n,
		       const char *secret)
{
	ck_assert_msg(!memmem(text, n, secret, strlen(secret)), "%s holds %s",
		      where, secret);
}

/* Nothing of them in a file; it must be there and hold something. */
static void check_file(const char *path, const char *fresh)
{
	char *text = malloc(FILE_ROOM);
	FILE *f = fopen(path, "r");
	size_t i, n;

	ck_assert_msg(f != NULL, "%s", path);
	n = fread(text, 1, FILE_ROOM, f);
	(void)fclose(f);
	ck_assert_msg(n > 0 && n < FILE_ROOM, "%s: %zu bytes", path, n);
	for (i = 0; i < SECRETS; i++)
		check_text(path, text, n, secrets[i]);
	check_text(path, text, n, fresh);
	free(text);
}

static bool is_empty(const char *path)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_size == 0;
}

static void check_state(const char *fresh)
{
	char dir[80], path[400];
	const struct dirent *d;
	size_t n = 0;
	DIR *list;

	(void)snprintf(dir, sizeof(dir), "%s/state", rig.bed.dir);
	list = opendir(dir);
	ck_assert_ptr_nonnull(list);
	for (d = readdir(list); d; d = readdir(list)) {
		if (d->d_name[0] == '.' || strstr(d->d_name, "lock") ||
		    strstr(d->d_name, "suspects"))
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", dir, d->d_name);
		/* A store at rest is all in one file. */
		if (strstr(d->d_name, "-wal") && is_empty(path))
			continue;
		check_file(path, fresh);
		n++;
	}
	(void)closedir(list);
	ck_assert_uint_ge(n, 2); /* the store and the key */
}

static void check_process(const char *fresh)
{
	char path[64], line[200];
	bool seen = false;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", rig.bed.pid);
	check_file(path, fresh);
	(void)snprintf(path, sizeof(path), "/proc/%d/environ", rig.bed.pid);
	check_file(path, fresh);
	(void)snprintf(path, sizeof(path), "/proc/%d/limits", rig.bed.pid);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, "Max core file size", 18) == 0)
			seen = strtol(line + 18, NULL, 10) == 0;
	}
	(void)fclose(f);
	ck_assert(seen);
}

/* What admins are told. */
static void check_told(const char *fresh)
{
	static const char *const commands[][4] = {
		{ "--json", "tenant", "list", NULL },
		{ "--json", "status", NULL, NULL },
		{ "--json", "secret", "list", NULL },
		{ "--json", "key", "list", NULL },
		{ "tenant", "show", "bolt", NULL },
	};
	char *out = NULL;
	size_t i, k;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		out = rig_run(&rig, 0, commands[i]);
		for (k = 0; k < SECRETS; k++)
			check_text(commands[i][1], out, strlen(out),
				   secrets[k]);
		check_text(commands[i][1], out, strlen(out), fresh);
		free(out);
	}
}

START_TEST(no_secret_is_found_after_a_session)
{
	char fresh[96], ts[SIM_TS];
	char *text;

	rig_set_model(" api_key_file = \"store:model\"\n");
	rig_open(&rig, NULL);
	add_rotating();
	store_api_key();
	/* It is what the model wants to see. */
	sim_llm_key(rig.sim, API_KEY);
	rig_start(&rig);
	ck_assert(rig_logged(&rig, "bot token renewed", MS));
	rig_say(&rig, "C1", "U1", "<@UB1> hello", NULL, ts);
	text = rig_answer(&rig, "C1", ts);
	ck_assert_ptr_nonnull(strstr(text, "Mara"));
	free(text);
	ck_assert_int_eq(
		sim_bot_token(rig.sim, "A2", "T2", fresh, sizeof(fresh)), 0);
	ck_assert_str_ne(fresh, "xoxe.xoxb-1-first");
	check_process(fresh);
	check_told(fresh);
	check_file(rig.bed.log, fresh);
	check_state(fresh);
	rig_stop(&rig);
	check_file(rig.bed.log, fresh);
	check_state(fresh);
}
END_TEST

START_TEST(start_without_the_secret_of_the_store_names_it)
{
	struct err e = { 0 };

	rig_set_model(" api_key_file = \"store:model\"\n");
	rig_open(&rig, NULL);
	ck_assert_int_lt(bed_start(&rig.bed, &e), 0);
	rig.bed.pid = 0;
	ck_assert(rig_logged(&rig, "no secret 'model' in the store", MS));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("secrets");
	TCase *tc = tcase_create("leaks");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, no_secret_is_found_after_a_session);
	tcase_add_test(tc, start_without_the_secret_of_the_store_names_it);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
