/* SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/conf.h"
#include "base/err.h"
#include "net/tls.h"
#include "scripted.h"

#define ASK "GET / HTTP/1.1\r\n\r\n"

static const struct scripted_answer answers[] = { { .parts = { "hello" } } };

static struct cert *cert;
static struct scripted *server;
static SSL_CTX *ctx;

static SSL_CTX *make_ctx(const char *ca_file, struct err *e)
{
	struct conf_way way = { .ca_file = (char *)ca_file };

	return tls_client_create(&way, e);
}

static void setup(void)
{
	struct err e = { 0 };

	cert = cert_create();
	server = scripted_start(answers, 1, cert);
	ctx = make_ctx(cert_file(cert), &e);
	ck_assert_msg(ctx != NULL, "%s", e.msg);
}

static void teardown(void)
{
	tls_client_free(ctx);
	scripted_stop(server);
	cert_free(cert);
}

static int dial(void)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)scripted_port(server)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	return fd;
}

/* One request as a link would make it; whether the session was resumed. */
static bool talk(const char *sni, int max_version)
{
	char answer[6] = "";
	SSL *ssl = SSL_new(ctx);
	int fd = dial();
	bool resumed;

	SSL_set_max_proto_version(ssl, max_version);
	SSL_set_fd(ssl, fd);
	if (sni)
		SSL_set_tlsext_host_name(ssl, sni);
	ck_assert_int_eq(SSL_connect(ssl), 1);
	ck_assert_int_gt(SSL_write(ssl, ASK, strlen(ASK)), 0);
	/* The tickets of TLS 1.3 come before the first byte of the answer. */
	ck_assert_int_eq(SSL_read(ssl, answer, 5), 5);
	ck_assert_str_eq(answer, "hello");
	resumed = SSL_session_reused(ssl);
	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(fd);
	return resumed;
}

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

START_TEST(the_second_link_resumes_a_session)
{
	int i;

	ck_assert(!talk("localhost", versions[_i]));
	for (i = 0; i < 5; i++)
		ck_assert(talk("localhost", versions[_i]));
}
END_TEST

START_TEST(a_ticket_serves_its_own_name_only)
{
	talk("localhost", TLS1_3_VERSION);
	ck_assert(!talk("other.example", TLS1_3_VERSION));
	ck_assert(talk("localhost", TLS1_3_VERSION));
}
END_TEST

START_TEST(without_a_name_nothing_is_resumed)
{
	talk(NULL, TLS1_3_VERSION);
	ck_assert(!talk(NULL, TLS1_3_VERSION));
}
END_TEST

START_TEST(more_names_than_the_pool_has_room_for_do_no_harm)
{
	char name[32];
	int i;

	for (i = 0; i < 40; i++) {
		(void)snprintf(name, sizeof(name), "host%d.example", i);
		ck_assert(!talk(name, TLS1_3_VERSION));
	}
	ck_assert(talk(name, TLS1_3_VERSION));
	ck_assert(!talk("host0.example", TLS1_3_VERSION));
}
END_TEST

START_TEST(an_unknown_issuer_is_refused)
{
	struct cert *other = cert_create();
	struct err e = { 0 };
	SSL *ssl;
	int fd;

	tls_client_free(ctx);
	ctx = make_ctx(_i ? "" : cert_file(other), &e);
	ck_assert_msg(ctx != NULL, "%s", e.msg);
	ssl = SSL_new(ctx);
	fd = dial();
	SSL_set_fd(ssl, fd);
	ck_assert_int_ne(SSL_connect(ssl), 1);
	ck_assert_int_ne(SSL_get_verify_result(ssl), X509_V_OK);
	SSL_free(ssl);
	close(fd);
	cert_free(other);
}
END_TEST

static void trust(const char *ca_file)
{
	struct conf_way way = { .ca_file = (char *)ca_file };
	struct err e = { 0 };
	struct tls_trust *t = tls_trust_create(&way, &e);

	ck_assert_msg(t != NULL, "%s", e.msg);
	tls_client_trust(ctx, t);
}

static bool is_trusted(const char *sni)
{
	SSL *ssl = SSL_new(ctx);
	int fd = dial();
	bool yes;

	SSL_set_fd(ssl, fd);
	SSL_set_tlsext_host_name(ssl, sni);
	yes = SSL_connect(ssl) == 1;
	SSL_free(ssl);
	close(fd);
	return yes;
}

/* Neither by the context nor by a ticket of before. */
START_TEST(who_is_trusted_no_more_is_refused)
{
	struct cert *other = cert_create();

	ck_assert(!talk("localhost", versions[_i]));
	trust(cert_file(other));
	ck_assert(!is_trusted("localhost"));
	trust(cert_file(cert));
	ck_assert(!talk("localhost", versions[_i]));
	ck_assert(talk("localhost", versions[_i]));
	cert_free(other);
}
END_TEST

/* Its handshake began when another store was asked. */
START_TEST(ticket_that_comes_late_is_not_kept)
{
	char answer[6] = "";
	SSL *ssl = SSL_new(ctx);
	int fd = dial();

	SSL_set_fd(ssl, fd);
	SSL_set_tlsext_host_name(ssl, "localhost");
	ck_assert_int_eq(SSL_connect(ssl), 1);
	trust(cert_file(cert));
	ck_assert_int_gt(SSL_write(ssl, ASK, strlen(ASK)), 0);
	ck_assert_int_eq(SSL_read(ssl, answer, 5), 5);
	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(fd);
	ck_assert(!talk("localhost", TLS1_3_VERSION));
}
END_TEST

START_TEST(old_versions_are_not_spoken)
{
	ck_assert_int_eq(SSL_CTX_get_min_proto_version(ctx), TLS1_2_VERSION);
}
END_TEST

START_TEST(a_missing_CA_file_is_named)
{
	struct err e = { 0 };

	ck_assert_ptr_null(make_ctx("/nonexistent/ca.pem", &e));
	ck_assert_ptr_nonnull(strstr(e.msg, "'/nonexistent/ca.pem'"));
	ck_assert_int_eq(e.kind, ERR_FATAL);
	tls_client_free(NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tls");
	TCase *tc = tcase_create("tls");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, the_second_link_resumes_a_session, 0, 2);
	tcase_add_loop_test(tc, who_is_trusted_no_more_is_refused, 0, 2);
	tcase_add_test(tc, ticket_that_comes_late_is_not_kept);
	tcase_add_test(tc, a_ticket_serves_its_own_name_only);
	tcase_add_test(tc, without_a_name_nothing_is_resumed);
	tcase_add_test(tc, more_names_than_the_pool_has_room_for_do_no_harm);
	tcase_add_loop_test(tc, an_unknown_issuer_is_refused, 0, 2);
	tcase_add_test(tc, old_versions_are_not_spoken);
	tcase_add_test(tc, a_missing_CA_file_is_named);
	suite_add_tcase(s, tc);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
