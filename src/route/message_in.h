/* SPDX-License-Identifier: ISC */
#ifndef ROUTE_MESSAGE_IN_H
#define ROUTE_MESSAGE_IN_H

#include <stdbool.h>

#include "route/message.h"

/*
 * How a field of a payload gets into a message; for message.c and signal.c.
 * What returns an int: 0, or -1 with e filled (ERR_INPUT names the field,
 * ERR_RETRY: memory is short).
 */
struct err;
struct json;

bool message_id_valid(const char *s);
bool message_event_id_valid(const char *s); /* a trigger_id as well */

int message_no_memory(struct err *e); /* always -1 */
int message_copy(char **out, const char *s, struct err *e);

/* Leaves *out NULL when there is nothing, null or "" at path. */
int message_take_optional(const struct json *j, const char *path,
			  bool (*valid)(const char *s), char **out,
			  struct err *e);
int message_take(const struct json *j, const char *path,
		 bool (*valid)(const char *s), char **out, struct err *e);
/* For what is beside the point: what is odd is left out. */
int message_take_if(const struct json *j, const char *path,
		    bool (*valid)(const char *s), char **out, struct err *e);

/* app, workspace and who we are in it; of an event. */
int message_take_install(struct message *m, const struct json *payload,
			 struct err *e);
/* What is said by the object at path: Slack's text without our own mention,
 * and what only its blocks hold. "" when there is nothing. */
int message_take_content(struct message *m, const struct json *j,
			 const char *path, struct err *e);
/* Those of the message object, and of what was forwarded by it. */
int message_take_files(struct message *m, const struct json *said,
		       struct err *e);
/* Who has said it is of another organisation. */
bool message_is_external(const struct json *payload, const struct json *said);

/* When somebody edited it last; 0: not told. */
int64_t message_edited_ms(const struct json *j, const char *path);

bool message_field_is(const struct json *j, const char *path, const char *want);
enum conversation message_conversation(const struct json *payload);

/* An id that can stand in a key. */
#define MESSAGE_KEY_SIZE 65
bool message_take_key(const struct json *j, const char *path,
		      char out[MESSAGE_KEY_SIZE]);

#endif
