/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "sim/core.h"
#include "sim/flow.h"
#include "sim/world.h"

void world_ts(struct sim *s, char ts[SIM_TS])
{
	int64_t us = sim_wall_ms(s) * 1000;

	if (us <= s->world->last_us)
		us = s->world->last_us + 1;
	s->world->last_us = us;
	snprintf(ts, SIM_TS, "%" PRId64 ".%06" PRId64, us / 1000000,
		 us % 1000000);
}

static bool ts_ok(const char *ts)
{
	size_t whole = strspn(ts, "0123456789");
	const char *frac = ts + whole + 1;

	return whole > 0 && whole < 13 && ts[whole] == '.' &&
	       strspn(frac, "0123456789") == 6 && frac[6] == '\0';
}

/* Same number of digits behind the dot, so length then text decide. */
int ts_cmp(const char *a, const char *b)
{
	size_t na = strlen(a);
	size_t nb = strlen(b);

	return na != nb ? (na < nb ? -1 : 1) : strcmp(a, b);
}

static void insert_by_ts(struct vec *v, struct msg *m)
{
	size_t at = v->n;

	while (at > 0 && ts_cmp(((struct msg *)v->v[at - 1])->ts, m->ts) > 0)
		at--;
	vec_insert(v, at, m);
}

struct msg *msg_find(const struct channel *ch, const char *ts)
{
	return ts ? map_get(ch->by_ts, ts) : NULL;
}

void msg_free(void *msg)
{
	struct msg *m = msg;
	struct msg *root;
	size_t i;

	map_take(m->channel->by_ts, m->ts);
	root = *m->thread_ts ? msg_find(m->channel, m->thread_ts) : NULL;
	if (root)
		vec_remove(&root->replies, m);
	for (i = 0; i < m->nversions; i++)
		free(m->versions[i].text);
	free(m->versions);
	vec_free(&m->replies, NULL);
	flow_drop(m);
	free(m->bot_id);
	free(m->user_team);
	free(m->subtype);
	free(m->blocks);
	free(m->attachments);
	free(m->metadata);
	free(m->files);
	free(m->to_user);
	free(m->hook);
	free(m->client_msg_id);
	free(m->reactions);
	free(m);
}

/* The whole world holds about s->keep messages. */
static size_t channel_keep(const struct sim *s)
{
	size_t n = s->keep / (1 + map_count(s->world->channels) / 4);

	return n < 500 ? 500 : n;
}

struct msg *msg_create(struct sim *s, struct channel *ch, struct user *u,
		       const char *text, const char *ts)
{
	struct msg *m;

	if (ts && (!ts_ok(ts) || msg_find(ch, ts)))
		return NULL;
	vec_trim(&ch->msgs, channel_keep(s), msg_free);
	m = must_alloc(sizeof(*m));
	if (ts)
		snprintf(m->ts, sizeof(m->ts), "%s", ts);
	else
		world_ts(s, m->ts);
	m->channel = ch;
	m->user = u;
	m->by = u ? u->bot : NULL;
	m->unfurl_links = m->unfurl_media = true;
	msg_revise(s, m, must_dup(text ? text : ""));
	insert_by_ts(&ch->msgs, m);
	if (map_put(ch->by_ts, m->ts, m) < 0)
		abort();
	return m;
}

void msg_reply(struct msg *root, struct msg *m)
{
	snprintf(m->thread_ts, sizeof(m->thread_ts), "%s", root->ts);
	insert_by_ts(&root->replies, m);
}

void msg_revise(struct sim *s, struct msg *m, char *text)
{
	struct sim_version *v;

	m->versions = must_grow(m->versions,
				(m->nversions + 1) * sizeof(*m->versions));
	v = &m->versions[m->nversions++];
	v->at_us = sim_clock_us();
	v->text = text;
	m->text = text;
	sim_changed(s);
}

bool msg_visible(const struct msg *m)
{
	return !m->deleted && !m->to_user;
}

/* Reactions are one string, ",U1 eyes,U2 wave,". */
bool msg_reacted(const struct msg *m, const char *user, const char *name)
{
	char one[160];

	snprintf(one, sizeof(one), ",%.40s %.100s,", user, name);
	return m->reactions && strstr(m->reactions, one);
}

void msg_react(struct sim *s, struct msg *m, const char *user, const char *name,
	       bool add)
{
	const char *old = m->reactions ? m->reactions : ",";
	char one[160];
	struct buf b;
	char *at;

	snprintf(one, sizeof(one), "%.40s %.100s,", user, name);
	buf_init(&b, 1 << 20);
	buf_adds(&b, old);
	at = strstr(b.data, one);
	if (add)
		buf_adds(&b, one);
	else if (at)
		memmove(at, at + strlen(one), strlen(at + strlen(one)) + 1);
	free(m->reactions);
	m->reactions = must_dup(b.data);
	buf_release(&b);
	sim_changed(s);
}

static bool search_channel(const char *key, void *value, void *arg)
{
	struct file_search *find = arg;
	struct channel *ch = value;
	struct msg *m;
	size_t i;

	(void)key;
	if (find->found || !channel_has_bot(ch, find->install))
		return true;
	for (i = ch->msgs.n; i > 0 && !find->found; i--) {
		m = ch->msgs.v[i - 1];
		if (msg_visible(m) && m->files && strstr(m->files, find->id))
			find->found = m;
	}
	return true;
}

void world_find_file(const struct world *w, struct file_search *find)
{
	map_sweep(w->channels, search_channel, find);
}
