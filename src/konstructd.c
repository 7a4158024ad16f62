/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>

#include "admin/admin.h"
#include "admin/check.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/keyring.h"
#include "base/killpoint.h"
#include "base/live.h"
#include "base/log.h"
#include "base/pidfile.h"
#include "base/secret.h"
#include "base/suspect.h"
#include "config.h"
#include "link/catchup.h"
#include "link/hub.h"
#include "link/renew.h"
#include "llm/llm.h"
#include "net/loop.h"
#include "net/way.h"
#include "reload.h"
#include "route/janitor.h"
#include "route/ledger.h"
#include "route/people.h"
#include "route/refill.h"
#include "route/router.h"
#include "route/takeup.h"
#include "several.h"
#include "slack/api.h"
#include "state/engaged.h"
#include "state/gate.h"
#include "state/quarantine.h"
#include "store/journal.h"
#include "store/keys.h"
#include "store/store.h"
#include "turn/worker.h"

#define DEFAULT_CONFIG KONSTRUCT_SYSCONFDIR "/konstruct/konstructd.conf"

/* Most entries unfinished at once; above it Slack is left to try again. */
#define JOURNAL_ROOM 20000

#define SWEEP_MS 1000

/* How long a start waits for Slack to renew tokens that have expired. */
#define RENEW_MS 10000

/* How long it may take to say in Slack that an answer will come later. */
#define PARK_MS 2000

/* How long a verdict may take to be written down at the end. */
#define ROUTER_GRACE_MS 2000

/* All parts, in the order in which they are made. */
struct daemon {
	struct live *live;
	const struct conf *conf;  /* held until the end: what isn't live */
	struct way_box *way;      /* to Slack */
	struct suspects suspects; /* that an earlier process has left */
	struct keyring *keyring;
	struct several several;
	struct journal *journal;
	struct engaged *engaged;
	struct quarantine *quarantine;
	struct gate *gate;
	struct llm *llm;
	struct loop *io;
	struct loop *dial;
	struct loop *admin_loop;
	struct ledger *ledger;
	struct people *people;
	struct router *router;
	struct workers *workers;
	struct janitor *janitor;
	struct hub *hub;
	struct catchup *catchup;
	struct renewer *renewer;
	struct reload *reload;
	struct admin *admin;
	atomic_bool stopping;
};

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

static int make_dir(const char *path, struct err *e)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_set(e, ERR_FATAL, "cannot make directory '%s': %s",
			       path, strerror(errno));
	return 0;
}

static int open_keyring(struct daemon *d, struct err *e)
{
	char path[4096];

	if (conf_key_path(d->conf, path, sizeof(path), e) < 0)
		return -1;
	d->keyring = keyring_open(path, true, e);
	return d->keyring ? 0 : -1;
}

static struct store *open_store(struct daemon *d, struct err *e)
{
	const struct store_ops *ops = store_find(d->conf->store_url, e);

	return ops ? ops->open(d->conf->store_url, d->keyring, false, e) : NULL;
}

/* For who reads a setting that names it. */
static char *stored_secret(const char *name, void *arg, struct err *e)
{
	struct store *s = open_store(arg, e);
	char *secret = s ? s->ops->keys->get(s, name, e) : NULL;

	if (s)
		s->ops->close(s);
	return secret;
}

/* Before anything is sealed: a key that is missing isn't made anew while the
 * store has something under it. */
static int settle_keyring(struct daemon *d, struct err *e)
{
	struct store *s = open_store(d, e);
	int rc;

	if (!s)
		return -1;
	rc = keys_settle(s, d->keyring, d->conf->key_file[0] == '\0', e);
	s->ops->close(s);
	return rc;
}

/* Without the file it works, but for knowing what crashes it. */
static void open_suspects(struct daemon *d)
{
	struct err e = { 0 };
	char path[4096];
	int n;

	n = snprintf(path, sizeof(path), "%s/suspects", d->conf->state_dir);
	if (n < 0 || (size_t)n >= sizeof(path))
		return;
	if (suspects_open(path, &d->suspects, &e) < 0)
		log_warn(NULL, "crashes will not be counted: %s", e.msg);
}

