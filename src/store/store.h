/* SPDX-License-Identifier: ISC */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct canary_ops;
struct grant_ops;
struct key_ops;
struct keyring;
struct record_ops;
struct store;
struct uninstall_ops;
struct usage_ops;

/* ---- what is stored; all strings are heap, NULL only where said ---- */

struct tenant {
	char *id;   /* made by us */
	char *name; /* unique, as the admin calls it */
	bool paused;
	int rate_per_minute; /* -1: the configuration's */
	int burst;           /* -1: the configuration's */
	char *budget;        /* as store/budget.h writes it; "": none */
	bool agent_sessions; /* its apps are agents of Slack's, and say so */
	bool streaming;      /* by Slack's methods for that */
	/* Until then text of its people may stand in the log; 0: never. */
	int64_t text_until_ms;
};

/* A Slack app. Its links need the app-level token. */
struct app {
	char *app_id;
	char *token;
};

/* An app installed in a workspace, for one tenant. */
struct connection {
	char *tenant_id;
	char *channel_type; /* "slack" */
	char *app_id;
	char *workspace_id; /* team id, or enterprise id of an org install */
	char *bot_token;    /* "": it was erased (store/uninstall.h) */
	char *bot_user_id;
	char *bot_id;
	int64_t gone_ms; /* when the app was taken out of it; 0: it wasn't */
	struct tenant tenant; /* filled by resolve and connections */
};

struct agent {
	char *tenant_id;
	char *id;   /* made by us */
	char *name; /* unique in its tenant */
	char *role;
	char *persona;
	char *model;       /* "": the default one */
	char *placeholder; /* "": "Thinking..." */
	char *locale;      /* of what we say ourselves; "": English */
	bool active;       /* else it is paused, and silent */
	bool is_default;   /* answers where no other is bound */
	char *channels;    /* bound to it: a JSON array of their ids */
	/* Who may talk to it, as JSON (route/access.h): its own settings, and
	 * the tenant's; NULL: none. agent_put() leaves both as they are. */
	char *access;
	char *tenant_access;
};

/* One message of a thread, ours or a person's, as it is told to a model. */
struct line {
	bool ours;
	char *user_id; /* of a person */
	char *name;    /* display name, cleaned */
	char *ts;      /* Slack's */
	char *text;
	int64_t edited_ms; /* by Slack's clock; 0: not known, or never */
};
struct transcript {
	struct line *lines; /* oldest first */
	size_t n;
	bool gap; /* something is left out behind the first line */
};

/* Borrowed strings. */
struct feedback {
	const char *tenant_id;
	const char *entry; /* of the answer */
	const char *user_id;
	bool up;
	int64_t at_ms; /* wall clock */
};

void tenant_release(struct tenant *t);
void app_release(struct app *a);
void connection_release(struct connection *c);
void agent_release(struct agent *a);
void line_release(struct line *l);
void transcript_release(struct transcript *t);
/* Copies its strings; 0, or -1 when memory is short. */
int transcript_add(struct transcript *t, bool ours, const char *user_id,
		   const char *name, const char *ts, const char *text);

/*
 * What the daemon may ask of durable storage. A store belongs to one thread.
 * Functions may block on disk or database. Look-ups return 1 when found, 0
 * when not, -1 with e filled; the others 0 or -1. Callbacks get borrowed
 * structs and return 0 to go on, 1 to stop, or -1 to fail, e filled by them;
 * they must not call the function that calls them.
 */
struct store_ops {
	const char *name; /* the scheme of its URL */
	/*
	 * Opens, for reading only unless write is set; one process at a time
	 * can write. k seals tokens. Unless there is migrate, write also makes
	 * the schema or brings it up to date first.
	 */
	struct store *(*open)(const char *url, const struct keyring *k,
			      bool write, struct err *e);
	void (*close)(struct store *s); /* NULL is allowed */
	/*
	 * NULL, or: make the schema or bring it up to date, in a process of
	 * its own and as another user than the daemon. Tells the versions
	 * before and after. by: who, for the audit trail; NULL: not told there.
	 */
	int (*migrate)(const char *url, const char *by, int *from, int *to,
		       struct err *e);

