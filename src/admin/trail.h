/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_TRAIL_H
#define ADMIN_TRAIL_H

#include "store/audit.h"

struct api_call;
struct err;
struct journal;
struct store;

/* "AFTER:SINCE_MS": the next rows behind one (store/audit.h), and the chain as
 * it is; no rows: there are no more. */
int trail_rows(struct api_call *c, struct store *s, struct err *e);

/* Who is at the other end of the admin socket, for api_call.by; -1: not
 * known. */
#define TRAIL_BY 40
void trail_by(char out[TRAIL_BY], long uid, bool offline);

/*
 * POST /v1/remarks: {"command": "backup", "about": "/var/backups/x.db"}, what
 * konstructctl has done by itself. It changes nothing but the trail.
 */
int trail_parse(struct api_call *c, const char *body, size_t len,
		struct err *e);
int trail_remark(struct api_call *c, struct store *s, struct err *e);

/* Into the call, what its command changes: the settings that the body names,
 * as they are called. */
void trail_note(struct api_call *c, const char *method, const char *path,
		const char *body, size_t len);

/* To be written in the call's transaction. Valid as long as the call is. */
const struct audit_new *trail_of(struct api_call *c);

/* What changed nothing in the store. Any thread; nobody waits for it. */
void trail_add(struct journal *j, const char *by, const char *command);

#endif
