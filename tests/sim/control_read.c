/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "base/map.h"
#include "sim/control.h"

static const char *info(struct ctl *c)
{
	jw_str(&c->w, "api_url", sim_api_url(c->s));
	jw_str(&c->w, "llm_url", sim_llm_url(c->s));
	jw_str(&c->w, "ca_file", sim_ca_file(c->s));
	jw_int(&c->w, "seq", (int64_t)c->s->seq);
	return NULL;
}

static const char *tenants(struct ctl *c)
{
	struct buf b;

	buf_init(&b, (size_t)32 << 20);
	if (sim_apply_json(c->s, &b) == 0)
		jw_raw(&c->w, "apply", b.data);
	buf_release(&b);
	return NULL;
}

static bool write_channel(const char *key, void *value, void *arg)
{
	struct channel *ch = value;
	struct jwrite *w = arg;
	struct user *u;
	size_t i;

	(void)key;
	jw_object(w, NULL);
	jw_str(w, "id", ch->id);
	jw_str(w, "name", ch->name);
	jw_str(w, "type", ch->type);
	jw_str(w, "team", ch->team->id);
	jw_array(w, "members");
	for (i = 0; i < ch->members.n; i++) {
		u = ch->members.v[i];
		jw_str(w, NULL, u->id);
	}
	jw_array_end(w);
	jw_object_end(w);
	return true;
}

static const char *channels(struct ctl *c)
{
	jw_array(&c->w, "channels");
	map_sweep(c->s->world->channels, write_channel, &c->w);
	jw_array_end(&c->w);
	return NULL;
}

static bool write_user(const char *key, void *value, void *arg)
{
	struct jwrite *w = arg;
	struct user *u = value;

	(void)key;
	jw_object(w, NULL);
	jw_str(w, "id", u->id);
	jw_str(w, "name", u->name);
	jw_str(w, "display_name", u->display);
	jw_str(w, "team", u->team->id);
	jw_bool(w, "bot", u->bot);
	jw_object_end(w);
	return true;
}

static const char *users(struct ctl *c)
{
	jw_array(&c->w, "users");
	map_sweep(c->s->world->users, write_user, &c->w);
	jw_array_end(&c->w);
	return NULL;
}

static void write_message(struct jwrite *w, const struct sim_msg *m)
{
	size_t i;

	jw_object(w, NULL);
	jw_str(w, "ts", m->ts);
	if (*m->thread_ts)
		jw_str(w, "thread_ts", m->thread_ts);
	jw_str(w, "user", m->user);
	if (m->bot_id)
		jw_str(w, "bot_id", m->bot_id);
	jw_str(w, "text", m->text);
	if (m->blocks)
		jw_raw(w, "blocks", m->blocks);
	if (m->metadata)
		jw_raw(w, "metadata", m->metadata);
	if (m->files)
		jw_raw(w, "files", m->files);
	if (m->reactions)
		jw_raw(w, "reactions", m->reactions);
	if (m->to_user)
		jw_str(w, "to_user", m->to_user);
	jw_bool(w, "deleted", m->deleted);
	jw_bool(w, "edited", m->edited);
	if (m->streaming)
		jw_bool(w, "streaming", true);
	jw_array(w, "versions");
	for (i = 0; i < m->nversions; i++) {
		jw_object(w, NULL);
		jw_int(w, "at_us", m->versions[i].at_us);
		jw_str(w, "text", m->versions[i].text);
		jw_object_end(w);
	}
	jw_array_end(w);
	jw_object_end(w);
}

static const char *messages(struct ctl *c)
{
	struct channel *ch = ctl_channel(c);
	struct sim_msg *m;
	size_t i, n;

	if (!ch)
		return "no such channel";
	m = sim_messages(c->s, ch->id, args_get(&c->args, "thread_ts"), &n);
	jw_str(&c->w, "channel", ch->id);
	jw_int(&c->w, "seq", (int64_t)c->s->seq);
	jw_array(&c->w, "messages");
	for (i = 0; i < n; i++)
		write_message(&c->w, &m[i]);
	jw_array_end(&c->w);
	sim_messages_free(m, n);
	return NULL;
}

static const char *calls(struct ctl *c)
{
	struct sim_call *all;
	size_t i, n;

	all = sim_calls(c->s, args_get(&c->args, "method"), &n);
	jw_array(&c->w, "calls");
	for (i = 0; i < n; i++) {
		jw_object(&c->w, NULL);
		jw_int(&c->w, "at_us", all[i].at_us);
		jw_int(&c->w, "done_us", all[i].done_us);
		jw_str(&c->w, "method", all[i].method);
		jw_str(&c->w, "app_id", all[i].app_id);
		jw_str(&c->w, "team_id", all[i].team_id);
		jw_raw(&c->w, "args", all[i].args);
		jw_int(&c->w, "status", all[i].status);
		jw_str(&c->w, "error", all[i].error);
		jw_str(&c->w, "ts", all[i].ts);
		jw_object_end(&c->w);
	}
	jw_array_end(&c->w);
	sim_calls_free(all, n);
	return NULL;
}

