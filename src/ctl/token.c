/* SPDX-License-Identifier: ISC */
#include "ctl/token.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/secret.h"

/* docs.slack.dev/authentication/tokens */
static const struct {
	const char *key; /* NULL: none of ours */
	const char *prefix;
	const char *name;
} kinds[] = {
	{ "app_token", "xapp-", "an app-level token (xapp-...)" },
	{ "bot_token", "xoxb-", "a bot token (xoxb-...)" },
	{ "bot_token", "xoxe.xoxb-",
	  "a bot token that expires (xoxe.xoxb-...)" },
	{ "refresh_token", "xoxe-", "a refresh token (xoxe-...)" },
	{ NULL, "xoxp-", "a user's token (xoxp-...)" },
	{ NULL, "xoxe.xoxp-", "a user's token (xoxe.xoxp-...)" },
	{ NULL, "sk-", "a model's key (sk-...)" },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* KINDS: none. */
static size_t kind_of(const char *s)
{
	size_t i;

	for (i = 0; i < KINDS; i++)
		if (strncmp(s, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
			break;
	return i;
}

static const char *wanted(const char *key)
{
	size_t i;

	for (i = 0; i < KINDS; i++)
		if (kinds[i].key && strcmp(kinds[i].key, key) == 0)
			return kinds[i].name;
	return NULL;
}

/* What stands around it in files that were made for something else. */
static int check_around(const char *path, const char *s, struct err *e)
{
	const char *name = strchr(s, '=');

	if (*s == '"' || *s == '\'')
		return err_set(e, ERR_INPUT,
			       "'%s' has quotes around the token: the file has "
			       "to hold the token alone",
			       path);
	if (name && kind_of(name + 1 + strspn(name + 1, "\"'")) < KINDS)
		return err_set(e, ERR_INPUT,
			       "'%s' has a name and '=' before the token: the "
			       "file has to hold the token alone",
			       path);
	return 0;
}

static int check(const char *key, const char *path, const char *s,
		 struct err *e)
{
	const char *want = wanted(key);
	size_t i = kind_of(s);

	if (!want ||
	    (i < KINDS && kinds[i].key && strcmp(kinds[i].key, key) == 0))
		return 0;
	if (check_around(path, s, e) < 0)
		return -1;
	if (i < KINDS)
		return err_set(e, ERR_INPUT,
			       "'%s' holds %s where %s is wanted%s", path,
			       kinds[i].name, want,
			       kinds[i].key ? ": are they swapped?" : "");
	return err_set(e, ERR_INPUT, "'%s' holds no token: %s is wanted", path,
		       want);
}

char *token_read(const char *key, const char *path, struct err *e)
{
	bool there = strcmp(path, "-") == 0 || access(path, R_OK) == 0;
	char *s;

	if (!there && kind_of(path) < KINDS) {
		err_set(e, ERR_FATAL,
			"that is the secret itself, and stands in the shell's "
			"history now: give the name of a file that holds it");
		return NULL;
	}
	if (!there && !secret_is_credential(path)) {
		err_set(e, ERR_FATAL, "cannot open '%s': %s", path,
			strerror(errno));
		return NULL;
	}
	s = secret_read(path, e);
	if (s && check(key, path, s, e) < 0) {
		secret_free(s);
		s = NULL;
	}
	return s;
}
