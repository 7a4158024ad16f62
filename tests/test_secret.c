/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

#define HEX64 "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

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

static struct keyring *open_key(void)
{
	struct err e = { 0 };
	struct keyring *k;

	write_file(HEX64 "\n", 65, 0600);
	k = keyring_open(path, false, &e);
	ck_assert_msg(k != NULL, "%s", e.msg);
	return k;
}

static char *seal(struct keyring *k, const char *place, const char *plain)
{
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, 100000);
	ck_assert_int_eq(keyring_seal(k, place, plain, &b, &e), 0);
	return buf_take(&b);
}

static void check_refused(struct keyring *k, const char *place,
			  const char *sealed, const char *msg)
{
	struct err e = { 0 };
	char *plain = keyring_unseal(k, place, sealed, &e);

	ck_assert_msg(!plain, "opened %s", sealed);
	ck_assert_int_eq(e.kind, ERR_FATAL);
	ck_assert_msg(strstr(e.msg, msg) != NULL, "%s", e.msg);
}

START_TEST(what_was_sealed_can_be_opened)
{
	static const char *const plains[] = { "", "x", "xoxb-1-2-abc",
					      "p\xc3\xa4ss" };
	struct keyring *k = open_key();
	struct err e = { 0 };
	char *sealed, *again, *plain;
	size_t i;

	for (i = 0; i < sizeof(plains) / sizeof(plains[0]); i++) {
		sealed = seal(k, "apps/A1/token", plains[i]);
		again = seal(k, "apps/A1/token", plains[i]);
		ck_assert_int_eq(strncmp(sealed, "k1.", 3), 0);
		ck_assert_str_ne(sealed, again);
		plain = keyring_unseal(k, "apps/A1/token", sealed, &e);
		ck_assert_pstr_eq(plain, plains[i]);
		secret_free(plain);
		free(sealed);
		free(again);
	}
	keyring_free(k);
}
END_TEST

START_TEST(secret_of_another_place_is_refused)
{
	struct keyring *k = open_key();
	char *sealed = seal(k, "apps/A1/token", "xoxb-secret");

	check_refused(k, "apps/A2/token", sealed, "damaged or was moved");
	check_refused(k, "", sealed, "damaged or was moved");
	free(sealed);
	keyring_free(k);
}
END_TEST

/* Every byte counts: turning any of them must not go unseen. */
START_TEST(tampering_is_seen_at_every_byte)
{
	struct keyring *k = open_key();
	char *sealed = seal(k, "p", "xoxb-secret");
	size_t n = strlen(sealed);
	size_t i;
	char was;

	for (i = 0; i < n; i++) {
		was = sealed[i];
		sealed[i] = was == 'A' ? 'B' : 'A';
		check_refused(k, "p", sealed, "");
		sealed[i] = was;
	}
	while (n > 0) {
		sealed[--n] = '\0';
		check_refused(k, "p", sealed, "");
	}
	free(sealed);
	keyring_free(k);
}
END_TEST

static const char *const malformed[] = {
	"",
	"k1.",
	"xoxb-plain",
	"k2.00000000.AAAA",
	"k1.AAAA",
	"k1.00000000",
	"k1.00000000AAAA",
	"k1.%s%s%s%s.AAAA",
	"k1.\n\n\n\n\n\n\n\n.AAAA",
};

START_TEST(malformed_secret_is_refused)
{
	struct keyring *k = open_key();

	check_refused(k, "p", malformed[_i], "");
	keyring_free(k);
}
END_TEST

START_TEST(padding_and_blanks_do_not_pass_for_base64)
{
	static const char *const tails[] = { "",     "====",   "A===",
					     "AA==", "AAA",    "AAAA AAAA",
					     "AA=A", "\nAAAA", "AAAA\n" };
	struct keyring *k = open_key();
	char *sealed = seal(k, "p", "x");
	size_t i;

	for (i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		(void)snprintf(sealed + 12, 16, "%s", tails[i]);
		check_refused(k, "p", sealed, "damaged");
	}
	free(sealed);
	keyring_free(k);
}
END_TEST

