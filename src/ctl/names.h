/* SPDX-License-Identifier: ISC */
#ifndef CTL_NAMES_H
#define CTL_NAMES_H

#include <stdio.h>

/* What a word of the command line may name. */
enum names_kind {
	NAMES_TENANTS,
	NAMES_AGENTS, /* of a tenant */
	NAMES_APPS,
	NAMES_MODELS,
	NAMES_CHANNELS, /* of a tenant */
	NAMES_ENTRIES,  /* dead letters */
	NAMES_KEYS,
	NAMES_SECRETS,
	NAMES_KINDS
};

/*
 * For completion: what there is of that kind, as the daemon behind the socket
 * knows it, a line each and before in front of each. tenant may be NULL where
 * none is needed. Nothing, without a word, where no daemon answers in a second.
 */
void names_print(const char *socket, enum names_kind kind, const char *tenant,
		 const char *before, FILE *out);

#endif
