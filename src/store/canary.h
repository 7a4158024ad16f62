/* SPDX-License-Identifier: ISC */
#ifndef STORE_CANARY_H
#define STORE_CANARY_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct store;

/*
 * A tenant's canary: one message of its bot in a channel that the admin has
 * named, edited again and again. Slack tells an app of its own edits
 * (message_changed), so the edit must come back over a link of the app; a link
 * that is alive and brings nothing is found out by that alone. Who sends,
 * notes that here first; who hears, takes the note away (link/canaries.h).
 *
 * 0 or -1 with e, unless said otherwise; blocks as store_ops does. Times are
 * the wall clock's.
 */

#define CANARY_MINUTES     5 /* unless something else is set */
#define CANARY_MINUTES_MAX 1440
/* So soon it has to be back. */
#define CANARY_BACK_MS 60000

/* Strings are borrowed, none is NULL. */
struct canary {
	const char *tenant_id;
	const char *tenant; /* its name */
	const char *app_id;
	const char *workspace_id;
	const char *channel;
	int minutes; /* between two edits */

	const char *ts;      /* of the message; "": none is known */
	int64_t posted_ms;   /* one may stand since then all the same; 0: no */
	const char *nonce;   /* that is awaited; "": none */
	int64_t sent_ms;     /* when its edit began */
	bool made;           /* Slack has taken it */
	int64_t heard_ms;    /* when the last one came; 0: none yet */
	int64_t trip_ms;     /* and how long it was on the way */
	int missed;          /* that didn't come in time, since then */
	int64_t due_ms;      /* when there is something to do */
	const char *problem; /* why it can't be sent; "": it can */
	int64_t redial_ms;   /* when fresh links were wanted last; 0: never */
	/* The last time that some were missed, from one that came (0: none had)
	 * to the next that did; 0: never. */
	int64_t gap_from_ms, gap_to_ms;

	/* With due() only. */
	const char *bot_token;
	const char *bot_user_id;
	const char *bot_id;
};

enum canary_state {
	CANARY_NEW,     /* none has come yet, nor is one missing */
	CANARY_OK,      /* the last one came */
	CANARY_OVERDUE, /* it didn't, in time */
	CANARY_DEAF,    /* nor did the one after it */
	CANARY_BLOCKED, /* Slack takes none */
	CANARY_STATES
};
enum canary_state canary_state(const struct canary *c);
const char *canary_state_name(enum canary_state s);

/* What canary_ops.heard() found. */
struct canary_heard {
	char tenant[64];
	char channel[65];
	int64_t sent_ms;
	int missed; /* before it came */
};

struct canary_ops {
	/* Of one tenant, or (NULL) of all, without tokens; callbacks as
	 * store_ops has them. One of an app that was taken out of the
	 * workspace isn't told. */
	int (*each)(struct store *s, const char *tenant_id,
		    int (*fn)(const struct canary *c, void *arg), void *arg,
		    struct err *e);
	/* What is set for a tenant, also where the app was taken out of the
	 * workspace: whose, where and minutes, and nothing else. */
	int (*settings)(struct store *s, const char *tenant_id,
			int (*fn)(const struct canary *c, void *arg), void *arg,
			struct err *e);
	/* Those with something to do by then, of all tenants. One whose token
	 * can't be decrypted is passed over: the others are told, and then it
	 * has failed. */
	int (*due)(struct store *s, int64_t now_ms,
		   int (*fn)(const struct canary *c, void *arg), void *arg,
		   struct err *e);

	/* Writing, on the journal's thread. A new one in place of what the
	 * tenant has: of c whose it is, where, and minutes. */
	int (*put)(struct store *s, const struct canary *c, struct err *e);
	/* Another pace for the one that there is, from now on. */
	int (*pace)(struct store *s, const char *tenant_id, int minutes,
		    struct err *e);
	int (*drop)(struct store *s, const char *tenant_id, struct err *e);
	/* 1: all of c but what heard() writes is as told here; 0: something
	 * else is awaited meanwhile than was, and nothing is changed. */
	int (*note)(struct store *s, const struct canary *c, const char *was,
		    struct err *e);
	/* 1: the nonce came, in the app's message ts, and was awaited. */
	int (*heard)(struct store *s, const char *app_id, const char *nonce,
		     const char *ts, int64_t at_ms, struct canary_heard *out,
		     struct err *e);
};

extern const struct canary_ops canaries_sqlite;
extern const struct canary_ops canaries_postgres;

#endif