static const char *asks(struct ctl *c)
{
	struct sim_ask *all;
	size_t i, n;

	all = sim_asks(c->s, &n);
	jw_array(&c->w, "asks");
	for (i = 0; i < n; i++) {
		jw_object(&c->w, NULL);
		jw_int(&c->w, "at_us", all[i].at_us);
		jw_int(&c->w, "first_us", all[i].first_us);
		jw_int(&c->w, "end_us", all[i].end_us);
		jw_str(&c->w, "model", all[i].model);
		jw_int(&c->w, "status", all[i].status);
		jw_bool(&c->w, "gone", all[i].gone);
		jw_raw(&c->w, "request", all[i].body);
		jw_object_end(&c->w);
	}
	jw_array_end(&c->w);
	sim_asks_free(all, n);
	return NULL;
}

static const char *deliveries(struct ctl *c)
{
	struct sim_delivery *all;
	size_t i, n;

	all = sim_deliveries(c->s, args_get(&c->args, "app"), &n);
	jw_array(&c->w, "deliveries");
	for (i = 0; i < n; i++) {
		jw_object(&c->w, NULL);
		jw_str(&c->w, "envelope_id", all[i].envelope_id);
		jw_str(&c->w, "event_id", all[i].event_id);
		jw_str(&c->w, "app_id", all[i].app_id);
		jw_str(&c->w, "type", all[i].type);
		jw_int(&c->w, "attempt", all[i].attempt);
		jw_int(&c->w, "link", (int64_t)all[i].link);
		jw_int(&c->w, "sent_us", all[i].sent_us);
		jw_int(&c->w, "ack_us", all[i].ack_us);
		jw_object_end(&c->w);
	}
	jw_array_end(&c->w);
	sim_deliveries_free(all, n);
	return NULL;
}

static const char *stats(struct ctl *c)
{
	const struct sim_stats *st = &c->s->stats;

	jw_int(&c->w, "requests", (int64_t)st->requests);
	jw_int(&c->w, "asks", (int64_t)st->asks);
	jw_int(&c->w, "links_opened", (int64_t)st->links_opened);
	jw_int(&c->w, "links_live", (int64_t)st->links_live);
	jw_int(&c->w, "envelopes", (int64_t)st->envelopes);
	jw_int(&c->w, "acks", (int64_t)st->acks);
	jw_int(&c->w, "acks_late", (int64_t)st->acks_late);
	jw_int(&c->w, "acks_ignored", (int64_t)st->acks_ignored);
	jw_int(&c->w, "unacked", (int64_t)st->unacked);
	jw_int(&c->w, "given_up", (int64_t)st->given_up);
	jw_int(&c->w, "pings", (int64_t)st->pings);
	jw_int(&c->w, "connections", (int64_t)st->connections);
	return NULL;
}

static void write_latency(struct ctl *c, const char *key,
			  enum sim_latency_kind k)
{
	struct sim_latency l;

	sim_latency(c->s, k, &l);
	jw_object(&c->w, key);
	jw_int(&c->w, "n", (int64_t)l.n);
	jw_int(&c->w, "p50_us", l.p50_us);
	jw_int(&c->w, "p90_us", l.p90_us);
	jw_int(&c->w, "p99_us", l.p99_us);
	jw_int(&c->w, "max_us", l.max_us);
	jw_object_end(&c->w);
}

static const char *latency(struct ctl *c)
{
	struct sim_flood_times t;

	sim_flood_times(c->s, &t);
	jw_int(&c->w, "sent", (int64_t)t.sent);
	jw_int(&c->w, "envelopes", (int64_t)t.envelopes);
	jw_int(&c->w, "acked", (int64_t)t.acked);
	jw_int(&c->w, "answered", (int64_t)t.answered);
	jw_int(&c->w, "first_us", t.first_us);
	jw_int(&c->w, "sent_us", t.sent_us);
	jw_int(&c->w, "acked_us", t.acked_us);
	jw_int(&c->w, "final_us", t.final_us);
	write_latency(c, "ack", SIM_LATENCY_ACK);
	write_latency(c, "placeholder", SIM_LATENCY_PLACEHOLDER);
	write_latency(c, "ask", SIM_LATENCY_ASK);
	write_latency(c, "final", SIM_LATENCY_FINAL);
	write_latency(c, "total", SIM_LATENCY_TOTAL);
	return NULL;
}

const struct ctl_call ctl_reads[] = {
	{ "info", info },
	{ "tenants", tenants },
	{ "channels", channels },
	{ "users", users },
	{ "messages", messages },
	{ "calls", calls },
	{ "asks", asks },
	{ "deliveries", deliveries },
	{ "stats", stats },
	{ "latency", latency },
	{ 0 },
};
