/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/secret.h"
#include "pg.h"
#include "scripted.h"
#include "store/store.h"

/* PostgreSQL over the network: TLS, a password file, a service file. */

static const struct pg *pg;
static struct cert *ours, *others;
static char address[16];
static char passfile[64], servicefile[64], keyfile[64];
static struct err e;

static void write_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fchmod(fileno(f), mode), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static void setup(void)
{
	write_file(passfile, "*:*:*:konstruct_daemon:secret\n", 0600);
	e = (struct err){ 0 };
}

static void teardown(void)
{
	unlink(passfile);
	unlink(servicefile);
}

/* 1, and the server saw TLS; 0: refused, e tells. */
static int connects(const char *url)
{
	struct store *s = store_postgres.open(url, NULL, false, &e);

	if (!s)
		return 0;
	ck_assert_int_eq(
		pg_ask("SELECT count(*) FROM pg_stat_ssl JOIN"
		       " pg_stat_activity USING (pid) WHERE ssl AND usename ="
		       " 'konstruct_daemon'"),
		1);
	s->ops->close(s);
	return 1;
}

static int connects_as(const char *host, const char *mode, const char *ca)
{
	char url[512];

	(void)snprintf(url, sizeof(url),
		       "postgresql://konstruct_daemon@/konstruct?host=%s"
		       "&hostaddr=%s&sslmode=%s&sslrootcert=%s&passfile=%s",
		       host, address, mode, ca, passfile);
	return connects(url);
}

START_TEST(server_with_our_ca_and_its_name_is_trusted)
{
	ck_assert_msg(connects_as("localhost", "verify-full", cert_file(ours)),
		      "%s", e.msg);
}
END_TEST

START_TEST(server_with_another_ca_is_refused)
{
	ck_assert(!connects_as("localhost", "verify-full", cert_file(others)));
	ck_assert_msg(strstr(e.msg, "certificate verify failed"), "%s", e.msg);
	ck_assert_int_eq(e.kind, ERR_RETRY);
}
END_TEST

START_TEST(server_with_another_name_is_refused)
{
	ck_assert(!connects_as("db.example", "verify-full", cert_file(ours)));
	ck_assert_msg(strstr(e.msg, "does not match host name"), "%s", e.msg);
}
END_TEST

START_TEST(server_that_wants_tls_is_not_reached_without)
{
	ck_assert(!connects_as("localhost", "disable", cert_file(ours)));
	ck_assert_msg(strstr(e.msg, "no encryption"), "%s", e.msg);
}
END_TEST

START_TEST(wrong_password_is_told_without_it)
{
	write_file(passfile, "*:*:*:konstruct_daemon:guess\n", 0600);
	ck_assert(!connects_as("localhost", "verify-full", cert_file(ours)));
	ck_assert_msg(strstr(e.msg, "password authentication failed"), "%s",
		      e.msg);
	ck_assert_ptr_null(strstr(e.msg, "guess"));
}
END_TEST

START_TEST(password_file_that_others_may_read_is_not_used)
{
	write_file(passfile, "*:*:*:konstruct_daemon:secret\n", 0644);
	ck_assert(!connects_as("localhost", "verify-full", cert_file(ours)));
	ck_assert_msg(strstr(e.msg, "no password supplied"), "%s", e.msg);
}
END_TEST

START_TEST(service_file_says_all)
{
	char text[512];

	(void)snprintf(text, sizeof(text),
		       "[konstruct]\nhost=localhost\nhostaddr=%s\n"
		       "dbname=konstruct\nuser=konstruct_daemon\n"
		       "sslmode=verify-full\nsslrootcert=%s\npassfile=%s\n",
		       address, cert_file(ours), passfile);
	write_file(servicefile, text, 0600);
	ck_assert_int_eq(setenv("PGSERVICEFILE", servicefile, 1), 0);
	ck_assert_msg(connects("postgresql://?service=konstruct"), "%s", e.msg);
}
END_TEST

/* An address of loopback's for ourselves, as the port is the server's. */
static void listen_somewhere(void)
{
	unsigned char n[2];

	random_bytes(n, sizeof(n));
	(void)snprintf(address, sizeof(address), "127.77.%d.%d", n[0],
		       1 + n[1] % 254);
	(void)snprintf(passfile, sizeof(passfile), "%s.pass", pg->dir);
	(void)snprintf(servicefile, sizeof(servicefile), "%s.service", pg->dir);
	(void)snprintf(keyfile, sizeof(keyfile), "%s.key", pg->dir);
	ours = cert_create();
	others = cert_create();
	cert_write_key(ours, keyfile);
	pg_listen(address, cert_file(ours), keyfile);
	unlink(keyfile);
}

int main(void)
{
	Suite *s = suite_create("pg_tls");
	TCase *tc = tcase_create("network");
	SRunner *sr = srunner_create(s);
	int nfailed;

	pg = pg_start();
	listen_somewhere();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, server_with_our_ca_and_its_name_is_trusted);
	tcase_add_test(tc, server_with_another_ca_is_refused);
	tcase_add_test(tc, server_with_another_name_is_refused);
	tcase_add_test(tc, server_that_wants_tls_is_not_reached_without);
	tcase_add_test(tc, wrong_password_is_told_without_it);
	tcase_add_test(tc, password_file_that_others_may_read_is_not_used);
	tcase_add_test(tc, service_file_says_all);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	nfailed = srunner_ntests_failed(sr);
	srunner_free(sr);
	cert_free(ours);
	cert_free(others);
	return nfailed ? EXIT_FAILURE : EXIT_SUCCESS;
}
