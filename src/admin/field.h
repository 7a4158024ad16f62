/* SPDX-License-Identifier: ISC */
#ifndef ADMIN_FIELD_H
#define ADMIN_FIELD_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct json;

/*
 * Objects of the admin's JSON, by tables: every member is known, of its type
 * and within its bounds, or an error that names it.
 */
enum field_kind {
	F_NAME, /* of a tenant */
	F_ID,   /* Slack's: capitals and digits */
	F_APP_TOKEN,
	F_BOT_TOKEN,
	F_REFRESH_TOKEN,
	F_LOCALE, /* of a language that we speak, or "" */
	F_LINE,   /* text without control characters */
	F_TEXT,   /* and with line ends and tabs */
	F_NUMBER,
	F_BOOL,
	F_COUNT,    /* a number from 0 to max */
	F_DAYS,     /* the same, or -1 */
	F_CHANNELS, /* a list of their ids, and so on */
	F_PEOPLE,
	F_GROUPS,
	F_BOTS,
	F_NESTED, /* looked at by whoever called */
};

/* A key, what may stand there, and where it goes. */
struct field {
	const char *key;
	enum field_kind kind;
	size_t offset;
	size_t max; /* bytes; of a list: ids */
};

/* A table, ended by a NULL key, and the struct that its offsets are in. */
struct fields {
	const struct field *table; /* NULL: no more */
	void *to;
};

/*
 * Strings, and lists as JSON, go to char * (heap, wiped when replaced), numbers
 * and booleans to int. place stands in front of the member's name in errors. 0
 * or -1.
 */
int field_walk(const struct json *j, const char *place, const struct fields *f,
	       size_t nfields, struct err *e);

/* Sets e to "<place><key>: <what>"; returns -1. */
int field_bad(struct err *e, const char *place, const char *key,
	      const char *what);

/* Capitals and digits, as Slack's ids are. */
bool field_id_valid(const char *s);

#endif
