/* SPDX-License-Identifier: ISC */
#ifndef ROUTE_ACCESS_H
#define ROUTE_ACCESS_H

#include <stdbool.h>

struct err;

/*
 * Who may talk to an agent: what is set for it and, where nothing is, for its
 * tenant. The store keeps both as JSON objects with these members, each of
 * which may be missing:
 *
 *   channels_allowed   ids; [] or missing: all
 *   channels_denied    ids, also of those that are allowed
 *   people_allowed     ids; [] or missing: all. Who is named here may, as a
 *                      guest or a stranger too
 *   people_denied      ids, also of those that are allowed
 *   groups_allowed     user groups, whose members are as if named above
 *   groups_denied      likewise
 *   guests             people who see some channels only; false if missing
 *   strangers          people of other organisations, in shared channels;
 *                      false if missing
 *   direct_messages    true if missing
 *   bots_allowed       ids ("B..."); [] or missing: none
 *   bot_answers        so many to bots in a thread, until a person speaks
 *                      there; ACCESS_BOT_ANSWERS if missing
 *
 * Lists of channels are not about direct messages.
 */
struct access;

extern const char *const access_keys[]; /* ends with NULL */

#define ACCESS_TEXT_MAX    ((size_t)256 * 1024) /* one of the two texts */
#define ACCESS_BOT_ANSWERS 3

/* own and common may be NULL. NULL with e: no memory (ERR_RETRY), or one of
 * them is no such object. */
struct access *access_create(const char *own, const char *common,
			     struct err *e);
void access_free(struct access *a); /* NULL is allowed */

enum access_fact {
	FACT_OPEN = 0, /* not looked up yet */
	FACT_NO,
	FACT_YES,
	FACT_UNKNOWN, /* and can't be had */
};

struct access_facts {
	const char *channel;
	bool direct; /* a direct message */
	const char *user;
	bool is_bot;
	const char *bot_id; /* NULL: none, or not told */
	bool mention;
	enum access_fact guest;
	enum access_fact stranger;
	enum access_fact in_allowed; /* in a group that is */
	enum access_fact in_denied;
};

enum access_answer {
	ACCESS_YES = 0,
	ACCESS_ASK, /* it depends on facts that are open */
	ACCESS_NO_BOT,
	ACCESS_NO_DIRECT,
	ACCESS_NO_CHANNEL,
	ACCESS_NO_PERSON,
	ACCESS_NO_GUEST,
	ACCESS_NO_STRANGER,
	ACCESS_UNSURE, /* a fact is unknown, and it was said what to do */
};

/*
 * A pure function of both. A fact that is unknown counts as no where guests and
 * strangers are denied because nothing is set; anywhere else it keeps out.
 */
enum access_answer access_judge(const struct access *a,
				const struct access_facts *f);

/* Calls fn with each group that is allowed, or denied. */
void access_each_group(const struct access *a, bool denied,
		       void (*fn)(const char *group, void *arg), void *arg);

int access_bot_answers(const struct access *a);

/* As a word for log and journal: "guest". */
const char *access_why(enum access_answer no);

#endif
