/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "config.h"
#include "sim/client.h"
#include "sim/control.h"
#include "sim/core.h"

#define DEFAULT_URL  "http://127.0.0.1:8010"
#define DEFAULT_PORT 8010
#define WORLD_MAX    ((size_t)64 << 20)

static const char usage_text[] =
	"usage: konstruct-sim [options]\n"
	"       konstruct-sim apply-file [--world FILE | --many N]\n"
	"       konstruct-sim chat [--url URL] [--ca FILE] --channel NAME "
	"--user NAME\n"
	"       konstruct-sim ctl [--url URL] [--ca FILE] CALL [JSON]\n"
	"\n"
	"  --listen ADDR:PORT  default 127.0.0.1:8010\n"
	"  --tls               with a certificate of an own CA\n"
	"  --host NAME,...     what it is called elsewhere, as slack.com\n"
	"  --ca-out FILE       where that CA's certificate goes\n"
	"  --world FILE        apps, people and channels; default: the demo's\n"
	"  --many N            N tenants for load instead\n"
	"  --enforce-limits    answer 429 as Slack's tiers say\n"
	"  --set NAME=VALUE    see SETTINGS in konstruct-sim(1)\n"
	"  --seed N            repeat the same choices\n"
	"  --help, --version\n";

struct options {
	struct sim_opts sim;
	char addr[64];
	const char *world;
	int many;
	struct sim_settings set;
	struct vec sets; /* of --set arguments */
	bool limits;
};

enum {
	OPT_LISTEN = 256,
	OPT_TLS,
	OPT_CA_OUT,
	OPT_HOST,
	OPT_WORLD,
	OPT_MANY,
	OPT_LIMITS,
	OPT_SET,
	OPT_SEED,
	OPT_HELP,
	OPT_VERSION
};

static const struct option long_options[] = {
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "tls", no_argument, NULL, OPT_TLS },
	{ "ca-out", required_argument, NULL, OPT_CA_OUT },
	{ "host", required_argument, NULL, OPT_HOST },
	{ "world", required_argument, NULL, OPT_WORLD },
	{ "many", required_argument, NULL, OPT_MANY },
	{ "enforce-limits", no_argument, NULL, OPT_LIMITS },
	{ "set", required_argument, NULL, OPT_SET },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static int parse_listen(struct options *o, const char *arg)
{
	const char *colon = strrchr(arg, ':');
	char *end;
	long port;

	if (!colon || (size_t)(colon - arg) >= sizeof(o->addr))
		return -1;
	snprintf(o->addr, sizeof(o->addr), "%.*s", (int)(colon - arg), arg);
	port = strtol(colon + 1, &end, 10);
	if (end == colon + 1 || *end || port < 0 || port > 65535)
		return -1;
	o->sim.addr = o->addr;
	o->sim.port = (int)port;
	return 0;
}

static _Noreturn void bad(const char *what)
{
	fprintf(stderr, "konstruct-sim: %s\n", what);
	exit(EX_USAGE);
}

static void take_option(struct options *o, int opt)
{
	switch (opt) {
	case OPT_LISTEN:
		if (parse_listen(o, optarg) < 0)
			bad("--listen takes ADDR:PORT");
		break;
	case OPT_TLS:
		o->sim.tls = true;
		break;
	case OPT_CA_OUT:
		o->sim.ca_out = optarg;
		break;
	case OPT_HOST:
		o->sim.hosts = optarg;
		break;
	case OPT_WORLD:
		o->world = optarg;
		break;
	case OPT_MANY:
		o->many = atoi(optarg);
		break;
	case OPT_LIMITS:
		o->limits = true;
		break;
	case OPT_SET:
		vec_push(&o->sets, optarg);
		break;
	case OPT_SEED:
		o->sim.seed = strtoull(optarg, NULL, 0);
		break;
	case OPT_HELP:
		fputs(usage_text, stdout);
		exit(EX_OK);
	case OPT_VERSION:
		puts("konstruct-sim " PACKAGE_VERSION);
		exit(EX_OK);
	default:
		fputs(usage_text, stderr);
		exit(EX_USAGE);
	}
}

static void parse_options(struct options *o, int argc, char **argv)
{
	int opt;

	memset(o, 0, sizeof(*o));
	o->sim.port = DEFAULT_PORT;
	for (;;) {
		opt = getopt_long(argc, argv, "", long_options, NULL);
		if (opt < 0)
			break;
		take_option(o, opt);
	}
	if (o->sim.hosts && !o->sim.tls)
		bad("--host is for --tls");
	if (optind < argc)
		bad("what is this argument for? See --help");
}

static int read_all(const char *path, struct buf *out, struct err *e)
{
	char part[65536];
	FILE *f = fopen(path, "r");
	size_t n;

	if (!f)
		return err_set(e, ERR_INPUT, "cannot open '%s': %s", path,
			       strerror(errno));
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(out, part, n);
	fclose(f);
	if (out->failed || !out->data)
		return err_set(e, ERR_INPUT, "'%s' is empty or too large",
			       path);
	return 0;
}

