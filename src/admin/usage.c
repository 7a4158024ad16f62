/* SPDX-License-Identifier: ISC */
#include "admin/usage.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admin/api.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "store/budget.h"
#include "store/store.h"
#include "store/usage.h"

#define ROWS_MAX  100000
#define MARKS_MAX 1000 /* of one tenant; those of the tenant come first */
#define NAME_SIZE 64

/* What one of those that are told apart has used, of all models. */
struct used {
	char tenant[NAME_SIZE];
	char who[NAME_SIZE];
	int64_t answers, in, out;
	double cost;
	bool priced;   /* some of it */
	bool unpriced; /* some of it */
};

/* A report that is being made. */
struct report {
	struct api_call *call;
	struct store *store;
	struct err *e;
	char by_name[NAME_SIZE];
	enum usage_by by;
	bool by_tenant;
	char since[11];

	struct used *rows;
	size_t n, room;
	size_t first; /* row of this tenant */

	struct jwrite w;
	const struct tenant *tenant; /* the one at hand */
	struct budget budget;
	struct budget_days days;
	int64_t each_own; /* budgets of which each channel or person has one */
};

static const struct {
	const char *name;
	enum usage_by by;
} ways[] = {
	{ "tenant", USAGE_BY_MODEL },  { "model", USAGE_BY_MODEL },
	{ "day", USAGE_BY_DAY },       { "channel", USAGE_BY_CHANNEL },
	{ "person", USAGE_BY_PERSON },
};

static int no_memory(struct err *e)
{
	return err_set(e, ERR_RETRY, "no memory");
}

/* PostgreSQL refuses what is none. */
static bool is_day(const char *s)
{
	static const char form[] = "dddd-dd-dd";
	struct tm tm = { 0 };
	char again[16];
	time_t at;
	size_t i;

	if (strlen(s) != sizeof(form) - 1)
		return false;
	for (i = 0; form[i]; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)s[i])
				   : s[i] != form[i])
			return false;
	tm.tm_year = (int)strtol(s, NULL, 10) - 1900;
	tm.tm_mon = (int)strtol(s + 5, NULL, 10) - 1;
	tm.tm_mday = (int)strtol(s + 8, NULL, 10);
	at = timegm(&tm);
	return at >= 0 && gmtime_r(&at, &tm) &&
	       strftime(again, sizeof(again), "%Y-%m-%d", &tm) > 0 &&
	       strcmp(again, s) == 0;
}

static int parse(struct report *r, const char *text)
{
	size_t n = strcspn(text, ":");
	size_t i;

	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strlen(ways[i].name) == n &&
		    memcmp(ways[i].name, text, n) == 0)
			break;
	if (i == sizeof(ways) / sizeof(ways[0]) || text[n] == '\0')
		return err_set(r->e, ERR_INPUT,
			       "by: '%.*s' is none of tenant, model, day, "
			       "channel and person",
			       n < 20 ? (int)n : 20, text);
	(void)snprintf(r->by_name, sizeof(r->by_name), "%s", ways[i].name);
	r->by = ways[i].by;
	r->by_tenant = i == 0;
	if (!is_day(text + n + 1))
		return err_set(r->e, ERR_INPUT, "'%.20s' is no day",
			       text + n + 1);
	(void)snprintf(r->since, sizeof(r->since), "%s", text + n + 1);
	return 0;
}

/* The row of who; the store tells them in order. */
static struct used *row_of(struct report *r, const char *who)
{
	struct used *u = r->n > r->first ? &r->rows[r->n - 1] : NULL;
	struct used *bigger;
	size_t room;

	if (u && strcmp(u->who, who) == 0)
		return u;
	if (r->n == r->room) {
		room = r->room ? r->room * 2 : 64;
		bigger = room > ROWS_MAX
				 ? NULL
				 : reallocarray(r->rows, room, sizeof(*bigger));
		if (!bigger)
			return NULL;
		r->rows = bigger;
		r->room = room;
	}
	u = &r->rows[r->n++];
	*u = (struct used){ 0 };
	(void)snprintf(u->tenant, sizeof(u->tenant), "%s", r->tenant->name);
	(void)snprintf(u->who, sizeof(u->who), "%s", who);
	return u;
}

