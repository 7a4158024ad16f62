/* SPDX-License-Identifier: ISC */
#include "ctl/here.h"

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "admin/check.h"
#include "admin/trail.h"
#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "ctl/args.h"
#include "ctl/ctl.h"
#include "ctl/exit.h"
#include "ctl/manifest.h"
#include "net/local.h"
#include "store/store.h"

#define ANSWER_MAX ((size_t)512 * 1024)

int here_become_daemon(const struct conf *c, struct err *e)
{
	struct stat st;

	if (geteuid() != 0 || stat(c->state_dir, &st) < 0 || st.st_uid == 0)
		return 0;
	if (setgroups(0, NULL) < 0 || setgid(st.st_gid) < 0 ||
	    setuid(st.st_uid) < 0)
		return err_set(e, ERR_FATAL, "cannot become user %ld: %m",
			       (long)st.st_uid);
	return 0;
}

#define CREDENTIALS "CREDENTIALS_DIRECTORY"
#define ENVIRON_MAX 65536

void here_find_credentials(const struct conf *c)
{
	long pid = geteuid() == 0 && !getenv(CREDENTIALS)
			   ? local_pid(c->admin_socket)
			   : 0;
	char path[64], *text, *p;
	struct err e = { 0 };
	ssize_t n;

	text = pid > 0 ? calloc(1, ENVIRON_MAX) : NULL;
	if (!text)
		return;
	(void)snprintf(path, sizeof(path), "/proc/%ld/environ", pid);
	n = file_read(path, text, ENVIRON_MAX - 1, NULL, &e);
	for (p = text; n > 0 && p < text + n; p += strlen(p) + 1)
		if (strncmp(p, CREDENTIALS "=", sizeof(CREDENTIALS)) == 0)
			(void)setenv(CREDENTIALS, p + sizeof(CREDENTIALS), 1);
	free(text);
}

bool here_is_stranger(const struct conf *c, uid_t *owner)
{
	struct stat st;

	if (geteuid() == 0 || stat(c->state_dir, &st) < 0)
		return false;
	*owner = st.st_uid;
	return st.st_uid != geteuid();
}

int here_fail(const struct conf *c, int code, const char *msg)
{
	uid_t owner;

	(void)exit_say(code, msg);
	if (code == EX_UNAVAILABLE || !here_is_stranger(c, &owner))
		return code;
	fprintf(stderr,
		"Root may, and the daemon's user (uid %ld); this is uid %ld.\n",
		(long)owner, (long)geteuid());
	return EX_NOPERM;
}

int here_manifest(const struct ctl_args *a)
{
	const struct manifest_opts o = { .agent_view = a->agent_view,
					 .commands = a->commands,
					 .json = a->json };

	return manifest_print(a->name, &o, stdout);
}

int here_backup(const struct ctl_args *a, const struct conf *conf,
		struct ctl *c)
{
	struct err e = { 0 };
	struct buf out;
	struct jwrite w;

	if (store_backup(conf->store_url, a->operand, &e) < 0)
		return here_fail(conf, exit_of_err(&e, EX_IOERR), e.msg);
	remark(c, conf, "backup", a->operand);
	if (!a->json) {
		printf("%s holds the store; keep the key apart from it\n",
		       a->operand);
		return EX_OK;
	}
	buf_init(&out, ANSWER_MAX);
	jw_init(&w, &out);
	jw_object(&w, NULL);
	jw_str(&w, "backup", a->operand);
	jw_object_end(&w);
	printf("%s\n", out.data ? out.data : "{}");
	buf_release(&out);
	return EX_OK;
}

int here_check(const struct ctl_args *a, const struct conf *conf)
{
	struct err e = { 0 };
	struct buf out;
	struct jwrite w;
	size_t i;

	if (here_become_daemon(conf, &e) < 0 || check_conf(conf, &e) < 0)
		return exit_say(EX_CONFIG, e.msg);
	if (!a->json) {
		for (i = 0; i < conf->nfiles; i++)
			printf("%s\n", conf->files[i]);
		puts("no mistakes");
		return EX_OK;
	}
	buf_init(&out, ANSWER_MAX);
	jw_init(&w, &out);
	jw_object(&w, NULL);
	jw_array(&w, "files");
	for (i = 0; i < conf->nfiles; i++)
		jw_str(&w, NULL, conf->files[i]);
	jw_array_end(&w);
	jw_object_end(&w);
	printf("%s\n", out.data ? out.data : "{}");
	buf_release(&out);
	return EX_OK;
}

int here_migrate(const struct ctl_args *a)
{
	const char *url = a->database ? a->database : "postgresql://";
	const struct store_ops *ops;
	struct err e = { 0 };
	char by[TRAIL_BY];
	int from, to;

	trail_by(by, (long)geteuid(), false);
	ops = store_find(url, &e);
	if (!ops)
		return exit_say(EX_DATAERR, e.msg);
	if (!ops->migrate)
		return exit_say(EX_DATAERR, "this store needs no migrating:"
					    " the daemon does it");
	if (ops->migrate(url, by, &from, &to, &e) < 0)
		return exit_say(exit_of_err(&e, EX_NOPERM), e.msg);
	if (a->json)
		printf("{\"from\":%d,\"to\":%d}\n", from, to);
	else if (from == to)
		printf("schema is at version %d already\n", to);
	else
		printf("schema went from version %d to %d\n", from, to);
	return EX_OK;
}
