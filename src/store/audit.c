/* SPDX-License-Identifier: ISC */
#include "store/audit.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"

#define HASHED_MAX 512

static void add(struct jwrite *w, const char *key, const char *value)
{
	if (value && value[0] != '\0')
		jw_str(w, key, value);
}

static void add_number(struct jwrite *w, const char *key, int64_t n)
{
	if (n != 0)
		jw_int(w, key, n);
}

int audit_body(const struct audit_new *a, struct buf *out)
{
	struct jwrite w;

	jw_init(&w, out);
	jw_object(&w, NULL);
	add(&w, "what", a->what);
	add(&w, "entry", a->entry);
	add(&w, "app", a->app);
	add(&w, "workspace", a->workspace);
	add(&w, "channel", a->channel);
	add(&w, "thread", a->thread);
	add(&w, "user", a->user);
	add(&w, "agent", a->agent);
	add(&w, "model", a->model);
	add_number(&w, "prompt_tokens", a->prompt_tokens);
	add_number(&w, "completion_tokens", a->completion_tokens);
	add(&w, "with", a->with);
	add(&w, "decision", a->decision);
	add(&w, "why", a->why);
	add(&w, "by", a->by);
	add(&w, "command", a->command);
	add(&w, "tenants", a->tenants);
	add(&w, "changed", a->changed);
	jw_object_end(&w);
	return out->failed ? -1 : 0;
}

/* Ids are short; what isn't was never one of ours, and its hash is wrong. */
void audit_hash(const struct audit_row *r, char out[DIGEST_HEX])
{
	char text[HASHED_MAX];
	int n = snprintf(text, sizeof(text),
			 "%s\n%" PRId64 "\n%" PRId64 "\n%s\n%s", r->before,
			 r->seq, r->at_ms, r->tenant_id, r->digest);

	if (n < 0 || (size_t)n >= sizeof(text))
		n = 0;
	digest_hex(text, (size_t)n, out);
}

__attribute__((format(printf, 2, 3))) static void fault(struct audit_check *c,
							const char *format, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	c->faults++;
	if (c->tell)
		c->tell(text, c->arg);
}

static void go_on_from(struct audit_check *c, int64_t next, const char *hash)
{
	c->next = next;
	(void)snprintf(c->hash, sizeof(c->hash), "%s", hash);
}

void audit_check_begin(struct audit_check *c, const struct audit_chain *from)
{
	go_on_from(c, from->first, from->before);
	c->rows = c->erased = c->faults = 0;
}

void audit_check_moved(struct audit_check *c, const struct audit_chain *now)
{
	if (now->first > c->next)
		go_on_from(c, now->first, now->before);
}

static void missing(struct audit_check *c, int64_t until)
{
	if (until == c->next)
		fault(c, "row %" PRId64 " is missing", until);
	else
		fault(c, "rows %" PRId64 " to %" PRId64 " are missing", c->next,
		      until);
	c->hash[0] = '\0';
}

/* Does it say what it said when it was written? */
static bool is_whole(const struct audit_row *r)
{
	char sum[DIGEST_HEX];

	if (r->body) {
		digest_hex(r->body, strlen(r->body), sum);
		if (strcmp(sum, r->digest) != 0)
			return false;
	}
	audit_hash(r, sum);
	return strcmp(sum, r->hash) == 0;
}

void audit_check_row(struct audit_check *c, const struct audit_row *r)
{
	if (r->seq < c->next) {
		fault(c, "row %" PRId64 " is there twice, or out of order",
		      r->seq);
		return;
	}
	c->rows++;
	c->erased += r->body == NULL;
	if (r->seq > c->next)
		missing(c, r->seq - 1);
	if (!is_whole(r)) {
		fault(c, "row %" PRId64 " was changed", r->seq);
		go_on_from(c, r->seq + 1, "");
		return;
	}
	if (c->hash[0] != '\0' && strcmp(c->hash, r->before) != 0)
		fault(c,
		      "row %" PRId64 " doesn't go on from row %" PRId64
		      ": one of them isn't the one that was written",
		      r->seq, r->seq - 1);
	go_on_from(c, r->seq + 1, r->hash);
}

void audit_check_end(struct audit_check *c, const struct audit_chain *end)
{
	if (end->last >= c->next)
		missing(c, end->last);
	else if (end->last < c->next - 1)
		fault(c, "row %" PRId64 " comes after the end of the chain",
		      c->next - 1);
	else if (c->hash[0] != '\0' && c->next > end->first &&
		 strcmp(c->hash, end->hash) != 0)
		fault(c, "row %" PRId64 " isn't the one that was written",
		      end->last);
}
