/* SPDX-License-Identifier: ISC */
#include "admin/top.h"

#include "admin/admin.h"
#include "admin/silent.h"
#include "admin/status.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/metric.h"
#include "link/hub.h"

/* More than a screen shows. */
#define LINKS_MAX 100

static const char *const times[METRIC_TIMES] = {
	[METRIC_ACK] = "ack",          [METRIC_COMMIT] = "commit",
	[METRIC_STORE] = "store",      [METRIC_GATE] = "state",
	[METRIC_WAIT] = "queue",       [METRIC_PLACEHOLDER] = "placeholder",
	[METRIC_FIRST] = "first text", [METRIC_ANSWER] = "answer",
	[METRIC_CANARY] = "canary",
};

static void add_times(struct jwrite *w)
{
	struct metric_histogram h;
	size_t i, t;

	jw_array(w, "bounds_us");
	for (i = 0; i < METRIC_BUCKETS - 1; i++)
		jw_int(w, NULL, metric_bounds_us[i]);
	jw_array_end(w);
	jw_array(w, "times");
	for (t = 0; t < METRIC_TIMES; t++) {
		metric_times((enum metric_time)t, &h);
		jw_object(w, NULL);
		jw_str(w, "name", times[t]);
		jw_array(w, "upto");
		for (i = 0; i < METRIC_BUCKETS; i++)
			jw_int(w, NULL, (int64_t)h.upto[i]);
		jw_array_end(w);
		jw_int(w, "sum_us", (int64_t)h.sum_us);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void add_tenant(const char *name, const uint64_t n[METRIC_COLUMNS],
		       void *arg)
{
	struct jwrite *w = arg;

	jw_object(w, NULL);
	jw_str(w, "name", name);
	jw_int(w, "answers", (int64_t)n[METRIC_ANSWERED]);
	jw_int(w, "failures", (int64_t)n[METRIC_FAILED]);
	jw_int(w, "tokens_in", (int64_t)n[METRIC_TOKENS_IN]);
	jw_int(w, "tokens_out", (int64_t)n[METRIC_TOKENS_OUT]);
	jw_object_end(w);
}

struct down {
	struct jwrite *w;
	size_t n;
};

static void add_down(const struct link_view *v, void *arg)
{
	struct down *d = arg;

	if (v->state == LINK_LIVE || !v->hold || d->n++ >= LINKS_MAX)
		return;
	jw_object(d->w, NULL);
	jw_str(d->w, "app_id", v->app_id);
	jw_str(d->w, "state", link_state_name(v->state));
	jw_int(d->w, "since_ms", v->since_ms);
	jw_str(d->w, "last", v->last);
	jw_object_end(d->w);
}

int top_page(const struct admin_opts *o, int64_t started_ms, struct buf *out)
{
	struct jwrite w;
	struct down d = { .w = &w };

	jw_init(&w, out);
	status_begin(&w, o, started_ms);
	jw_int(&w, "now_ms", clock_wall_ms());
	add_times(&w);
	jw_array(&w, "tenants");
	metric_each(METRIC_TENANTS, add_tenant, &w);
	jw_array_end(&w);
	silent_write(&w, o);
	jw_array(&w, "links_down");
	if (o->hub)
		hub_each(o->hub, add_down, &d);
	jw_array_end(&w);
	jw_object_end(&w);
	return 200;
}