static int load_world(struct sim *s, const struct options *o, struct err *e)
{
	struct buf b;
	int rc;

	if (o->many > 0)
		return sim_load_many(s, 0, o->many) < 0
			       ? err_set(e, ERR_INPUT, "--many: at most 99999")
			       : 0;
	if (!o->world)
		return sim_load_demo(s, e);
	buf_init(&b, WORLD_MAX);
	rc = read_all(o->world, &b, e);
	if (rc == 0)
		rc = sim_load(s, b.data, b.len, e);
	buf_release(&b);
	return rc;
}

/* A person watches: the model takes its time unless told otherwise. */
static int apply_settings(struct sim *s, const struct options *o, struct err *e)
{
	struct sim_settings set;
	const char *eq;
	char name[64];
	size_t i;

	sim_settings(s, &set);
	set.llm_first_ms = 300;
	set.llm_token_ms = 40;
	set.limits = o->limits;
	for (i = 0; i < o->sets.n; i++) {
		eq = strchr(o->sets.v[i], '=');
		snprintf(name, sizeof(name), "%.*s",
			 eq ? (int)(eq - (char *)o->sets.v[i]) : 0,
			 (char *)o->sets.v[i]);
		if (!eq || settings_put(&set, name, eq + 1) < 0)
			return err_set(e, ERR_INPUT,
				       "--set %s: not a setting, "
				       "or not its value",
				       (char *)o->sets.v[i]);
	}
	sim_set(s, &set);
	return 0;
}

static int fail(const struct err *e)
{
	fprintf(stderr, "konstruct-sim: %s\n", e->msg);
	return e->kind == ERR_INPUT ? EX_DATAERR : EX_UNAVAILABLE;
}

static int apply_file(int argc, char **argv)
{
	struct err e = { 0 };
	struct options o;
	struct sim *s;
	struct buf b;
	int rc = EX_OK;

	parse_options(&o, argc, argv);
	s = sim_create(&o.sim, &e);
	if (!s)
		return fail(&e);
	buf_init(&b, WORLD_MAX);
	if (load_world(s, &o, &e) < 0 || sim_apply_json(s, &b) < 0)
		rc = fail(&e);
	else
		puts(b.data);
	buf_release(&b);
	sim_stop(s);
	return rc;
}

static void announce(const struct sim *s)
{
	printf("api_url = %s\nllm_url = %s\nctl_url = %s\n", sim_api_url(s),
	       sim_llm_url(s), sim_ctl_url(s));
	if (*sim_ca_file(s))
		printf("ca_file = %s\n", sim_ca_file(s));
	fflush(stdout);
}

static int serve_main(int argc, char **argv)
{
	struct err e = { 0 };
	struct options o;
	sigset_t stop;
	struct sim *s;
	int sig;
	int rc = EX_OK;

	parse_options(&o, argc, argv);
	/* Before the thread starts, so that it inherits the mask. */
	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	s = sim_start(&o.sim, &e);
	if (!s)
		return fail(&e);
	if (load_world(s, &o, &e) < 0 || apply_settings(s, &o, &e) < 0) {
		rc = fail(&e);
	} else {
		announce(s);
		sigwait(&stop, &sig);
	}
	sim_stop(s);
	vec_free(&o.sets, NULL);
	return rc;
}

/* Prints the answer of one call of the control API. */
int ctl_main(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "url", required_argument, NULL, 'u' },
		{ "ca", required_argument, NULL, 'c' },
		{ NULL, 0, NULL, 0 },
	};
	const char *url = DEFAULT_URL;
	const char *ca = NULL;
	struct err e = { 0 };
	struct json *j = NULL;
	struct client *c;
	struct buf b;
	int opt;

	for (;;) {
		opt = getopt_long(argc, argv, "", opts, NULL);
		if (opt < 0)
			break;
		if (opt == 'u')
			url = optarg;
		else if (opt == 'c')
			ca = optarg;
		else
			return EX_USAGE;
	}
	if (optind >= argc)
		bad("which call? See konstruct-sim(1)");
	c = client_create(url, ca, &e);
	if (c)
		j = client_call(c, argv[optind],
				optind + 1 < argc ? argv[optind + 1] : NULL,
				&e);
	client_free(c);
	if (!j)
		return fail(&e);
	buf_init(&b, WORLD_MAX);
	if (json_copy(j, &b) == 0)
		puts(b.data);
	buf_release(&b);
	json_free(j);
	return EX_OK;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} commands[] = {
		{ "chat", chat_main },
		{ "ctl", ctl_main },
		{ "apply-file", apply_file },
	};
	size_t i;

	for (i = 0; argc > 1 && i < 3; i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	return serve_main(argc, argv);
}
