/* SPDX-License-Identifier: ISC */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

/*
 * A simulated Slack (Web API and Socket Mode) and a simulated model in one
 * thread of this process. Every function may be called from any thread, also
 * from a predicate of sim_wait(). Where it is simpler than Slack,
 * konstruct-sim(1) says so.
 *
 * Times ending in _us are of sim_clock_us(); what Slack calls ts is a string.
 * Strings given are copied. Optional strings may be NULL.
 */
struct sim;

#define SIM_TS      32
#define SIM_RETRIES 32

struct sim_opts {
	bool tls;
	const char *ca_out; /* the CA's certificate goes here, with tls */
	const char *addr;   /* IPv4 or IPv6; NULL: 127.0.0.1 */
	int port;           /* 0: any */
	/*
	 * With tls: what it is called elsewhere, names with commas between.
	 * The first is Slack's in our URLs, with "wss-primary." before it for
	 * links and "files." for files. NULL: localhost.
	 */
	const char *hosts;
	/* Wall clock in ms, for ts and event_time only; NULL: the real one. */
	int64_t (*now)(void *arg);
	void *now_arg;
	uint64_t seed; /* of every choice by chance; 0: from the clock */
	size_t keep;   /* records kept of each log; 0: 200000 */
};

/* NULL with e filled. o may be NULL: plain HTTP on any port of loopback. */
struct sim *sim_start(const struct sim_opts *o, struct err *e);
/* Cuts all connections; NULL is allowed. */
void sim_stop(struct sim *s);

int sim_port(const struct sim *s);
const char *sim_api_url(const struct sim *s); /* ends with "/api/" */
const char *sim_llm_url(const struct sim *s); /* ends with "/llm/v1" */
const char *sim_ctl_url(const struct sim *s); /* ends with "/ctl/" */
const char *sim_ca_file(const struct sim *s); /* "" without tls */
int64_t sim_clock_us(void);

/* What can be set at any time. */
struct sim_settings {
	int ack_timeout_ms;        /* 3000 */
	int retry_ms[SIM_RETRIES]; /* 1000, 60000, 300000; 0 ends them */
	bool ack_any_link;         /* an ack over another link counts; false */
	int ticket_ms;             /* how long a ticket lives; 30000 */
	int hello_ms;              /* 0 */
	int ping_ms;               /* Slack's pings to us; 30000, 0: none */
	int link_life_ms;          /* 0: no end; else warning, refresh, close */
	int warning_ms;            /* from the warning to the end; 10000 */
	int max_links;             /* of one app; 10 */
	bool deaf;                 /* as SIM_CUT_DEAF, of all links; false */
	bool own_events;           /* posts and edits of bots come back; true */
	bool root_events;          /* a reply also changes its root; true */

	int trigger_ms;       /* how long a trigger_id is good; 3000 */
	int token_ms;         /* life of a token that rotates; 43200000 */
	int refresh_grace_ms; /* a used refresh token is good so long; 60000 */
	int stream_ms;        /* how long a stream lives; 300000 */
	int hook_ms;          /* and a response_url; 1800000 */
	bool limits;          /* answer 429 beyond the tiers; false */
	int limit_window_ms;  /* what Slack's tiers call a minute; 60000 */
	int post_burst;       /* posts at once in a channel; 5 */

	int llm_first_ms; /* before the first token; 0 */
	int llm_token_ms; /* between two pieces; 0 */
	int llm_piece;    /* characters of one piece; 24 */
	int llm_context;  /* longer requests get 400, in bytes; 0: no limit */
};
void sim_settings(struct sim *s, struct sim_settings *out);
void sim_set(struct sim *s, const struct sim_settings *in);

/* the world: each 0, or -1 when an id is taken or not known */

#define SIM_SCOPES                                                         \
	"app_mentions:read,chat:write,im:history,mpim:history,"            \
	"channels:history,groups:history,im:read,mpim:read,channels:read," \
	"groups:read,im:write,users:read,team:read,reactions:read,"        \
	"reactions:write,usergroups:read,files:read,commands,assistant:write"
#define SIM_EVENTS                                                             \
	"app_mention,message.channels,message.groups,message.im,message.mpim," \
	"reaction_added,reaction_removed,member_joined_channel,"               \
	"app_home_opened,app_context_changed,assistant_thread_started,"        \
	"assistant_thread_context_changed,agent_session_stopped,"              \
	"agent_session_title_changed"

