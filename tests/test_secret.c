/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/secret.h"

static char dir[64];
static char path[96];

static void setup(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/konstruct-secret-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/file", dir);
}

static void teardown(void)
{
	unlink(path);
	rmdir(dir);
}

static void write_file(const void *data, size_t n, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, n), (ssize_t)n);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

static const struct {
	const char *data;
	size_t n;
	const char *want;
} tokens[] = {
	{ "xoxb-1", 6, "xoxb-1" },
	{ " \t\r\nxoxb-1 two\r\n\n ", 18, "xoxb-1 two" },
	{ "", 0, NULL },
	{ " \n", 2, NULL },
	{ "one\ntwo", 7, NULL },
	{ "a\0b", 3, NULL },
	{ "a\x1b", 2, NULL },
	{ "a\x7f", 2, NULL },
};

START_TEST(secret_is_read_trimmed_or_refused)
{
	struct err e = { 0 };
	char *s;

	write_file(tokens[_i].data, tokens[_i].n, 0600);
	s = secret_read(path, &e);
	if (tokens[_i].want) {
		ck_assert_pstr_eq(s, tokens[_i].want);
	} else {
		ck_assert_ptr_null(s);
		ck_assert_int_eq(e.kind, ERR_INPUT);
		ck_assert_ptr_nonnull(strstr(e.msg, path));
	}
	secret_free(s);
}
END_TEST

START_TEST(secret_file_has_a_largest_size)
{
	static char big[16385];
	struct err e = { 0 };
	char *s;

	memset(big, 'x', sizeof(big));
	write_file(big, 16384, 0600);
	s = secret_read(path, &e);
	ck_assert_ptr_nonnull(s);
	ck_assert_uint_eq(strlen(s), 16384);
	secret_free(s);
	write_file(big, 16385, 0600);
	ck_assert_ptr_null(secret_read(path, &e));
	ck_assert_ptr_null(secret_read(dir, &e));
	ck_assert_ptr_null(secret_read("/nonexistent/x", &e));
	secret_free(NULL);
}
END_TEST

START_TEST(credential_is_read_where_systemd_puts_it)
{
	struct err e = { 0 };
	char *s;

	write_file("xoxb-1\n", 7, 0400);
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", dir, 1), 0);
	s = secret_read("credential:file", &e);
	ck_assert_pstr_eq(s, "xoxb-1");
	secret_free(s);
	ck_assert_ptr_null(secret_read("credential:other", &e));
	ck_assert_ptr_nonnull(strstr(e.msg, dir));
	ck_assert_ptr_null(secret_read("credential:../file", &e));
	ck_assert_ptr_nonnull(strstr(e.msg, "names no credential"));
	ck_assert_ptr_null(secret_read("credential:", &e));
	ck_assert_int_eq(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	ck_assert_ptr_null(secret_read("credential:file", &e));
	ck_assert_ptr_nonnull(strstr(e.msg, "LoadCredential="));
}
END_TEST

START_TEST(ids_are_sixteen_digits_that_sort)
{
	char last[ID_SIZE] = "";
	char id[ID_SIZE];
	int i;

	for (i = 0; i < 1000; i++) {
		id_make(id);
		ck_assert_uint_eq(strlen(id), 16);
		ck_assert_uint_eq(
			strspn(id, "0123456789abcdefghjkmnpqrstvwxyz"), 16);
		ck_assert_str_gt(id, last);
		memcpy(last, id, sizeof(last));
	}
}
END_TEST

#define THREADS 4
#define IDS     5000

static char ids[THREADS][IDS][ID_SIZE];

static void *make_ids(void *arg)
{
	char(*mine)[ID_SIZE] = arg;
	int i;

	for (i = 0; i < IDS; i++)
		id_make(mine[i]);
	return NULL;
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

START_TEST(no_two_threads_make_the_same_id)
{
	pthread_t tid[THREADS];
	char *all = ids[0][0];
	size_t i;

	for (i = 0; i < THREADS; i++)
		ck_assert_int_eq(
			pthread_create(&tid[i], NULL, make_ids, ids[i]), 0);
	for (i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_join(tid[i], NULL), 0);
	qsort(all, THREADS * IDS, ID_SIZE, compare);
	for (i = 1; i < THREADS * IDS; i++)
		ck_assert_str_ne(all + (i - 1) * ID_SIZE, all + i * ID_SIZE);
}
END_TEST

static TCase *id_case(void)
{
	TCase *tc = tcase_create("id");

	tcase_add_test(tc, ids_are_sixteen_digits_that_sort);
	tcase_add_test(tc, no_two_threads_make_the_same_id);
	return tc;
}

int main(void)
{
	Suite *s = suite_create("secret");
	TCase *tc = tcase_create("secret");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, secret_is_read_trimmed_or_refused, 0,
			    sizeof(tokens) / sizeof(tokens[0]));
	tcase_add_test(tc, secret_file_has_a_largest_size);
	tcase_add_test(tc, credential_is_read_where_systemd_puts_it);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, id_case());
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
