/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_ONBOARD_H
#define ADMIN_ONBOARD_H

struct apply;
struct err;
struct http;

/*
 * Asks Slack for the ids that connections lack: auth.test with the bot
 * token, and bots.info where auth.test doesn't name the app. What is given
 * must agree with what Slack says, and both tokens must be of one app.
 */
struct onboard;

/*
 * On the thread of h. a is the caller's and stays until done, which runs
 * once, never from inside this call; e is borrowed, its kind ERR_NONE when
 * all ids are there. NULL with e filled: done isn't called.
 */
struct onboard *onboard_start(struct http *h, const char *api_url,
			      struct apply *a,
			      void (*done)(const struct err *e, void *arg),
			      void *arg, struct err *e);

/* Without done. Not once it was called; NULL is allowed. */
void onboard_cancel(struct onboard *o);

#endif
