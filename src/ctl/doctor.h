/* SPDX-License-Identifier: ISC */
#ifndef CTL_DOCTOR_H
#define CTL_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

struct conf;
struct doctor;
struct json;
struct keyring;
struct probe;
struct store;
struct way;

/*
 * "konstructctl doctor": tries all that a daemon with these settings needs,
 * from here and as the daemon's user, and says of each what was seen and what
 * to do. tenant NULL: all of them. Returns 0: all is well, 1: there are
 * warnings, 2: failures.
 */
int doctor_run(const struct conf *conf, const char *tenant, bool json);

/* What follows is between the doctor's own files. */

enum doctor_result {
	DOCTOR_OK,
	DOCTOR_WARNING,
	DOCTOR_FAILURE,
};

/* One line of the report. todo NULL: nothing. seen is printf's. */
void doctor_say(struct doctor *d, enum doctor_result r, const char *what,
		const char *todo, const char *seen, ...)
	__attribute__((format(printf, 5, 6)));

/* Says what a request came to, up to TLS; false if it got no answer. */
bool doctor_probed(struct doctor *d, const char *what, const struct probe *p);

/* What to do where only the daemon's unit is given a secret. */
const char *doctor_elsewhere(const struct doctor *d);

const struct conf *doctor_conf(const struct doctor *d);
/* The daemon's answer to /v1/status; NULL: none runs, or it won't tell. */
const struct json *doctor_status(const struct doctor *d);

/* The machine: files, disk, limits, sandbox, store and state. The store that
 * it could open, or NULL. */
struct store *doctor_machine(struct doctor *d, struct keyring **keyring);
/* Does the daemon run what the settings say? Nothing if none runs. */
void doctor_settings(struct doctor *d);
/* Is it there, and for whom? */
void doctor_socket(struct doctor *d);
/* Who answers nobody, and why? */
void doctor_tenants(struct doctor *d, struct store *s, const char *tenant);
/* When do bot tokens expire? */
void doctor_tokens(struct doctor *d, struct store *s, const char *tenant);
/* Do canaries come back? */
void doctor_canaries(struct doctor *d, struct store *s, const char *tenant);
void doctor_slack(struct doctor *d, struct store *s, const char *tenant);
void doctor_models(struct doctor *d);

#endif
