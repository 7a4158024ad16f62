/* SPDX-License-Identifier: ISC */
#include "base/keyfile.h"

#include <openssl/sha.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/secret.h"

#define KEY_HEX  (KEY_SIZE * 2)
#define LINE     (KEY_HEX + 1)
#define FILE_MAX (KEYRING_MAX * LINE)

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

static void name_key(struct key *k)
{
	unsigned char sum[SHA256_DIGEST_LENGTH];

	SHA256(k->bytes, sizeof(k->bytes), sum);
	(void)snprintf(k->id, sizeof(k->id), "%02x%02x%02x%02x", sum[0], sum[1],
		       sum[2], sum[3]);
}

void key_make(struct key *k)
{
	random_bytes(k->bytes, sizeof(k->bytes));
	name_key(k);
}

static int find(const struct keys *ks, const char *id)
{
	size_t i;

	for (i = 0; i < ks->n; i++) {
		if (strcmp(ks->key[i].id, id) == 0)
			return (int)i;
	}
	return -1;
}

/* One line of the file; the last one needs no newline. */
static int take_line(struct keys *out, const char *p, size_t n)
{
	struct key *k = &out->key[out->n];

	if (n < KEY_HEX || (n > KEY_HEX && p[KEY_HEX] != '\n') ||
	    out->n == KEYRING_MAX || key_from_hex(k->bytes, p) < 0)
		return -1;
	name_key(k);
	/* Twice the same, or two that nobody could tell from each other. */
	if (find(out, k->id) >= 0)
		return -1;
	out->n++;
	return 0;
}

static int take_keys(struct keys *out, const char *p, size_t n)
{
	out->n = 0;
	if (n == KEY_SIZE) {
		memcpy(out->key[0].bytes, p, KEY_SIZE);
		name_key(&out->key[0]);
		out->n = 1;
		return 0;
	}
	while (n > 0) {
		if (take_line(out, p, n) < 0)
			return -1;
		p += n > LINE ? LINE : n;
		n -= n > LINE ? LINE : n;
	}
	return out->n > 0 ? 0 : -1;
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

int keyfile_read(const char *path, struct keys *out, struct err *e)
{
	char text[FILE_MAX];
	ssize_t n;
	int rc = -1;

	n = file_read(path, text, sizeof(text), &out->st, e);
	if (n < 0)
		goto out;
	if (!is_private(&out->st))
		err_set(e, ERR_FATAL,
			"others can read key file '%s': chmod 600, owned by the daemon's user",
			path);
	else if (take_keys(out, text, (size_t)n) < 0)
		err_set(e, ERR_FATAL,
			"'%s' holds no key of 64 hex digits, or something"
			" else than one on each line",
			path);
	else
		rc = 0;
out:
	explicit_bzero(text, sizeof(text));
	return rc;
}

static size_t print(const struct keys *ks, char text[FILE_MAX + 1])
{
	size_t n = 0;
	size_t i, k;

	for (i = 0; i < ks->n; i++) {
		for (k = 0; k < KEY_SIZE; k++, n += 2)
			(void)snprintf(text + n, 3, "%02x",
				       ks->key[i].bytes[k]);
		text[n++] = '\n';
	}
	return n;
}

int keyfile_create(const char *path, const struct key *k, struct err *e)
{
	struct keys one = { .n = 1 };
	char text[FILE_MAX + 1];
	size_t n;
	int rc;

	one.key[0] = *k;
	n = print(&one, text);
	rc = file_create(path, text, n, e);
	explicit_bzero(&one, sizeof(one));
	explicit_bzero(text, sizeof(text));
	return rc;
}

static int replace(const char *path, const struct keys *ks, struct err *e)
{
	char text[FILE_MAX + 1];
	size_t n = print(ks, text);
	int rc = file_replace(path, text, n, &ks->st, e);

	explicit_bzero(text, sizeof(text));
	return rc;
}

int keyfile_add(const char *path, const struct key *k, struct err *e)
{
	struct keys ks;
	int rc;

	rc = keyfile_read(path, &ks, e);
	if (rc == 0 && ks.n == KEYRING_MAX)
		rc = err_set(e, ERR_INPUT,
			     "'%s' holds %d keys: remove the old ones", path,
			     KEYRING_MAX);
	if (rc == 0) {
		memmove(&ks.key[1], &ks.key[0], ks.n * sizeof(ks.key[0]));
		ks.key[0] = *k;
		ks.n++;
		rc = replace(path, &ks, e);
	}
	explicit_bzero(&ks, sizeof(ks));
	return rc;
}

int keyfile_remove(const char *path, const char *id, struct err *e)
{
	struct keys ks;
	int rc, i;

	rc = keyfile_read(path, &ks, e);
	i = rc == 0 ? find(&ks, id) : -1;
	if (rc == 0 && i < 0)
		rc = err_set(e, ERR_INPUT, "'%s' holds no key %.20s", path, id);
	else if (rc == 0 && ks.n == 1)
		rc = err_set(e, ERR_INPUT, "'%s' holds no other key", path);
	if (rc == 0) {
		ks.n--;
		memmove(&ks.key[i], &ks.key[i + 1],
			(ks.n - (size_t)i) * sizeof(ks.key[0]));
		rc = replace(path, &ks, e);
	}
	explicit_bzero(&ks, sizeof(ks));
	return rc;
}
