/* SPDX-License-Identifier: ISC */
/* What the daemon has in its store and its state directory, before it runs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/keyring.h"
#include "base/log.h"
#include "base/log_text.h"
#include "daemon_in.h"
#include "link/hub.h"
#include "net/way.h"
#include "route/refill.h"
#include "route/router.h"
#include "route/takeup.h"
#include "state/engaged.h"
#include "state/gate.h"
#include "store/journal.h"
#include "store/keys.h"
#include "store/store.h"

/* Most entries unfinished at once; above it Slack is left to try again. */
#define JOURNAL_ROOM 20000

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

struct store *daemon_open_store(struct daemon *d, struct err *e)
{
	const struct store_ops *ops = store_find(d->conf->store_url, e);

	return ops ? ops->open(d->conf->store_url, d->keyring, false, e) : NULL;
}

char *daemon_secret(const char *name, void *arg, struct err *e)
{
	struct store *s = daemon_open_store(arg, e);
	char *secret = s ? s->ops->keys->get(s, name, e) : NULL;

	if (s)
		s->ops->close(s);
	return secret;
}

/* Before anything is sealed: a key that is missing isn't made anew while the
 * store has something under it. */
static int settle_keyring(struct daemon *d, struct err *e)
{
	struct store *s = daemon_open_store(d, e);
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

int daemon_open_home(struct daemon *d, struct err *e)
{
	if (make_dir(d->conf->state_dir, e) < 0 || open_keyring(d, e) < 0)
		return -1;
	open_suspects(d);
	return 0;
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

static int count_app(const struct app *a, void *arg)
{
	(void)a;
	++*(size_t *)arg;
	return 0;
}

int daemon_fill_gate(struct gate *t, void *arg, struct err *e)
{
	struct daemon *d = arg;
	struct store *rows = daemon_open_store(d, e);
	struct store *names = rows ? daemon_open_store(d, e) : NULL;
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

static bool is_proxied(struct daemon *d)
{
	const struct way *w = way_box_take(d->way);
	bool yes = way_proxy(w, true) != NULL;

	way_box_drop(d->way, w);
	return yes;
}

static int allow_text(const struct tenant *t, void *arg)
{
	(void)arg;
	log_text_set(t->id, t->name, t->text_until_ms);
	return 0;
}

int daemon_read_store(struct daemon *d, struct err *e)
{
	struct store *s = daemon_open_store(d, e);
	size_t napps = 0;
	int rc;

	if (!s)
		return -1;
	rc = restore_threads(d, s, e);
	if (rc == 0)
		rc = s->ops->tenants(s, allow_text, NULL, e);
	if (rc == 0)
		rc = s->ops->apps(s, count_app, &napps, e);
	s->ops->close(s);
	if (rc == 0)
		hub_raise_files(napps, is_proxied(d));
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

int daemon_create_journal(struct daemon *d, struct err *e)
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
