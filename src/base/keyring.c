/* SPDX-License-Identifier: ISC */
#include "base/keyring.h"

#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/keyfile.h"
#include "base/secret.h"

#define KEY_ID_LEN (KEY_ID_SIZE - 1)
#define NONCE_SIZE 12
#define TAG_SIZE   16
#define OVERHEAD   (NONCE_SIZE + TAG_SIZE)
#define PLAIN_MAX  SECRET_MAX
#define SEALED_MAX 22528 /* base64 of a PLAIN_MAX, and some */

/* Apart from the keyring, which most know as const. */
struct ring {
	pthread_mutex_t lock;
	struct keys keys; /* of the file; behind them, what left it */
	size_t left;      /* so many of these */
};

struct keyring {
	char *path;
	bool made; /* the key isn't in the file yet */
	struct ring *ring;
};

static void ring_free(struct ring *r)
{
	if (!r)
		return;
	pthread_mutex_destroy(&r->lock);
	explicit_bzero(r, sizeof(*r));
	free(r);
}

void keyring_free(struct keyring *k)
{
	if (!k)
		return;
	ring_free(k->ring);
	free(k->path);
	free(k);
}

static struct keyring *make(const char *path)
{
	struct keyring *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->path = strdup(path);
	k->ring = calloc(1, sizeof(*k->ring));
	if (k->path && k->ring) {
		(void)pthread_mutex_init(&k->ring->lock, NULL);
		return k;
	}
	free(k->ring);
	free(k->path);
	free(k);
	return NULL;
}

struct keyring *keyring_open(const char *path, bool create, struct err *e)
{
	struct keyring *k = make(path);

	if (!k) {
		err_set(e, ERR_RETRY, "cannot read '%s': no memory", path);
		return NULL;
	}
	if (create && access(path, F_OK) < 0 && errno == ENOENT) {
		key_make(&k->ring->keys.key[0]);
		k->ring->keys.n = 1;
		k->made = true;
	} else if (keyfile_read(path, &k->ring->keys, e) < 0) {
		keyring_free(k);
		return NULL;
	}
	return k;
}

bool keyring_is_new(const struct keyring *k)
{
	return k->made;
}

/* Another process may have made one in the meantime. */
int keyring_keep(struct keyring *k, struct err *e)
{
	if (!k->made)
		return 0;
	if (keyfile_create(k->path, &k->ring->keys.key[0], e) < 0 ||
	    keyfile_read(k->path, &k->ring->keys, e) < 0)
		return -1;
	k->made = false;
	return 0;
}

static const struct key *find(const struct ring *r, const char *id)
{
	size_t i;

	for (i = 0; i < r->keys.n; i++) {
		if (strncmp(r->keys.key[i].id, id, KEY_ID_LEN) == 0)
			return &r->keys.key[i];
	}
	return NULL;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev &&
	       a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* What was sealed under a key that has left the file can still be opened, for
 * as long as there is room. */
static void take_on(struct ring *r, struct keys *fresh)
{
	struct ring now = { .keys = *fresh };
	size_t i, in_file = fresh->n;

	pthread_mutex_lock(&r->lock);
	for (i = 0; i < r->keys.n && now.keys.n < KEYRING_MAX; i++) {
		if (!find(&now, r->keys.key[i].id))
			now.keys.key[now.keys.n++] = r->keys.key[i];
	}
	r->keys = now.keys;
	r->left = now.keys.n - in_file;
	pthread_mutex_unlock(&r->lock);
	explicit_bzero(&now, sizeof(now));
}

int keyring_reload(const struct keyring *k, struct err *e)
{
	struct keys fresh;
	struct stat st;
	bool same;
	int rc;

	if (k->made)
		return 0;
	if (stat(k->path, &st) == 0) {
		pthread_mutex_lock(&k->ring->lock);
		same = is_same(&st, &k->ring->keys.st);
		pthread_mutex_unlock(&k->ring->lock);
		if (same)
			return 0;
	}
	rc = keyfile_read(k->path, &fresh, e);
	if (rc == 0)
		take_on(k->ring, &fresh);
	explicit_bzero(&fresh, sizeof(fresh));
	return rc;
}

int keyring_add(const struct keyring *k, char id[KEY_ID_SIZE], struct err *e)
{
	struct key fresh;
	int rc;

	key_make(&fresh);
	rc = keyfile_add(k->path, &fresh, e);
	if (rc == 0) {
		(void)snprintf(id, KEY_ID_SIZE, "%s", fresh.id);
		rc = keyring_reload(k, e);
	}
	explicit_bzero(&fresh, sizeof(fresh));
	return rc;
}

const char *keyring_path(const struct keyring *k)
{
	return k->path;
}

bool keyring_has(const struct keyring *k, const char *id)
{
	bool yes;

	pthread_mutex_lock(&k->ring->lock);
	yes = strlen(id) == KEY_ID_LEN && find(k->ring, id);
	pthread_mutex_unlock(&k->ring->lock);
	return yes;
}

void keyring_newest(const struct keyring *k, char id[KEY_ID_SIZE])
{
	pthread_mutex_lock(&k->ring->lock);
	(void)snprintf(id, KEY_ID_SIZE, "%s", k->ring->keys.key[0].id);
	pthread_mutex_unlock(&k->ring->lock);
}

static void list(const struct keyring *k, bool left, char out[KEY_IDS_SIZE])
{
	size_t n = 0;
	size_t i;

	out[0] = '\0';
	pthread_mutex_lock(&k->ring->lock);
	for (i = 0; i < k->ring->keys.n - (left ? 0 : k->ring->left); i++)
		n += (size_t)snprintf(out + n, KEY_IDS_SIZE - n, "%s%s",
				      i > 0 ? " " : "",
				      k->ring->keys.key[i].id);
	pthread_mutex_unlock(&k->ring->lock);
}

void keyring_ids(const struct keyring *k, char out[KEY_IDS_SIZE])
{
	list(k, true, out);
}

void keyring_file_ids(const struct keyring *k, char out[KEY_IDS_SIZE])
{
	list(k, false, out);
}

/* A copy, to be wiped; false: there is none. */
static bool copy_key(const struct keyring *k, const char *id, struct key *out)
{
	const struct key *found;

	pthread_mutex_lock(&k->ring->lock);
	found = find(k->ring, id);
	if (found)
		*out = *found;
	pthread_mutex_unlock(&k->ring->lock);
	return found != NULL;
}

static int no_key(const struct keyring *k, const char *id, struct err *e)
{
	return err_set(e, ERR_FATAL, "key %.*s is not in '%s'", KEY_ID_LEN, id,
		       k->path);
}

/* out is nonce, text and tag: n + OVERHEAD bytes. */
static bool encrypt(const struct key *k, const char *place,
		    const unsigned char *plain, int n, unsigned char *out)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	unsigned char *text = out + NONCE_SIZE;
	int len;
	bool ok;

	random_bytes(out, NONCE_SIZE);
	ok = c &&
	     EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, k->bytes, out) &&
	     EVP_EncryptUpdate(c, NULL, &len, (const unsigned char *)place,
			       (int)strlen(place)) &&
	     EVP_EncryptUpdate(c, text, &len, plain, n) &&
	     EVP_EncryptFinal_ex(c, text + n, &len) &&
	     EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, text + n);
	EVP_CIPHER_CTX_free(c);
	return ok;
}

