/* SPDX-License-Identifier: ISC */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"
#include "config.h"
#include "ctl/app.h"
#include "ctl/args.h"
#include "ctl/audit.h"
#include "ctl/ctl.h"
#include "ctl/doctor.h"
#include "ctl/exit.h"
#include "ctl/here.h"
#include "ctl/init.h"
#include "ctl/key.h"
#include "ctl/request.h"
#include "ctl/top.h"

static int run(const struct ctl_args *a, struct ctl *c)
{
	switch (a->command) {
	case CTL_TOP:
		return top_run(c, a->once, a->json);
	case CTL_APP_CONNECT:
		return app_connect(c, a);
	case CTL_AUDIT_VERIFY:
		return audit_verify(c, a);
	case CTL_AUDIT_EXPORT:
		return audit_export(c, a);
	default:
		return request_run(a, c);
	}
}

/*
 * The settings are needed for the socket's path only, unless offline; who may
 * use the socket need not be able to read them.
 */
static bool needs_conf(const struct ctl_args *a)
{
	if (a->offline || a->config || a->command == CTL_DOCTOR ||
	    a->command == CTL_BACKUP || a->command == CTL_CONFIG_CHECK ||
	    a->command == CTL_KEY_ADD || a->command == CTL_KEY_REMOVE)
		return true;
	return !a->socket && access(CTL_DEFAULT_CONFIG, R_OK) == 0;
}

static int run_doctor(const struct ctl_args *a, struct conf *conf)
{
	if (a->socket) {
		free(conf->admin_socket);
		conf->admin_socket = strdup(a->socket);
	}
	if (!conf->admin_socket)
		return exit_say(EX_OSERR, "no memory");
	return doctor_run(conf, a->operand, a->json);
}

/* A request of the daemon or, without it, of its store. */
static int run_request(const struct ctl_args *a, const struct conf *conf,
		       struct ctl *c)
{
	struct err e = { 0 };
	int rc;

	if (a->offline) {
		log_set_level(LOG_LEVEL_WARN);
		c->offline = offline_open(conf, &e);
		if (!c->offline)
			return here_fail(conf, exit_of_err(&e, EX_CANTCREAT),
					 e.msg);
	}
	if (a->command == CTL_KEY_REMOVE)
		rc = key_remove(conf, c, a->operand, a->json);
	else
		rc = run(a, c);
	offline_close(c->offline);
	return rc;
}

static int run_by_conf(const struct ctl_args *a, struct conf *conf)
{
	struct ctl c = { .socket = a->socket ? a->socket : conf->admin_socket };

	if (a->command == CTL_DOCTOR)
		return run_doctor(a, conf);
	if (a->command == CTL_CONFIG_CHECK)
		return here_check(a, conf);
	if (a->command == CTL_BACKUP)
		return here_backup(a, conf, &c);
	if (a->command == CTL_KEY_ADD)
		return key_add(conf, &c, a->json);
	return run_request(a, conf, &c);
}

static int run_with_conf(const struct ctl_args *a)
{
	const char *path = a->config ? a->config : CTL_DEFAULT_CONFIG;
	struct conf conf;
	struct err e = { 0 };
	int rc;

	if (conf_load(&conf, path, &e) < 0)
		return exit_say(EX_CONFIG, e.msg);
	rc = run_by_conf(a, &conf);
	conf_release(&conf);
	return rc;
}

static int run_manifest(const struct ctl_args *a)
{
	if (here_manifest(a) == 0)
		return EX_OK;
	return exit_say(EX_DATAERR, "Slack takes no such name");
}

static int run_command(const struct ctl_args *a)
{
	struct ctl c = { .socket = a->socket ? a->socket : CTL_DEFAULT_SOCKET };

	umask(077);
	signal(SIGPIPE, SIG_IGN);
	if (a->command == CTL_MIGRATE)
		return here_migrate(a);
	if (a->command == CTL_INIT)
		return init_run(a, a->config ? a->config : CTL_DEFAULT_CONFIG);
	if (a->command == CTL_MANIFEST)
		return run_manifest(a);
	if (a->command == CTL_AUDIT_VERIFY && a->operand)
		return audit_verify_file(a);
	if (a->command == CTL_KEY_NEW)
		return key_new(a->json);
	return needs_conf(a) ? run_with_conf(a) : run(a, &c);
}

int main(int argc, char **argv)
{
	struct ctl_args a;
	struct err e = { 0 };

	if (argc > 1 && strcmp(argv[1], "--complete") == 0) {
		ctl_complete(argc - 2, argv + 2, stdout);
		return EX_OK;
	}
	if (ctl_args_parse(&a, argc, argv, &e) < 0) {
		fprintf(stderr,
			"konstructctl: %s\n"
			"Try 'konstructctl --help'.\n",
			e.msg);
		return EX_USAGE;
	}
	if (a.command == CTL_HELP) {
		ctl_usage(a.operand, a.second, stdout);
		return EX_OK;
	}
	if (a.command == CTL_VERSION) {
		puts("konstructctl " PACKAGE_VERSION);
		return EX_OK;
	}
	return run_command(&a);
}
