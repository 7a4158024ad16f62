/* SPDX-License-Identifier: ISC */
#include "ctl/key.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/keyfile.h"
#include "ctl/ctl.h"
#include "ctl/exit.h"
#include "ctl/here.h"

#define ANSWER_MAX ((size_t)64 * 1024)

int key_new(bool json)
{
	struct key k;
	size_t i;

	key_make(&k);
	printf("%s", json ? "{\"key\":\"" : "");
	for (i = 0; i < sizeof(k.bytes); i++)
		printf("%02x", k.bytes[i]);
	puts(json ? "\"}" : "");
	explicit_bzero(&k, sizeof(k));
	return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

static void tell(const char *what, const char *id, const char *path, bool json)
{
	struct buf out;
	struct jwrite w;

	if (!json) {
		printf("key %s %s '%s'\n", id, what, path);
		return;
	}
	buf_init(&out, ANSWER_MAX);
	jw_init(&w, &out);
	jw_object(&w, NULL);
	jw_str(&w, "key", id);
	jw_str(&w, "file", path);
	jw_object_end(&w);
	printf("%s\n", out.data ? out.data : "{}");
	buf_release(&out);
}

int key_add(const struct conf *conf, struct ctl *c, bool json)
{
	char path[PATH_MAX];
	struct err e = { 0 };
	struct key k;
	int rc;

	key_make(&k);
	rc = conf_key_path(conf, path, sizeof(path), &e);
	if (rc == 0)
		rc = keyfile_add(path, &k, &e);
	if (rc == 0) {
		tell("is first in", k.id, path, json);
		remark(c, conf, "key add", k.id);
	}
	explicit_bzero(&k, sizeof(k));
	return rc == 0 ? EX_OK : here_fail(conf, EX_CANTCREAT, e.msg);
}

/* Is it a key of the answer, with nothing under it? */
static int check_unused(const struct json *j, const char *id, struct err *e)
{
	char at[64];
	const char *name;
	size_t i;

	for (i = 0; i < json_len(j, "keys"); i++) {
		(void)snprintf(at, sizeof(at), "keys.%zu.id", i);
		name = json_str(j, at);
		if (!name || strcmp(name, id) != 0)
			continue;
		(void)snprintf(at, sizeof(at), "keys.%zu.seals", i);
		if (json_bool(j, at, true))
			return err_set(e, ERR_INPUT,
				       "key %s encrypts what is written now",
				       id);
		(void)snprintf(at, sizeof(at), "keys.%zu.secrets", i);
		if (json_int(j, at, 1) == 0)
			return 0;
		return err_set(e, ERR_INPUT,
			       "%lld secrets are under key %s: 'konstructctl"
			       " key rotate' first",
			       (long long)json_int(j, at, 1), id);
	}
	return err_set(e, ERR_INPUT,
		       "no key '%.40s'; 'konstructctl key list' shows them",
		       id);
}

static int ask_unused(struct ctl *c, const char *id, struct err *e)
{
	struct json *j = NULL;
	struct buf out;
	int status;
	int rc = -1;

	buf_init(&out, ANSWER_MAX);
	status = ctl_request(c, "GET", "/v1/keys", NULL, 0, &out, e);
	if (status >= 0)
		j = json_parse(out.data ? out.data : "", out.len, ANSWER_MAX,
			       e);
	if (j && status < 400) {
		rc = check_unused(j, id, e);
	} else if (j) {
		(void)ctl_refused(status, j, e);
	}
	json_free(j);
	buf_release(&out);
	return rc;
}

int key_remove(const struct conf *conf, struct ctl *c, const char *id,
	       bool json)
{
	char path[PATH_MAX];
	struct err e = { 0 };

	if (ask_unused(c, id, &e) < 0)
		return exit_say(exit_of_err(&e, EX_NOPERM), e.msg);
	if (conf_key_path(conf, path, sizeof(path), &e) < 0 ||
	    keyfile_remove(path, id, &e) < 0)
		return here_fail(conf, EX_CANTCREAT, e.msg);
	tell("is no longer in", id, path, json);
	remark(c, conf, "key remove", id);
	return EX_OK;
}