/* events: comma-separated subscriptions, NULL: SIM_EVENTS. */
int sim_add_app(struct sim *s, const char *app_id, const char *app_token,
		const char *events);
int sim_subscribe(struct sim *s, const char *app_id, const char *events);

struct sim_install {
	const char *app_id;
	const char *team_id;       /* NULL only for an org-wide install */
	const char *enterprise_id; /* NULL: not on a grid */
	const char *bot_token;
	const char *bot_user_id;
	const char *bot_id;
	const char *name;     /* of the team, and of the tenant in the file that
				 sim_apply_json() makes */
	const char *bot_name; /* NULL: "konstruct" */
	const char *scopes;   /* NULL: SIM_SCOPES */
	const char *extra; /* further members of that tenant, as a JSON object
			      with "agent" and the like; may be NULL */
	bool unlisted;     /* not in the file that sim_apply_json() makes */
};
/* The bot becomes a user; its team is made if it isn't there. */
int sim_add_install(struct sim *s, const struct sim_install *i);
int sim_add_user(struct sim *s, const char *id, const char *team,
		 const char *name, const char *display_name);
/* A guest sees some channels only (is_restricted). Members of a team that isn't
 * the channel's are strangers there. */
int sim_set_guest(struct sim *s, const char *user, bool guest);
/* A user group: users with commas between. */
int sim_set_group(struct sim *s, const char *id, const char *users);
/* type: channel, group, im, mpim. */
int sim_add_channel(struct sim *s, const char *id, const char *team,
		    const char *name, const char *type);
int sim_join(struct sim *s, const char *channel, const char *user);
int sim_leave(struct sim *s, const char *channel, const char *user);
/* The channel has another id from now on, and its bots get
 * channel_id_changed. Of the old one Slack knows nothing any more. */
int sim_move_channel(struct sim *s, const char *id, const char *new_id);

/* The app is taken out of the workspace: its token is dead, it gets
 * tokens_revoked, app_uninstalled and nothing more; until it is installed there
 * again, with a new token. */
int sim_uninstall(struct sim *s, const char *app_id, const char *team_id);
int sim_install_again(struct sim *s, const char *app_id, const char *team_id,
		      const char *bot_token);

/* From now on this token (bot's or app's) gets that error; NULL: it works. */
int sim_token_error(struct sim *s, const char *token, const char *error);

/* The JSON of konstruct-sim(1), WORLD. */
int sim_load(struct sim *s, const char *json, size_t len, struct err *e);
/* Two tenants with two agents, a few people and channels: the demo's. */
int sim_load_demo(struct sim *s, struct err *e);
/*
 * n tenants for load: app A%05d, team T%05d, bot U%05dB, person U%05dP,
 * channel C%05d and direct messages D%05d, tokens xapp-sim-%05d and
 * xoxb-sim-%05d; numbers from first on.
 */
int sim_load_many(struct sim *s, int first, int n);
/* What "konstructctl apply" takes: all installs, with their tokens. */
int sim_apply_json(struct sim *s, struct buf *out);

/* being a person in Slack */

struct sim_say {
	const char *thread_ts;
	const char *ts; /* NULL: now */
	/*
	 * Events in this order, in place of those that Slack would send:
	 * "app_mention", "message", "message,app_mention", "" for none.
	 */
	const char *events;
	const char *subtype;     /* "file_share", "me_message", ... */
	const char *files;       /* JSON array */
	const char *file_ids;    /* of sim_add_file(), with commas between */
	const char *blocks;      /* JSON array; NULL: as Slack makes them */
	const char *attachments; /* JSON array */
	const char *bot_id;      /* said by this other bot */
	const char *user_team;   /* said by a stranger of another team */
	bool broadcast;          /* thread_broadcast */
	bool redeliver; /* each event once more, with the same event_id,
			   as if the ack had come too late */
};
/* opt and ts may be NULL. 0, or -1: no such channel, user or thread. */
int sim_say(struct sim *s, const char *channel, const char *user,
	    const char *text, const struct sim_say *opt, char ts[SIM_TS]);
/* A person's edit: message_changed, and app_mention again if it mentions. */
int sim_edit(struct sim *s, const char *channel, const char *ts,
	     const char *text);
/* Anybody's message: message_deleted, or message_changed into a tombstone if
 * it has replies. */
int sim_delete(struct sim *s, const char *channel, const char *ts);

