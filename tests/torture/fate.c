/* SPDX-License-Identifier: ISC */
#include "torture/fate.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/err.h"
#include "pg.h"

#define AWAY_MAX_MS   15000 /* longer than a lease */
#define FROZEN_MAX_MS 15000
#define OUTAGE_MAX_MS 3000
#define GRACE_MAX_MS  1000

#define TRAIL_BROKEN 65 /* what konstructctl says then */

#define START_TRIES    5
#define START_AGAIN_MS 1000

static int roll_ms(struct fate *f, int max_ms)
{
	return (int)dice_roll(&f->dice, (uint64_t)max_ms);
}

/* A sanitizer's report ends the daemon too. */
static int stop_in_peace(struct bed *b, struct err *e)
{
	if (bed_stop(b) != 0)
		return err_set(e, ERR_FATAL,
			       "the daemon of '%s' did not stop in peace",
			       b->dir);
	return 0;
}

static int check_alive(struct bed *b, struct err *e)
{
	int status;

	if (waitpid(b->pid, &status, WNOHANG) != b->pid)
		return 0;
	b->pid = 0;
	return err_set(e, ERR_FATAL,
		       "the daemon of '%s' died by itself, status 0x%x", b->dir,
		       status);
}

/* Nothing of the trail of who asked was changed, lost or put in twice. */
static int check_trail(struct bed *b, struct err *e)
{
	static const char *const verify[] = { "audit", "verify", NULL };
	char *out = NULL;
	int rc = bed_ctl(b, &out, verify, e);

	if (rc == TRAIL_BROKEN)
		rc = err_set(e, ERR_FATAL, "audit verify: %s", out ? out : "?");
	free(out);
	return rc < 0 ? -1 : 0;
}

/* As systemd would: a daemon whose database doesn't answer just then ends. */
static int start(struct fate *f, size_t i, struct err *e)
{
	int tries = f->nodes->shared ? START_TRIES : 1;

	while (bed_start(&f->nodes->beds[i], e) < 0) {
		if (--tries == 0)
			return -1;
		poll(NULL, 0, START_AGAIN_MS);
	}
	return check_trail(&f->nodes->beds[i], e);
}

/* Others take over meanwhile, or it is back before they do. */
static int come_back(struct fate *f, size_t i, struct err *e)
{
	if (!f->nodes->shared || dice_percent(&f->dice, 60))
		return start(f, i, e);
	f->back_ms[i] = clock_ms() + roll_ms(f, AWAY_MAX_MS);
	return 0;
}

/* Mostly at once; sometimes after it was told to stop, or in the midst. */
static int end_life(struct fate *f, size_t i, struct err *e)
{
	struct bed *b = &f->nodes->beds[i];
	uint64_t how = dice_roll(&f->dice, 100);
	int grace = roll_ms(f, GRACE_MAX_MS);

	if (how < 10) {
		f->stops++;
		if (stop_in_peace(b, e) < 0)
			return -1;
		doom_note(&f->doom);
		return come_back(f, i, e);
	}
	if (how < 20) {
		kill(b->pid, SIGTERM);
		poll(NULL, 0, grace);
	}
	f->kills++;
	bed_kill(b);
	doom_note(&f->doom);
	return come_back(f, i, e);
}

static void freeze(struct fate *f, size_t i)
{
	f->freezes++;
	doom_note(&f->doom);
	bed_freeze(&f->nodes->beds[i]);
	f->back_ms[i] = clock_ms() + roll_ms(f, FROZEN_MAX_MS);
}

static void cut_ground(struct fate *f)
{
	int ms = roll_ms(f, OUTAGE_MAX_MS);

	f->outages++;
	switch (dice_roll(&f->dice, 4)) {
	case 0:
		redis_box_do(&f->nodes->redis, "FLUSHALL");
		break;
	case 1:
		redis_box_restart(&f->nodes->redis);
		break;
	case 2:
		redis_box_kill(&f->nodes->redis);
		poll(NULL, 0, ms);
		redis_box_restart(&f->nodes->redis);
		break;
	default:
		pg_down();
		poll(NULL, 0, ms);
		pg_up();
	}
	doom_note(&f->doom);
}

int fate_strike(struct fate *f, struct err *e)
{
	size_t i = (size_t)dice_roll(&f->dice, f->nodes->n);
	uint64_t what = dice_roll(&f->dice, 100);

	if (f->back_ms[i] != 0)
		return 0;
	if (check_alive(&f->nodes->beds[i], e) < 0)
		return -1;
	if (f->nodes->shared && what < 8)
		cut_ground(f);
	else if (f->nodes->shared && what < 20)
		freeze(f, i);
	else
		return end_life(f, i, e);
	return 0;
}

int fate_revive(struct fate *f, int64_t now_ms, struct err *e)
{
	struct bed *b;
	size_t i;

	for (i = 0; i < f->nodes->n; i++) {
		b = &f->nodes->beds[i];
		if (f->back_ms[i] == 0 || now_ms < f->back_ms[i])
			continue;
		f->back_ms[i] = 0;
		if (b->frozen)
			bed_thaw(b);
		else if (start(f, i, e) < 0)
			return -1;
	}
	return 0;
}

int fate_stop_all(struct fate *f, struct err *e)
{
	size_t i;

	for (i = 0; i < f->nodes->n; i++) {
		if (stop_in_peace(&f->nodes->beds[i], e) < 0)
			return -1;
	}
	return 0;
}
