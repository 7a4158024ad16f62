/* SPDX-License-Identifier: ISC */
#ifndef SLACK_API_H
#define SLACK_API_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct buf;
struct err;
struct http;
struct json;

/* What a caller can do about Slack's answer (slack-protocol notes, 3.1). */
enum slack_fault {
	SLACK_OK = 0,
	SLACK_RATE,      /* wait retry_ms; for this method and workspace */
	SLACK_TRANSIENT, /* try again later */
	SLACK_DEAD,      /* the install's token is no good */
	SLACK_CONFIG,    /* a scope or a feature is missing */
	SLACK_GONE,      /* channel, thread or message isn't there */
	SLACK_POLICY,    /* forbidden here, by an admin or by time */
	SLACK_CONTENT,   /* render it smaller or plainer */
	SLACK_OURS,      /* our mistake; don't repeat */
};

/* Is it one that lasts half a day, and is renewed? (xoxe.xoxb-...) */
static inline bool slack_token_expires(const char *token)
{
	return strncmp(token, "xoxe.", 5) == 0;
}

struct slack_result {
	enum slack_fault fault;
	bool maybe; /* failed, and yet Slack may have done it */
	bool again; /* sent more than once: it may be done later once more */
	unsigned int retry_ms;
	char error[80];     /* Slack's word, or ours for transport */
	const char *scopes; /* of x-oauth-scopes, or NULL */
	/* NULL unless Slack answered with JSON; and of an edit or deletion that
	 * went well, as nobody reads that. */
	const struct json *body;
};

/* The deadline of every call that begins from now on; 15 s at first. Any
 * thread. */
void slack_set_deadline(int ms);
/* The longest that was ever set; 0: none was. */
int slack_longest_ms(void);

typedef void slack_done(const struct slack_result *r, void *arg);

/*
 * One call of a Web API method, form-encoded (works for every method), on
 * the thread of h; form may be NULL. done runs once, never from inside this
 * call; r is borrowed until it returns. Returns the call for slack_cancel(),
 * which is gone once done began, or NULL with e filled and no callback.
 */
struct slack_call;
struct slack_call *slack_call(struct http *h, const char *api_url,
			      const char *method, const char *token,
			      const struct buf *form, slack_done *done,
			      void *arg, struct err *e);
void slack_cancel(struct slack_call *c); /* NULL is allowed */

/*
 * Where a call that Slack refuses for what may be known better by now, so that
 * nothing was done, gets that: its token (token_expired, or token_revoked, as
 * only the two newest of those that expire are good) or the id of its channel
 * (channel_not_found). False: there is nothing to find. Else find is to
 * call slack_again() once, later and on the call's thread; until then the call
 * isn't over. What goes on may be refused, too; then find is asked once more.
 */
struct slack_spare {
	bool (*find)(struct slack_spare *s, struct slack_call *c,
		     const char *error);
	/* The call is over, or cancelled, maybe while one is found: then
	 * slack_again() must not follow. */
	void (*drop)(struct slack_spare *s);
};

/* The same as slack_call() with such a spare, which it takes, also when it
 * fails; it is dropped before done begins. */
struct slack_call *slack_call_spare(struct http *h, const char *api_url,
				    const char *method, const char *token,
				    const struct buf *form,
				    struct slack_spare *spare, slack_done *done,
				    void *arg, struct err *e);
/* Goes on with that token; token NULL: it fails, with why as what can be tried
 * later, else (NULL) as it was refused. Strings are borrowed during the call.
 */
void slack_again(struct slack_call *c, const char *token, const char *why);
/* What goes on is about that channel. False: it was already, or memory is
 * short, and nothing has changed. */
bool slack_move(struct slack_call *c, const char *channel);

/*
 * The same for a response_url (docs.slack.dev/interactivity/
 * handling-user-interaction): JSON, five times within half an hour. It must
 * lead to Slack, as slack_download_allowed() has it (else ERR_INPUT). A URL
 * that is used up is SLACK_GONE.
 */
struct slack_call *slack_respond(struct http *h, const char *api_url,
				 const char *url, const struct buf *json,
				 slack_done *done, void *arg, struct err *e);

enum slack_fault slack_fault_of(const char *error);
const char *slack_fault_name(enum slack_fault f);

#endif
