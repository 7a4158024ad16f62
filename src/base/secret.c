/* SPDX-License-Identifier: ISC */
#include "base/secret.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

#define KEY_SIZE   32
#define KEY_HEX    (KEY_SIZE * 2)
#define KEY_ID_LEN 8
#define NONCE_SIZE 12
#define TAG_SIZE   16
#define OVERHEAD   (NONCE_SIZE + TAG_SIZE)
#define PLAIN_MAX  16384
#define SEALED_MAX 22528 /* base64 of a PLAIN_MAX, and some */

struct keyring {
	unsigned char key[KEY_SIZE];
	char id[KEY_ID_LEN + 1];
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static int key_from_hex(unsigned char key[KEY_SIZE], const char *text)
{
	int hi, lo;
	size_t i;

	for (i = 0; i < KEY_SIZE; i++) {
		hi = hex_digit(text[2 * i]);
		lo = hex_digit(text[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return -1;
		key[i] = (unsigned char)(hi << 4 | lo);
	}
	return 0;
}

static int key_from_bytes(unsigned char key[KEY_SIZE], const char *p, size_t n)
{
	if (n == KEY_SIZE) {
		memcpy(key, p, KEY_SIZE);
		return 0;
	}
	if (n == KEY_HEX + 1 && p[KEY_HEX] == '\n')
		n--;
	return n == KEY_HEX ? key_from_hex(key, p) : -1;
}

/*
 * systemd shows a credential to a service's user by an ACL, whose mask then
 * stands where the group's bits are: root:root 0440 (systemd issue 29435).
 */
static bool is_private(const struct stat *st)
{
	if (st->st_uid == 0 && st->st_gid == 0)
		return (st->st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) == 0;
	return (st->st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

static int key_create(const char *path, struct err *e)
{
	unsigned char key[KEY_SIZE];
	char text[KEY_HEX + 2];
	size_t i;
	int rc;

	random_bytes(key, sizeof(key));
	for (i = 0; i < KEY_SIZE; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", key[i]);
	text[KEY_HEX] = '\n';
	rc = file_create(path, text, KEY_HEX + 1, e);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(text, sizeof(text));
	return rc;
}

static int key_read(unsigned char key[KEY_SIZE], const char *path,
		    struct err *e)
{
	char text[KEY_HEX + 1];
	struct stat st;
	ssize_t n;
	int rc = -1;

	n = file_read(path, text, sizeof(text), &st, e);
	if (n < 0)
		goto out;
	if (!is_private(&st))
		err_set(e, ERR_FATAL, "others can read key file '%s'", path);
	else if (key_from_bytes(key, text, (size_t)n) < 0)
		err_set(e, ERR_FATAL, "'%s' holds no key of 64 hex digits",
			path);
	else
		rc = 0;
out:
	explicit_bzero(text, sizeof(text));
	return rc;
}

static void name_key(struct keyring *k)
{
	unsigned char sum[SHA256_DIGEST_LENGTH];

	SHA256(k->key, sizeof(k->key), sum);
	(void)snprintf(k->id, sizeof(k->id), "%02x%02x%02x%02x", sum[0], sum[1],
		       sum[2], sum[3]);
}

struct keyring *keyring_open(const char *path, bool create, struct err *e)
{
	struct keyring *k;

	if (create && access(path, F_OK) < 0 && errno == ENOENT &&
	    key_create(path, e) < 0)
		return NULL;
	k = calloc(1, sizeof(*k));
	if (!k) {
		err_set(e, ERR_RETRY, "cannot read '%s': no memory", path);
		return NULL;
	}
	if (key_read(k->key, path, e) < 0) {
		keyring_free(k);
		return NULL;
	}
	name_key(k);
	return k;
}

void keyring_free(struct keyring *k)
{
	if (!k)
		return;
	explicit_bzero(k, sizeof(*k));
	free(k);
}

/* out is nonce, text and tag: n + OVERHEAD bytes. */
static bool encrypt(const struct keyring *k, const char *place,
		    const unsigned char *plain, int n, unsigned char *out)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	unsigned char *text = out + NONCE_SIZE;
	int len;
	bool ok;

	random_bytes(out, NONCE_SIZE);
	ok = c && EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, k->key, out) &&
	     EVP_EncryptUpdate(c, NULL, &len, (const unsigned char *)place,
			       (int)strlen(place)) &&
	     EVP_EncryptUpdate(c, text, &len, plain, n) &&
	     EVP_EncryptFinal_ex(c, text + n, &len) &&
	     EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, text + n);
	EVP_CIPHER_CTX_free(c);
	return ok;
}

/* in is n + OVERHEAD bytes; out n. */
static bool decrypt(const struct keyring *k, const char *place,
		    unsigned char *in, int n, unsigned char *out)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	unsigned char *text = in + NONCE_SIZE;
	int len;
	bool ok;

	ok = c && EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, k->key, in) &&
	     EVP_DecryptUpdate(c, NULL, &len, (const unsigned char *)place,
			       (int)strlen(place)) &&
	     EVP_DecryptUpdate(c, out, &len, text, n) &&
	     EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, text + n) &&
	     EVP_DecryptFinal_ex(c, out + n, &len) > 0;
	EVP_CIPHER_CTX_free(c);
	return ok;
}

