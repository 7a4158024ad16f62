/* SPDX-License-Identifier: ISC */
#include "daemon.h"

#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "admin/admin.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/keyring.h"
#include "base/killpoint.h"
#include "base/live.h"
#include "base/log.h"
#include "base/log_text.h"
#include "base/secret.h"
#include "daemon_in.h"
#include "link/canaries.h"
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
#include "route/router.h"
#include "route/takeup.h"
#include "slack/api.h"
#include "state/engaged.h"
#include "state/gate.h"
#include "state/quarantine.h"
#include "store/journal.h"
#include "store/store.h"
#include "turn/worker.h"

#define SWEEP_MS 1000

/* How long a start waits for Slack to renew tokens that have expired. */
#define RENEW_MS 10000

/* How long it may take to say in Slack that an answer will come later. */
#define PARK_MS 2000

/* How long a verdict may take to be written down at the end. */
#define ROUTER_GRACE_MS 2000

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

static int create_state(struct daemon *d, struct err *e)
{
	const struct gate_ops *gate = gate_find(d->conf->state_url, e);
	struct gate_opts o = {
		.url = d->conf->state_url,
		.user = d->conf->state_user,
		.password_file = d->conf->state_password_file,
		.refill = daemon_fill_gate,
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

static int create_router(struct daemon *d, struct err *e)
{
	const struct router_opts o = {
		.conf = d->conf,
		.live = d->live,
		.keyring = d->keyring,
		.gate = d->gate,
		.journal = d->journal,
		.leases = d->several.leases,
		.ledger = d->ledger,
		.people = d->people,
		.dispatch = dispatch,
		.look_up = look_up,
		.arg = d,
	};

	d->router = router_create(&o, e);
	return d->router ? 0 : -1;
}

static int create_workers(struct daemon *d, struct err *e)
{
	const struct worker_opts o = {
		.conf = d->conf,
		.live = d->live,
		.way = d->way,
		.llm = d->llm,
		.journal = d->journal,
		.router = d->router,
		.engaged = d->engaged,
		.quarantine = d->quarantine,
		.leases = d->several.leases,
		.ledger = d->ledger,
		.people = d->people,
	};

	d->workers = workers_create(&o, e);
	return d->workers ? 0 : -1;
}

static int create_hub(struct daemon *d, struct err *e)
{
	const struct hub_opts o = {
		.conf = d->conf,
		.way = d->way,
		.io = d->io,
		.dial = d->dial,
		.engaged = d->engaged,
		.quarantine = d->quarantine,
		.journal = d->journal,
		.router = d->router,
		.places = d->several.places,
	};

	d->hub = hub_create(&o, e);
	return d->hub ? 0 : -1;
}

static int create_threads(struct daemon *d, struct err *e)
{
	d->ledger = ledger_create(d->journal, e);
	if (!d->ledger)
		return -1;
	d->people = people_create();
	if (!d->people)
		return err_set(e, ERR_RETRY, "no memory");
	if (create_router(d, e) < 0 || create_workers(d, e) < 0 ||
	    create_janitor(d, e) < 0 || create_hub(d, e) < 0)
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

static int create_canaries(struct daemon *d, struct err *e)
{
	const struct canaries_opts o = {
		.conf = d->conf,
		.way = d->way,
		.keyring = d->keyring,
		.journal = d->journal,
		.hub = d->hub,
		.leases = d->several.leases,
	};

	d->canaries = canaries_create(&o, e);
	return d->canaries ? 0 : -1;
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
		.canaries = d->canaries,
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

static int create_way(struct daemon *d, struct err *e)
{
	struct way *w = way_create(&d->conf->slack_way, e);

	d->way = w ? way_box_create(w, e) : NULL;
	if (!d->way)
		way_free(w);
	return d->way ? 0 : -1;
}

int daemon_create(struct daemon *d, struct err *e)
{
	slack_set_deadline(d->conf->slack_timeout_s * 1000);
	if (gate_suits(d->conf->state_url, d->conf->store_url, e) < 0)
		return -1;
	if (daemon_open_home(d, e) < 0 || daemon_create_journal(d, e) < 0)
		return -1;
	secret_set_source(daemon_secret, d);
	journal_set_history(d->journal, d->conf->history_days);
	reload_keep(d->journal, d->conf);
	d->llm = llm_create(d->conf, e);
	if (!d->llm || create_way(d, e) < 0)
		return -1;
	if (create_state(d, e) < 0 || daemon_read_store(d, e) < 0 ||
	    create_loops(d, e) < 0 || create_threads(d, e) < 0 ||
	    create_catchup(d, e) < 0 || create_renewer(d, e) < 0 ||
	    create_canaries(d, e) < 0 || create_reload(d, e) < 0)
		return -1;
	return create_admin(d, e);
}

static int put_app(const struct app *a, void *arg)
{
	hub_app_put(arg, a->app_id, a->token);
	return 0;
}

static int start_apps(struct daemon *d, struct store *s, struct err *e)
{
	if (d->several.cluster)
		return several_start(&d->several, s, e);
	return s->ops->apps(s, put_app, d->hub, e);
}

/* Unfinished entries first, so that a follow-up finds its thread at work; with
 * others they come by and by, each partition's before what is new there. */
int daemon_start(struct daemon *d, struct err *e)
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
	s = daemon_open_store(d, e);
	if (s) {
		rc = start_apps(d, s, e);
		s->ops->close(s);
	}
	if (rc < 0 || canaries_start(d->canaries, e) < 0)
		return -1;
	/* Whoever asks finds all apps. */
	return loop_start(d->admin_loop, e);
}

static void release_conf(struct daemon *d)
{
	live_drop(d->live, d->conf);
	live_free(d->live);
}

/* In an order in which nobody is called who has gone. */
void daemon_destroy(struct daemon *d)
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
	canaries_stop(d->canaries);
	journal_part(d->journal); /* a worker ends after its notes */
	workers_free(d->workers); /* they read through the router */
	ledger_close(d->ledger);
	journal_free(d->journal);
	catchup_free(d->catchup);
	renew_free(d->renewer);
	canaries_free(d->canaries);
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
void daemon_drain(struct daemon *d)
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

void daemon_serve(struct daemon *d, const sigset_t *signals)
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
		log_text_tick(clock_wall_ms());
		now = clock_expiry_ms();
		d->gate->ops->sweep(d->gate, now);
		engaged_sweep(d->engaged, now);
		catchup_tick(d->catchup, d->hub, d->canaries);
		if (d->janitor)
			janitor_tick(d->janitor, clock_ms());
		feed_watchdog(d);
	}
}