static int restore_engaged(const char *key, int64_t at_ms, void *arg)
{
	engaged_restore(arg, key, at_ms);
	return 0;
}

/* What the screen goes by, before the first envelope comes. */
static int restore_threads(struct daemon *d, struct store *s, struct err *e)
{
	int64_t window = engaged_window_ms(d->engaged);

	return s->ops->engaged(s, clock_wall_ms() - window - ENGAGED_KEEP_MS,
			       restore_engaged, d->engaged, e);
}

static int put_app(const struct app *a, void *arg)
{
	hub_app_put(arg, a->app_id, a->token);
	return 0;
}

static int count_app(const struct app *a, void *arg)
{
	(void)a;
	++*(size_t *)arg;
	return 0;
}

/* Called on the journal thread. */
static void look_up(const struct connection *c, const char *user, void *arg)
{
	struct daemon *d = arg;

	workers_look_up(d->workers, c, user);
}

static void dispatch(struct job *j, void *arg)
{
	struct daemon *d = arg;

	workers_submit(d->workers, j);
}

/* With Redis on a thread of the gate's, while everything runs. */
static int fill_gate(struct gate *t, void *arg, struct err *e)
{
	struct daemon *d = arg;
	struct store *rows = open_store(d, e);
	struct store *names = rows ? open_store(d, e) : NULL;
	int rc = -1;

	if (names)
		rc = refill_gate(t, rows, names, engaged_window_ms(d->engaged),
				 e);
	if (names)
		names->ops->close(names);
	if (rows)
		rows->ops->close(rows);
	return rc;
}

static int create_state(struct daemon *d, struct err *e)
{
	const struct gate_ops *gate = gate_find(d->conf->state_url, e);
	struct gate_opts o = {
		.url = d->conf->state_url,
		.user = d->conf->state_user,
		.password_file = d->conf->state_password_file,
		.refill = fill_gate,
		.arg = d,
	};

	if (!gate)
		return -1;
	d->engaged =
		engaged_create((int64_t)d->conf->engaged_minutes * 60 * 1000);
	d->quarantine = quarantine_create();
	if (!d->engaged || !d->quarantine)
		return err_set(e, ERR_RETRY, "cannot allocate threads");
	o.engaged = d->engaged;
	d->gate = gate->open(&o, e);
	return d->gate ? gate->start(d->gate, e) : -1;
}

static int create_loops(struct daemon *d, struct err *e)
{
	d->io = loop_create("io", e);
	d->dial = d->io ? loop_create("dial", e) : NULL;
	d->admin_loop = d->dial ? loop_create("admin", e) : NULL;
	return d->admin_loop ? 0 : -1;
}

/* Several nodes have a way of their own. */
static int create_janitor(struct daemon *d, struct err *e)
{
	d->several.idle_ms = reload_longest_turn_ms(d->conf);
	if (d->several.cluster)
		return 0;
	d->janitor = janitor_create(d->journal, d->router,
				    reload_longest_turn_ms(d->conf), e);
	return d->janitor ? 0 : -1;
}