	/* The one look-up before a tenant is known. */
	int (*resolve)(struct store *s, const char *channel_type,
		       const char *app_id, const char *workspace_id,
		       struct connection *out, struct err *e);
	/* The same, when agent() will be asked about that thread next: both
	 * together are one round trip. */
	int (*resolve_for)(struct store *s, const char *channel_type,
			   const char *app_id, const char *workspace_id,
			   const char *channel, const char *thread,
			   struct connection *out, struct err *e);
	/* A workspace whose tenant was removed while something of it was
	 * unfinished, with the token to end that; the tenant has an id only. */
	int (*leaving)(struct store *s, const char *channel_type,
		       const char *app_id, const char *workspace_id,
		       struct connection *out, struct err *e);
	/*
	 * Which of the tenant's agents answers in a thread, if it isn't paused:
	 * the one of its first answer, else the one bound to the channel, else
	 * the default. Without a channel (NULL): the default.
	 */
	int (*agent)(struct store *s, const char *tenant_id,
		     const char *channel, const char *thread, struct agent *out,
		     struct err *e);
	/* All of them, the default first, then by name. */
	int (*agents)(struct store *s, const char *tenant_id,
		      int (*fn)(const struct agent *a, void *arg), void *arg,
		      struct err *e);
	/* Who may talk to an agent ("": to all of the tenant's), as JSON on the
	 * heap. */
	int (*access)(struct store *s, const char *tenant_id,
		      const char *agent_id, char **out, struct err *e);
	/* The first line of a thread and the newest that fit into max_bytes. */
	int (*history)(struct store *s, const char *tenant_id,
		       const char *channel, const char *thread,
		       size_t max_bytes, struct transcript *out, struct err *e);

	/* One line of a thread. */
	int (*line)(struct store *s, const char *tenant_id, const char *channel,
		    const char *thread, const char *ts, struct line *out,
		    struct err *e);
	/* In which thread is this post, if it is in a transcript? *out is the
	 * caller's. */
	int (*thread_of)(struct store *s, const char *tenant_id,
			 const char *channel, const char *ts, char **out,
			 struct err *e);

	int (*apps)(struct store *s, int (*fn)(const struct app *a, void *arg),
		    void *arg, struct err *e);
	/* Of every tenant, or of the one named. */
	int (*connections)(struct store *s, const char *tenant_name,
			   int (*fn)(const struct connection *c, void *arg),
			   void *arg, struct err *e);
	int (*tenants)(struct store *s,
		       int (*fn)(const struct tenant *t, void *arg), void *arg,
		       struct err *e);
	/* Those that answer nobody, by name, and why: "paused", "no agent",
	 * "uninstalled" from all workspaces, "no workspace". */
	int (*silent)(struct store *s, int most,
		      int (*fn)(const char *tenant, const char *why, void *arg),
		      void *arg, struct err *e);
	int (*tenant_by_name)(struct store *s, const char *name,
			      struct tenant *out, struct err *e);
	/* Threads engaged since, as key (state/engaged.h) and time. */
	int (*engaged)(struct store *s, int64_t since_ms,
		       int (*fn)(const char *key, int64_t at_ms, void *arg),
		       void *arg, struct err *e);
	/* Posts claimed since: key, entry that claimed, its verdict. */
	int (*claims)(struct store *s, int64_t since_ms,
		      int (*fn)(const char *key, const char *entry,
				const char *verdict, void *arg),
		      void *arg, struct err *e);

	/* All workspaces of an app. */
	int (*connections_of_app)(struct store *s, const char *app_id,
				  int (*fn)(const struct connection *c,
					    void *arg),
				  void *arg, struct err *e);
	/* Threads with a transcript that isn't older, the newest first. */
	int (*threads)(struct store *s, const char *tenant_id, int64_t since_ms,
		       int (*fn)(const char *channel, const char *thread,
				 const char *last_ts, void *arg),
		       void *arg, struct err *e);
	/* When each app was last known to have a live link. */
	int (*seen)(struct store *s,
		    int (*fn)(const char *app_id, int64_t at_ms, void *arg),
		    void *arg, struct err *e);

