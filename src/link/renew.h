/* SPDX-License-Identifier: ISC */
#ifndef LINK_RENEW_H
#define LINK_RENEW_H

#include <stdbool.h>
#include <stdint.h>

struct conf;
struct err;
struct journal;
struct keyring;
struct leases;
struct quarantine;
struct way_box;

/*
 * Renews bot tokens that expire (xoxe.xoxb-..., after 12 h) when a sixth of
 * their time is left, by oauth.v2.access with the refresh token, which is used
 * up by that but for a short grace (slack-protocol notes, 7). The new pair is
 * committed before anybody uses it, in place of the pair that it was made from;
 * until then the old bot token is good. Of several nodes the one that does the
 * work of an app renews its tokens.
 *
 * A thread of its own, which may wait for the store.
 */
struct renewer;

struct renewer_opts {
	const struct conf *conf;
	struct way_box *way; /* to Slack; NULL: as conf says */
	const struct keyring *keyring;
	struct journal *journal;
	struct quarantine *quarantine;
	const struct leases *leases; /* NULL: alone */
};

struct renewer *renew_create(const struct renewer_opts *o, struct err *e);
int renew_start(struct renewer *r, struct err *e);

/*
 * Waits until the first look was taken and no token of ours is left that has
 * expired, or Slack refuses to renew, or the time is over.
 */
void renew_wait(struct renewer *r, int timeout_ms);

struct renew_stats {
	bool known;       /* the next three were read */
	int64_t n;        /* tokens that expire, of all nodes */
	int64_t renew_ms; /* wall clock: the first to be renewed; 0: at once */
	int64_t expires_ms; /* and the first to expire; 0: not known */
	/* By this process. */
	uint64_t renewed;
	uint64_t failed;  /* tries that had no answer, or none of use */
	uint64_t refused; /* tries that Slack refused */
};
/* Any thread. */
void renew_stats(struct renewer *r, struct renew_stats *out);
int64_t renew_beat_age(struct renewer *r);

/* Begins nothing more. NULL is allowed. */
void renew_stop(struct renewer *r);
/* After renew_stop() and journal_free(). NULL is allowed. */
void renew_free(struct renewer *r);

#endif