static int create_threads(struct daemon *d, struct err *e)
{
	struct router_opts ro = {
		.conf = d->conf,
		.live = d->live,
		.keyring = d->keyring,
		.gate = d->gate,
		.journal = d->journal,
		.leases = d->several.leases,
		.dispatch = dispatch,
		.look_up = look_up,
		.arg = d,
	};
	struct worker_opts wo = {
		.conf = d->conf,
		.live = d->live,
		.way = d->way,
		.llm = d->llm,
		.journal = d->journal,
		.engaged = d->engaged,
		.quarantine = d->quarantine,
		.leases = d->several.leases,
	};
	struct hub_opts ho = {
		.conf = d->conf,
		.way = d->way,
		.io = d->io,
		.dial = d->dial,
		.engaged = d->engaged,
		.quarantine = d->quarantine,
		.journal = d->journal,
		.places = d->several.places,
	};

	d->ledger = ledger_create(d->journal, e);
	if (!d->ledger)
		return -1;
	ro.ledger = wo.ledger = d->ledger;
	d->people = people_create();
	if (!d->people)
		return err_set(e, ERR_RETRY, "no memory");
	ro.people = wo.people = d->people;
	d->router = router_create(&ro, e);
	if (!d->router)
		return -1;
	wo.router = d->router;
	d->workers = workers_create(&wo, e);
	if (!d->workers)
		return -1;
	if (create_janitor(d, e) < 0)
		return -1;
	ho.router = d->router;
	d->hub = hub_create(&ho, e);
	if (!d->hub)
		return -1;
	d->several.engaged = d->engaged;
	d->several.router = d->router;
	d->several.workers = d->workers;
	d->several.hub = d->hub;
	d->several.quarantine = d->quarantine;
	return 0;
}

static int create_catchup(struct daemon *d, struct err *e)
{
	struct catchup_opts o = {
		.conf = d->conf,
		.live = d->live,
		.way = d->way,
		.keyring = d->keyring,
		.engaged = d->engaged,
		.journal = d->journal,
		.router = d->router,
	};

	d->catchup = catchup_create(&o, e);
	return d->catchup ? 0 : -1;
}

static int create_renewer(struct daemon *d, struct err *e)
{
	const struct renewer_opts o = {
		.conf = d->conf,
		.way = d->way,
		.keyring = d->keyring,
		.journal = d->journal,
		.quarantine = d->quarantine,
		.leases = d->several.leases,
	};

	d->renewer = renew_create(&o, e);
	return d->renewer ? 0 : -1;
}

static int create_reload(struct daemon *d, struct err *e)
{
	const struct reload_opts o = {
		.loop = d->admin_loop,
		.live = d->live,
		.conf = d->conf,
		.way = d->way,
		.llm = d->llm,
		.engaged = d->engaged,
		.journal = d->journal,
		.hub = d->hub,
		.janitor = d->janitor,
		.cluster = d->several.cluster,
	};

	d->reload = reload_create(&o, e);
	return d->reload ? 0 : -1;
}

static int create_admin(struct daemon *d, struct err *e)
{
	struct admin_opts o = {
		.conf = d->conf,
		.live = d->live,
		.way = d->way,
		.keyring = d->keyring,
		.loop = d->admin_loop,
		.io = d->io,
		.dial = d->dial,
		.gate = d->gate,
		.journal = d->journal,
		.llm = d->llm,
		.quarantine = d->quarantine,
		.ledger = d->ledger,
		.router = d->router,
		.workers = d->workers,
		.hub = d->hub,
		.renewer = d->renewer,
		.cluster = d->several.cluster,
		.places = d->several.places,
		.stopping = &d->stopping,
		.settings = reload_run,
		.settings_ok = reload_ok,
		.arg = d->reload,
	};

	d->admin = admin_create(&o, e);
	reload_admin(d->reload, d->admin);
	return d->admin ? 0 : -1;
}

/* The threads, and how many files the links will need: libwebsockets goes by
 * the limit that it finds when its context is made. */
static int read_store(struct daemon *d, struct err *e)
{
	struct store *s = open_store(d, e);
	size_t napps = 0;
	int rc;

	if (!s)
		return -1;
	rc = restore_threads(d, s, e);
	if (rc == 0)
		rc = s->ops->apps(s, count_app, &napps, e);
	s->ops->close(s);
	if (rc == 0)
		hub_raise_files(napps);
	return rc;
}

/* On the journal's thread. */
static void route(struct entry *en, void *arg)
{
	struct daemon *d = arg;

	router_submit(d->router, en, NULL);
}

