/* SPDX-License-Identifier: ISC */
#include "sim/react.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sim/act.h"
#include "sim/core.h"
#include "sim/events.h"

#define NAME_MAX_BYTES 100

/* "thumbsup", "+1", "wave::skin-tone-2" */
bool reaction_name_ok(const char *name)
{
	const char *skin = strstr(name, "::skin-tone-");
	size_t n = skin ? (size_t)(skin - name) : strlen(name);

	if (skin && (skin[12] < '2' || skin[12] > '6' || skin[13]))
		return false;
	return n > 0 && n <= NAME_MAX_BYTES &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_+-'") >= n;
}

static void tell_reaction(struct sim *s, const struct msg *m,
			  const struct user *u, const char *name, bool add)
{
	const char *type = add ? "reaction_added" : "reaction_removed";
	struct jwrite w;
	char ts[SIM_TS];
	struct buf b;

	world_ts(s, ts);
	buf_init(&b, 4096);
	jw_init(&w, &b);
	jw_object(&w, NULL);
	jw_str(&w, "type", type);
	jw_str(&w, "user", u->id);
	jw_str(&w, "reaction", name);
	jw_object(&w, "item");
	jw_str(&w, "type", "message");
	jw_str(&w, "channel", m->channel->id);
	jw_str(&w, "ts", m->ts);
	jw_object_end(&w);
	if (m->user)
		jw_str(&w, "item_user", m->user->id);
	jw_str(&w, "event_ts", ts);
	jw_object_end(&w);
	tell_channel(s, m->channel, type, b.data);
	buf_release(&b);
}

bool react(struct sim *s, struct msg *m, const struct user *u, const char *name,
	   bool add)
{
	if (msg_reacted(m, u->id, name) == add)
		return false;
	msg_react(s, m, u->id, name, add);
	tell_reaction(s, m, u, name, add);
	return true;
}

/* One "U1 eyes" of the string that a message keeps; NULL behind the last. */
static const char *next_reaction(const char *p, size_t *user, size_t *name)
{
	if (*p == ',')
		p++;
	if (!*p)
		return NULL;
	*user = strcspn(p, " ");
	*name = strcspn(p + *user + 1, ",");
	return p;
}

static bool named(const char *p, size_t user, size_t n, const char *name,
		  size_t len)
{
	return n == len && memcmp(p + user + 1, name, len) == 0;
}

/* Is this the first of its name? */
static bool is_first(const char *all, const char *at, const char *name,
		     size_t len)
{
	const char *p = all;
	size_t u, n;

	while ((p = next_reaction(p, &u, &n)) && p < at) {
		if (named(p, u, n, name, len))
			return false;
		p += u + 1 + n;
	}
	return true;
}

static void write_one(struct jwrite *w, const char *all, const char *name,
		      size_t len)
{
	const char *p = all;
	int64_t count = 0;
	size_t u, n;

	jw_object(w, NULL);
	jw_strn(w, "name", name, len);
	jw_array(w, "users");
	while ((p = next_reaction(p, &u, &n))) {
		if (named(p, u, n, name, len)) {
			jw_strn(w, NULL, p, u);
			count++;
		}
		p += u + 1 + n;
	}
	jw_array_end(w);
	jw_int(w, "count", count);
	jw_object_end(w);
}

char *reactions_json(const struct msg *m)
{
	const char *all = m->reactions;
	const char *p = all;
	struct jwrite w;
	struct buf b;
	size_t u, n;

	if (!all || !all[1])
		return NULL;
	buf_init(&b, SIM_BODY_MAX);
	jw_init(&w, &b);
	jw_array(&w, NULL);
	while ((p = next_reaction(p, &u, &n))) {
		if (is_first(all, p, p + u + 1, n))
			write_one(&w, all, p + u + 1, n);
		p += u + 1 + n;
	}
	jw_array_end(&w);
	return must_take(&b);
}

static struct msg *find(struct sim *s, const char *channel, const char *ts)
{
	struct channel *ch = world_channel(s->world, channel);

	return ch ? msg_find(ch, ts) : NULL;
}

int sim_react(struct sim *s, const char *channel, const char *ts,
	      const char *user, const char *name, bool add)
{
	bool done = false;
	struct user *u;
	struct msg *m;

	sim_lock(s);
	m = find(s, channel, ts);
	u = world_user(s->world, user);
	if (m && msg_visible(m) && u && reaction_name_ok(name))
		done = react(s, m, u, name, add);
	sim_unlock(s);
	return done ? 0 : -1;
}

bool sim_reacted(struct sim *s, const char *channel, const char *ts,
		 const char *user, const char *name)
{
	struct msg *m;
	bool there;

	sim_lock(s);
	m = find(s, channel, ts);
	there = m && msg_reacted(m, user, name);
	sim_unlock(s);
	return there;
}
