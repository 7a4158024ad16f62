/* SPDX-License-Identifier: ISC */
#include "admin/page.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "admin/admin.h"
#include "admin/api.h"
#include "admin/hour.h"
#include "admin/page_html.h"
#include "admin/roster.h"
#include "admin/status.h"
#include "admin/web.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/json.h"
#include "base/recent.h"
#include "link/hub.h"
#include "net/loop.h"
#include "turn/worker.h"

#define MINUTE_MS  60000
#define POLICY_MAX 512
#define DIGITS     "0123456789"
/* 200 tenants with the longest names, and the rest. */
#define PAGE_MAX ((size_t)1024 * 1024)

struct page {
	const struct admin_opts *o;
	int64_t started_ms;
	struct hour hour;
	struct roster *roster;
	struct loop_timer *timer; /* as each minute begins */
	char *policy;
};

static void count(const struct admin_opts *o, struct hour_counts *c)
{
	struct worker_stats ws = { 0 };
	struct hub_stats hs = { 0 };

	if (o->hub)
		hub_stats(o->hub, &hs);
	if (o->workers)
		workers_stats(o->workers, &ws);
	c->envelopes = hs.envelopes;
	c->answers = ws.answers;
	c->failures = ws.failures;
	metric_times(METRIC_ACK, &c->ack);
	metric_times(METRIC_FIRST, &c->first);
	metric_times(METRIC_ANSWER, &c->answer);
}

static void minute_begins(void *arg)
{
	struct page *p = arg;
	struct hour_counts c;
	int64_t now = clock_ms();

	count(p->o, &c);
	hour_tick(&p->hour, now, &c);
	loop_timer_set(p->timer, MINUTE_MS - now % MINUTE_MS);
}

/* 'sha256-...' of what stands between the tags. */
static int allow(struct buf *b, const char *what, const char *open,
		 const char *close)
{
	unsigned char sum[DIGEST_SIZE];
	const char *from = strstr(page_html_text, open);
	const char *to = from ? strstr(from, close) : NULL;

	if (!to)
		return -1;
	from += strlen(open);
	digest(from, (size_t)(to - from), sum);
	(void)buf_addf(b, "%s 'sha256-", what);
	(void)base64_add(b, sum, sizeof(sum));
	return buf_adds(b, "'; ");
}

static char *make_policy(void)
{
	char *policy = NULL;
	struct buf b;

	buf_init(&b, POLICY_MAX);
	(void)buf_adds(&b, "default-src 'none'; ");
	if (allow(&b, "script-src", "<script>", "</script>") == 0 &&
	    allow(&b, "style-src", "<style>", "</style>") == 0 &&
	    buf_adds(&b, "connect-src 'self'; img-src data:; "
			 "base-uri 'none'; form-action 'none'; "
			 "frame-ancestors 'none'") == 0)
		policy = buf_take(&b);
	buf_release(&b);
	return policy;
}

struct page *page_create(const struct admin_opts *o, int64_t started_ms,
			 struct err *e)
{
	struct page *p = calloc(1, sizeof(*p));
	struct hour_counts c;
	int64_t now = clock_ms();

	if (!p) {
		err_set(e, ERR_RETRY, "no memory");
		return NULL;
	}
	p->o = o;
	p->started_ms = started_ms;
	p->policy = make_policy();
	p->roster = roster_create();
	p->timer = loop_timer_create(o->loop, minute_begins, p);
	if (!p->policy || !p->roster || !p->timer) {
		err_set(e, ERR_RETRY, "no memory");
		page_free(p);
		return NULL;
	}
	count(o, &c);
	hour_init(&p->hour, now, &c);
	loop_timer_set(p->timer, MINUTE_MS - now % MINUTE_MS);
	return p;
}

void page_free(struct page *p)
{
	if (!p)
		return;
	loop_timer_free(p->timer);
	roster_free(p->roster);
	free(p->policy);
	free(p);
}

static void write_errors(struct jwrite *w)
{
	struct recent_line lines[RECENT_LINES];
	size_t i, n = recent_copy(lines);

	jw_array(w, "errors");
	for (i = 0; i < n; i++) {
		jw_object(w, NULL);
		jw_str(w, "level",
		       lines[i].level == LOG_LEVEL_ERROR ? "error" : "warn");
		jw_int(w, "at_ms", lines[i].at_ms);
		jw_int(w, "times", (int64_t)lines[i].times);
		jw_str(w, "msg", lines[i].msg);
		jw_str(w, "where", lines[i].where);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void write_json(struct page *p, struct buf *out)
{
	struct hour_counts c;
	int64_t now = clock_ms();
	struct jwrite w;

	count(p->o, &c);
	hour_tick(&p->hour, now, &c);
	jw_init(&w, out);
	status_begin(&w, p->o, p->started_ms);
	jw_int(&w, "now_ms", clock_wall_ms());
	hour_write(&p->hour, now, &c, &w);
	roster_write(p->roster, p->o, &w);
	write_errors(&w);
	jw_object_end(&w);
}

/* Nothing, or ":80". */
static bool is_port(const char *s)
{
	return *s == '\0' ||
	       (*s == ':' && s[1 + strspn(s + 1, DIGITS)] == '\0');
}

bool page_host_ok(const char *host)
{
	char name[INET6_ADDRSTRLEN + 1];
	size_t n = strcspn(host, ":");
	struct in6_addr a6;
	struct in_addr a4;
	bool bare = host[0] != '[';

	if (!bare) {
		host++;
		n = strcspn(host, "]");
		if (host[n] != ']')
			return false;
	}
	if (n >= sizeof(name) || !is_port(host + n + !bare))
		return false;
	memcpy(name, host, n);
	name[n] = '\0';
	return strcasecmp(name, "localhost") == 0 ||
	       inet_pton(AF_INET, name, &a4) == 1 ||
	       inet_pton(AF_INET6, name, &a6) == 1;
}

void page_serve(struct page *p, struct web_request *r, const struct web_view *v)
{
	struct buf out;

	buf_init(&out, PAGE_MAX);
	if (strcmp(v->path, "/") == 0) {
		web_type(r, "text/html; charset=utf-8");
		web_policy(r, p->policy);
		(void)buf_adds(&out, page_html_text);
	} else {
		write_json(p, &out);
	}
	web_reply(r, 200, &out);
}