static int open_spill(struct daemon *d, struct err *e)
{
	char path[4096];
	int n;

	n = snprintf(path, sizeof(path), "%s/spill.db", d->conf->state_dir);
	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(e, ERR_INPUT, "path of the state is too long");
	return journal_spill(d->journal, path, route, d, e);
}

/* With others on the same store, or alone on it. News are heard before
 * anything is read. */
static int create_journal(struct daemon *d, struct err *e)
{
	struct several *s = &d->several;
	bool alone = !several_wanted(d->conf);

	if (!alone && several_init(s, d->conf, e) < 0)
		return -1;
	d->journal = journal_create_node(d->conf->store_url, d->keyring,
					 JOURNAL_ROOM, alone ? NULL : &s->node,
					 e);
	if (!d->journal || settle_keyring(d, e) < 0 || open_spill(d, e) < 0)
		return -1;
	if (alone)
		return 0;
	/* Before anybody takes up what the last run has left. */
	if (takeup_blame(d->journal, &d->suspects, e) < 0)
		return -1;
	return several_join(s, d->keyring, d->journal, e);
}

static int create_way(struct daemon *d, struct err *e)
{
	struct way *w = way_create(&d->conf->slack_way, e);

	d->way = w ? way_box_create(w, e) : NULL;
	if (!d->way)
		way_free(w);
	return d->way ? 0 : -1;
}

/* Everything exists, nothing runs yet but the journal and idle threads. */
static int create(struct daemon *d, struct err *e)
{
	slack_set_deadline(d->conf->slack_timeout_s * 1000);
	if (gate_suits(d->conf->state_url, d->conf->store_url, e) < 0)
		return -1;
	if (make_dir(d->conf->state_dir, e) < 0 || open_keyring(d, e) < 0)
		return -1;
	open_suspects(d);
	if (create_journal(d, e) < 0)
		return -1;
	secret_set_source(stored_secret, d);
	journal_set_history(d->journal, d->conf->history_days);
	reload_keep(d->journal, d->conf);
	d->llm = llm_create(d->conf, e);
	if (!d->llm || create_way(d, e) < 0)
		return -1;
	if (create_state(d, e) < 0 || read_store(d, e) < 0 ||
	    create_loops(d, e) < 0 || create_threads(d, e) < 0 ||
	    create_catchup(d, e) < 0 || create_renewer(d, e) < 0 ||
	    create_reload(d, e) < 0)
		return -1;
	return create_admin(d, e);
}

static int start_apps(struct daemon *d, struct store *s, struct err *e)
{
	if (d->several.cluster)
		return several_start(&d->several, s, e);
	return s->ops->apps(s, put_app, d->hub, e);
}

/* Unfinished entries first, so that a follow-up finds its thread at work; with
 * others they come by and by, each partition's before what is new there. */
static int start(struct daemon *d, struct err *e)
{
	struct store *s;
	int rc = -1;

	if (renew_start(d->renewer, e) < 0)
		return -1;
	renew_wait(d->renewer, RENEW_MS);
	if ((!d->several.cluster &&
	     takeup_run(d->journal, d->router, &d->suspects, e) < 0) ||
	    loop_start(d->io, e) < 0 || loop_start(d->dial, e) < 0)
		return -1;
	s = open_store(d, e);
	if (s) {
		rc = start_apps(d, s, e);
		s->ops->close(s);
	}
	/* Whoever asks finds all apps. */
	return rc < 0 ? -1 : loop_start(d->admin_loop, e);
}

static void release_conf(struct daemon *d)
{
	live_drop(d->live, d->conf);
	live_free(d->live);
}

