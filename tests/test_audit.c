/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "books.h"
#include "pg.h"
#include "store/audit.h"
#include "store/journal.h"
#include "store/leases.h"

/* The audit trail on both stores, through the journal; and what is done to it
 * behind our back. */

#define ROWS 9 /* of a chain that is tampered with */

static char faults[2048];

static void done(const char *id, const char *user)
{
	const struct audit_new a = { .tenant_id = books.acme,
				     .what = "ask",
				     .entry = id,
				     .channel = "C1",
				     .user = user,
				     .agent = "Mara \"the\" helper",
				     .prompt_tokens = 10,
				     .decision = "answered" };
	struct journal_req r = { .kind = JOURNAL_DONE,
				 .audits = &a,
				 .naudits = 1 };

	(void)snprintf(r.entry_id, sizeof(r.entry_id), "%s", id);
	books_must(&r);
}

/* What was done is in the chain, in that order. */
static void bound(void)
{
	if (books_are_on_postgres())
		pg_audited();
}

static void asked(const char *id, const char *user)
{
	books_append(id);
	done(id, user);
}

static int do_nothing(struct store *s, void *arg, struct err *err)
{
	(void)s;
	return arg ? 0 : err_set(err, ERR_INPUT, "no");
}

static void changed(bool well)
{
	const struct audit_new a = { .what = "admin",
				     .by = "uid 0",
				     .command = "PUT /v1/tenants/acme" };
	struct journal_req r = { .kind = JOURNAL_WRITE,
				 .write = do_nothing,
				 .arg = well ? books.acme : NULL,
				 .audits = &a,
				 .naudits = 1 };

	books_run(&r);
	ck_assert_int_eq(r.ok, well);
}

/* As "seq tenant body;", in pages of three. */
struct reading {
	char text[65536];
	size_t n;
	int64_t last;
	struct audit_check *check;
};

static int take_row(const struct audit_row *r, void *arg)
{
	struct reading *g = arg;

	g->n += (size_t)snprintf(
		g->text + g->n, sizeof(g->text) - g->n, "%" PRId64 " %s %s;",
		r->seq,
		strcmp(r->tenant_id, books.acme) == 0 ? "acme" : r->tenant_id,
		r->body ? r->body : "-");
	ck_assert_uint_lt(g->n, sizeof(g->text));
	if (g->check)
		audit_check_row(g->check, r);
	g->last = r->seq;
	return 0;
}

static void read_all(struct reading *g, struct audit_chain *chain,
		     int64_t since_ms)
{
	int64_t before = -1;

	while (g->last > before) {
		before = g->last;
		ck_assert_msg(books.st->ops->audit->rows(
				      books.st, before, since_ms, 3, chain,
				      take_row, g, &books.e) == 0,
			      "%s", books.e.msg);
	}
}

static const char *rows(int64_t since_ms)
{
	static struct reading g;
	struct audit_chain chain;

	memset(&g, 0, sizeof(g));
	read_all(&g, &chain, since_ms);
	return g.text;
}

static void tell(const char *fault, void *arg)
{
	size_t n = strlen(faults);

	(void)arg;
	(void)snprintf(faults + n, sizeof(faults) - n, "%s;", fault);
}

/* All faults, each with a ';'. */
static const char *verify(void)
{
	struct audit_check c = { .tell = tell };
	static struct reading g;
	struct audit_chain chain;

	g = (struct reading){ 0 };
	faults[0] = '\0';
	ck_assert_int_eq(books.st->ops->audit->rows(books.st, INT64_MAX - 1, 0,
						    1, &chain, take_row, &g,
						    &books.e),
			 0);
	g = (struct reading){ .check = &c };
	audit_check_begin(&c, &chain);
	read_all(&g, &chain, 0);
	audit_check_end(&c, &chain);
	return faults;
}

START_TEST(who_asked_and_what_was_changed_is_told_in_order)
{
	asked("e1", "U1");
	bound();
	changed(true);
	ck_assert_str_eq(
		rows(0),
		"1 acme {\"what\":\"ask\",\"entry\":\"e1\",\"channel\":\"C1\","
		"\"user\":\"U1\",\"agent\":\"Mara \\\"the\\\" helper\","
		"\"prompt_tokens\":10,\"decision\":\"answered\"};"
		"2  {\"what\":\"admin\",\"by\":\"uid 0\","
		"\"command\":\"PUT /v1/tenants/acme\"};");
	ck_assert_str_eq(verify(), "");
	ck_assert_str_eq(rows(clock_wall_ms() + 60000), "");
}
END_TEST

