/* SPDX-License-Identifier: ISC */
#ifndef SIM_PEOPLE_H
#define SIM_PEOPLE_H

struct buf;
struct json;

/* Names and ids of those whom a person at a terminal talks to. */
struct people;

struct people *people_create(void);
void people_free(struct people *p);

/* users: of /ctl/users. Ids of all; names are looked for in team only. */
void people_take(struct people *p, const struct json *users, const char *team);

const char *people_name(const struct people *p, const char *id);
/* By id or by name in any case; NULL: nobody. */
const char *people_id(const struct people *p, const char *who);

/*
 * A line as Slack's own clients send it: "@name" as a mention, and & < >
 * escaped.
 */
void people_mrkdwn(const struct people *p, const char *line, struct buf *out);

#endif
