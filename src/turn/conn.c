/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/live.h"
#include "base/map.h"
#include "route/job.h"
#include "turn/post.h"
#include "turn/show.h"
#include "turn/turn.h"

#define KEY_SIZE   200
#define EDIT_BURST 5
#define POST_BURST 4  /* Slack may take 5, and jitter must not make it more */
#define EYES_A_MIN 40 /* Slack takes 50 */
#define EYES_BURST 10
/* Slack takes 50 of the first in a minute, 600 and 100 of the others. */
#define SESSIONS_A_MIN  40
#define SESSIONS_BURST  10
#define STATUS_A_MIN    500
#define STATUS_BURST    20
#define ASSISTANT_A_MIN 80
#define ASSISTANT_BURST 10
/* Of streams it takes 20 to begin, 20 to end, and 100 pieces. */
#define STREAMS_A_MIN 15
#define STREAMS_BURST 4
#define APPENDS_A_MIN 80
#define APPENDS_BURST 10
#define REST_MS       60000 /* by then every pace is full again */

static int key_of(char out[KEY_SIZE], const char *a, const char *b)
{
	int n = snprintf(out, KEY_SIZE, "%s:%s", a, b);

	return n > 0 && n < KEY_SIZE ? 0 : -1;
}

static void conn_free(struct conn *c)
{
	loop_timer_free(c->timer);
	loop_timer_free(c->eyes_timer);
	free(c->key);
	free(c);
}

static void channel_free(struct channel *ch)
{
	loop_timer_free(ch->timer);
	conn_put(ch->conn);
	free(ch->key);
	free(ch);
}

static void on_conn_timer(void *arg)
{
	edit_run(arg);
}

static void on_eyes_timer(void *arg)
{
	eyes_run(arg);
}

static void on_channel_timer(void *arg)
{
	post_run(arg);
}

static struct conn *conn_make(struct worker *w, const struct conf *conf,
			      const char *key)
{
	int64_t now = clock_ms();
	struct conn *c;

	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->w = w;
	c->finals_tail = &c->finals;
	c->unseen_tail = &c->unseen;
	pace_init(&c->edits, conf->updates_per_minute, EDIT_BURST, now);
	c->controls = CONTROLS_FULL;
	pace_init(&c->posts, 0, 1, now);
	pace_init(&c->deletes, conf->updates_per_minute, EDIT_BURST, now);
	pace_init(&c->flow_starts, STREAMS_A_MIN, STREAMS_BURST, now);
	pace_init(&c->flow_appends, APPENDS_A_MIN, APPENDS_BURST, now);
	pace_init(&c->flow_stops, STREAMS_A_MIN, STREAMS_BURST, now);
	pace_init(&c->reactions, EYES_A_MIN, EYES_BURST, now);
	pace_init(&c->surface[SURFACE_SESSIONS].pace, SESSIONS_A_MIN,
		  SESSIONS_BURST, now);
	pace_init(&c->surface[SURFACE_STATUS].pace, STATUS_A_MIN, STATUS_BURST,
		  now);
	pace_init(&c->surface[SURFACE_ASSISTANT].pace, ASSISTANT_A_MIN,
		  ASSISTANT_BURST, now);
	c->key = strdup(key);
	c->timer = loop_timer_create(w->loop, on_conn_timer, c);
	c->eyes_timer = loop_timer_create(w->loop, on_eyes_timer, c);
	if (!c->key || !c->timer || !c->eyes_timer ||
	    map_put(w->conns, key, c) < 0) {
		conn_free(c);
		return NULL;
	}
	return c;
}

/* As a reload may have changed it. */
static void conn_pace(struct conn *c, const struct conf *conf)
{
	int64_t now = clock_ms();

	pace_rate(&c->edits, conf->updates_per_minute, now);
	pace_rate(&c->deletes, conf->updates_per_minute, now);
}

struct conn *conn_get(struct worker *w, const struct job *job)
{
	const struct connection *k = &job->connection;
	char key[KEY_SIZE];
	const struct conf *conf;
	struct conn *c;

	if (key_of(key, k->app_id, k->workspace_id) < 0)
		return NULL;
	conf = live_take(w->live, w->conf);
	c = map_get(w->conns, key);
	if (!c)
		c = conn_make(w, conf, key);
	else
		conn_pace(c, conf);
	if (c)
		c->refs++;
	live_drop(w->live, conf);
	return c;
}

