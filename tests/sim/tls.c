/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/err.h"
#include "sim/core.h"

#define DAY 86400L

static int add_ext(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX v3;
	int rc;

	X509V3_set_ctx(&v3, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &v3, nid, value);
	if (!ext)
		return -1;
	rc = X509_add_ext(cert, ext, -1) == 1 ? 0 : -1;
	X509_EXTENSION_free(ext);
	return rc;
}

static X509 *new_cert(EVP_PKEY *key, const char *cn)
{
	X509 *cert = X509_new();
	uint64_t serial;

	if (!cert || RAND_bytes((unsigned char *)&serial, sizeof(serial)) != 1)
		goto fail;
	X509_set_version(cert, 2);
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial >> 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -DAY);
	X509_gmtime_adj(X509_getm_notAfter(cert), 30 * DAY);
	if (X509_set_pubkey(cert, key) != 1 ||
	    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN",
				       MBSTRING_ASC, (const unsigned char *)cn,
				       -1, -1, 0) != 1)
		goto fail;
	return cert;
fail:
	X509_free(cert);
	return NULL;
}

static X509 *make_ca(EVP_PKEY *key)
{
	X509 *ca = new_cert(key, "konstruct-sim CA");

	if (!ca || X509_set_issuer_name(ca, X509_get_subject_name(ca)) != 1 ||
	    add_ext(ca, ca, NID_basic_constraints, "critical,CA:TRUE") < 0 ||
	    add_ext(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign") <
		    0 ||
	    add_ext(ca, ca, NID_subject_key_identifier, "hash") < 0 ||
	    !X509_sign(ca, key, EVP_sha256())) {
		X509_free(ca);
		return NULL;
	}
	return ca;
}

/* This machine's, then the hosts and what is below them; on the heap. */
static char *alt_names(const char *hosts)
{
	struct buf b;
	int n;

	buf_init(&b, 16384);
	buf_adds(&b, "DNS:localhost,IP:127.0.0.1,IP:::1");
	for (; *hosts; hosts += n + (hosts[n] == ',')) {
		n = (int)strcspn(hosts, ",");
		buf_addf(&b, ",DNS:%.*s,DNS:*.%.*s", n, hosts, n, hosts);
	}
	return must_take(&b);
}

static X509 *make_server(EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key,
			 const char *hosts)
{
	X509 *cert = new_cert(key, "localhost");
	char *names = alt_names(hosts);

	if (!cert ||
	    X509_set_issuer_name(cert, X509_get_subject_name(ca)) != 1 ||
	    add_ext(cert, ca, NID_subject_alt_name, names) < 0 ||
	    add_ext(cert, ca, NID_ext_key_usage, "serverAuth") < 0 ||
	    add_ext(cert, ca, NID_authority_key_identifier, "keyid") < 0 ||
	    !X509_sign(cert, ca_key, EVP_sha256())) {
		X509_free(cert);
		cert = NULL;
	}
	free(names);
	return cert;
}

static int write_ca(const char *path, X509 *ca, struct err *e)
{
	FILE *f;
	int ok;

	if (!*path)
		return 0;
	f = fopen(path, "w");
	if (!f)
		return err_set(e, ERR_INPUT, "cannot write '%s': %s", path,
			       strerror(errno));
	ok = PEM_write_X509(f, ca);
	if (fclose(f) != 0 || !ok)
		return err_set(e, ERR_INPUT, "cannot write '%s'", path);
	return 0;
}

static int choose_http1(SSL *ssl, const unsigned char **out,
			unsigned char *outlen, const unsigned char *in,
			unsigned int inlen, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *got;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&got, outlen, ours, sizeof(ours) - 1, in,
				  inlen) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	*out = got;
	return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *make_ctx(X509 *cert, EVP_PKEY *key)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (!ctx || SSL_CTX_use_certificate(ctx, cert) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, key) != 1) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	/* Sessions live in tickets only; none are kept here. */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"sim", 3);
	SSL_CTX_set_alpn_select_cb(ctx, choose_http1, NULL);
	return ctx;
}

int tls_setup(struct sim *s, struct err *e)
{
	EVP_PKEY *ca_key = EVP_EC_gen("P-256");
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *ca = NULL;
	X509 *cert = NULL;
	int rc = -1;

	if (ca_key && key)
		ca = make_ca(ca_key);
	if (ca)
		cert = make_server(key, ca, ca_key, s->hosts);
	if (cert)
		s->tls = make_ctx(cert, key);
	if (!s->tls) {
		err_set(e, ERR_FATAL, "cannot make a certificate: %s",
			ERR_reason_error_string(ERR_get_error()));
		goto out;
	}
	rc = write_ca(s->ca_file, ca, e);
out:
	X509_free(cert);
	X509_free(ca);
	EVP_PKEY_free(key);
	EVP_PKEY_free(ca_key);
	return rc;
}
