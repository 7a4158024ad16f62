/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "sim/api.h"

static void fault_free(void *p)
{
	struct fault *f = p;

	free(f->method);
	free(f->app_id);
	free(f->team_id);
	free(f->error);
	free(f);
}

static bool meets(const char *want, const char *have)
{
	return !want || (have && strcmp(want, have) == 0);
}

/* A fault without a method is for the Web API only. */
static bool fits(const struct fault *f, const char *method, const char *app_id,
		 const char *team_id)
{
	if (!f->method &&
	    (strcmp(method, "link") == 0 || strcmp(method, "file") == 0))
		return false;
	return f->times >= 0 && meets(f->method, method) &&
	       meets(f->app_id, app_id) && meets(f->team_id, team_id);
}

struct fault *fault_take(struct sim *s, const char *method, const char *app_id,
			 const char *team_id)
{
	struct fault *f;
	size_t i;

	for (i = 0; i < s->api->faults.n; i++) {
		f = s->api->faults.v[i];
		if (!fits(f, method, app_id, team_id))
			continue;
		if (f->percent > 0 &&
		    sim_random(s) % 100 >= (uint64_t)f->percent)
			continue;
		if (f->skip > 0) {
			f->skip--;
			continue;
		}
		/* -1: used up, yet still borrowed by this caller */
		if (f->times > 0 && --f->times == 0)
			f->times = -1;
		return f;
	}
	return NULL;
}

int sim_fault(struct sim *s, const struct sim_fault *from)
{
	struct fault *f = must_alloc(sizeof(*f));

	f->kind = from->kind;
	f->method = must_dup(from->method);
	f->app_id = must_dup(from->app_id);
	f->team_id = must_dup(from->team_id);
	f->skip = from->skip;
	f->times = from->times < 0 ? 0 : from->times;
	f->percent = from->percent;
	f->status = from->status;
	f->error = must_dup(from->error);
	f->ms = from->ms;
	sim_lock(s);
	vec_push(&s->api->faults, f);
	sim_unlock(s);
	return 0;
}

void sim_fault_clear(struct sim *s)
{
	sim_lock(s);
	vec_free(&s->api->faults, fault_free);
	sim_unlock(s);
}
