/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_CHECK_H
#define ADMIN_CHECK_H

struct conf;
struct err;

/*
 * Could the daemon start with these settings? Looks at what they name:
 * backends, addresses, the files of keys and CAs, as far as the caller may
 * read them. Makes and connects to nothing. -1 with e naming the first fault.
 */
int check_conf(const struct conf *c, struct err *e);

/* Of that the ways to Slack and the models: can their proxies' passwords and
 * CAs be read? Blocks as reading files does. */
int check_ways(const struct conf *c, struct err *e);

#endif
