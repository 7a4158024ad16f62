/* SPDX-License-Identifier: ISC */
#ifndef DEMO_WORLD_H
#define DEMO_WORLD_H

struct sim;

/* Acme with Mara, Bolt with Bruno; 0, or not when the simulator refuses. */
int world_make(struct sim *s);

/* A workspace that installs Mara's app and that no tenant knows. */
int world_add_stranger(struct sim *s);

/* As people call it; what isn't known is returned as it is. */
const char *world_title(const char *channel);
const char *world_name(const char *user);

#endif
