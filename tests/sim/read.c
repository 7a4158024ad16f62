/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "sim/act.h"
#include "sim/api.h"
#include "sim/core.h"
#include "sim/flow.h"
#include "sim/llm.h"
#include "sim/react.h"
#include "sim/socket.h"

static void copy_msg(struct sim_msg *to, const struct msg *m)
{
	size_t i;

	snprintf(to->ts, sizeof(to->ts), "%s", m->ts);
	snprintf(to->thread_ts, sizeof(to->thread_ts), "%s", m->thread_ts);
	to->channel = must_dup(m->channel->id);
	to->user = must_dup(m->user ? m->user->id : "");
	to->bot_id = must_dup(m->bot_id);
	to->app_id = must_dup(m->by ? m->by->app->id : NULL);
	to->text = must_dup(m->text);
	to->subtype = must_dup(m->subtype);
	to->blocks = must_dup(m->blocks);
	to->metadata = must_dup(m->metadata);
	to->files = must_dup(m->files);
	to->reactions = reactions_json(m);
	to->to_user = must_dup(m->to_user);
	to->hook = must_dup(m->hook);
	to->ephemeral = m->to_user;
	to->deleted = m->deleted;
	to->edited = *m->edited_ts;
	to->streaming = flow_live(m);
	to->unfurl_links = m->unfurl_links;
	to->unfurl_media = m->unfurl_media;
	to->nversions = m->nversions;
	to->versions = must_alloc(m->nversions * sizeof(*to->versions));
	for (i = 0; i < m->nversions; i++) {
		to->versions[i].at_us = m->versions[i].at_us;
		to->versions[i].text = must_dup(m->versions[i].text);
	}
}

static bool in_thread(const struct msg *m, const char *thread_ts)
{
	return !thread_ts || strcmp(m->ts, thread_ts) == 0 ||
	       strcmp(m->thread_ts, thread_ts) == 0;
}

struct sim_msg *sim_messages(struct sim *s, const char *channel,
			     const char *thread_ts, size_t *n)
{
	struct sim_msg *out;
	struct channel *ch;
	size_t i;

	*n = 0;
	sim_lock(s);
	ch = world_channel(s->world, channel);
	out = must_alloc((ch ? ch->msgs.n : 0) * sizeof(*out));
	for (i = 0; ch && i < ch->msgs.n; i++) {
		if (in_thread(ch->msgs.v[i], thread_ts))
			copy_msg(&out[(*n)++], ch->msgs.v[i]);
	}
	sim_unlock(s);
	return out;
}

void sim_messages_free(struct sim_msg *m, size_t n)
{
	size_t i, k;

	for (i = 0; i < n; i++) {
		for (k = 0; k < m[i].nversions; k++)
			free(m[i].versions[k].text);
		free(m[i].versions);
		free(m[i].channel);
		free(m[i].user);
		free(m[i].bot_id);
		free(m[i].app_id);
		free(m[i].text);
		free(m[i].subtype);
		free(m[i].blocks);
		free(m[i].metadata);
		free(m[i].files);
		free(m[i].reactions);
		free(m[i].to_user);
		free(m[i].hook);
	}
	free(m);
}

struct sim_call *sim_calls(struct sim *s, const char *method, size_t *n)
{
	const struct call_log *l;
	struct sim_call *out;
	size_t i;

	*n = 0;
	sim_lock(s);
	out = must_alloc(s->api->log.n * sizeof(*out));
	for (i = 0; i < s->api->log.n; i++) {
		l = s->api->log.v[i];
		if (method && strcmp(l->method, method) != 0)
			continue;
		out[*n].at_us = l->at_us;
		out[*n].done_us = l->done_us;
		out[*n].method = must_dup(l->method);
		out[*n].app_id = must_dup(l->app_id);
		out[*n].team_id = must_dup(l->team_id);
		out[*n].args = must_dup(l->args);
		out[*n].error = must_dup(l->error);
		out[*n].status = l->status;
		memcpy(out[*n].ts, l->ts, SIM_TS);
		++*n;
	}
	sim_unlock(s);
	return out;
}

