/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/keyfile.h"
#include "base/keyring.h"
#include "base/secret.h"

#define HEX64 "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
#define OTHER "ff112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

static char dir[64];
static char path[96];

static void setup(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/konstruct-keyring-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/file", dir);
}

static void teardown(void)
{
	unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);
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

static char *seal_under(struct keyring *k, const char *key, const char *place,
			const char *plain)
{
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, 100000);
	ck_assert_msg(keyring_seal(k, key, place, plain, &b, &e) == 0, "%s",
		      e.msg);
	return buf_take(&b);
}

static char *seal(struct keyring *k, const char *place, const char *plain)
{
	char key[KEY_ID_SIZE];

	keyring_newest(k, key);
	return seal_under(k, key, place, plain);
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
	char key[KEY_ID_SIZE];
	char *sealed = seal(k, "p", "x");
	struct err e = { 0 };
	struct buf b;

	keyring_newest(k, key);
	memset(big, 'A', 200000);
	big[200000] = '\0';
	memcpy(big, sealed, 12);
	check_refused(k, "p", big, "damaged");
	buf_init(&b, 1000000);
	ck_assert_int_eq(keyring_seal(k, key, "p", big, &b, &e), -1);
	ck_assert_int_eq(e.kind, ERR_INPUT);

	big[16384] = '\0';
	ck_assert_int_eq(keyring_seal(k, key, "p", big, &b, &e), 0);
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
	check_refused(other, "p", sealed, path);
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
	ck_assert(keyring_is_new(k));
	ck_assert_int_lt(stat(path, &st), 0);
	ck_assert_int_eq(keyring_keep(k, &e), 0);
	ck_assert(!keyring_is_new(k));
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
	{ HEX64, 64, 0604 },
	{ HEX64, 64, 0620 },
	{ HEX64, 64, 0644 },
	{ "", 0, 0600 },
	{ HEX64, 63, 0600 },
	{ HEX64 "0", 65, 0600 },
	{ HEX64 "\n\n", 66, 0600 },
	{ "g" HEX64, 64, 0600 },
	{ HEX64 "\n" OTHER, 128, 0600 }, /* cut off */
	{ HEX64 "\n" HEX64, 129, 0600 }, /* twice the same */
	{ HEX64 " " OTHER, 129, 0600 },
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

static void two_keys(char first[KEY_ID_SIZE], char second[KEY_ID_SIZE])
{
	struct keys ks;
	struct err e = { 0 };

	write_file(HEX64 "\n" OTHER "\n", 130, 0600);
	ck_assert_int_eq(keyfile_read(path, &ks, &e), 0);
	ck_assert_uint_eq(ks.n, 2);
	memcpy(first, ks.key[0].id, KEY_ID_SIZE);
	memcpy(second, ks.key[1].id, KEY_ID_SIZE);
	ck_assert_str_ne(first, second);
}

START_TEST(each_key_of_the_file_seals_and_opens)
{
	char first[KEY_ID_SIZE], second[KEY_ID_SIZE], id[KEY_ID_SIZE];
	struct keyring *k;
	struct err e = { 0 };
	char *sealed[2], *plain;
	size_t i;

	two_keys(first, second);
	k = keyring_open(path, false, &e);
	ck_assert_ptr_nonnull(k);
	keyring_newest(k, id);
	ck_assert_str_eq(id, first);
	sealed[0] = seal_under(k, first, "p", "secret");
	sealed[1] = seal_under(k, second, "p", "secret");
	ck_assert(keyring_key_of(sealed[1], id));
	ck_assert_str_eq(id, second);
	for (i = 0; i < 2; i++) {
		plain = keyring_unseal(k, "p", sealed[i], &e);
		ck_assert_pstr_eq(plain, "secret");
		secret_free(plain);
	}
	/* The id of one on what the other has sealed. */
	memcpy(sealed[0] + 3, second, KEY_ID_SIZE - 1);
	check_refused(k, "p", sealed[0], "damaged or was moved");
	free(sealed[0]);
	free(sealed[1]);
	keyring_free(k);
}
END_TEST

START_TEST(sealing_under_an_unknown_key_names_it_and_the_file)
{
	struct keyring *k = open_key();
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, 1000);
	ck_assert_int_lt(keyring_seal(k, "01234567", "p", "x", &b, &e), 0);
	ck_assert_ptr_nonnull(strstr(e.msg, "01234567"));
	ck_assert_ptr_nonnull(strstr(e.msg, path));
	ck_assert_uint_eq(b.len, 0);
	ck_assert(!keyring_has(k, "01234567"));
	ck_assert(!keyring_has(k, ""));
	keyring_free(k);
}
END_TEST

