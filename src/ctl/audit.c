/* SPDX-License-Identifier: ISC */
#include "ctl/audit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "ctl/args.h"
#include "ctl/ctl.h"
#include "ctl/exit.h"
#include "ctl/plain.h"
#include "store/audit.h"

#define PAGE_MAX  ((size_t)64 * 1024 * 1024)
#define ROW_MAX   ((size_t)64 * 1024)
#define SHOWN_MAX 20 /* faults; all are counted */

/* A look through the trail. */
struct look {
	const struct ctl_args *args;
	FILE *out;
	struct audit_check check;
	struct audit_chain chain; /* as last told */
	int64_t after, since_ms;
	/* One that was told of before, and mustn't have changed. */
	int64_t head;
	char head_hash[DIGEST_HEX];
	bool head_seen;
	char *faults[SHOWN_MAX];
	size_t nfaults;
};

/* "" for what is none. */
static void hash_of(const struct json *j, const char *key, char out[DIGEST_HEX])
{
	const char *s = json_str(j, key);

	if (!s || strlen(s) != DIGEST_HEX - 1 ||
	    strspn(s, "0123456789abcdef") != DIGEST_HEX - 1)
		s = "";
	(void)snprintf(out, DIGEST_HEX, "%s", s);
}

static void keep_fault(const char *fault, void *arg)
{
	struct look *l = arg;

	if (l->nfaults < SHOWN_MAX)
		l->faults[l->nfaults++] = strdup(fault);
	if (!l->args->json)
		fprintf(l->out, "%s\n", fault);
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static void take_row(struct look *l, const struct json *j)
{
	const struct audit_row r = {
		.seq = json_int(j, "seq", 0),
		.at_ms = json_int(j, "at_ms", 0),
		.tenant_id = or_empty(json_str(j, "tenant_id")),
		.body = json_str(j, "body"),
		.digest = or_empty(json_str(j, "digest")),
		.before = or_empty(json_str(j, "before")),
		.hash = or_empty(json_str(j, "hash")),
	};
	char text[80];

	audit_check_row(&l->check, &r);
	if (r.seq != l->head)
		return;
	l->head_seen = true;
	if (strcmp(r.hash, l->head_hash) == 0)
		return;
	(void)snprintf(text, sizeof(text),
		       "row %" PRId64 " isn't the one of --head", r.seq);
	l->check.faults++;
	keep_fault(text, l);
}

/* "12:9f86d0..." */
static int take_head(struct look *l, struct err *e)
{
	const char *s = l->args->head;
	char *end;

	if (!s)
		return 0;
	l->head = strtoll(s, &end, 10);
	if (end == s || *end != ':' || l->head < 1 ||
	    strlen(end + 1) != DIGEST_HEX - 1)
		return err_set(e, ERR_INPUT,
			       "head: '%.80s' is no row and its hash, as"
			       " verify prints them",
			       s);
	memcpy(l->head_hash, end + 1, DIGEST_HEX);
	return 0;
}

/* What stands before the first row that is kept isn't there any more. */
static void miss_head(struct look *l)
{
	char text[80];

	if (!l->args->head || l->head_seen || l->head < l->chain.first)
		return;
	(void)snprintf(text, sizeof(text), "row %" PRId64 " is missing",
		       l->head);
	l->check.faults++;
	keep_fault(text, l);
}

static void report_json(const struct look *l)
{
	struct buf out;
	struct jwrite w;
	size_t i;

	buf_init(&out, ROW_MAX);
	jw_init(&w, &out);
	jw_object(&w, NULL);
	jw_int(&w, "rows", l->check.rows);
	jw_int(&w, "erased", l->check.erased);
	jw_int(&w, "first", l->chain.first);
	jw_int(&w, "last", l->chain.last);
	jw_str(&w, "hash", l->chain.hash);
	jw_array(&w, "faults");
	for (i = 0; i < l->nfaults; i++)
		jw_str(&w, NULL, l->faults[i]);
	jw_array_end(&w);
	jw_int(&w, "faults_all", l->check.faults);
	jw_object_end(&w);
	fprintf(l->out, "%s\n", out.data ? out.data : "{}");
	buf_release(&out);
}

static void forget_faults(struct look *l)
{
	size_t i;

	for (i = 0; i < l->nfaults; i++)
		free(l->faults[i]);
}

static int report(struct look *l)
{
	miss_head(l);
	if (l->args->json)
		report_json(l);
	else if (l->check.faults > 0)
		fprintf(l->out, "%" PRId64 " faults in %" PRId64 " rows\n",
			l->check.faults, l->check.rows);
	else
		fprintf(l->out,
			"%" PRId64 " rows, %" PRId64 " of them erased;"
			" the chain is whole up to\n%" PRId64 ":%s\n",
			l->check.rows, l->check.erased, l->chain.last,
			l->chain.hash);
	forget_faults(l);
	return l->check.faults > 0 ? EX_DATAERR : EX_OK;
}

/* NULL with e filled. */
static struct json *fetch(struct ctl *c, struct look *l, struct err *e)
{
	struct buf answer;
	struct json *j = NULL;
	char path[80];
	int status;

	(void)snprintf(path, sizeof(path), "/v1/audit/%" PRId64 ":%" PRId64,
		       l->after, l->since_ms);
	buf_init(&answer, PAGE_MAX);
	status = ctl_request(c, "GET", path, NULL, 0, &answer, e);
	if (status >= 0)
		j = json_parse(or_empty(answer.data), answer.len, PAGE_MAX, e);
	if (j && status >= 400) {
		(void)ctl_refused(status, j, e);
		json_free(j);
		j = NULL;
	}
	buf_release(&answer);
	return j;
}

/* How many rows the next page has, -1 with e. */
static int next_page(struct ctl *c, struct look *l,
		     void (*fn)(struct look *l, const struct json *row,
				const struct json *page),
		     struct err *e)
{
	struct json *j = fetch(c, l, e);
	size_t i, n;

	if (!j)
		return -1;
	n = json_len(j, "rows");
	l->chain.first = json_int(j, "first", 1);
	l->chain.last = json_int(j, "last", 0);
	hash_of(j, "before", l->chain.before);
	hash_of(j, "hash", l->chain.hash);
	if (l->after == 0)
		audit_check_begin(&l->check, &l->chain);
	else
		audit_check_moved(&l->check, &l->chain);
	for (i = 0; i < n; i++) {
		fn(l, json_nth(j, "rows", i), j);
		l->after = json_int(json_nth(j, "rows", i), "seq", INT64_MAX);
	}
	json_free(j);
	return (int)n;
}

static void check_row(struct look *l, const struct json *row,
		      const struct json *page)
{
	(void)page;
	take_row(l, row);
}

int audit_verify(struct ctl *c, const struct ctl_args *a)
{
	struct look l = { .args = a, .out = stdout };
	struct err e = { 0 };
	int n = 1;

	l.check.tell = keep_fault;
	l.check.arg = &l;
	if (take_head(&l, &e) < 0)
		return exit_say(EX_DATAERR, e.msg);
	while (n > 0)
		n = next_page(c, &l, check_row, &e);
	if (n < 0)
		return exit_say(exit_of_err(&e, EX_NOPERM), e.msg);
	audit_check_end(&l.check, &l.chain);
	return report(&l);
}

/* A file begins and ends where it does. */
static int check_line(struct look *l, const struct json *row, struct err *e)
{
	int64_t seq = json_int(row, "seq", 0);

	if (seq < 1)
		return err_set(e, ERR_INPUT, "seq: no row's number");
	if (l->check.next == 0) {
		l->chain.first = seq;
		hash_of(row, "before", l->chain.before);
		audit_check_begin(&l->check, &l->chain);
	}
	take_row(l, row);
	l->chain.last = seq;
	hash_of(row, "hash", l->chain.hash);
	return 0;
}

/* How long the next line is, its end not counted; -1: there is none, or with
 * e filled, none that can be read. */
static ssize_t next_line(FILE *f, char line[ROW_MAX], struct err *e)
{
	size_t n = 0;
	int c;

	while ((c = getc(f)) != EOF && c != '\n') {
		if (n == ROW_MAX)
			return err_set(e, ERR_INPUT,
				       "longer than %zu bytes, so no row",
				       ROW_MAX);
		line[n++] = (char)c;
	}
	if (ferror(f))
		return err_set(e, ERR_INPUT, "cannot read: %m");
	return c == EOF && n == 0 ? -1 : (ssize_t)n;
}

static int check_lines(struct look *l, FILE *f, char *line, size_t *at,
		       struct err *e)
{
	struct json *j;
	ssize_t n;
	int rc = 0;

	for (*at = 1; rc == 0; ++*at) {
		n = next_line(f, line, e);
		if (n < 0)
			break;
		j = json_parse(line, (size_t)n, ROW_MAX, e);
		rc = j ? check_line(l, j, e) : -1;
		json_free(j);
		if (rc < 0)
			break;
	}
	if (e->kind != ERR_NONE)
		return -1;
	if (*at == 1)
		return err_set(e, ERR_INPUT, "no row, so no chain either");
	return 0;
}

int audit_verify_stream(FILE *in, const char *name, const struct ctl_args *a,
			FILE *out, struct err *e)
{
	struct look l = { .args = a, .out = out };
	char *line = malloc(ROW_MAX);
	size_t at = 0;

	l.check.tell = keep_fault;
	l.check.arg = &l;
	if (!line)
		err_set(e, ERR_RETRY, "no memory");
	else if (take_head(&l, e) == 0 && check_lines(&l, in, line, &at, e) < 0)
		(void)err_wrap(e, "%.100s:%zu", name, at);
	free(line);
	if (e->kind == ERR_NONE)
		return report(&l);
	forget_faults(&l);
	return EX_DATAERR;
}

int audit_verify_file(const struct ctl_args *a)
{
	bool std = strcmp(a->operand, "-") == 0;
	FILE *f = std ? stdin : fopen(a->operand, "re");
	struct err e = { 0 };
	int rc;

	if (!f) {
		err_set(&e, ERR_INPUT, "cannot open '%s': %m", a->operand);
		return exit_say(EX_NOINPUT, e.msg);
	}
	rc = audit_verify_stream(f, std ? "standard input" : a->operand, a,
				 stdout, &e);
	if (!std)
		(void)fclose(f);
	return e.kind == ERR_NONE ? rc : exit_say(rc, e.msg);
}

static void print_text(const char *s)
{
	bool quote = s[strcspn(s, " \"")] != '\0';

	if (quote)
		putchar('"');
	plain_put(s, false, stdout);
	if (quote)
		putchar('"');
}

static bool print_member(const char *key, const struct json *value, void *arg)
{
	(void)arg;
	plain_printf(stdout, " %s=", key);
	if (json_str(value, ""))
		print_text(json_str(value, ""));
	else
		printf("%" PRId64, json_int(value, "", 0));
	return true;
}

/* A tenant that is gone goes by its id. */
static void print_tenant_of(const struct json *row, const struct json *page)
{
	const char *id = or_empty(json_str(row, "tenant_id"));
	const char *name = json_str(json_at(page, "tenants"), id);

	if (id[0] != '\0') {
		fputs(" tenant=", stdout);
		print_text(name ? name : id);
	}
}

static void print_row(struct look *l, const struct json *row,
		      const struct json *page)
{
	time_t at = (time_t)(json_int(row, "at_ms", 0) / 1000);
	const char *body = json_str(row, "body");
	struct err e = { 0 };
	struct json *j;
	struct tm tm;
	char when[32];

	(void)l;
	(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ",
		       gmtime_r(&at, &tm));
	printf("%" PRId64 " %s", json_int(row, "seq", 0), when);
	print_tenant_of(row, page);
	j = body ? json_parse(body, strlen(body), ROW_MAX, &e) : NULL;
	if (j)
		json_each(j, print_member, NULL);
	else
		fputs(body ? " unreadable" : " erased", stdout);
	putchar('\n');
	json_free(j);
}

static void print_json(struct look *l, const struct json *row,
		       const struct json *page)
{
	struct buf out;

	(void)l;
	(void)page;
	buf_init(&out, ROW_MAX);
	if (json_copy(row, &out) == 0)
		printf("%s\n", out.data);
	buf_release(&out);
}

/* A day, or so many until today. */
static int take_since(struct look *l, const char *since, struct err *e)
{
	char what[USAGE_WHAT];
	struct tm tm = { 0 };
	const char *end;

	if (!since)
		return 0;
	if (usage_what("day", since, clock_wall_ms(), what, e) < 0)
		return -1;
	end = strptime(strchr(what, ':') + 1, "%Y-%m-%d", &tm);
	if (!end || *end != '\0')
		return err_set(e, ERR_INPUT, "since: '%.40s' is no day", since);
	l->since_ms = (int64_t)timegm(&tm) * 1000;
	return 0;
}

int audit_export(struct ctl *c, const struct ctl_args *a)
{
	struct look l = { .args = a };
	struct err e = { 0 };
	int n = 1;

	if (take_since(&l, a->since, &e) < 0)
		return exit_say(EX_DATAERR, e.msg);
	while (n > 0)
		n = next_page(c, &l, a->json ? print_json : print_row, &e);
	if (n < 0)
		return exit_say(exit_of_err(&e, EX_NOPERM), e.msg);
	return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}