/* in is n + OVERHEAD bytes; out n. */
static bool decrypt(const struct key *k, const char *place, unsigned char *in,
		    int n, unsigned char *out)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	unsigned char *text = in + NONCE_SIZE;
	int len;
	bool ok;

	ok = c &&
	     EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, k->bytes, in) &&
	     EVP_DecryptUpdate(c, NULL, &len, (const unsigned char *)place,
			       (int)strlen(place)) &&
	     EVP_DecryptUpdate(c, out, &len, text, n) &&
	     EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, text + n) &&
	     EVP_DecryptFinal_ex(c, out + n, &len) > 0;
	EVP_CIPHER_CTX_free(c);
	return ok;
}

int keyring_seal(const struct keyring *k, const char *key, const char *place,
		 const char *plain, struct buf *out, struct err *e)
{
	unsigned char raw[PLAIN_MAX + OVERHEAD];
	unsigned char text[SEALED_MAX];
	size_t n = strlen(plain);
	struct key with;
	bool ok;

	if (n > PLAIN_MAX)
		return err_set(e, ERR_INPUT, "cannot seal secret: too long");
	if (!copy_key(k, key, &with))
		return no_key(k, key, e);
	ok = encrypt(&with, place, (const unsigned char *)plain, (int)n, raw);
	explicit_bzero(&with, sizeof(with));
	if (!ok)
		return err_set(e, ERR_FATAL, "cannot seal secret");
	EVP_EncodeBlock(text, raw, (int)n + OVERHEAD);
	if (buf_addf(out, "k1.%.*s.%s", KEY_ID_LEN, key, (const char *)text) <
	    0)
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

bool keyring_key_of(const char *sealed, char id[KEY_ID_SIZE])
{
	const char *at = sealed + 3;

	if (strncmp(sealed, "k1.", 3) != 0 ||
	    strspn(at, "0123456789abcdef") != KEY_ID_LEN ||
	    at[KEY_ID_LEN] != '.')
		return false;
	(void)snprintf(id, KEY_ID_SIZE, "%s", at);
	return true;
}

static char *open_with(const struct key *k, const char *place, const char *text,
		       struct err *e)
{
	unsigned char raw[SEALED_MAX / 4 * 3];
	int n = decode(text, raw) - OVERHEAD;
	char *plain = n < 0 ? NULL : calloc(1, (size_t)n + 1);

	if (plain && decrypt(k, place, raw, n, (unsigned char *)plain))
		return plain;
	err_set(e, ERR_FATAL, "secret of '%s' is damaged or was moved", place);
	if (plain) /* GCM has decrypted before it knows */
		explicit_bzero(plain, (size_t)n);
	free(plain);
	return NULL;
}

char *keyring_unseal(const struct keyring *k, const char *place,
		     const char *sealed, struct err *e)
{
	char id[KEY_ID_SIZE];
	struct key with;
	char *plain;

	if (!keyring_key_of(sealed, id)) {
		err_set(e, ERR_FATAL, "secret is not in a form we know");
		return NULL;
	}
	if (!copy_key(k, id, &with)) {
		err_set(e, ERR_FATAL,
			"secret of '%s' is sealed under key %s, which is not in"
			" '%s'",
			place, id, k->path);
		return NULL;
	}
	plain = open_with(&with, place, sealed + 3 + KEY_ID_LEN + 1, e);
	explicit_bzero(&with, sizeof(with));
	return plain;
}
