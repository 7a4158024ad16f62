/* SPDX-License-Identifier: ISC */
#include "admin/letters.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/api.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/secret.h"
#include "store/record.h"
#include "store/store.h"
#include "turn/reply.h"

#define STEP_SIZE 80

/* One of a record's steps. */
struct step {
	char name[STEP_SIZE];
	char detail[STEP_SIZE];
	int64_t ms;
};

/* The step that begins at *p, which moves behind it; false at the end. */
static bool next_step(const char **p, struct step *out)
{
	size_t n = strcspn(*p, " ");
	size_t name = strcspn(*p, ":+ ");
	size_t what = strcspn(*p, "+ ");

	if (n == 0)
		return false;
	(void)snprintf(out->name, STEP_SIZE, "%.*s", (int)name, *p);
	out->detail[0] = '\0';
	if (what > name)
		(void)snprintf(out->detail, STEP_SIZE, "%.*s",
			       (int)(what - name - 1), *p + name + 1);
	out->ms = (*p)[what] == '+' ? strtoll(*p + what + 1, NULL, 10) : 0;
	*p += n + ((*p)[n] == ' ');
	return true;
}

/* How far it came before it was given up, and how often it began. */
static void judge(const struct record *r, char stage[STEP_SIZE], int *tries)
{
	static const char *const ends[] = { "dead",    "failed",   "slack",
					    "dropped", "replayed", "again" };
	const char *p = r->steps ? r->steps : "";
	struct step st;
	size_t i;

	(void)snprintf(stage, STEP_SIZE, "received");
	*tries = 1;
	while (next_step(&p, &st)) {
		if (strcmp(st.name, "again") == 0 ||
		    strcmp(st.name, "replayed") == 0)
			++*tries;
		for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
			if (strcmp(st.name, ends[i]) == 0)
				break;
		if (i < sizeof(ends) / sizeof(ends[0]))
			continue;
		(void)snprintf(stage, STEP_SIZE, "%s",
			       strcmp(st.name, "crashed") == 0 ? st.detail
							       : st.name);
	}
}

static void write_steps(struct jwrite *w, const struct record *r)
{
	const char *p = r->steps ? r->steps : "";
	struct step st;

	jw_array(w, "steps");
	while (next_step(&p, &st)) {
		jw_object(w, NULL);
		jw_str(w, "step", st.name);
		jw_str(w, "detail", st.detail[0] != '\0' ? st.detail : NULL);
		jw_int(w, "ms", st.ms);
		jw_object_end(w);
	}
	jw_array_end(w);
}

/* "0 ts,1 ts"; those from REPLY_PARTS_MAX on are marks and no posts. */
static void write_replies(struct jwrite *w, const struct record *r)
{
	const char *p = r->parts ? r->parts : "";
	unsigned long part;
	char *ts;
	size_t n;

	jw_array(w, "replies");
	for (; *p != '\0'; p = ts + n + (ts[n] == ',')) {
		part = strtoul(p, &ts, 10);
		ts += *ts == ' ';
		n = strcspn(ts, ",");
		if (n > 0 && part < REPLY_PARTS_MAX)
			jw_strn(w, NULL, ts, n);
	}
	jw_array_end(w);
}

static void write_covers(struct jwrite *w, const struct record *r)
{
	const char *p = r->covers ? r->covers : "";
	size_t n;

	jw_str(w, "covered_by", r->leader);
	jw_array(w, "covers");
	for (; *p != '\0'; p += n + (p[n] == ' ')) {
		n = strcspn(p, " ");
		jw_strn(w, NULL, p, n);
	}
	jw_array_end(w);
}

static void write_record(struct jwrite *w, const struct record *r)
{
	char stage[STEP_SIZE];
	int tries;

	judge(r, stage, &tries);
	jw_object(w, NULL);
	jw_str(w, "entry", r->id);
	jw_str(w, "event", r->event_id);
	jw_str(w, "app", r->app_id);
	jw_str(w, "tenant", r->tenant);
	jw_str(w, "message", r->post);
	jw_str(w, "state", r->state);
	jw_str(w, "reason", r->verdict);
	jw_str(w, "stage", stage);
	jw_int(w, "tries", tries);
	jw_int(w, "crashes", r->attempts);
	jw_bool(w, "replayable", strcmp(r->state, "dead") == 0 && r->kept);
	jw_int(w, "received_ms", r->received_ms);
	if (r->done_ms > 0)
		jw_int(w, "done_ms", r->done_ms);
	if (r->replayed_ms > 0)
		jw_int(w, "replayed_ms", r->replayed_ms);
	write_covers(w, r);
	write_replies(w, r);
	write_steps(w, r);
	jw_object_end(w);
}