/* In an order in which nobody is called who has gone. */
static void destroy(struct daemon *d)
{
	if (d->io)
		loop_stop(d->io);
	if (d->dial)
		loop_stop(d->dial);
	if (d->admin_loop)
		loop_stop(d->admin_loop);
	several_hush(&d->several);
	admin_free(d->admin);
	reload_free(d->reload);
	router_drain(d->router, ROUTER_GRACE_MS);
	janitor_free(d->janitor);
	renew_stop(d->renewer);
	journal_part(d->journal); /* a worker ends after its notes */
	workers_free(d->workers); /* they read through the router */
	ledger_close(d->ledger);
	journal_free(d->journal);
	catchup_free(d->catchup);
	renew_free(d->renewer);
	router_free(d->router);
	ledger_free(d->ledger);
	people_free(d->people);
	hub_free(d->hub);
	several_release(&d->several);
	loop_free(d->admin_loop);
	loop_free(d->dial);
	loop_free(d->io);
	if (d->gate)
		d->gate->ops->close(d->gate);
	engaged_free(d->engaged);
	quarantine_free(d->quarantine);
	llm_free(d->llm);
	keyring_free(d->keyring);
	way_box_free(d->way);
	release_conf(d);
}

/* Links stay up while turns end, so that nothing is missed meanwhile. */
static void drain(struct daemon *d)
{
	const struct conf *now = live_take(d->live, d->conf);
	int64_t grace = (int64_t)now->drain_timeout_s * 1000;

	live_drop(d->live, now);
	(void)sd_notify(0, "STOPPING=1\nSTATUS=finishing answers");
	log_info(NULL, "stopping");
	atomic_store(&d->stopping, true);
	several_leave(&d->several);
	catchup_stop(d->catchup, d->hub);
	killpoint("draining");
	workers_drain(d->workers, grace, PARK_MS);
	killpoint("drained");
	hub_close(d->hub, 2000);
}

static void feed_watchdog(struct daemon *d)
{
	struct hub_stats hs;
	char why[240];

	if (admin_alive(d->admin, why, sizeof(why)))
		(void)sd_notify(0, "WATCHDOG=1");
	if (!admin_healthy(d->admin, why, sizeof(why))) {
		(void)sd_notifyf(0, "STATUS=unhealthy: %s", why);
		return;
	}
	hub_stats(d->hub, &hs);
	(void)sd_notifyf(0, "STATUS=%zu of %zu apps connected", hs.live_apps,
			 hs.apps);
}

/* Until a signal says to stop. */
static void serve(struct daemon *d, const sigset_t *signals)
{
	static const struct timespec tick = { SWEEP_MS / 1000, 0 };
	siginfo_t from;
	int64_t now;
	int sig;

	for (;;) {
		sig = sigtimedwait(signals, &from, &tick);
		if (sig == SIGTERM || sig == SIGINT)
			return;
		if (sig == SIGHUP)
			reload_signal(d->reload, (long)from.si_uid);
		log_catch_up(false);
		now = clock_expiry_ms();
		d->gate->ops->sweep(d->gate, now);
		engaged_sweep(d->engaged, now);
		catchup_tick(d->catchup, d->hub);
		if (d->janitor)
			janitor_tick(d->janitor, clock_ms());
		feed_watchdog(d);
	}
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

	if (create(d, &e) < 0 || start(d, &e) < 0) {
		log_error(NULL, "cannot start: %s", e.msg);
		return e.kind == ERR_INPUT ? EX_CONFIG : EX_UNAVAILABLE;
	}
	log_info(LOG_FIELDS({ "version", PACKAGE_VERSION }), "ready");
	(void)sd_notify(0, "READY=1");
	serve(d, &signals);
	drain(d);
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
		fprintf(stderr, "konstructd: %s\n", e.msg);
		return EX_CONFIG;
	}
	if (log_level_parse(d.conf->log_level, &level) == 0)
		log_set_level(level);
	log_set_json(strcmp(d.conf->log_format, "json") == 0);
	if (pid_file) {
		pid_fd = pidfile_open(pid_file, &e);
		if (pid_fd < 0) {
			fprintf(stderr, "konstructd: %s\n", e.msg);
			release_conf(&d);
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
	destroy(&d);
	log_catch_up(true);
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	pidfile_remove(pid_fd, pid_file);
	return rc;
}