int keyring_seal(const struct keyring *k, const char *place, const char *plain,
		 struct buf *out, struct err *e)
{
	unsigned char raw[PLAIN_MAX + OVERHEAD];
	unsigned char text[SEALED_MAX];
	size_t n = strlen(plain);

	if (n > PLAIN_MAX)
		return err_set(e, ERR_INPUT, "cannot seal secret: too long");
	if (!encrypt(k, place, (const unsigned char *)plain, (int)n, raw))
		return err_set(e, ERR_FATAL, "cannot seal secret");
	EVP_EncodeBlock(text, raw, (int)n + OVERHEAD);
	if (buf_addf(out, "k1.%s.%s", k->id, (const char *)text) < 0)
		return err_set(e, ERR_RETRY, "cannot seal secret: no memory");
	return 0;
}

/*
 * How many bytes stand in raw, or -1. EVP_DecodeBlock counts the padding as
 * bytes, and takes some characters that aren't base64 for white space.
 */
static int decode(const char *text, unsigned char *raw)
{
	size_t n = strlen(text);
	size_t digits = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/");
	size_t pad = strspn(text + digits, "=");

	if (n > SEALED_MAX || n % 4 != 0 || digits + pad != n || pad > 2)
		return -1;
	return EVP_DecodeBlock(raw, (const unsigned char *)text, (int)n) -
	       (int)pad;
}

/* The base64 part of a sealed text, or NULL with e filled. */
static const char *unwrap(const struct keyring *k, const char *sealed,
			  struct err *e)
{
	const char *id = sealed + 3;

	if (strncmp(sealed, "k1.", 3) != 0 || strlen(id) <= KEY_ID_LEN ||
	    id[KEY_ID_LEN] != '.') {
		err_set(e, ERR_FATAL, "secret is not in a form we know");
		return NULL;
	}
	if (strncmp(id, k->id, KEY_ID_LEN) != 0) {
		err_set(e, ERR_FATAL,
			"secret is sealed under key %.*s, the key is %s",
			(int)strspn(id, "0123456789abcdef"), id, k->id);
		return NULL;
	}
	return id + KEY_ID_LEN + 1;
}

char *keyring_unseal(const struct keyring *k, const char *place,
		     const char *sealed, struct err *e)
{
	unsigned char raw[SEALED_MAX / 4 * 3];
	const char *text;
	char *plain;
	int n;

	text = unwrap(k, sealed, e);
	if (!text)
		return NULL;
	n = decode(text, raw) - OVERHEAD;
	plain = n < 0 ? NULL : calloc(1, (size_t)n + 1);
	if (!plain || !decrypt(k, place, raw, n, (unsigned char *)plain)) {
		err_set(e, ERR_FATAL, "secret of '%s' is damaged or was moved",
			place);
		if (plain) /* GCM has decrypted before it knows */
			explicit_bzero(plain, (size_t)n);
		free(plain);
		return NULL;
	}
	return plain;
}

void secret_free(char *s)
{
	if (!s)
		return;
	explicit_bzero(s, strlen(s));
	free(s);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Takes white space off both ends of text[0..n-1]. */
static char *trim(char *text, size_t *n)
{
	while (*n > 0 && is_space(text[*n - 1]))
		(*n)--;
	while (*n > 0 && is_space(*text)) {
		text++;
		(*n)--;
	}
	return text;
}

static bool has_control(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
			return true;
	}
	return false;
}

static char *copy(const char *p, size_t n, struct err *e)
{
	char *s = strndup(p, n);

	if (!s)
		err_set(e, ERR_RETRY, "cannot keep secret: no memory");
	return s;
}

char *secret_read(const char *path, struct err *e)
{
	char text[PLAIN_MAX];
	char *start, *s = NULL;
	ssize_t got;
	size_t n;

	got = file_read(path, text, sizeof(text), NULL, e);
	if (got < 0)
		goto out;
	n = (size_t)got;
	start = trim(text, &n);
	if (n == 0)
		err_set(e, ERR_INPUT, "'%s' is empty", path);
	else if (has_control(start, n))
		err_set(e, ERR_INPUT, "'%s' holds more than one line", path);
	else
		s = copy(start, n, e);
out:
	explicit_bzero(text, sizeof(text));
	return s;
}
