/* SPDX-License-Identifier: ISC */
#include "admin/silent.h"

#include <stdbool.h>
#include <stddef.h>

#include "admin/admin.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "store/journal.h"
#include "store/store.h"

#define SHOWN_MAX 100

struct listing {
	struct jwrite *w;
	int n;
};

static int add(const char *tenant, const char *why, void *arg)
{
	struct listing *l = arg;

	if (l->n++ == SHOWN_MAX)
		return 1;
	jw_object(l->w, NULL);
	jw_str(l->w, "tenant", tenant);
	jw_str(l->w, "why", why);
	jw_object_end(l->w);
	return 0;
}

void silent_write(struct jwrite *w, const struct admin_opts *o)
{
	struct listing l = { .w = w };
	struct journal_stats js = { 0 };
	struct err e = { 0 };

	if (o->journal)
		journal_stats(o->journal, &js);
	jw_array(w, "silent");
	if (o->store && !js.failing &&
	    o->store->ops->silent(o->store, SHOWN_MAX + 1, add, &l, &e) < 0)
		log_debug(NULL, "cannot list who is silent: %s", e.msg);
	jw_array_end(w);
	jw_bool(w, "silent_left_out", l.n > SHOWN_MAX);
}