/*
 * A file for sim_say.file_ids and files.info. Its download needs the token of
 * an install that has files:read; without it Slack's login page comes, with
 * status 200.
 */
struct sim_file {
	const char *id;
	const char *name;
	const char *mimetype;
	const void *bytes;
	size_t len;
	int64_t size;         /* as Slack says it; 0: len */
	const char *mode;     /* NULL: "hosted" */
	const char *url;      /* of the download; NULL: the simulator's own */
	const char *location; /* where the download is redirected to */
	int status;           /* of the download; 0: 200 */
	bool bare;            /* messages have only its id (Slack Connect) */
	bool open;            /* the download needs no token */
	bool hang;            /* the download is never answered */
};
int sim_add_file(struct sim *s, const struct sim_file *f);

/* The inner event of an event_callback, as JSON, for one install. */
int sim_event(struct sim *s, const char *app_id, const char *team_id,
	      const char *event);
/* A payload of any type ("events_api", "slash_commands", ...), as JSON. */
int sim_envelope(struct sim *s, const char *app_id, const char *type,
		 const char *payload, bool accepts_response);
/* Bytes as one text frame to one of the app's links; -1 when it has none. */
int sim_frame(struct sim *s, const char *app_id, const void *p, size_t n);
int sim_frame_binary(struct sim *s, const char *app_id, const void *p,
		     size_t n);
/* All deliveries of an event again, now; -1 when there was none. */
int sim_redeliver(struct sim *s, const char *event_id, bool same_envelope_id);
/* The last one of that type ("slash_commands", "block_actions", ...) again. */
int sim_redeliver_last(struct sim *s, const char *app_id, const char *type,
		       bool same_envelope_id);

/* links */

/* Links of an app that have had their hello; NULL: of all apps. */
size_t sim_links(struct sim *s, const char *app_id);
/*
 * A disconnect frame to all links of an app (NULL: of all apps); the link is
 * closed close_ms later, -1 leaves it open. Returns how many got it.
 */
int sim_disconnect(struct sim *s, const char *app_id, const char *reason,
		   int close_ms);
enum sim_cut {
	SIM_CUT_CLOSE, /* a Close frame, and TCP left to the client */
	SIM_CUT_FIN,   /* 1006: TCP closed without a Close frame */
	SIM_CUT_RESET,
	SIM_CUT_FREEZE, /* half-open: nothing more in or out, no FIN */
	SIM_CUT_DEAF,   /* alive, with pings, yet no envelope comes over it */
};
int sim_cut(struct sim *s, const char *app_id, enum sim_cut how);

/* faults of the Web API */

enum sim_fault_kind {
	SIM_FAULT_ERROR,  /* 200 and ok:false with .error */
	SIM_FAULT_STATUS, /* HTTP .status, body .error or empty */
	SIM_FAULT_RATE,   /* 429, Retry-After of .ms, rounded up to seconds */
	SIM_FAULT_DELAY,  /* done at once, answered after .ms */
	SIM_FAULT_HANG,   /* not done, never answered */
	SIM_FAULT_RESET,  /* not done, connection reset */
	SIM_FAULT_LOST,   /* done, connection reset instead of the answer */
	SIM_FAULT_LATE,   /* connection reset at once, done .ms later */
};
struct sim_fault {
	enum sim_fault_kind kind;
	/* NULL: every one. "link": the upgrade, which is reset or refused with
	 * a status; "file": downloads, which may hang or be limited too. */
	const char *method;
	const char *app_id; /* NULL: every app */
	const char *team_id;
	int skip;    /* let so many pass first */
	int times;   /* 0: until cleared */
	int percent; /* 0: 100; by chance */
	int status;
	const char *error;
	int ms;
};
int sim_fault(struct sim *s, const struct sim_fault *f);
void sim_fault_clear(struct sim *s);

/* the model */

