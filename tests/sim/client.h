/* SPDX-License-Identifier: ISC */
#ifndef SIM_CLIENT_H
#define SIM_CLIENT_H

struct buf;
struct err;
struct json;

/* One blocking connection to the control API of a running simulator. */
struct client;

/* url: "http://127.0.0.1:8010" or with https; ca: its certificate, or NULL. */
struct client *client_create(const char *url, const char *ca, struct err *e);
void client_free(struct client *c);

/*
 * Calls /ctl/<name> with a JSON object (NULL: none); dials again once if the
 * connection was lost. NULL with e filled, also when the answer says so.
 */
struct json *client_call(struct client *c, const char *name, const char *body,
			 struct err *e);

/* The commands of konstruct-sim(1) that use it; exit status. */
int chat_main(int argc, char **argv);
int ctl_main(int argc, char **argv);

#endif