/* Writing a list while the store calls back. */
struct listing {
	struct jwrite w;
	bool dead; /* others are left out */
	size_t n;
};

static int list_one(const struct record *r, void *arg)
{
	struct listing *l = arg;

	if (l->dead && strcmp(r->state, "dead") != 0)
		return 0;
	write_record(&l->w, r);
	l->n++;
	return 0;
}

static void list_begin(struct listing *l, struct api_call *c, const char *name)
{
	jw_init(&l->w, &c->out);
	jw_object(&l->w, NULL);
	jw_array(&l->w, name);
}

static void list_end(struct listing *l)
{
	jw_array_end(&l->w);
	jw_object_end(&l->w);
}

int letters_list(struct api_call *c, struct store *s, struct err *e)
{
	struct listing l = { .dead = true };

	list_begin(&l, c, "dead");
	if (s->ops->records->dead(s, list_one, &l, e) < 0)
		return -1;
	list_end(&l);
	return 0;
}

static int not_found(struct api_call *c, struct err *e)
{
	c->status = 404;
	return err_set(e, ERR_INPUT, "no dead letter '%s'", c->tenant);
}

int letters_show(struct api_call *c, struct store *s, struct err *e)
{
	struct listing l = { .dead = true };

	list_begin(&l, c, "dead");
	if (s->ops->records->find(s, c->tenant, list_one, &l, e) < 0)
		return -1;
	list_end(&l);
	return l.n > 0 ? 0 : not_found(c, e);
}

int letters_explain(struct api_call *c, struct store *s, struct err *e)
{
	struct listing l = { 0 };

	list_begin(&l, c, "entries");
	if (s->ops->records->find(s, c->tenant, list_one, &l, e) < 0)
		return -1;
	list_end(&l);
	if (l.n > 0)
		return 0;
	c->status = 404;
	return err_set(e, ERR_INPUT,
		       "no entry for '%s' in the last %d days: it never came"
		       " here, or it was not for us (in a channel, and neither"
		       " a mention nor in a thread that the agent is part of;"
		       " an edit; a bot's), or it has no such id",
		       c->tenant, c->conf->history_days);
}

/* Ids first: what is changed must not be read on meanwhile. */
static int keep_id(const struct record *r, void *arg)
{
	struct api_call *c = arg;
	struct api_entry *en;

	if (strcmp(r->state, "dead") != 0)
		return 0;
	en = calloc(1, sizeof(*en));
	if (!en)
		return -1;
	/* What was to be answered together is one letter. */
	(void)snprintf(en->id, sizeof(en->id), "%s",
		       r->leader ? r->leader : r->id);
	en->next = c->entries;
	c->entries = en;
	return 0;
}

static int find_ids(struct api_call *c, struct store *s, struct err *e)
{
	const struct record_ops *ops = s->ops->records;

	if (strcmp(c->tenant, "all") == 0)
		return ops->dead(s, keep_id, c, e);
	if (ops->find(s, c->tenant, keep_id, c, e) < 0)
		return -1;
	return c->entries ? 0 : not_found(c, e);
}

static int change(struct api_call *c, struct store *s, const char *name,
		  int (*fn)(struct store *s, const char *id, int64_t now_ms,
			    struct err *e),
		  struct err *e)
{
	struct api_entry *en;
	struct jwrite w;
	int64_t n = 0;
	int rc;

	if (find_ids(c, s, e) < 0)
		return -1;
	for (en = c->entries; en; en = en->next) {
		rc = fn(s, en->id, clock_wall_ms(), e);
		if (rc < 0)
			return -1;
		n += rc;
	}
	jw_init(&w, &c->out);
	jw_object(&w, NULL);
	jw_int(&w, name, n);
	jw_object_end(&w);
	return 0;
}

int letters_replay(struct api_call *c, struct store *s, struct err *e)
{
	c->replays = true;
	return change(c, s, "replayed", s->ops->records->replay, e);
}

int letters_drop(struct api_call *c, struct store *s, struct err *e)
{
	return change(c, s, "dropped", s->ops->records->drop, e);
}
