/* SPDX-License-Identifier: ISC */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"
#include "ctl/args.h"
#include "ctl/ctl.h"
#include "ctl/exit.h"
#include "ctl/here.h"
#include "ctl/init.h"
#include "net/local.h"

#define ANSWER_MAX ((size_t)1024 * 1024)

static void tell_tokens(void)
{
	fputs("Make the app with this manifest and fetch its tokens "
	      "(docs/getting-started.md, 4 and 5); then once more, with "
	      "--app-token-file and --bot-token-file.\n",
	      stderr);
}

/* changed: the settings were, just now. */
static int init_with(const struct ctl_args *a, const struct conf *conf,
		     bool changed)
{
	struct ctl c = { .socket = conf->admin_socket };
	struct init_tokens tokens;
	struct err e = { 0 };
	struct buf out;
	bool runs;
	int rc = -1;

	if (init_tokens_read(a, &tokens, &e) < 0) {
		init_tokens_free(&tokens);
		return exit_say(exit_of_err(&e, EX_NOPERM), e.msg);
	}
	buf_init(&out, ANSWER_MAX);
	runs = local_call(c.socket, "GET", "/health", NULL, 0, &out, &e) > 0;
	buf_release(&out);
	memset(&e, 0, sizeof(e));
	if (runs && changed) {
		init_tokens_free(&tokens);
		return exit_say(EX_UNAVAILABLE,
				"the daemon runs with the settings of before: "
				"systemctl restart konstructd, then once more");
	}
	if (!runs && here_become_daemon(conf, &e) == 0)
		c.offline = offline_open(conf, &e);
	if (runs || c.offline)
		rc = init_tenant(&c, a, &tokens, &e);
	init_tokens_free(&tokens);
	offline_close(c.offline);
	if (rc < 0) {
		(void)exit_say(0, e.msg);
		fputs("'konstructctl doctor' finds out why something doesn't "
		      "work.\n",
		      stderr);
		return exit_of_err(&e, EX_NOPERM);
	}
	if (rc > 0)
		tell_tokens();
	else if (!a->json)
		printf("%sNow mention @%s in #general.\n",
		       runs ? "" : "Next: systemctl enable --now konstructd\n",
		       a->name ? a->name : "Mara");
	return EX_OK;
}

int init_run(const struct ctl_args *a, const char *path)
{
	struct conf conf;
	struct err e = { 0 };
	int same, rc;

	log_set_level(LOG_LEVEL_WARN);
	same = init_conf(a, path, &e);
	if (same < 0 || conf_load(&conf, path, &e) < 0)
		return exit_say(exit_of_err(&e, EX_CANTCREAT), e.msg);
	if (!a->app_token_file && here_manifest(a) < 0) {
		conf_release(&conf);
		return exit_say(EX_DATAERR, "Slack takes no such name");
	}
	fflush(stdout);
	rc = EX_OK;
	if (a->app_token_file || isatty(STDIN_FILENO))
		rc = init_with(a, &conf, !same);
	else
		tell_tokens();
	conf_release(&conf);
	return rc;
}
