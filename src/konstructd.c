/* SPDX-License-Identifier: ISC */
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>

#include "admin/check.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/live.h"
#include "base/log.h"
#include "base/pidfile.h"
#include "config.h"
#include "daemon.h"

#define DEFAULT_CONFIG KONSTRUCT_SYSCONFDIR "/konstruct/konstructd.conf"

static void usage(FILE *out)
{
	fputs("usage: konstructd [--config FILE] [--pid-file FILE]\n"
	      "       konstructd [--config FILE] --check-config |"
	      " --show-config\n"
	      "       konstructd --version | --help\n"
	      "\n"
	      "  -c, --config FILE   settings (default " DEFAULT_CONFIG ")\n"
	      "      --pid-file FILE where our process id goes, without systemd\n"
	      "      --check-config  read the settings, say what is wrong, "
	      "exit\n"
	      "      --show-config   print all settings in force, exit\n",
	      out);
}

static int run(struct daemon *d)
{
	struct err e = { 0 };
	sigset_t signals;

	/* Threads inherit the mask; only this one waits for them. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* A limit of file sizes is as a full disk. */
	signal(SIGXFSZ, SIG_IGN);

	if (daemon_create(d, &e) < 0 || daemon_start(d, &e) < 0) {
		log_error(NULL, "cannot start: %s", e.msg);
		return e.kind == ERR_INPUT ? EX_CONFIG : EX_UNAVAILABLE;
	}
	log_info(LOG_FIELDS({ "version", PACKAGE_VERSION }), "ready");
	(void)sd_notify(0, "READY=1");
	daemon_serve(d, &signals);
	daemon_drain(d);
	return EX_OK;
}

/* --check-config and --show-config. */
static int look_at_conf(const char *path, bool show)
{
	struct conf c;
	struct err e = { 0 };
	int rc = conf_load(&c, path, &e);

	if (rc == 0 && show)
		conf_show(&c, stdout);
	else if (rc == 0)
		rc = check_conf(&c, &e);
	if (rc < 0)
		fprintf(stderr, "konstructd: %s\n", e.msg);
	conf_release(&c);
	return rc < 0 ? EX_CONFIG : EX_OK;
}

static int load_conf(struct daemon *d, const char *path, struct err *e)
{
	struct live_conf *first = calloc(1, sizeof(*first));

	if (!first)
		return err_set(e, ERR_RETRY, "no memory for settings");
	if (conf_load(&first->conf, path, e) < 0) {
		free(first);
		return -1;
	}
	d->live = live_create(first);
	if (!d->live) {
		conf_release(&first->conf);
		free(first);
		return err_set(e, ERR_RETRY, "no memory for settings");
	}
	d->conf = live_take(d->live, NULL);
	return 0;
}

int main(int argc, char **argv)
{
	enum {
		OPT_CHECK = 256,
		OPT_SHOW,
		OPT_PID_FILE,
		OPT_VERSION
	};
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check-config", no_argument, NULL, OPT_CHECK },
		{ "show-config", no_argument, NULL, OPT_SHOW },
		{ "pid-file", required_argument, NULL, OPT_PID_FILE },
		{ "version", no_argument, NULL, OPT_VERSION },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	static const struct rlimit no_core = { 0, 0 };
	const char *path = DEFAULT_CONFIG;
	const char *pid_file = NULL;
	struct daemon d = { 0 };
	struct err e = { 0 };
	enum log_level level;
	int only = 0;
	int pid_fd = -1;
	int opt, rc;

	while ((opt = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			path = optarg;
			break;
		case OPT_CHECK:
		case OPT_SHOW:
			only = opt;
			break;
		case OPT_PID_FILE:
			pid_file = optarg;
			break;
		case OPT_VERSION:
			puts(PACKAGE_STRING);
			return EX_OK;
		case 'h':
			usage(stdout);
			return EX_OK;
		default:
			usage(stderr);
			return EX_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "konstructd: unexpected '%s'\n", argv[optind]);
		return EX_USAGE;
	}

	if (only != 0)
		return look_at_conf(path, only == OPT_SHOW);
	if (load_conf(&d, path, &e) < 0) {
		log_error(NULL, "cannot start: %s", e.msg);
		return e.kind == ERR_RETRY ? EX_UNAVAILABLE : EX_CONFIG;
	}
	if (log_level_parse(d.conf->log_level, &level) == 0)
		log_set_level(level);
	log_set_json(strcmp(d.conf->log_format, "json") == 0);
	if (pid_file) {
		pid_fd = pidfile_open(pid_file, &e);
		if (pid_fd < 0) {
			log_error(NULL, "cannot start: %s", e.msg);
			daemon_destroy(&d);
			return EX_UNAVAILABLE;
		}
	}
	umask(077);
	/* Tokens are in this process's memory. */
	(void)setrlimit(RLIMIT_CORE, &no_core);
	/* Where a program takes dumps (core_pattern) that limit says nothing.
	 */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);

	rc = run(&d);
	daemon_destroy(&d);
	log_catch_up(true);
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	pidfile_remove(pid_fd, pid_file);
	return rc;
}