	/*
	 * Writing, through the journal thread only (journal_write()). put
	 * inserts or replaces by its natural key: tenant by name (an empty id
	 * is made and written back), app by app_id, connection by type, app
	 * and workspace, agent by its id, or without one (NULL) by tenant and
	 * name. A workspace of an app that belongs to another tenant is
	 * refused (ERR_INPUT), and so is the name of another agent. Who is put
	 * as the default is the only one.
	 */
	int (*tenant_put)(struct store *s, struct tenant *t, struct err *e);
	int (*tenant_remove)(struct store *s, const char *name, struct err *e);
	int (*app_put)(struct store *s, const struct app *a, struct err *e);
	/* 1: it is there, and with the commit other nodes hear that its links
	 * are wanted at once (cluster_opts.connect). */
	int (*app_call)(struct store *s, const char *app_id, struct err *e);
	int (*connection_put)(struct store *s, const struct connection *c,
			      struct err *e);
	int (*agent_put)(struct store *s, const struct agent *a, struct err *e);
	int (*agent_remove)(struct store *s, const char *tenant_id,
			    const char *agent_id, struct err *e);
	/* NULL: no settings. */
	int (*access_put)(struct store *s, const char *tenant_id,
			  const char *agent_id, const char *settings,
			  struct err *e);
	/* apps is a JSON array of their ids; those that are gone are left out.
	 */
	int (*seen_put)(struct store *s, const char *apps, int64_t at_ms,
			struct err *e);

	/* We greet in this channel: *first says whether that is so. */
	int (*greet)(struct store *s, const char *tenant_id, const char *app_id,
		     const char *channel, int64_t at_ms, bool *first,
		     struct err *e);

	/* The line at l->ts says something else since l->edited_ms, unless it
	 * was edited later than that; text NULL: it is gone. The rest of l is
	 * not looked at. One that isn't there is no failure. */
	int (*line_put)(struct store *s, const char *tenant_id,
			const char *channel, const char *thread,
			const struct line *l, struct err *e);
	/* A thread (state/engaged.h) isn't engaged any more. */
	int (*engaged_end)(struct store *s, const char *key, struct err *e);
	/* What a person thinks of an answer; the last word counts. */
	int (*feedback_put)(struct store *s, const struct feedback *f,
			    struct err *e);

	/* A channel has another id: threads, claims, posts, the transcript and
	 * what is set about it are found under that one from now on. May be
	 * done again. */
	int (*channel_moved)(struct store *s, const char *tenant_id,
			     const char *app_id, const char *workspace_id,
			     const char *old_id, const char *new_id,
			     struct err *e);

	const struct record_ops *records;       /* store/record.h */
	const struct usage_ops *usage;          /* store/usage.h */
	const struct audit_ops *audit;          /* store/audit.h */
	const struct keep_ops *keep;            /* store/keep.h */
	const struct key_ops *keys;             /* store/keys.h */
	const struct grant_ops *grants;         /* store/grants.h */
	const struct canary_ops *canaries;      /* store/canary.h */
	const struct uninstall_ops *uninstalls; /* store/uninstall.h */
};

/* A backend puts this first in its own struct. */
struct store {
	const struct store_ops *ops;
};

extern const struct store_ops store_sqlite;
extern const struct store_ops store_postgres;

/* The backend for this URL, or NULL with e naming those there are. */
const struct store_ops *store_find(const char *url, struct err *e);

/*
 * A copy of an SQLite store as it is now, while a daemon may run, into a new
 * file that only its owner can read. It is checked; 0, or -1 and no file.
 * Tokens in it are sealed: the key is not in it. Blocks.
 */
int store_backup(const char *url, const char *path, struct err *e);

#endif
