/* SPDX-License-Identifier: ISC */
#ifndef CTL_MANIFEST_H
#define CTL_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What the bot of an agent may do, and what is missing without it. */
struct manifest_scope {
	const char *scope;
	const char *why;     /* in the manifest */
	const char *without; /* NULL: nothing works */
};
extern const struct manifest_scope manifest_scopes[];
extern const size_t manifest_nscopes;

/*
 * The manifest of the Slack app for one agent, as YAML, or JSON; name NULL:
 * "Mara". -1: name is none that Slack takes.
 */
struct manifest_opts {
	bool agent_view; /* in Slack's own view of agents, which guests of the
			  * workspace may not use */
	bool commands;   /* with a slash command and a message shortcut */
	bool json;
};
int manifest_print(const char *name, const struct manifest_opts *o, FILE *out);

#endif