void conn_put(struct conn *c)
{
	if (!c)
		return;
	c->refs--;
	c->used_ms = clock_ms();
}

static struct channel *channel_make(struct conn *c, const char *key,
				    int posts_per_minute)
{
	struct worker *w = c->w;
	struct channel *ch;

	ch = calloc(1, sizeof(*ch));
	if (!ch)
		return NULL;
	ch->conn = c;
	c->refs++;
	ch->waiting_tail = &ch->waiting;
	pace_init(&ch->pace, posts_per_minute, POST_BURST, clock_ms());
	ch->key = strdup(key);
	ch->timer = loop_timer_create(w->loop, on_channel_timer, ch);
	if (!ch->key || !ch->timer || map_put(w->channels, key, ch) < 0) {
		channel_free(ch);
		return NULL;
	}
	return ch;
}

struct channel *channel_get(struct conn *c, const char *channel_id)
{
	struct worker *w = c->w;
	char key[KEY_SIZE];
	const struct conf *conf;
	struct channel *ch;
	int per_minute;

	if (key_of(key, c->key, channel_id) < 0)
		return NULL;
	conf = live_take(w->live, w->conf);
	per_minute = conf->posts_per_second * 60;
	live_drop(w->live, conf);
	ch = map_get(w->channels, key);
	if (ch)
		pace_rate(&ch->pace, per_minute, clock_ms());
	else
		ch = channel_make(c, key, per_minute);
	if (ch)
		ch->refs++;
	return ch;
}

struct channel *channel_find(struct worker *w, const struct job *job)
{
	const struct connection *k = &job->connection;
	char conn[KEY_SIZE], key[KEY_SIZE];

	if (key_of(conn, k->app_id, k->workspace_id) < 0 ||
	    key_of(key, conn, job->msg->channel.channel_id) < 0)
		return NULL;
	return map_get(w->channels, key);
}

void channel_put(struct channel *ch)
{
	if (!ch)
		return;
	ch->refs--;
	ch->used_ms = clock_ms();
}

static bool at_rest(const struct pace *p, int64_t now_ms)
{
	return p->blocked_until_ms <= now_ms;
}

static bool is_refused(const struct conn *c, int64_t now_ms)
{
	size_t i;

	if (c->flow_refused_ms > now_ms)
		return true;
	for (i = 0; i < SURFACES; i++)
		if (c->surface[i].refused_ms > now_ms ||
		    !at_rest(&c->surface[i].pace, now_ms))
			return true;
	return false;
}

/* What Slack said to wait for isn't forgotten before. */
static bool is_blocked(const struct conn *c, int64_t now_ms)
{
	return !at_rest(&c->edits, now_ms) || !at_rest(&c->posts, now_ms) ||
	       !at_rest(&c->deletes, now_ms) ||
	       !at_rest(&c->reactions, now_ms) ||
	       !at_rest(&c->flow_starts, now_ms) ||
	       !at_rest(&c->flow_appends, now_ms) ||
	       !at_rest(&c->flow_stops, now_ms);
}

static bool keep_channel(const char *key, void *value, void *arg)
{
	struct channel *ch = value;
	int64_t now = *(int64_t *)arg;

	(void)key;
	if (ch->refs > 0 || now - ch->used_ms < REST_MS)
		return true;
	channel_free(ch);
	return false;
}

static bool keep_conn(const char *key, void *value, void *arg)
{
	struct conn *c = value;
	int64_t now = *(int64_t *)arg;

	(void)key;
	if (c->refs > 0 || now - c->used_ms < REST_MS || is_blocked(c, now) ||
	    is_refused(c, now))
		return true;
	conn_free(c);
	return false;
}

void conn_tidy(struct worker *w, int64_t now_ms)
{
	map_sweep(w->channels, keep_channel, &now_ms);
	map_sweep(w->conns, keep_conn, &now_ms);
}

static void drop_channel(void *value)
{
	channel_free(value);
}

static void drop_conn(void *value)
{
	conn_free(value);
}

void conn_free_all(struct worker *w)
{
	map_free(w->channels, drop_channel);
	map_free(w->conns, drop_conn);
}
