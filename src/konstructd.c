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
#include "base/conf_diff.h"
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
		(void)conf_place(d->conf, &e);
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

/* What the command line says. */
struct told {
	const char *path;
	const char *pid_file; /* NULL: none */
	bool check, show;     /* only that */
};

/* -1, or an exit code when that was all. */
static int take_words(int argc, char **argv, struct told *t)
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
	int opt;

	while ((opt = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		if (opt == 'c') {
			t->path = optarg;
		} else if (opt == OPT_CHECK || opt == OPT_SHOW) {
			t->check = opt == OPT_CHECK;
			t->show = opt == OPT_SHOW;
		} else if (opt == OPT_PID_FILE) {
			t->pid_file = optarg;
		} else if (opt == OPT_VERSION) {
			puts(PACKAGE_STRING);
			return EX_OK;
		} else {
			usage(opt == 'h' ? stdout : stderr);
			return opt == 'h' ? EX_OK : EX_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	fprintf(stderr, "konstructd: unexpected '%s'\n", argv[optind]);
	return EX_USAGE;
}

static void set_log(const struct conf *c)
{
	enum log_level level;

	if (log_level_parse(c->log_level, &level) == 0)
		log_set_level(level);
	log_set_json(strcmp(c->log_format, "json") == 0);
}

/* Tokens are in this process's memory, and what it makes is nobody else's. */
static void keep_secrets(void)
{
	static const struct rlimit no_core = { 0, 0 };

	umask(077);
	(void)setrlimit(RLIMIT_CORE, &no_core);
	/* Where a program takes dumps (core_pattern) that limit says nothing.
	 */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static int cannot_start(const struct err *e, int code)
{
	log_error(NULL, "cannot start: %s", e->msg);
	return code;
}

int main(int argc, char **argv)
{
	struct told told = { .path = DEFAULT_CONFIG };
	struct daemon d = { 0 };
	struct err e = { 0 };
	int pid_fd = -1;
	int rc = take_words(argc, argv, &told);

	if (rc >= 0)
		return rc;
	if (told.check || told.show)
		return look_at_conf(told.path, told.show);
	if (load_conf(&d, told.path, &e) < 0)
		return cannot_start(&e, e.kind == ERR_RETRY ? EX_UNAVAILABLE
							    : EX_CONFIG);
	set_log(d.conf);
	if (told.pid_file) {
		pid_fd = pidfile_open(told.pid_file, &e);
		if (pid_fd < 0) {
			rc = cannot_start(&e, EX_UNAVAILABLE);
			daemon_destroy(&d);
			return rc;
		}
	}
	keep_secrets();
	rc = run(&d);
	daemon_destroy(&d);
	log_catch_up(true);
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	pidfile_remove(pid_fd, told.pid_file);
	return rc;
}
