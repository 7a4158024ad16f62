/* SPDX-License-Identifier: ISC */
#ifndef CTL_INIT_H
#define CTL_INIT_H

struct ctl;
struct ctl_args;
struct err;

/*
 * "konstructctl init", with the settings at path. The manifest comes first:
 * the tokens are fetched with its help. Returns the exit code.
 */
int init_run(const struct ctl_args *a, const char *path);

/*
 * The first half: a configuration at path that names a model. One that does
 * already keeps it; in it, and in the one that the package brings, what isn't
 * set is filled in; else a short one is written. 0; 1: it was as is wanted; -1
 * with e.
 */
int init_conf(const struct ctl_args *a, const char *path, struct err *e);

struct init_tokens {
	char *app, *bot; /* NULL: to be asked for */
};

/* What is in the files that were named, which only who calls may be able to
 * read. 0, or -1 with e; to be freed in both cases. */
int init_tokens_read(const struct ctl_args *a, struct init_tokens *out,
		     struct err *e);
void init_tokens_free(struct init_tokens *t);

/*
 * The second half: the tenant with its tokens, which Slack is asked about, and
 * its agent. Asks for tokens that aren't there and puts them into t. 0; 1:
 * there are no tokens yet; -1 with e.
 */
int init_tenant(struct ctl *c, const struct ctl_args *a, struct init_tokens *t,
		struct err *e);

/*
 * An answer of the person at the terminal, to be freed with secret_free().
 * secret: not shown while it is typed. NULL: no answer, or no terminal.
 */
char *init_ask(const char *question, const char *preset, int secret);

#endif
