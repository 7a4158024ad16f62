/* SPDX-License-Identifier: ISC */
#include "sim/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "sim/core.h"
#include "sim/interact.h"

#define TEXT_US       (120 * INT64_C(1000000))
#define PROCESSING_US (3600 * INT64_C(1000000))

struct session *session_get(struct sim *s, const struct install *i,
			    const struct channel *ch, const char *thread_ts,
			    bool make)
{
	struct session *se;
	char key[160];

	snprintf(key, sizeof(key), "%.40s %.40s %.40s", i->bot_user, ch->id,
		 thread_ts);
	se = map_get(s->interact->sessions, key);
	if (se || !make)
		return se;
	se = must_alloc(sizeof(*se));
	snprintf(se->status, sizeof(se->status), "active");
	if (map_put(s->interact->sessions, key, se) < 0)
		abort();
	return se;
}

void session_free(void *session)
{
	struct session *se = session;

	free(se->title);
	free(se->text);
	free(se->loading);
	free(se->prompts);
	free(se->prompts_title);
	free(se);
}

void session_set(struct sim *s, struct session *se, const char *status)
{
	snprintf(se->status, sizeof(se->status), "%s", status);
	se->processing_until_us = sim_clock_us() + PROCESSING_US;
	sim_changed(s);
}

const char *session_status(const struct session *se)
{
	if (strcmp(se->status, "processing") == 0 &&
	    se->processing_until_us < sim_clock_us())
		return "active";
	return se->status;
}

const char *session_text(const struct session *se)
{
	return se->text_until_us < sim_clock_us() ? NULL : se->text;
}

void session_show(struct sim *s, struct session *se, char *text, char *loading)
{
	free(se->text);
	free(se->loading);
	se->text = text;
	se->loading = loading;
	se->text_until_us = sim_clock_us() + TEXT_US;
	sim_changed(s);
}

void session_said(struct sim *s, const struct install *i, const struct msg *m)
{
	struct session *se = session_get(s, i, m->channel, m->thread_ts, false);

	if (!se || !se->text)
		return;
	session_show(s, se, NULL, NULL);
	session_set(s, se, "active");
}
