/* SPDX-License-Identifier: ISC */
#include "reload.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "admin/admin.h"
#include "admin/check.h"
#include "admin/role.h"
#include "admin/trail.h"
#include "base/buf.h"
#include "base/conf.h"
#include "base/conf_diff.h"
#include "base/container.h"
#include "base/err.h"
#include "base/json.h"
#include "base/live.h"
#include "base/log.h"
#include "link/hub.h"
#include "llm/llm.h"
#include "net/loop.h"
#include "net/tls.h"
#include "net/way.h"
#include "route/janitor.h"
#include "slack/api.h"
#include "state/engaged.h"
#include "store/cluster.h"
#include "store/journal.h"

#define ANSWER_MAX  ((size_t)1024 * 1024)
#define SETTING_MAX 160
#define AT_MAX      4200

struct reload {
	struct reload_opts o;
	struct admin *admin;
	int64_t longest_ms; /* of any settings that there were */
	struct loop_task task;
	atomic_bool posted;
	atomic_long uid;    /* who has sent the last signal */
	atomic_bool failed; /* the last time */
};

int64_t reload_longest_turn_ms(const struct conf *c)
{
	int64_t longest = 0;
	size_t i;

	for (i = 0; i < c->nmodels; i++)
		if (c->models[i].timeout_s > longest)
			longest = c->models[i].timeout_s;
	return (longest + 15 * 60) * 1000;
}

static void name_setting(const struct conf_change *c, char out[SETTING_MAX])
{
	(void)snprintf(out, SETTING_MAX, "%s%s%s%s%s", c->section,
		       c->model ? "." : "", c->model ? c->model : "",
		       c->key ? "." : "", c->key ? c->key : "");
}

/* NULL: what isn't set any more, nowhere. */
static const char *name_place(const struct conf_change *c, char out[AT_MAX])
{
	if (!c->at->file)
		return NULL;
	(void)snprintf(out, AT_MAX, "%s:%d", c->at->file, c->at->line);
	return out;
}

static void write_change(const struct conf_change *c, void *arg)
{
	struct jwrite *w = arg;
	char setting[SETTING_MAX], place[AT_MAX];

	name_setting(c, setting);
	jw_object(w, NULL);
	jw_str(w, "setting", setting);
	jw_str(w, "running", c->old);
	jw_str(w, "new", c->new);
	jw_str(w, "at", name_place(c, place));
	jw_bool(w, "live", c->live);
	jw_object_end(w);
}

static void log_refused(const struct conf_change *c, void *arg)
{
	char setting[SETTING_MAX], place[AT_MAX];

	(void)arg;
	if (c->live)
		return;
	name_setting(c, setting);
	log_warn(LOG_FIELDS({ "setting", setting }, { "running", c->old },
			    { "new", c->new }, { "at", name_place(c, place) }),
		 "a setting needs a restart");
}

static void log_change(const struct conf_change *c, void *arg)
{
	char setting[SETTING_MAX], place[AT_MAX];

	(void)arg;
	name_setting(c, setting);
	log_info(LOG_FIELDS({ "setting", setting }, { "was", c->old },
			    { "is", c->new }, { "at", name_place(c, place) }),
		 "a setting has changed");
}

static void log_changes(const struct reload *r, const struct conf *was)
{
	const struct conf *is = live_take(r->o.live, r->o.conf);

	conf_diff(was, is, log_change, NULL);
	live_drop(r->o.live, is);
}

static void write_all(const struct reload *r, const struct conf *running,
		      const struct conf *next, bool apply, struct buf *out)
{
	struct jwrite w;

	jw_init(&w, out);
	jw_object(&w, NULL);
	jw_str(&w, "file", r->o.conf->path);
	jw_bool(&w, "applied", apply);
	jw_array(&w, "changes");
	conf_diff(running, next, write_change, &w);
	jw_array_end(&w);
	jw_object_end(&w);
}

/* How long turns may take: those that began before are among them. */
static void expect(struct reload *r, const struct conf *c)
{
	int64_t ms = reload_longest_turn_ms(c);

	if (ms <= r->longest_ms)
		return;
	r->longest_ms = ms;
	if (r->o.janitor)
		janitor_expect(r->o.janitor, ms);
	if (r->o.cluster)
		cluster_expect(r->o.cluster, ms);
}

void reload_keep(struct journal *j, const struct conf *c)
{
	const struct keep all = {
		.days = { [KEEP_TRANSCRIPTS] = c->transcript_days,
			  [KEEP_USAGE] = c->usage_days,
			  [KEEP_FEEDBACK] = c->feedback_days,
			  [KEEP_AUDIT] = c->audit_days,
			  [KEEP_HISTORY] = c->history_days },
	};

	journal_set_keep(j, &all);
	journal_set_grace(j, c->uninstall_days);
}

static void guard(struct reload *r, const struct roles *roles)
{
	struct err e = { 0 };

	/* Roles are in force all the same. */
	if (admin_guard(r->admin, roles, &e) < 0)
		log_error(LOG_FIELDS({ "reason", e.msg }),
			  "who may connect to the admin socket is as it was");
}

