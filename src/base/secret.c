/* SPDX-License-Identifier: ISC */
#include "base/secret.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"

#define CREDENTIAL "credential:"
#define STORE      "store:"
#define MARK       "\xef\xbb\xbf" /* some editors put it first */

static secret_source *source;
static void *source_arg;

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

bool secret_is_credential(const char *name)
{
	return strncmp(name, CREDENTIAL, sizeof(CREDENTIAL) - 1) == 0;
}

static bool is_stored(const char *name)
{
	return strncmp(name, STORE, sizeof(STORE) - 1) == 0;
}

bool secret_is_elsewhere(const char *name)
{
	if (secret_is_credential(name))
		return !getenv("CREDENTIALS_DIRECTORY");
	return is_stored(name) && !source;
}

void secret_set_source(secret_source *fn, void *arg)
{
	source = fn;
	source_arg = arg;
}

static char *read_stored(const char *name, struct err *e)
{
	if (source)
		return source(name + sizeof(STORE) - 1, source_arg, e);
	err_set(e, ERR_FATAL, "cannot read '%s': there is no store here", name);
	return NULL;
}

int secret_path(const char *name, char *out, size_t size, struct err *e)
{
	const char *dir = "";
	int n;

	if (secret_is_credential(name)) {
		dir = getenv("CREDENTIALS_DIRECTORY");
		if (!dir || !*dir)
			return err_set(e, ERR_INPUT,
				       "cannot read '%s': only a unit is given"
				       " it, by LoadCredential= or"
				       " LoadCredentialEncrypted=",
				       name);
		name += sizeof(CREDENTIAL) - 1;
		if (!*name || strchr(name, '/'))
			return err_set(e, ERR_INPUT,
				       "'" CREDENTIAL "%s' names no credential",
				       name);
	}
	n = snprintf(out, size, "%s%s%s", dir, *dir ? "/" : "", name);
	if (n < 0 || (size_t)n >= size)
		return err_set(e, ERR_INPUT, "path '%.40s...' is too long",
			       name);
	return 0;
}

char *secret_read(const char *path, struct err *e)
{
	char file[PATH_MAX];
	char text[SECRET_MAX];
	char *start, *s = NULL;
	ssize_t got;
	size_t n;

	if (is_stored(path))
		return read_stored(path, e);
	if (secret_path(path, file, sizeof(file), e) < 0)
		return NULL;
	got = file_read(file, text, sizeof(text), NULL, e);
	if (got < 0)
		goto out;
	n = (size_t)got;
	start = text;
	if (n >= sizeof(MARK) - 1 &&
	    memcmp(text, MARK, sizeof(MARK) - 1) == 0) {
		start += sizeof(MARK) - 1;
		n -= sizeof(MARK) - 1;
	}
	start = trim(start, &n);
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
