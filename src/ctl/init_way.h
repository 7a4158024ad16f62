/* SPDX-License-Identifier: ISC */
#ifndef CTL_INIT_WAY_H
#define CTL_INIT_WAY_H

struct conf;

/* The way out, as a person at the terminal says it; NULL: nothing to be set. */
struct init_way {
	char *proxy, *user, *password_file;
};

/*
 * Asks for the proxy, and for user and password file if there is one. What the
 * environment names is what an empty answer means; the daemon itself won't see
 * that environment.
 */
void init_way_ask(struct init_way *out);
void init_way_free(struct init_way *w);

/*
 * Tries to reach Slack with these settings, for up to 15 seconds, and says what
 * is wrong. Where the certificate's signer isn't trusted it asks for his
 * certificate: the file, to be freed. NULL: none is needed, or given.
 */
char *init_way_ca(const struct conf *c);

#endif
