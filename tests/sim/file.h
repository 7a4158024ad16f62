/* SPDX-License-Identifier: ISC */
#ifndef SIM_FILE_H
#define SIM_FILE_H

#include <stdbool.h>

#include "base/json.h"
#include "sim/core.h"

struct conn;
struct request;

/* A JSON array of these files, by their ids with commas between; those that
 * are bare with their id only. The caller frees it; NULL: one is unknown. */
char *files_json(struct sim *s, const char *ids);

/* All that Slack tells of a file; false: unknown. */
bool file_show(struct sim *s, struct jwrite *w, const char *key,
	       const char *id);

/* GET /files/ID/NAME */
void file_serve(struct conn *c, const struct request *r);

#endif
