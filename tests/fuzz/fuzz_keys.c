/* SPDX-License-Identifier: ISC */
/* The first byte: what follows is a key file, a file with one secret, or what
 * a store has sealed. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/keyfile.h"
#include "base/keyring.h"
#include "base/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEY                                \
	"000102030405060708090a0b0c0d0e0f" \
	"101112131415161718191a1b1c1d1e1f\n"

static void must(int ok)
{
	if (!ok)
		abort();
}

/* A file without a name; its path. */
static int put(const void *p, size_t n, char path[40])
{
	int fd = memfd_create("fuzz", 0);

	must(fd >= 0 && fchmod(fd, 0600) == 0);
	must(n == 0 || write(fd, p, n) == (ssize_t)n);
	(void)snprintf(path, 40, "/proc/self/fd/%d", fd);
	return fd;
}

static void as_keys(const char *path)
{
	struct err e = { 0 };
	struct keys ks;
	size_t i, k;

	if (keyfile_read(path, &ks, &e) < 0) {
		must(strstr(e.msg, path) != NULL);
		return;
	}
	must(ks.n > 0 && ks.n <= KEYRING_MAX);
	for (i = 0; i < ks.n; i++)
		for (k = 0; k < i; k++)
			must(strcmp(ks.key[i].id, ks.key[k].id) != 0);
}

static void as_secret(const char *path)
{
	struct err e = { 0 };
	char *s = secret_read(path, &e);

	must(s || strstr(e.msg, path));
	must(!s ||
	     (s[0] != '\0' && strlen(s) <= SECRET_MAX && !strpbrk(s, "\r\n")));
	secret_free(s);
}

/* Nothing opens that we haven't sealed, and that only in its place. */
static void as_sealed(const char *text)
{
	static struct keyring *k;
	char path[40], id[KEY_ID_SIZE];
	struct err e = { 0 };
	char *plain;
	int fd;

	if (!k) {
		fd = put(KEY, strlen(KEY), path);
		k = keyring_open(path, false, &e);
		must(k != NULL);
		close(fd);
	}
	(void)keyring_key_of(text, id);
	plain = keyring_unseal(k, "apps/A2/token", text, &e);
	must(!plain && e.msg[0] != '\0');
	plain = keyring_unseal(k, "apps/A1/token", text, &e);
	must(!plain || strcmp(plain, "xapp-1") == 0);
	secret_free(plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[40];
	char *text;
	int fd;

	if (size < 1)
		return 0;
	if (data[0] % 3 == 2) {
		text = malloc(size);
		must(text != NULL);
		memcpy(text, data + 1, size - 1);
		text[size - 1] = '\0';
		as_sealed(text);
		free(text);
		return 0;
	}
	fd = put(data + 1, size - 1, path);
	if (data[0] % 3 == 0)
		as_keys(path);
	else
		as_secret(path);
	close(fd);
	return 0;
}
