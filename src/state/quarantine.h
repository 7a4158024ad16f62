/* SPDX-License-Identifier: ISC */
#ifndef STATE_QUARANTINE_H
#define STATE_QUARANTINE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Connections whose bot token Slack refuses (token_revoked, account_inactive,
 * invalid_auth, not_authed), or that were uninstalled. As long as one is here
 * nothing is tried with that token, except for one message now and then, since
 * invalid_auth may also come of an address that is not on a list of allowed
 * ones. Another token is free at once. In this process's memory only: what is
 * forgotten is found out again. Thread-safe; never blocks. Times are
 * clock_ms().
 */
struct quarantine;

struct quarantine *quarantine_create(void); /* NULL: no memory */
void quarantine_free(struct quarantine *q); /* NULL is allowed */

/*
 * Slack has said so; error is its word. token NULL: it told us by an event, so
 * no token is held back; the next call will tell. True if it is news.
 */
bool quarantine_put(struct quarantine *q, const char *app_id,
		    const char *workspace_id, const char *token,
		    const char *error, int64_t now_ms);

/* Is this token not to be used now? False too for the one that may try. */
bool quarantine_holds(struct quarantine *q, const char *app_id,
		      const char *workspace_id, const char *token,
		      int64_t now_ms);

/* A call went well. True if it was here. */
bool quarantine_lift(struct quarantine *q, const char *app_id,
		     const char *workspace_id);

/* Of all workspaces of the app the next message may try, at once. */
void quarantine_retry(struct quarantine *q, const char *app_id);

struct quarantine_view {
	const char *app_id;
	const char *workspace_id;
	const char *error;
	int64_t since_ms; /* wall clock */
	int64_t next_ms;  /* from now until one message may try; 0: now */
};
/* fn is called under a lock: be quick. */
void quarantine_each(struct quarantine *q,
		     void (*fn)(const struct quarantine_view *v, void *arg),
		     void *arg);

#endif
