/* SPDX-License-Identifier: ISC */
#ifndef BASE_CONF_IN_H
#define BASE_CONF_IN_H

#include <stddef.h>

struct conf;
struct conf_model;
struct err;

/* Inside of conf.h. */

/*
 * Puts what a text sets over what is in c, which has its defaults or what
 * earlier files said, and adds the file. c stays the caller's. Errors start
 * with "name:line: ". What concerns all files together isn't looked at.
 */
int conf_read(struct conf *c, const char *name, const char *text, size_t len,
	      struct err *e);

/* A further model, all defaults. NULL: no memory; there is room for it. */
struct conf_model *conf_add_model(struct conf *c, const char *name);

#endif