START_TEST(key_is_added_first_and_the_old_one_opens_on)
{
	struct keyring *k = open_key();
	struct keyring *again;
	char *sealed = seal(k, "p", "secret");
	char old[KEY_ID_SIZE], id[KEY_ID_SIZE], newest[KEY_ID_SIZE];
	char ids[KEY_IDS_SIZE];
	struct err e = { 0 };
	struct stat st;
	char *plain;

	keyring_newest(k, old);
	ck_assert_msg(keyring_add(k, id, &e) == 0, "%s", e.msg);
	keyring_newest(k, newest);
	ck_assert_str_eq(newest, id);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(st.st_size, 130);
	plain = keyring_unseal(k, "p", sealed, &e);
	ck_assert_pstr_eq(plain, "secret");
	secret_free(plain);

	again = keyring_open(path, false, &e);
	ck_assert_ptr_nonnull(again);
	keyring_ids(again, ids);
	ck_assert_uint_eq(strlen(ids), 17);
	ck_assert_int_eq(strncmp(ids, id, 8), 0);
	ck_assert_str_eq(ids + 9, old);
	free(sealed);
	keyring_free(again);
	keyring_free(k);
}
END_TEST

START_TEST(removed_key_is_gone_at_the_next_start_only)
{
	char first[KEY_ID_SIZE], second[KEY_ID_SIZE], ids[KEY_IDS_SIZE];
	struct keyring *k, *again;
	struct err e = { 0 };

	two_keys(first, second);
	k = keyring_open(path, false, &e);
	ck_assert_int_lt(keyfile_remove(path, "01234567", &e), 0);
	ck_assert_int_eq(keyfile_remove(path, first, &e), 0);
	ck_assert_int_lt(keyfile_remove(path, second, &e), 0);
	ck_assert_ptr_nonnull(strstr(e.msg, "no other key"));
	ck_assert_int_eq(keyring_reload(k, &e), 0);
	ck_assert(keyring_has(k, first));
	keyring_ids(k, ids);
	ck_assert_ptr_nonnull(strstr(ids, first));
	keyring_file_ids(k, ids);
	ck_assert_str_eq(ids, second);
	again = keyring_open(path, false, &e);
	ck_assert(!keyring_has(again, first));
	ck_assert(keyring_has(again, second));
	keyring_free(again);
	keyring_free(k);
}
END_TEST

START_TEST(bad_file_leaves_the_keys_as_they_are)
{
	struct keyring *k = open_key();
	char id[KEY_ID_SIZE];
	struct err e = { 0 };

	keyring_newest(k, id);
	write_file("rubbish", 7, 0600);
	ck_assert_int_lt(keyring_reload(k, &e), 0);
	ck_assert(keyring_has(k, id));
	unlink(path);
	ck_assert_int_lt(keyring_reload(k, &e), 0);
	ck_assert_int_lt(keyring_add(k, id, &e), 0);
	ck_assert(keyring_has(k, id));
	keyring_free(k);
	keyring_free(NULL);
}
END_TEST

START_TEST(file_has_a_largest_number_of_keys)
{
	struct keyring *k = open_key();
	char id[KEY_ID_SIZE];
	struct err e = { 0 };
	int i;

	for (i = 1; i < KEYRING_MAX; i++)
		ck_assert_msg(keyring_add(k, id, &e) == 0, "%s", e.msg);
	ck_assert_int_lt(keyring_add(k, id, &e), 0);
	ck_assert_ptr_nonnull(strstr(e.msg, "remove the old ones"));
	keyring_free(k);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("keyring");
	TCase *tc = tcase_create("keyring");
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
	tcase_add_test(tc, each_key_of_the_file_seals_and_opens);
	tcase_add_test(tc, sealing_under_an_unknown_key_names_it_and_the_file);
	tcase_add_test(tc, key_is_added_first_and_the_old_one_opens_on);
	tcase_add_test(tc, removed_key_is_gone_at_the_next_start_only);
	tcase_add_test(tc, bad_file_leaves_the_keys_as_they_are);
	tcase_add_test(tc, file_has_a_largest_number_of_keys);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
