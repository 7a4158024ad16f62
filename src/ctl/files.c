/* SPDX-License-Identifier: ISC */
#include "ctl/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/apply.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/secret.h"
#include "ctl/token.h"

#define PATH_SIZE   4096
#define PERSONA_MAX ((size_t)64 * 1024)

/* Keys that name a file, and what its contents are. */
static const struct {
	const char *key;
	const char *becomes;
	bool secret;
} refs[] = {
	{ "app_token_file", "app_token", true },
	{ "bot_token_file", "bot_token", true },
	{ "refresh_token_file", "refresh_token", true },
	{ "client_secret_file", "client_secret", true },
	{ "persona_file", "persona", false },
};

struct copying {
	struct jwrite w;
	const char *dir; /* "" or with a slash at its end */
	struct err *e;
	int rc;
};

static bool copy_member(const char *key, const struct json *value, void *arg);

int files_read(const char *path, struct buf *out, struct err *e)
{
	bool std = strcmp(path, "-") == 0;
	char block[16384];
	FILE *f = std ? stdin : fopen(path, "re");
	size_t n;
	int rc = 0;

	if (!f)
		return err_set(e, ERR_FATAL, "cannot open '%s': %s", path,
			       strerror(errno));
	do {
		n = fread(block, 1, sizeof(block), f);
		buf_add(out, block, n);
	} while (n > 0 && !out->failed);
	if (ferror(f))
		rc = err_set(e, ERR_FATAL, "cannot read '%s': %s", path,
			     strerror(errno));
	else if (out->failed)
		rc = err_set(e, ERR_INPUT, "'%s' is larger than %zu bytes",
			     path, out->cap);
	if (!std)
		(void)fclose(f);
	return rc;
}

static int put_file(struct copying *c, size_t ref, const char *name)
{
	char path[PATH_SIZE];
	struct buf text;
	char *secret;
	int rc;
	int n;

	n = snprintf(path, sizeof(path), "%s%s", name[0] == '/' ? "" : c->dir,
		     name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(c->e, ERR_INPUT, "path of a file is too long");
	if (refs[ref].secret) {
		secret = token_read(refs[ref].becomes, path, c->e);
		if (secret)
			jw_str(&c->w, refs[ref].becomes, secret);
		rc = secret ? 0 : -1;
		secret_free(secret);
		return rc;
	}
	buf_init(&text, PERSONA_MAX);
	rc = files_read(path, &text, c->e);
	if (rc == 0)
		jw_strn(&c->w, refs[ref].becomes, text.data ? text.data : "",
			text.len);
	buf_release(&text);
	return rc;
}

static int copy_value(struct copying *c, const char *key, const struct json *v)
{
	struct buf plain;
	size_t i, n;

	if (json_is_object(v, "")) {
		jw_object(&c->w, key);
		json_each(v, copy_member, c);
		jw_object_end(&c->w);
		return c->rc;
	}
	if (json_is_array(v, "")) {
		n = json_len(v, "");
		jw_array(&c->w, key);
		for (i = 0; i < n && c->rc == 0; i++) {
			copy_value(c, NULL, json_nth(v, "", i));
		}
		jw_array_end(&c->w);
		return c->rc;
	}
	buf_init(&plain, APPLY_MAX);
	if (json_copy(v, &plain) < 0)
		c->rc = err_set(c->e, ERR_RETRY, "no memory");
	else
		jw_raw(&c->w, key, plain.data);
	if (plain.data)
		explicit_bzero(plain.data, plain.size);
	buf_release(&plain);
	return c->rc;
}

static bool copy_member(const char *key, const struct json *value, void *arg)
{
	struct copying *c = arg;
	size_t i;

	for (i = 0; i < sizeof(refs) / sizeof(refs[0]); i++) {
		if (strcmp(refs[i].key, key) != 0)
			continue;
		if (!json_str(value, "")) {
			c->rc = err_set(c->e, ERR_INPUT, "%s: not a string",
					key);
			return false;
		}
		c->rc = put_file(c, i, json_str(value, ""));
		return c->rc == 0;
	}
	return copy_value(c, key, value) == 0;
}

int files_resolve(const char *path, const char *text, size_t len,
		  struct buf *out, struct err *e)
{
	static const char mark[] = "\xef\xbb\xbf"; /* some editors' */
	size_t skip = len >= 3 && memcmp(text, mark, 3) == 0 ? 3 : 0;
	struct json *root = json_parse(text + skip, len - skip, APPLY_MAX, e);
	const char *slash = strrchr(path, '/');
	char dir[PATH_SIZE];
	struct copying c = { .dir = dir, .e = e };

	if (!root)
		return err_wrap(e, "%s", path);
	(void)snprintf(dir, sizeof(dir), "%.*s",
		       slash ? (int)(slash - path) + 1 : 0, path);
	jw_init(&c.w, out);
	copy_value(&c, NULL, root);
	json_wipe(root);
	if (c.rc == 0 && out->failed)
		return err_set(e, ERR_INPUT, "'%s' is too large", path);
	return c.rc;
}
