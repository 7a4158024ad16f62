/* SPDX-License-Identifier: ISC */
#include "ctl/app.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "admin/apply.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "ctl/args.h"
#include "ctl/ctl.h"
#include "ctl/exit.h"
#include "ctl/plain.h"

#define ANSWER_MAX ((size_t)16 * 1024 * 1024)
#define LOOK_MS    100
/* A ticket, a connection and a hello may take 35 s; thousands of others wait
 * for longer. */
#define WAIT_MS 40000

/* An answer of the daemon, or NULL with e; *status is HTTP's. */
static struct json *ask(struct ctl *c, const char *method, const char *path,
			int *status, struct err *e)
{
	struct json *j = NULL;
	struct buf out;

	buf_init(&out, ANSWER_MAX);
	*status = ctl_request(c, method, path, NULL, 0, &out, e);
	if (*status >= 0)
		j = json_parse(out.data ? out.data : "", out.len, ANSWER_MAX,
			       e);
	buf_release(&out);
	return j;
}

static const struct json *row_of(const struct json *status, const char *app)
{
	const struct json *list = json_at(status, "app_links");
	const struct json *row;
	const char *id;
	size_t i;

	for (i = 0; i < json_len(list, ""); i++) {
		row = json_nth(list, "", i);
		id = json_str(row, "app_id");
		if (id && strcmp(id, app) == 0)
			return row;
	}
	return NULL;
}

static bool is_live(const struct json *row)
{
	const char *state = json_str(row, "state");

	return (state && strcmp(state, "live") == 0) ||
	       json_int(row, "elsewhere", 0) > 0;
}

/* Has it come to something since then? */
static bool is_over(const struct json *row, int64_t since_ms)
{
	const char *state = json_str(row, "state");

	if (!row || is_live(row))
		return true;
	return state && strcmp(state, "backoff") == 0 &&
	       json_int(row, "since_ms", 0) >= since_ms;
}

static int show(const struct json *row, const char *app, bool json)
{
	const char *last = json_str(row, "last");
	const char *state = json_str(row, "state");
	long long elsewhere = (long long)json_int(row, "elsewhere", 0);
	bool live = is_live(row);
	struct buf out;
	struct jwrite w;

	if (json) {
		buf_init(&out, 4096);
		jw_init(&w, &out);
		jw_object(&w, NULL);
		jw_str(&w, "app_id", app);
		jw_bool(&w, "live", live);
		jw_str(&w, "state", state);
		jw_str(&w, "last", last);
		jw_int(&w, "elsewhere", elsewhere);
		jw_object_end(&w);
		printf("%s\n", out.data ? out.data : "{}");
		buf_release(&out);
	} else if (state && strcmp(state, "live") == 0) {
		printf("%s is connected\n", app);
	} else if (live) {
		printf("%s is connected, by other nodes\n", app);
	} else {
		plain_printf(stdout, "%s is not connected: %s\n", app,
			     last ? last : "it has no link here");
	}
	return live ? EX_OK : EX_UNAVAILABLE;
}

/* Looks until it is over, or takes too long. */
static int watch(struct ctl *c, const struct ctl_args *a, int64_t since_ms)
{
	int64_t end = clock_ms() + WAIT_MS;
	const struct json *row;
	struct err e = { 0 };
	struct json *j;
	int status, rc;

	for (;;) {
		j = ask(c, "GET", "/v1/status", &status, &e);
		if (!j)
			return exit_say(EX_UNAVAILABLE, e.msg);
		row = row_of(j, a->operand);
		if (is_over(row, since_ms) || clock_ms() > end)
			break;
		json_free(j);
		(void)poll(NULL, 0, LOOK_MS);
	}
	rc = show(row, a->operand, a->json);
	json_free(j);
	return rc;
}

int app_connect(struct ctl *c, const struct ctl_args *a)
{
	int64_t since_ms = clock_wall_ms();
	char path[128];
	struct err e = { 0 };
	const char *reason;
	struct json *j;
	int status;
	int rc = EX_OK;

	if (!apply_name_valid(a->operand)) {
		fprintf(stderr, "konstructctl: '%.60s' is no app's id\n",
			a->operand);
		return EX_DATAERR;
	}
	(void)snprintf(path, sizeof(path), "/v1/apps/%s/connect", a->operand);
	j = ask(c, "POST", path, &status, &e);
	if (!j)
		return exit_say(exit_of_err(&e, EX_NOPERM), e.msg);
	reason = json_str(j, "error");
	if (status >= 400)
		rc = exit_say(exit_of_status(status),
			      reason ? reason : "the daemon failed");
	json_free(j);
	return rc == EX_OK ? watch(c, a, since_ms) : rc;
}
