/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/siphash.h"

#define MANY 5000

static struct map *m;
static int values[MANY];

static void setup(void)
{
	m = map_create(0);
	ck_assert_ptr_nonnull(m);
}

static void teardown(void)
{
	map_free(m, NULL);
}

static const char *key_of(int i)
{
	static char key[32];

	(void)snprintf(key, sizeof(key), "C%d\t1700000000.%06d", i % 7, i);
	return key;
}

static void fill(int n)
{
	int i;

	for (i = 0; i < n; i++)
		ck_assert_int_eq(map_put(m, key_of(i), &values[i]), 0);
}

START_TEST(finds_all_that_was_put)
{
	int i;

	fill(MANY);
	ck_assert_uint_eq(map_count(m), MANY);
	for (i = 0; i < MANY; i++)
		ck_assert_ptr_eq(map_get(m, key_of(i)), &values[i]);
	ck_assert_ptr_null(map_get(m, "C0"));
	ck_assert_ptr_null(map_get(m, ""));
}
END_TEST

START_TEST(take_removes_one_and_leaves_the_rest)
{
	int i;

	fill(100);
	for (i = 0; i < 100; i += 2)
		ck_assert_ptr_eq(map_take(m, key_of(i)), &values[i]);
	ck_assert_ptr_null(map_take(m, key_of(0)));
	ck_assert_uint_eq(map_count(m), 50);
	for (i = 0; i < 100; i++)
		ck_assert_ptr_eq(map_get(m, key_of(i)),
				 i % 2 ? &values[i] : NULL);
}
END_TEST

START_TEST(key_is_copied)
{
	char key[] = "first";

	ck_assert_int_eq(map_put(m, key, &values[0]), 0);
	memcpy(key, "other", sizeof(key));
	ck_assert_ptr_eq(map_get(m, "first"), &values[0]);
	ck_assert_ptr_null(map_get(m, "other"));
}
END_TEST

START_TEST(full_map_refuses_until_something_leaves)
{
	struct map *small = map_create(2);

	ck_assert_ptr_nonnull(small);
	ck_assert_int_eq(map_put(small, "a", &values[0]), 0);
	ck_assert_int_eq(map_put(small, "b", &values[0]), 0);
	ck_assert_int_eq(map_put(small, "c", &values[0]), -1);
	ck_assert_ptr_nonnull(map_take(small, "a"));
	ck_assert_int_eq(map_put(small, "c", &values[0]), 0);
	map_free(small, NULL);
}
END_TEST

static bool keep_odd(const char *key, void *value, void *arg)
{
	int *seen = arg;
	int i = (int)((int *)value - values);

	ck_assert_str_eq(key, key_of(i));
	seen[i]++;
	return i % 2;
}

START_TEST(sweep_sees_each_once_and_drops_what_is_not_kept)
{
	static int seen[1000];
	int i;

	fill(1000);
	map_sweep(m, keep_odd, seen);
	ck_assert_uint_eq(map_count(m), 500);
	for (i = 0; i < 1000; i++) {
		ck_assert_int_eq(seen[i], 1);
		ck_assert_int_eq(map_get(m, key_of(i)) != NULL, i % 2);
	}
}
END_TEST

static void drop(void *value)
{
	*(int *)value += 1;
}

START_TEST(free_drops_each_value)
{
	struct map *d = map_create(0);
	int v = 0;

	ck_assert_ptr_nonnull(d);
	map_put(d, "a", &v);
	map_put(d, "b", &v);
	map_free(d, drop);
	ck_assert_int_eq(v, 2);
	map_free(NULL, drop);
}
END_TEST

/* The vectors of the SipHash paper's reference: key 00..0f, input 00..n-1. */
static const struct {
	size_t n;
	uint64_t want;
} vectors[] = {
	{ 0, UINT64_C(0x726fdb47dd0e0e31) },
	{ 1, UINT64_C(0x74f839c593dc67fd) },
	{ 8, UINT64_C(0x93f5f5799a932462) },
	{ 15, UINT64_C(0xa129ca6149be45e5) },
};

START_TEST(siphash_matches_its_paper)
{
	unsigned char key[SIPHASH_KEY_SIZE];
	unsigned char in[16];
	unsigned char i;

	for (i = 0; i < 16; i++)
		key[i] = in[i] = i;
	ck_assert_uint_eq(siphash(key, in, vectors[_i].n), vectors[_i].want);
}
END_TEST

START_TEST(hash_str_spreads_similar_keys)
{
	int counts[8] = { 0 };
	int i;

	ck_assert_uint_eq(hash_str("A0123"), hash_str("A0123"));
	for (i = 0; i < 8000; i++)
		counts[hash_str(key_of(i)) % 8]++;
	for (i = 0; i < 8; i++) {
		ck_assert_int_gt(counts[i], 800);
		ck_assert_int_lt(counts[i], 1200);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("map");
	TCase *tc = tcase_create("map");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, finds_all_that_was_put);
	tcase_add_test(tc, take_removes_one_and_leaves_the_rest);
	tcase_add_test(tc, key_is_copied);
	tcase_add_test(tc, full_map_refuses_until_something_leaves);
	tcase_add_test(tc, sweep_sees_each_once_and_drops_what_is_not_kept);
	tcase_add_test(tc, free_drops_each_value);
	tcase_add_loop_test(tc, siphash_matches_its_paper, 0,
			    sizeof(vectors) / sizeof(vectors[0]));
	tcase_add_test(tc, hash_str_spreads_similar_keys);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