static int add_row(const struct usage_row *row, void *arg)
{
	struct report *r = arg;
	struct used *u = row_of(r, r->by_tenant ? "" : row->who);
	double cost = conf_cost(r->call->conf, row->model, row->prompt_tokens,
				row->completion_tokens);

	if (!u)
		return err_set(r->e, ERR_RETRY,
			       "no memory, or too many of them");
	u->answers += row->answers;
	u->in += row->prompt_tokens;
	u->out += row->completion_tokens;
	if (cost >= 0) {
		u->cost += cost;
		u->priced = true;
	} else {
		u->unpriced = true;
	}
	return 0;
}

static int add_tenant(const struct tenant *t, void *arg)
{
	struct report *r = arg;

	r->tenant = t;
	r->first = r->n;
	return r->store->ops->usage->rows(r->store, t->id, r->by, r->since,
					  add_row, r, r->e);
}

static int more_first(const void *x, const void *y)
{
	const struct used *a = x, *b = y;
	int64_t d = b->in + b->out - a->in - a->out;
	int names;

	if (d != 0)
		return d < 0 ? -1 : 1;
	names = strcmp(a->tenant, b->tenant);
	return names != 0 ? names : strcmp(a->who, b->who);
}

static void write_used(struct jwrite *w, const struct used *u, const char *who)
{
	char cost[48];

	jw_object(w, NULL);
	jw_str(w, "tenant", u->tenant);
	if (who)
		jw_str(w, who, u->who);
	jw_int(w, "answers", u->answers);
	jw_int(w, "prompt_tokens", u->in);
	jw_int(w, "completion_tokens", u->out);
	if (u->priced) {
		(void)snprintf(cost, sizeof(cost), "%.6f", u->cost);
		jw_str(w, "cost", cost);
	}
	if (u->unpriced)
		jw_bool(w, "unpriced", true);
	jw_object_end(w);
}

static void write_rows(struct report *r)
{
	size_t i;

	if (r->by != USAGE_BY_DAY && r->n > 0)
		qsort(r->rows, r->n, sizeof(*r->rows), more_first);
	jw_str(&r->w, "by", r->by_name);
	jw_str(&r->w, "since", r->since);
	jw_bool(&r->w, "priced", conf_has_prices(r->call->conf));
	jw_array(&r->w, "usage");
	for (i = 0; i < r->n; i++)
		write_used(&r->w, &r->rows[i],
			   r->by_tenant ? NULL : r->by_name);
	jw_array_end(&r->w);
}

/* budgets: each of the tenant's own; of channels and people those that were
 * warned of in the period of now */

static bool is_of_now(const struct report *r, const struct usage_mark *m, int i)
{
	return strcmp(m->since,
		      budget_since(&r->days, budget_item(i).period)) == 0;
}

static int item_of(const char *name)
{
	int i;

	for (i = 0; i < BUDGET_ITEMS; i++)
		if (strcmp(budget_name(i), name) == 0)
			return i;
	return -1;
}

static void write_budget(struct report *r, const struct usage_sums *used, int i,
			 const char *who, int64_t warned_ms)
{
	const struct budget_item it = budget_item(i);
	int64_t n = used->n[it.scope][it.kind][it.period];
	struct jwrite *w = &r->w;

	jw_object(w, NULL);
	jw_str(w, "tenant", r->tenant->name);
	jw_str(w, "budget", budget_name(i));
	jw_str(w, "who", who);
	jw_int(w, "used", n);
	jw_int(w, "most", r->budget.most[i]);
	jw_int(w, "percent", budget_percent(&r->budget, used, i));
	jw_int(w, "full_ms", r->days.full_ms[it.period]);
	if (warned_ms > 0)
		jw_int(w, "warned_ms", warned_ms);
	jw_object_end(w);
}

static int sums_of(struct report *r, const char *channel, const char *user,
		   struct usage_sums *out)
{
	const struct usage_ask a = { .tenant_id = r->tenant->id,
				     .channel = channel,
				     .user = user,
				     .today = r->days.today,
				     .month = r->days.month };

	return r->store->ops->usage->sums(r->store, &a, out, r->e);
}

/* What the store calls back with can't be asked for while it does. */
struct kept {
	int item;
	char who[NAME_SIZE];
	int64_t at_ms;
};
struct marks {
	const struct report *r;
	struct kept *rows;
	size_t n;
	int64_t own_ms[BUDGET_ITEMS];
};