START_TEST(what_didnt_happen_is_not_told)
{
	asked("e1", "U1");
	bound();
	usleep(2000);
	done("e1", "U1");
	done("unknown", "U1");
	changed(false);
	ck_assert_str_eq(verify(), "");
	ck_assert_ptr_null(strchr(rows(0), ';')[1] ? rows(0) : NULL);
}
END_TEST

static int count_one(const struct audit_row *r, void *arg)
{
	(void)r;
	++*(int *)arg;
	return -1;
}

START_TEST(a_callback_that_fails_ends_the_rows)
{
	struct audit_chain chain;
	int n = 0;

	changed(true);
	changed(true);
	ck_assert_int_eq(books.st->ops->audit->rows(books.st, 0, 0, 9, &chain,
						    count_one, &n, &books.e),
			 -1);
	ck_assert_int_eq(n, 1);
}
END_TEST

START_TEST(an_empty_chain_is_whole)
{
	ck_assert_str_eq(verify(), "");
}
END_TEST

START_TEST(chain_goes_on_after_a_restart)
{
	changed(true);
	books_reopen();
	changed(true);
	ck_assert_str_eq(verify(), "");
}
END_TEST

static const struct {
	const char *sql;
	const char *faults;
} deeds[] = {
	{ "UPDATE audit SET body = replace(body, 'U4', 'U5') WHERE seq = 4",
	  "row 4 was changed;" },
	{ "UPDATE audit SET at_ms = at_ms + 1 WHERE seq = 4",
	  "row 4 was changed;" },
	{ "UPDATE audit SET tenant_id = 'x' WHERE seq = 4",
	  "row 4 was changed;" },
	{ "UPDATE audit SET body = '{}', digest = '"
	  "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'"
	  " WHERE seq = 1",
	  "row 1 was changed;" },
	{ "UPDATE audit SET hash = digest WHERE seq = 9",
	  "row 9 was changed;" },
	{ "DELETE FROM audit WHERE seq = 4", "row 4 is missing;" },
	{ "DELETE FROM audit WHERE seq IN (4, 5)", "rows 4 to 5 are missing;" },
	{ "DELETE FROM audit WHERE seq = 1", "row 1 is missing;" },
	{ "DELETE FROM audit WHERE seq >= 8", "rows 8 to 9 are missing;" },
	{ "DELETE FROM audit WHERE seq > 0", "rows 1 to 9 are missing;" },
	{ "UPDATE audit SET seq = CASE seq WHEN 3 THEN -6 ELSE -3 END"
	  " WHERE seq IN (3, 6);"
	  "UPDATE audit SET seq = -seq WHERE seq < 0",
	  "row 3 was changed;row 6 was changed;" },
	{ "DELETE FROM audit WHERE seq = 4;"
	  "UPDATE audit SET seq = seq - 1 WHERE seq = 5",
	  "row 4 was changed;row 5 is missing;" },
	{ "UPDATE audit_chain SET last = 8",
	  "row 9 comes after the end of the chain;" },
};
#define DEEDS ((int)(sizeof(deeds) / sizeof(deeds[0])))

START_TEST(what_is_done_to_the_chain_is_found_and_named)
{
	char id[16], user[16];
	int i;

	for (i = 1; i <= ROWS; i++) {
		(void)snprintf(id, sizeof(id), "e%d", i);
		(void)snprintf(user, sizeof(user), "U%d", i);
		asked(id, user);
	}
	bound();
	ck_assert_str_eq(verify(), "");
	(void)books_ask(deeds[_i].sql);
	ck_assert_str_eq(verify(), deeds[_i].faults);
}
END_TEST

/* Who knows how hashes are made can make a row that is whole. */
static struct audit_row forged(int64_t seq, const char *before, char *sum,
			       char *hash)
{
	struct audit_row r = { .seq = seq,
			       .tenant_id = "",
			       .body = "{}",
			       .digest = sum,
			       .before = before,
			       .hash = hash };

	digest_hex("{}", 2, sum);
	audit_hash(&r, hash);
	return r;
}

