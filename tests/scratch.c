/* SPDX-License-Identifier: ISC */
#include "scratch.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/keyring.h"

void scratch_keyring(struct scratch *s)
{
	struct err e = { 0 };
	char key[64];

	(void)snprintf(key, sizeof(key), "%s/key", s->dir);
	s->keyring = keyring_open(key, true, &e);
	ck_assert_msg(s->keyring && keyring_keep(s->keyring, &e) == 0, "%s",
		      e.msg);
}

void scratch_make(struct scratch *s)
{
	(void)snprintf(s->dir, sizeof(s->dir), "/tmp/konstruct-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(s->dir));
	(void)snprintf(s->path, sizeof(s->path), "%s/k.db", s->dir);
	(void)snprintf(s->url, sizeof(s->url), "sqlite:%s", s->path);
	scratch_keyring(s);
}

void scratch_make_at(struct scratch *s, const char *url)
{
	scratch_make(s);
	(void)snprintf(s->url, sizeof(s->url), "%s", url);
}

void scratch_remove(struct scratch *s)
{
	const struct dirent *d;
	DIR *dir = opendir(s->dir);

	ck_assert_ptr_nonnull(dir);
	for (d = readdir(dir); d; d = readdir(dir))
		(void)unlinkat(dirfd(dir), d->d_name, 0);
	(void)closedir(dir);
	ck_assert_int_eq(rmdir(s->dir), 0);
	keyring_free(s->keyring);
}

struct store *scratch_open(const struct scratch *s, bool write)
{
	struct err e = { 0 };
	const struct store_ops *ops = store_find(s->url, &e);
	struct store *st = ops ? ops->open(s->url, s->keyring, write, &e)
			       : NULL;

	ck_assert_msg(st != NULL, "%s", e.msg);
	return st;
}

void scratch_acme(struct store *st, char tenant_id[ID_SIZE])
{
	struct tenant t = { .name = (char *)"acme",
			    .rate_per_minute = -1,
			    .burst = 5 };
	struct app app = { .app_id = (char *)"A1",
			   .token = (char *)"xapp-one" };
	struct connection c = {
		.channel_type = (char *)"slack",
		.app_id = (char *)"A1",
		.workspace_id = (char *)"T1",
		.bot_token = (char *)"xoxb-one",
		.bot_user_id = (char *)"UBOT",
		.bot_id = (char *)"BBOT",
	};
	struct agent a = {
		.name = (char *)"Mara",
		.role = (char *)"helper",
		.persona = (char *)"Is kind.",
		.active = true,
		.is_default = true,
	};
	struct err e = { 0 };

	ck_assert_msg(st->ops->tenant_put(st, &t, &e) == 0, "%s", e.msg);
	(void)snprintf(tenant_id, ID_SIZE, "%s", t.id);
	c.tenant_id = t.id;
	a.tenant_id = t.id;
	ck_assert_msg(st->ops->app_put(st, &app, &e) == 0, "%s", e.msg);
	ck_assert_msg(st->ops->connection_put(st, &c, &e) == 0, "%s", e.msg);
	ck_assert_msg(st->ops->agent_put(st, &a, &e) == 0, "%s", e.msg);
	free(t.id);
}
