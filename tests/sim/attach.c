/* SPDX-License-Identifier: ISC */
#include "sim/attach.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "sim/client.h"
#include "sim/util.h"

#define FILE_MAX ((size_t)5 << 20)

static const char *type_of(const char *path)
{
	static const struct {
		const char *ending;
		const char *type;
	} types[] = {
		{ ".png", "image/png" },    { ".jpg", "image/jpeg" },
		{ ".jpeg", "image/jpeg" },  { ".gif", "image/gif" },
		{ ".webp", "image/webp" },  { ".pdf", "application/pdf" },
		{ ".csv", "text/csv" },     { ".json", "application/json" },
		{ ".md", "text/markdown" },
	};
	const char *dot = strrchr(path, '.');
	size_t i;

	for (i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcasecmp(dot, types[i].ending) == 0)
			return types[i].type;
	}
	return "text/plain";
}

static int read_file(const char *path, struct buf *out, struct err *e)
{
	FILE *f = fopen(path, "rb");
	char part[65536];
	size_t n;

	if (!f)
		return err_set(e, ERR_INPUT, "cannot open '%s': %s", path,
			       strerror(errno));
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(out, part, n);
	fclose(f);
	return out->failed ? err_set(e, ERR_INPUT, "'%s' is too large", path)
			   : 0;
}

static char *base64(const struct buf *b)
{
	char *out = must_alloc(b->len / 3 * 4 + 5);

	if (b->len > 0)
		EVP_EncodeBlock((unsigned char *)out,
				(const unsigned char *)b->data, (int)b->len);
	return out;
}

static int send_file(struct client *c, const char *id, const char *path,
		     const char *bytes, struct err *e)
{
	const char *name = strrchr(path, '/');
	struct jwrite w;
	struct json *j;
	struct buf b;

	buf_init(&b, 2 * FILE_MAX);
	jw_init(&w, &b);
	jw_object(&w, NULL);
	jw_str(&w, "id", id);
	jw_str(&w, "name", name ? name + 1 : path);
	jw_str(&w, "mimetype", type_of(path));
	jw_str(&w, "base64", bytes);
	jw_object_end(&w);
	j = client_call(c, "file", b.data, e);
	buf_release(&b);
	json_free(j);
	return j ? 0 : -1;
}

int attach_file(struct client *c, const char *path, char *out, size_t size,
		struct err *e)
{
	struct buf b;
	char *bytes;
	int rc;

	buf_init(&b, FILE_MAX);
	rc = read_file(path, &b, e);
	if (rc == 0) {
		snprintf(out, size, "F0%lld", (long long)clock_wall_ms());
		bytes = base64(&b);
		rc = send_file(c, out, path, bytes, e);
		free(bytes);
	}
	buf_release(&b);
	return rc;
}