static int keep_mark(const struct usage_mark *m, void *arg)
{
	struct marks *k = arg;
	int i = item_of(m->budget);
	struct kept *row;

	if (i < 0 || !is_of_now(k->r, m, i) || k->r->budget.most[i] == 0)
		return 0;
	if (m->who[0] == '\0') {
		k->own_ms[i] = m->at_ms;
		return 0;
	}
	if (k->n == MARKS_MAX)
		return 0;
	row = &k->rows[k->n++];
	row->item = i;
	row->at_ms = m->at_ms;
	(void)snprintf(row->who, sizeof(row->who), "%s", m->who);
	return 0;
}

static int write_marks(struct report *r, const struct marks *k)
{
	struct usage_sums used;
	bool person;
	size_t i;

	for (i = 0; i < k->n; i++) {
		person = budget_item(k->rows[i].item).scope == USAGE_PERSON;
		if (sums_of(r, person ? "" : k->rows[i].who,
			    person ? k->rows[i].who : "", &used) < 0)
			return -1;
		write_budget(r, &used, k->rows[i].item, k->rows[i].who,
			     k->rows[i].at_ms);
	}
	return 0;
}

static int write_own(struct report *r, const struct marks *k)
{
	struct usage_sums used;
	int i;

	if (sums_of(r, "", "", &used) < 0)
		return -1;
	for (i = 0; i < BUDGET_ITEMS; i++)
		if (r->budget.most[i] > 0 &&
		    budget_item(i).scope == USAGE_TENANT)
			write_budget(r, &used, i, "", k->own_ms[i]);
	return 0;
}

static int64_t of_each(const struct budget *b)
{
	int64_t n = 0;
	int i;

	for (i = 0; i < BUDGET_ITEMS; i++)
		n += b->most[i] > 0 && budget_item(i).scope != USAGE_TENANT;
	return n;
}

static int write_budgets(const struct tenant *t, void *arg)
{
	struct report *r = arg;
	struct marks k = { .r = r };
	int rc = -1;

	r->tenant = t;
	if (!t->budget || t->budget[0] == '\0')
		return 0;
	if (budget_parse(&r->budget, t->budget, r->e) < 0)
		return -1;
	r->each_own += of_each(&r->budget);
	k.rows = calloc(MARKS_MAX, sizeof(*k.rows));
	if (!k.rows)
		return no_memory(r->e);
	if (r->store->ops->usage->marks(r->store, t->id, r->days.month,
					keep_mark, &k, r->e) == 0 &&
	    write_own(r, &k) == 0)
		rc = write_marks(r, &k);
	free(k.rows);
	return rc;
}

/* each: calls fn for the tenants that are meant. */
static int report(struct report *r,
		  int (*each)(struct report *r,
			      int (*fn)(const struct tenant *t, void *arg)))
{
	int rc;

	budget_days(clock_wall_ms(), &r->days);
	rc = each(r, add_tenant);
	if (rc == 0) {
		jw_init(&r->w, &r->call->out);
		jw_object(&r->w, NULL);
		write_rows(r);
		jw_array(&r->w, "budgets");
		rc = each(r, write_budgets);
		jw_array_end(&r->w);
		jw_int(&r->w, "budgets_of_each", r->each_own);
		jw_object_end(&r->w);
	}
	free(r->rows);
	return rc;
}

static int each_tenant(struct report *r,
		       int (*fn)(const struct tenant *t, void *arg))
{
	return r->store->ops->tenants(r->store, fn, r, r->e);
}

static int the_tenant(struct report *r,
		      int (*fn)(const struct tenant *t, void *arg))
{
	struct tenant t = { 0 };
	int rc = r->store->ops->tenant_by_name(r->store, r->call->tenant, &t,
					       r->e);

	if (rc > 0) {
		rc = fn(&t, r);
	} else if (rc == 0) {
		r->call->status = 404;
		rc = err_set(r->e, ERR_INPUT, "no tenant '%s'",
			     r->call->tenant);
	}
	tenant_release(&t);
	return rc;
}

int usage_all(struct api_call *c, struct store *s, struct err *e)
{
	struct report r = { .call = c, .store = s, .e = e };

	return parse(&r, c->tenant) < 0 ? -1 : report(&r, each_tenant);
}

int usage_one(struct api_call *c, struct store *s, struct err *e)
{
	struct report r = { .call = c, .store = s, .e = e };

	return parse(&r, c->of_tenant) < 0 ? -1 : report(&r, the_tenant);
}