START_TEST(endless_input_is_refused)
{
	struct keyring *k = open_key();
	char *big = malloc(200001);
	char *sealed = seal(k, "p", "x");
	struct err e = { 0 };
	struct buf b;

	memset(big, 'A', 200000);
	big[200000] = '\0';
	memcpy(big, sealed, 12);
	check_refused(k, "p", big, "damaged");
	buf_init(&b, 1000000);
	ck_assert_int_eq(keyring_seal(k, "p", big, &b, &e), -1);
	ck_assert_int_eq(e.kind, ERR_INPUT);

	big[16384] = '\0';
	ck_assert_int_eq(keyring_seal(k, "p", big, &b, &e), 0);
	free(sealed);
	sealed = keyring_unseal(k, "p", b.data, &e);
	ck_assert_pstr_eq(sealed, big);
	secret_free(sealed);
	buf_release(&b);
	free(big);
	keyring_free(k);
}
END_TEST

START_TEST(wrong_key_is_named)
{
	struct keyring *k = open_key();
	struct keyring *other;
	char *sealed = seal(k, "p", "secret");
	struct err e = { 0 };

	write_file("0123456789abcdef0123456789abcdef", 32, 0400);
	other = keyring_open(path, false, &e);
	ck_assert_msg(other != NULL, "%s", e.msg);
	check_refused(other, "p", sealed, "sealed under key");
	free(sealed);
	keyring_free(k);
	keyring_free(other);
}
END_TEST

START_TEST(first_start_makes_the_key_and_the_next_reads_it)
{
	struct err e = { 0 };
	struct keyring *k, *again;
	struct stat st;
	char *sealed, *plain;

	ck_assert_ptr_null(keyring_open(path, false, &e));
	ck_assert_ptr_nonnull(strstr(e.msg, path));
	k = keyring_open(path, true, &e);
	ck_assert_ptr_nonnull(k);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	sealed = seal(k, "p", "secret");

	again = keyring_open(path, true, &e);
	ck_assert_ptr_nonnull(again);
	plain = keyring_unseal(again, "p", sealed, &e);
	ck_assert_pstr_eq(plain, "secret");
	secret_free(plain);
	free(sealed);
	keyring_free(k);
	keyring_free(again);
}
END_TEST

static const struct {
	const char *data;
	size_t n;
	mode_t mode;
} bad_keys[] = {
	{ HEX64, 64, 0604 },        { HEX64, 64, 0620 },
	{ HEX64, 64, 0644 },        { "", 0, 0600 },
	{ HEX64, 63, 0600 },        { HEX64 "0", 65, 0600 },
	{ HEX64 "\n\n", 66, 0600 }, { "g" HEX64, 64, 0600 },
};

START_TEST(bad_key_file_is_refused_and_named)
{
	struct err e = { 0 };

	write_file(bad_keys[_i].data, bad_keys[_i].n, bad_keys[_i].mode);
	ck_assert_ptr_null(keyring_open(path, true, &e));
	ck_assert_ptr_nonnull(strstr(e.msg, path));
	ck_assert_ptr_null(strstr(e.msg, "00112233"));
}
END_TEST

START_TEST(group_may_read_a_key_of_root_only)
{
	struct err e = { 0 };
	struct keyring *k;

	if (geteuid() != 0)
		return; /* only root can give the file away */
	write_file(HEX64, 64, 0440);
	ck_assert_int_eq(chown(path, 0, 0), 0);
	k = keyring_open(path, false, &e);
	ck_assert_msg(k != NULL, "%s", e.msg);
	keyring_free(k);
	ck_assert_int_eq(chown(path, 0, 65534), 0);
	ck_assert_ptr_null(keyring_open(path, false, &e));
}
END_TEST

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
	keyring_free(NULL);
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
	tcase_add_test(tc, what_was_sealed_can_be_opened);
	tcase_add_test(tc, secret_of_another_place_is_refused);
	tcase_add_test(tc, tampering_is_seen_at_every_byte);
	tcase_add_loop_test(tc, malformed_secret_is_refused, 0,
			    sizeof(malformed) / sizeof(malformed[0]));
	tcase_add_test(tc, padding_and_blanks_do_not_pass_for_base64);
	tcase_add_test(tc, endless_input_is_refused);
	tcase_add_test(tc, wrong_key_is_named);
	tcase_add_test(tc, first_start_makes_the_key_and_the_next_reads_it);
	tcase_add_loop_test(tc, bad_key_file_is_refused_and_named, 0,
			    sizeof(bad_keys) / sizeof(bad_keys[0]));
	tcase_add_test(tc, group_may_read_a_key_of_root_only);
	tcase_add_loop_test(tc, secret_is_read_trimmed_or_refused, 0,
			    sizeof(tokens) / sizeof(tokens[0]));
	tcase_add_test(tc, secret_file_has_a_largest_size);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, id_case());
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
