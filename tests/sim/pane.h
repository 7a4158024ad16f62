/* SPDX-License-Identifier: ISC */
#ifndef SIM_PANE_H
#define SIM_PANE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"
#include "sim/world.h"

/* A modal or a home as Slack keeps it. */
struct pane {
	char id[24];
	char hash[48];
	char root[24];
	char previous[24]; /* "": none */
	struct install *install;
	struct user *user;
	char *given;  /* as the app gave it, ids filled in */
	char *errors; /* of the last submission, or NULL */
	bool home;
	bool open; /* a home always is */
};

/* NULL, or Slack's word for what is wrong with it. */
const char *pane_check(const char *json, bool home);
/* A copy of the JSON, checked before, is kept. */
struct pane *pane_create(struct sim *s, struct install *i, struct user *u,
			 const char *json, bool home);
void pane_revise(struct sim *s, struct pane *v, const char *json);
void pane_free(void *pane);

struct pane *pane_find(const struct sim *s, const char *id);
struct pane *pane_by_external_id(const struct sim *s, const struct install *i,
				 const char *external_id);
/* What this person sees as the app's home; NULL: nothing was published. */
struct pane *pane_home(const struct sim *s, const struct install *i,
		       const struct user *u);
/* The topmost open modal of the app for this person; NULL: none. */
struct pane *pane_top(const struct sim *s, const struct install *i,
		      const struct user *u);
/* How many are open from its root up to the top. */
size_t pane_depth(const struct sim *s, const struct pane *of);
/* Puts v on top of it. */
void pane_stack(struct pane *v, const struct pane *below);
void pane_shut(struct sim *s, struct pane *v);
void pane_shut_all(struct sim *s, const struct pane *of);

/* As Slack shows it; state: of its inputs, as JSON text, or NULL. */
void pane_write(struct jwrite *w, const char *key, const struct pane *v,
		const char *state);

#endif