/* None of it can fail. */
static void put_in_force(struct reload *r, struct way *way,
			 struct tls_trust *trust, const struct roles *roles,
			 struct live_conf *next)
{
	const struct conf *c = &next->conf;
	enum log_level level;

	if (log_level_parse(c->log_level, &level) == 0)
		log_set_level(level);
	log_set_json(strcmp(c->log_format, "json") == 0);
	slack_set_deadline(c->slack_timeout_s * 1000);
	engaged_set_window(r->o.engaged,
			   (int64_t)c->engaged_minutes * 60 * 1000);
	journal_set_history(r->o.journal, c->history_days);
	reload_keep(r->o.journal, c);
	hub_dials(r->o.hub, c->dials_per_second);
	expect(r, c);
	way_box_put(r->o.way, way);
	hub_trust(r->o.hub, trust);
	guard(r, roles);
	live_replace(r->o.live, next);
}

/* Takes next if it returns 0. */
static int apply_all(struct reload *r, const struct conf *running,
		     struct live_conf *next, struct err *e)
{
	struct tls_trust *trust;
	struct roles roles;
	struct way *way;

	if (role_settle(&roles, &next->conf, e) < 0 ||
	    check_ways(&next->conf, e) < 0)
		return conf_blame(&next->conf, e);
	if (conf_keep(&next->conf, running) < 0)
		return err_set(e, ERR_RETRY, "no memory for settings");
	way = way_create(&next->conf.slack_way, e);
	trust = way ? tls_trust_create(&next->conf.slack_way, e) : NULL;
	if (!trust) {
		(void)conf_blame(&next->conf, e);
		goto fail;
	}
	if (llm_reload(r->o.llm, running, &next->conf, e) < 0) {
		(void)conf_blame(&next->conf, e);
		goto fail;
	}
	put_in_force(r, way, trust, &roles, next);
	return 0;
fail:
	tls_trust_free(trust);
	way_free(way);
	return -1;
}

static int run(struct reload *r, const struct conf *running, bool apply,
	       struct buf *out, struct err *e)
{
	struct live_conf *next = calloc(1, sizeof(*next));
	int rc = 0;

	if (!next)
		return err_set(e, ERR_RETRY, "no memory for settings");
	if (conf_load(&next->conf, r->o.conf->path, e) < 0) {
		free(next);
		return -1;
	}
	write_all(r, running, &next->conf, apply, out);
	if (apply) {
		conf_diff(running, &next->conf, log_refused, NULL);
		rc = apply_all(r, running, next, e);
		if (rc == 0) {
			log_changes(r, running);
			return 0;
		}
	}
	conf_release(&next->conf);
	free(next);
	return rc;
}

/* systemd 253 wants the time, Debian 12's 252 passes over it. */
static void tell_systemd(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)sd_notifyf(0,
			 "RELOADING=1\nMONOTONIC_USEC=%" PRIu64
			 "\nSTATUS=reading the settings",
			 (uint64_t)now.tv_sec * 1000000 +
				 (uint64_t)now.tv_nsec / 1000);
}

int reload_run(void *arg, bool apply, struct buf *out, struct err *e)
{
	struct reload *r = arg;
	const struct conf *running = live_take(r->o.live, r->o.conf);
	int rc;

	if (apply)
		tell_systemd();
	rc = run(r, running, apply, out, e);
	live_drop(r->o.live, running);
	/* What the settings name and isn't there is a mistake in them. */
	if (rc < 0 && e->kind == ERR_FATAL)
		e->kind = ERR_INPUT;
	if (!apply)
		return rc;
	atomic_store(&r->failed, rc < 0);
	(void)sd_notify(0, "READY=1");
	if (rc < 0)
		log_error(LOG_FIELDS({ "reason", e->msg }),
			  "the settings stay as they were");
	else
		log_info(NULL, "the settings were read again");
	return rc;
}

bool reload_ok(void *arg)
{
	struct reload *r = arg;

	return !atomic_load(&r->failed);
}

static void on_signal(struct loop_task *t)
{
	struct reload *r = container_of(t, struct reload, task);
	struct err e = { 0 };
	char by[TRAIL_BY];
	struct buf out;

	atomic_store(&r->posted, false);
	trail_by(by, atomic_load(&r->uid), false);
	buf_init(&out, ANSWER_MAX);
	if (reload_run(r, true, &out, &e) == 0)
		trail_add(r->o.journal, by, "reload by SIGHUP");
	buf_release(&out);
}

void reload_signal(struct reload *r, long uid)
{
	atomic_store(&r->uid, uid);
	if (!atomic_exchange(&r->posted, true))
		loop_post(r->o.loop, &r->task);
}

struct reload *reload_create(const struct reload_opts *o, struct err *e)
{
	struct reload *r = calloc(1, sizeof(*r));

	if (!r) {
		err_set(e, ERR_RETRY, "no memory");
		return NULL;
	}
	r->o = *o;
	r->longest_ms = reload_longest_turn_ms(o->conf);
	r->task.run = on_signal;
	return r;
}

void reload_admin(struct reload *r, struct admin *a)
{
	r->admin = a;
}

void reload_free(struct reload *r)
{
	free(r);
}