enum sim_llm_mode {
	SIM_LLM_OK,
	SIM_LLM_STATUS,       /* .status with .body */
	SIM_LLM_HANG,         /* no status line ever */
	SIM_LLM_RESET,        /* reset after .after pieces; 0: before them */
	SIM_LLM_SILENCE,      /* silence after .after pieces */
	SIM_LLM_CUT,          /* ends after .after pieces without [DONE] */
	SIM_LLM_STREAM_ERROR, /* an error object after .after pieces */
	SIM_LLM_BROKEN,       /* what isn't SSE or JSON, after .after pieces */
	SIM_LLM_ENDLESS,      /* .text again and again */
	SIM_LLM_EMPTY,        /* ends well without text */
};
/* The newest rule that fits is used. */
struct sim_llm {
	const char *contains;  /* in the last user message; NULL: all */
	const char *model;     /* NULL: all */
	const char *text;      /* NULL: the built-in answer */
	bool echo;             /* it begins with what was asked */
	const char *reasoning; /* sent before the text, as reasoning_content */
	enum sim_llm_mode mode;
	int after;
	int status;
	const char *body; /* NULL: an error of OpenAI's form */
	int retry_after_s;
	const char *finish; /* NULL: "stop" */
	bool no_usage;
	int first_ms; /* 0 of these three: as in the settings; -1: none */
	int token_ms;
	int piece;
	int times; /* 0: for ever */
	bool held; /* its answers begin after sim_llm_go() only */
};
int sim_llm(struct sim *s, const struct sim_llm *r);
void sim_llm_clear(struct sim *s);
/* What is held begins, also what is asked later; until the next rule that is
 * held. */
void sim_llm_go(struct sim *s);
/* Refuse requests without this bearer; NULL: take all. */
void sim_llm_key(struct sim *s, const char *key);

/* reading back: copies, freed by their _free */

struct sim_version {
	int64_t at_us;
	char *text;
};
struct sim_msg {
	char ts[SIM_TS];
	char thread_ts[SIM_TS]; /* "" at top level */
	char *channel;
	char *user;
	char *bot_id;    /* NULL: a person */
	char *app_id;    /* NULL: a person */
	char *text;      /* as it is now */
	char *subtype;   /* or NULL */
	char *blocks;    /* JSON or NULL */
	char *metadata;  /* JSON or NULL */
	char *files;     /* JSON or NULL */
	char *reactions; /* JSON as Slack shows them, or NULL */
	char *to_user;   /* of an ephemeral, else NULL */
	char *hook;      /* the response_url it came through, or NULL */
	bool ephemeral;
	bool deleted;
	bool edited;    /* shows "(edited)" */
	bool streaming; /* it can still be appended to */
	bool unfurl_links;
	bool unfurl_media;
	struct sim_version *versions; /* [0] as it was posted */
	size_t nversions;
};
/* Of a channel, oldest first, with ephemeral and deleted ones; thread_ts
 * NULL: all, else root and replies. */
struct sim_msg *sim_messages(struct sim *s, const char *channel,
			     const char *thread_ts, size_t *n);
void sim_messages_free(struct sim_msg *m, size_t n);

struct sim_call {
	int64_t at_us;
	int64_t done_us; /* 0: not answered (yet) */
	char *method;
	char *app_id; /* NULL: the token was no good */
	char *team_id;
	char *args;  /* as a JSON object, without the token */
	char *error; /* NULL: ok */
	int status;
	char ts[SIM_TS]; /* of the message posted or changed, or "" */
};
/* method NULL: all. */
struct sim_call *sim_calls(struct sim *s, const char *method, size_t *n);
void sim_calls_free(struct sim_call *c, size_t n);
size_t sim_count(struct sim *s, const char *method); /* since the start */

/* GETs of files, also of those that aren't there. */
struct sim_download {
	char *path;
	char *token; /* NULL: none came */
	int status;  /* 0: not answered */
	bool given;  /* the file, and not a login page */
};
struct sim_download *sim_downloads(struct sim *s, size_t *n);
void sim_downloads_free(struct sim_download *d, size_t n);

struct sim_ask {
	int64_t at_us;
	int64_t first_us; /* first piece of text sent; 0: none */
	int64_t end_us;   /* 0: not yet */
	char *model;
	char *body;    /* the request's JSON */
	char *last;    /* the last user message */
	char *headers; /* "name: value\n", without authorization */
	int status;    /* 0: none sent */
	bool stream;
	bool gone; /* the client went away first */
};
struct sim_ask *sim_asks(struct sim *s, size_t *n);
void sim_asks_free(struct sim_ask *a, size_t n);

struct sim_delivery {
	char envelope_id[40];
	char event_id[24]; /* "" when it isn't an event */
	char *app_id;
	char *type; /* of the inner event or of the envelope */
	int attempt;
	int64_t sent_us; /* 0: there was no link */
	int64_t ack_us;  /* 0: none */
	uint64_t link;
	char *ack_payload; /* what came with the ack, or NULL */
};
/* app_id NULL: all. */
struct sim_delivery *sim_deliveries(struct sim *s, const char *app_id,
				    size_t *n);