START_TEST(a_row_that_was_replaced_as_a_whole_is_found)
{
	struct audit_chain chain = { 1, AUDIT_BEFORE, 2, "" };
	struct audit_check c = { .tell = tell };
	char sum[DIGEST_HEX], one[DIGEST_HEX], two[DIGEST_HEX];
	struct audit_row r = forged(1, AUDIT_BEFORE, sum, one);
	struct audit_row other;

	faults[0] = '\0';
	audit_check_begin(&c, &chain);
	audit_check_row(&c, &r);
	other = forged(2, AUDIT_BEFORE, sum, two);
	audit_check_row(&c, &other);
	audit_check_row(&c, &other);
	audit_check_end(&c, &chain);
	ck_assert_str_eq(faults,
			 "row 2 doesn't go on from row 1: one of them isn't"
			 " the one that was written;"
			 "row 2 is there twice, or out of order;"
			 "row 2 isn't the one that was written;");
	ck_assert_int_eq(c.faults, 3);
	ck_assert_int_eq(c.rows, 2);
}
END_TEST

START_TEST(nodes_that_write_at_once_make_one_chain)
{
	const struct audit_new a = { .what = "admin", .by = "uid 0" };
	struct leases *leases = leases_create();
	struct journal_node n[2] = { { "node-a", leases },
				     { "node-b", leases } };
	struct journal *nodes[2];
	struct journal_req *r = calloc(400, sizeof(*r));
	struct audit_chain chain;
	static struct reading g;
	int i;

	ck_assert_ptr_nonnull(r);
	journal_free(books.j);
	for (i = 0; i < 2; i++) {
		nodes[i] = journal_create_node(books.scratch.url,
					       books.scratch.keyring, 1000,
					       &n[i], &books.e);
		ck_assert_msg(nodes[i] != NULL, "%s", books.e.msg);
	}
	for (i = 0; i < 400; i++) {
		r[i] = (struct journal_req){ .kind = JOURNAL_WRITE,
					     .write = do_nothing,
					     .arg = books.acme,
					     .audits = &a,
					     .naudits = 1,
					     .done = books_end };
		ck_assert(journal_submit(nodes[i % 2], &r[i]));
		if (i % 16 == 0)
			usleep(1000);
	}
	for (i = 0; i < 400; i++)
		(void)queue_pop(books.ended, -1);
	for (i = 0; i < 400; i++)
		ck_assert(r[i].ok);
	ck_assert_str_eq(verify(), "");
	ck_assert_int_eq(books.st->ops->audit->rows(books.st, 399, 0, 9, &chain,
						    take_row, &g, &books.e),
			 0);
	ck_assert_int_eq(chain.last, 400);
	for (i = 0; i < 2; i++)
		journal_free(nodes[i]);
	books.j = NULL;
	leases_free(leases);
	free(r);
}
END_TEST

static TCase *audit(const char *name, void (*setup)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, books_close);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, who_asked_and_what_was_changed_is_told_in_order);
	tcase_add_test(tc, what_didnt_happen_is_not_told);
	tcase_add_test(tc, a_callback_that_fails_ends_the_rows);
	tcase_add_test(tc, an_empty_chain_is_whole);
	tcase_add_test(tc, chain_goes_on_after_a_restart);
	tcase_add_loop_test(tc, what_is_done_to_the_chain_is_found_and_named, 0,
			    DEEDS);
	return tc;
}

static TCase *check(void)
{
	TCase *tc = tcase_create("check");

	tcase_add_test(tc, a_row_that_was_replaced_as_a_whole_is_found);
	return tc;
}

static TCase *several(void)
{
	TCase *tc = tcase_create("several");

	tcase_add_checked_fixture(tc, books_on_postgres, books_close);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, nodes_that_write_at_once_make_one_chain);
	return tc;
}

int main(void)
{
	Suite *s = suite_create("audit");
	SRunner *sr;
	int failed;

	books_begin();
	suite_add_tcase(s, audit("sqlite", books_on_sqlite));
	suite_add_tcase(s, audit("postgres", books_on_postgres));
	suite_add_tcase(s, check());
	suite_add_tcase(s, several());
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