void sim_calls_free(struct sim_call *c, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free(c[i].method);
		free(c[i].app_id);
		free(c[i].team_id);
		free(c[i].args);
		free(c[i].error);
	}
	free(c);
}

size_t sim_count(struct sim *s, const char *method)
{
	size_t *count;
	size_t n;

	sim_lock(s);
	count = map_get(s->api->counts, method);
	n = count ? *count : 0;
	sim_unlock(s);
	return n;
}

struct sim_ask *sim_asks(struct sim *s, size_t *n)
{
	struct sim_ask *out;
	struct ask *a;
	size_t i;

	sim_lock(s);
	*n = s->model->log.n;
	out = must_alloc(*n * sizeof(*out));
	for (i = 0; i < *n; i++) {
		a = s->model->log.v[i];
		out[i].at_us = a->at_us;
		out[i].first_us = a->first_us;
		out[i].end_us = a->end_us;
		out[i].model = must_dup(a->model);
		out[i].body = must_dup(a->body);
		out[i].last = must_dup(a->last);
		out[i].headers = must_dup(a->headers);
		out[i].status = a->status;
		out[i].stream = a->stream;
		out[i].gone = a->gone;
	}
	sim_unlock(s);
	return out;
}

void sim_asks_free(struct sim_ask *a, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free(a[i].model);
		free(a[i].body);
		free(a[i].last);
		free(a[i].headers);
	}
	free(a);
}

static void copy_delivery(struct sim_delivery *to, const struct delivery *d)
{
	memcpy(to->envelope_id, d->envelope_id, sizeof(d->envelope_id));
	/* Ids that begin with a dash are ours, not Slack's. */
	if (d->event_id[0] != '-')
		memcpy(to->event_id, d->event_id, sizeof(d->event_id));
	to->app_id = must_dup(d->app->id);
	to->type = must_dup(d->type);
	to->attempt = d->attempt;
	to->sent_us = d->sent_us;
	to->ack_us = d->ack_us;
	to->link = d->link;
	to->ack_payload = must_dup(d->ack_payload);
}

struct sim_delivery *sim_deliveries(struct sim *s, const char *app_id,
				    size_t *n)
{
	const struct delivery *d;
	struct sim_delivery *out;
	size_t i;

	*n = 0;
	sim_lock(s);
	out = must_alloc(s->socket->log.n * sizeof(*out));
	for (i = 0; i < s->socket->log.n; i++) {
		d = s->socket->log.v[i];
		if (!app_id || strcmp(d->app->id, app_id) == 0)
			copy_delivery(&out[(*n)++], d);
	}
	sim_unlock(s);
	return out;
}

void sim_deliveries_free(struct sim_delivery *d, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free(d[i].app_id);
		free(d[i].type);
		free(d[i].ack_payload);
	}
	free(d);
}

void sim_newest(struct sim *s, const char *app_id, const char *type,
		char envelope_id[40])
{
	const struct delivery *d;
	size_t i;

	envelope_id[0] = '\0';
	sim_lock(s);
	for (i = s->socket->log.n; i > 0; i--) {
		d = s->socket->log.v[i - 1];
		if (strcmp(d->app->id, app_id) != 0 ||
		    strcmp(d->type, type) != 0)
			continue;
		if (d->sent_us > 0)
			snprintf(envelope_id, 40, "%s", d->envelope_id);
		break;
	}
	sim_unlock(s);
}

void sim_hook(struct sim *s, const char *app_id, char *out, size_t size)
{
	const struct app *a;

	sim_lock(s);
	a = world_app(s->world, app_id);
	snprintf(out, size, "%s", a ? a->hook : "");
	sim_unlock(s);
}

void sim_trigger(struct sim *s, const char *app_id, char *out, size_t size)
{
	const struct app *a;

	sim_lock(s);
	a = world_app(s->world, app_id);
	snprintf(out, size, "%s", a ? a->trigger : "");
	sim_unlock(s);
}

void sim_stats(struct sim *s, struct sim_stats *out)
{
	sim_lock(s);
	*out = s->stats;
	sim_unlock(s);
}