void sim_deliveries_free(struct sim_delivery *d, size_t n);
/* The envelope of an app's newest delivery of that type; "" when it has none
 * or there was no link. */
void sim_newest(struct sim *s, const char *app_id, const char *type,
		char envelope_id[40]);

struct sim_stats {
	uint64_t requests;
	uint64_t asks;
	uint64_t links_opened;
	uint64_t links_live;
	uint64_t envelopes; /* each attempt */
	uint64_t acks;
	uint64_t acks_late; /* after ack_timeout_ms, or over another link */
	uint64_t
		acks_ignored; /* too large, fragmented, unknown id, malformed */
	uint64_t unacked;     /* waiting for an ack or for their next attempt */
	uint64_t given_up;    /* after the last attempt */
	uint64_t pings;       /* the client's */
	uint64_t connections; /* open now, of all kinds */
};
void sim_stats(struct sim *s, struct sim_stats *out);

/* waiting: 0, or -1 when timeout_ms ran out */

/* pred is called under the lock after every change. */
int sim_wait(struct sim *s, bool (*pred)(struct sim *s, void *arg), void *arg,
	     int timeout_ms);
/* n of them at least; 0: none. */
int sim_wait_links(struct sim *s, const char *app_id, size_t n, int timeout_ms);
/* n messages by bots in the thread, deleted ones not counted. */
int sim_wait_reply(struct sim *s, const char *channel, const char *thread_ts,
		   size_t n, int timeout_ms);
/* A bot's message in the thread (NULL: anywhere in the channel, ephemeral
 * ones too) that holds these words. */
int sim_wait_text(struct sim *s, const char *channel, const char *thread_ts,
		  const char *words, int timeout_ms);
int sim_wait_ephemeral(struct sim *s, const char *channel, const char *user,
		       size_t n, int timeout_ms);
int sim_wait_calls(struct sim *s, const char *method, size_t n, int timeout_ms);
int sim_wait_asks(struct sim *s, size_t n, int timeout_ms);
/* Every envelope acked (or given up). */
int sim_wait_acked(struct sim *s, int timeout_ms);

/* load */

enum sim_flood_kind {
	SIM_FLOOD_MENTION, /* app_mention and message */
	SIM_FLOOD_CHATTER, /* people among themselves */
	SIM_FLOOD_DM,
};
struct sim_flood {
	enum sim_flood_kind kind;
	double rate;   /* messages a second; 0: as fast as acks come */
	int64_t count; /* messages in all */
	size_t window; /* rate 0: unacked at most; 0: 1000 */
	int first;     /* tenants of sim_load_many(), taken in turn */
	int tenants;
	size_t padding; /* bytes of text more */
	bool store;     /* keep chatter in the channel; else only sent */
};
/* One at a time. */
int sim_flood(struct sim *s, const struct sim_flood *f);
/* Until all is sent and acked, and mentions and DMs are answered to the end. */
int sim_flood_wait(struct sim *s, int timeout_ms);
void sim_flood_stop(struct sim *s);

enum sim_latency_kind {
	SIM_LATENCY_ACK,         /* envelope sent -> acked; each envelope */
	SIM_LATENCY_PLACEHOLDER, /* envelope sent -> first post */
	SIM_LATENCY_ASK,         /* envelope sent -> model asked */
	SIM_LATENCY_FINAL,       /* model's last byte -> last edit */
	SIM_LATENCY_TOTAL,       /* envelope sent -> last edit */
};
struct sim_latency {
	uint64_t n;
	uint32_t p50_us;
	uint32_t p90_us;
	uint32_t p99_us;
	uint32_t max_us;
};
/* Of the last flood. */
void sim_latency(struct sim *s, enum sim_latency_kind k,
		 struct sim_latency *out);
/* First and last envelope sent, last ack, last final edit. */
struct sim_flood_times {
	int64_t first_us;
	int64_t sent_us;
	int64_t acked_us;
	int64_t final_us;
	uint64_t sent;      /* messages */
	uint64_t envelopes; /* of them; a mention makes two */
	uint64_t acked;     /* of the envelopes */
	uint64_t answered;  /* of the messages, to the end */
};
void sim_flood_times(struct sim *s, struct sim_flood_times *out);

#endif
