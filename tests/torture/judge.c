/* SPDX-License-Identifier: ISC */
#include "torture/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/map.h"
#include "sim/act.h"
#include "torture/court.h"
#include "torture/story.h"

#define STORIES_MAX 12
#define OVER_MS     120000 /* nothing takes as long */

struct trial {
	const struct nodes *nodes;
	const struct talk *talk;
	struct verdicts *v;
	struct court court;
	const struct doom *doom;
	struct plight *plights; /* by index in talk->said */
	struct map *failed;     /* files that Slack failed to deliver */
	struct map *acked;      /* envelopes and events */
	struct map *seen;       /* images that a model was sent */
	size_t stories;
};

static void complain(struct trial *t, const struct said *s, const char *thread,
		     const char *what)
{
	const char *channel = t->court.channel;

	printf("%s: %s in %s, thread %s\n", what, s ? s->word : "a reply",
	       channel, thread);
	if (t->stories++ < STORIES_MAX)
		story_print(t->nodes, channel, thread, s ? s->ts : NULL);
}

/* The first that it claims or names, for a story. */
static const struct said *first_of(const struct trial *t)
{
	const struct about *a = t->court.about;
	size_t i;

	for (i = 0; i < t->talk->n; i++)
		if (a[i].claimed || a[i].old_words || a[i].new_words)
			return &t->talk->said[i];
	return NULL;
}

/* Nobody else's question is in it. */
static bool is_honest(const struct trial *t)
{
	const struct about *a = t->court.about;
	size_t i, claimed = 0;

	for (i = 0; i < t->talk->n; i++) {
		if (!a[i].claimed && (a[i].old_words || a[i].new_words))
			return false;
		claimed += a[i].claimed;
	}
	return claimed > 0;
}

static void reply_to(struct plight *p, const struct about *a, enum ending end,
		     bool lasted)
{
	p->replies++;
	p->end = end;
	p->lasted = lasted;
	p->old_words = a->old_words;
	p->new_words = a->new_words;
	p->file_words = a->file_words;
	p->unread = a->unread;
}

static void count(struct trial *t, const struct post *p, enum ending end)
{
	const struct about *a = t->court.about;
	size_t i, n = 0;

	for (i = 0; i < t->talk->n; i++) {
		if (!a[i].claimed || a[i].again)
			continue;
		reply_to(&t->plights[i], &a[i], end, court_lasted(p));
		n++;
	}
	if (n > 1) {
		t->v->together += n;
		t->v->groups++;
	}
}

/* What wasn't asked about, or not as far as that is known, has no mark. */
static void judge_unmarked(struct trial *t, const struct post *p)
{
	t->v->stray++;
	complain(t, NULL, p->m->thread_ts[0] ? p->m->thread_ts : p->m->ts,
		 "nobody's post");
}

static bool has_deleted(const struct trial *t, const struct post *p)
{
	const struct said *s;
	size_t i;

	for (i = 0; i < t->talk->n; i++) {
		s = &t->talk->said[i];
		if (s->deleted && strcmp(s->thread, p->m->thread_ts) == 0)
			return true;
	}
	return false;
}

/* What comes late while the token is dead isn't deleted, as documented; nor is
 * a stream ended then whose question is deleted before all is replayed; some
 * time later Slack ends it. */
static bool is_left(const struct trial *t, const struct post *p)
{
	if (!cast_is_troubled(&t->talk->cast, atoi(t->court.channel + 1)))
		return false;
	return (p->part == 0 && !p->last) ||
	       (p->part < 0 && !p->m->metadata && has_deleted(t, p));
}

static void judge_post(struct trial *t, const struct post *p)
{
	bool again = ledger_again(t->court.ledger, p->entry) != NULL;
	enum ending end;

	if (is_left(t, p)) {
		t->v->left++;
		return;
	}
	if (p->m->streaming) {
		t->v->open++;
		complain(t, NULL, p->m->thread_ts, "still streams");
	}
	if (p->part < 0) {
		judge_unmarked(t, p);
		return;
	}
	court_look(&t->court, p);
	if (court_has_twin(&t->court, p)) {
		t->v->twice++;
		complain(t, first_of(t), p->m->thread_ts, "posted twice");
		return;
	}
	if (p->part != 0)
		return;
	end = court_ending(&t->court, p);
	if (end == HALF) {
		t->v->stuck++;
		complain(t, first_of(t), p->m->thread_ts, "stuck");
	}
	if (!is_honest(t) && !(again && end != ANSWER)) {
		t->v->mixed++;
		complain(t, first_of(t), p->m->thread_ts,
			 "answers others than it says");
	}
	t->v->again += again;
	count(t, p, end);
}

static void count_end(struct verdicts *v, const struct said *s,
		      const struct plight *p)
{
	v->files += p->file_words;
	v->images += p->file_words && s->image;
	v->dialogs += s->by_dialog && p->replies > 0;
	if (p->replies == 0 && p->owed != OWED_REPLY)
		v->unowed++;
	else if (p->replies == 0)
		v->removed++;
	else if (p->end == ANSWER)
		v->answered++;
	else if (p->end == SENTENCE)
		v->sentences++;
	else if (p->end == STOPPED)
		v->stopped++;
}

static void judge_said(struct trial *t, size_t i)
{
	const struct said *s = &t->talk->said[i];
	const struct plight *p = &t->plights[i];
	const char *wrong = rules_broken(p);

	if (!wrong) {
		count_end(t->v, s, p);
		return;
	}
	if (p->replies > 1)
		t->v->twice++;
	else if (p->replies == 0)
		t->v->lost++;
	else
		t->v->wrong++;
	complain(t, s, s->thread, wrong);
}

static bool is_together(const struct said *a, const struct said *b)
{
	return strcmp(a->channel, b->channel) == 0 &&
	       strcmp(a->thread, b->thread) == 0;
}

/* Was all over in its thread, long before the last purge? What is said there
 * later brings it back from Slack. */
static bool was_over(const struct trial *t, const struct said *s)
{
	int64_t before = t->talk->purged_ms - OVER_MS;
	const struct whims *w = &t->talk->whims;
	const struct said *o;
	size_t i;

	for (i = 0; i < t->talk->n; i++) {
		o = &t->talk->said[i];
		if (is_together(o, s) &&
		    strtoll(o->ts, NULL, 10) * 1000 > before)
			return false;
	}
	for (i = 0; i < w->nacts; i++)
		if (is_together(&t->talk->said[w->acts[i].said], s) &&
		    w->acts[i].at_ms > before)
			return false;
	return true;
}

static bool is_erased(const struct trial *t, const struct said *s)
{
	return atoi(s->channel + 1) == t->talk->cast.purged &&
	       t->talk->purged_ms > 0 && was_over(t, s);
}

/* A deleted question leaves the transcript, an edited one is there as it is,
 * and nothing is that was purged. */
static void judge_line(struct trial *t, size_t i)
{
	const struct said *s = &t->talk->said[i];
	const char *line;
	char at[64];

	snprintf(at, sizeof(at), "%s:%s", s->channel, s->ts);
	line = ledger_line(t->court.ledger, at);
	if (line && is_erased(t, s)) {
		t->v->remembered++;
		complain(t, s, s->thread, "purged, and in the transcript");
		return;
	}
	/* Nobody tells an app that isn't there. */
	if (!line || atoi(s->channel + 1) == t->talk->cast.leaver ||
	    (!s->deleted && (s->later[0] == '\0' || t->plights[i].early ||
			     strstr(line, s->later))))
		return;
	t->v->remembered++;
	complain(t, s, s->thread,
		 s->deleted ? "deleted, and in the transcript"
			    : "edited, and not in the transcript");
}

/* ---- what was done about replies ---- */

static bool has_arrived(const struct trial *t, const struct act *a)
{
	return map_get(t->acked, a->envelope) != NULL;
}

/* Whether the reply that another answer was asked for has lost its
 * question, or that answer was taken away, isn't looked at too closely. */
static bool is_disturbed(const struct trial *t, const struct act *a)
{
	const struct said *s = &t->talk->said[a->said];
	const struct said *other;
	size_t i;

	for (i = 0; i < t->talk->n; i++) {
		other = &t->talk->said[i];
		if (strcmp(other->thread, s->thread) == 0 &&
		    (other->deleted || t->plights[i].wiped))
			return true;
	}
	return false;
}

static void judge_again(struct trial *t, const struct act *a)
{
	const struct said *s = &t->talk->said[a->said];
	int k = atoi(a->channel + 1);
	const char *entry;
	char on[64];

	snprintf(on, sizeof(on), "%s:%s", a->channel, a->ts);
	entry = ledger_another(t->court.ledger, on);
	if (is_disturbed(t, a) || k == t->talk->cast.broke ||
	    k == t->talk->cast.leaver || k == t->talk->cast.purged)
		return;
	if (!entry && has_arrived(t, a)) {
		t->v->unheard++;
		complain(t, s, s->thread, "not answered again");
	} else if (entry && court_count(&t->court, entry) != 1) {
		t->v->lost++;
		complain(t, s, s->thread, "other answer is lost");
	}
}

static void judge_thumb(struct trial *t, const struct act *a)
{
	const struct said *s = &t->talk->said[a->said];
	int k = atoi(a->channel + 1);
	char entry[48];
	int up;

	court_entry(&t->court, a->ts, entry);
	up = ledger_thumb(t->court.ledger, entry);
	if (!has_arrived(t, a) || up >= 0 || k == t->talk->cast.leaver ||
	    k == t->talk->cast.purged)
		return;
	t->v->unheard++;
	complain(t, s, s->thread, "thumb isn't counted");
}

static void judge_act(struct trial *t, const struct act *a)
{
	if (strcmp(a->channel, t->court.channel) != 0)
		return;
	if (a->kind == WHIM_AGAIN)
		judge_again(t, a);
	else if (a->kind == WHIM_THUMB)
		judge_thumb(t, a);
}

static void judge_plea(struct trial *t, const struct plea *p)
{
	struct plea_plight plight = { .heard = map_get(t->acked, p->envelope) };
	const char *wrong;

	if (strcmp(p->channel, t->court.channel) != 0)
		return;
	court_hear_plea(&t->court, p, t->doom, &plight);
	t->v->pleas += plight.heard;
	wrong = rules_broken_by_plea(&plight);
	if (!wrong)
		return;
	t->v->pleas_wrong++;
	printf("%s: %s in %s, %zu answers, %zu of them known, %zu deaths, "
	       "shown to all %zu times\n",
	       wrong, p->word, p->channel, plight.seen, plight.answers,
	       plight.deaths, plight.presents);
	if (t->stories++ < STORIES_MAX)
		story_print_plea(t->nodes, p->channel, p->hook);
}

/* Who is told of the budget, is told so once an hour; no longer than its life
 * a daemon remembers that, or as long as Redis does. */
static void judge_noise(struct trial *t)
{
	const struct sim_msg *m, *end = t->court.msgs + t->court.nmsgs;
	int64_t before = 0, now;

	for (m = t->court.msgs; m < end; m++) {
		if (!m->ephemeral || !strstr(m->text, TALK_BROKE))
			continue;
		now = m->versions[0].at_us;
		if (before > 0 && doom_between(t->doom, before, now) == 0) {
			t->v->noise++;
			printf("told of the budget again in %s, at %s\n",
			       t->court.channel, m->ts);
		}
		before = now;
	}
}

/* That an agent is at work isn't shown where nobody is. */
static void judge_session(struct trial *t, const struct said *s)
{
	struct sim_session se;
	char app[16];

	snprintf(app, sizeof(app), "A%s", s->channel + 1);
	if (strcmp(s->ts, s->thread) != 0 ||
	    sim_session(t->court.sim, app, s->channel, s->thread, &se) < 0)
		return;
	if (strcmp(se.status, "processing") == 0) {
		t->v->restless++;
		complain(t, NULL, s->thread, "at work when nobody is");
	}
	sim_session_release(&se);
}

static void judge_channel(struct trial *t, const char *channel)
{
	const struct talk *talk = t->talk;
	size_t i;

	court_open(&t->court, channel);
	for (i = 0; i < t->court.nposts; i++)
		judge_post(t, &t->court.posts[i]);
	for (i = 0; i < talk->n; i++) {
		if (strcmp(talk->said[i].channel, channel) != 0)
			continue;
		judge_said(t, i);
		judge_line(t, i);
		judge_session(t, &talk->said[i]);
	}
	for (i = 0; i < talk->whims.nacts; i++)
		judge_act(t, &talk->whims.acts[i]);
	for (i = 0; channel[0] == 'C' && i < talk->pleas.n; i++)
		judge_plea(t, &talk->pleas.all[i]);
	judge_noise(t);
	court_close(&t->court);
}

/* ---- what was done, and heard of ---- */

static void done_to(struct trial *t, const struct act *a)
{
	const struct said *about = &t->talk->said[a->said];
	const struct said *s;
	size_t i;

	for (i = 0; i < t->talk->n; i++) {
		s = &t->talk->said[i];
		if (strcmp(s->channel, about->channel) != 0 ||
		    strcmp(s->thread, about->thread) != 0)
			continue;
		t->plights[i].stopped |= a->kind == WHIM_STOP;
		t->plights[i].wiped |= a->kind == WHIM_WIPE &&
				       strcmp(a->ts, s->ts) > 0;
	}
}

/* Slack may tell of an edit before it tells of the message. Who isn't named
 * in that, where it isn't said to them alone, can't know that it matters. And
 * what was given up is begun anew with the words that it had. */
static bool is_early(const struct trial *t, const struct act *a)
{
	const struct said *s = &t->talk->said[a->said];
	char at[64];

	snprintf(at, sizeof(at), "%s:%s", s->channel, s->ts);
	if (a->kind != WHIM_EDIT)
		return false;
	return ledger_replayed(t->court.ledger, at) ||
	       (!s->mention && s->channel[0] == 'C' &&
		a->at_ms < ledger_heard_ms(t->court.ledger, at));
}

/* What Slack hasn't got an ack for, it has complained of; and below a message
 * that is gone there may be no room. */
static bool is_in_vain(const struct trial *t, const struct said *s)
{
	return s->by_dialog && (!map_get(t->acked, s->envelope) ||
				t->talk->said[s->about].deleted);
}

/* The budget may be used up before anybody knows; and Slack delivers nothing
 * to an app that was taken out. */
static enum owed owed_to(const struct trial *t, const struct said *s,
			 const char *at)
{
	int k = atoi(s->channel + 1);

	if (k == t->talk->cast.broke && ledger_refused(t->court.ledger, at))
		return OWED_NOTHING;
	if (is_in_vain(t, s) && s->owed == OWED_REPLY)
		return OWED_PERHAPS;
	if (k == t->talk->cast.leaver &&
	    !ledger_accepted(t->court.ledger, at) && s->owed == OWED_REPLY &&
	    !s->last)
		return OWED_PERHAPS;
	return s->owed;
}

static void begin_plight(struct trial *t, size_t i)
{
	const struct said *s = &t->talk->said[i];
	struct plight *p = &t->plights[i];
	char at[64];

	snprintf(at, sizeof(at), "%s:%s", s->channel, s->ts);
	*p = (struct plight){
		.owed = owed_to(t, s, at),
		.edited = s->later[0] != '\0',
		.deleted = s->deleted,
		.lasting = s->lasting,
		.attached = s->file[0] != '\0',
		.fetched = !map_get(t->failed, s->file),
		.kept = atoi(s->channel + 1) == t->talk->cast.purged ||
			ledger_line(t->court.ledger, at) != NULL,
	};
}

/* Who asks again calls the agent back. */
static void call_back(struct trial *t, const struct act *a)
{
	const struct said *s, *about = &t->talk->said[a->said];
	size_t i;

	for (i = 0; a->kind == WHIM_AGAIN && i < t->talk->n; i++) {
		s = &t->talk->said[i];
		if (t->plights[i].owed == OWED_NOTHING &&
		    strcmp(s->thread, about->thread) == 0 &&
		    atoi(s->channel + 1) != t->talk->cast.broke)
			t->plights[i].owed = OWED_PERHAPS;
	}
}

static void read_acts(struct trial *t)
{
	const struct act *a;
	size_t i;

	for (i = 0; i < t->talk->n; i++)
		begin_plight(t, i);
	for (i = 0; i < t->talk->whims.nacts; i++) {
		a = &t->talk->whims.acts[i];
		done_to(t, a);
		call_back(t, a);
		t->plights[a->said].early |= is_early(t, a);
	}
	t->v->acts = t->talk->whims.nacts;
}

static void mark(struct map *m, const char *id)
{
	static char here[] = "";

	if (id[0] != '\0' && !map_get(m, id) && map_put(m, id, here) < 0)
		abort();
}

/* Of an event one delivery must be acked; what is clicked comes once. */
static void read_deliveries(struct trial *t)
{
	size_t i, n;
	struct sim_delivery *d = sim_deliveries(t->court.sim, NULL, &n);
	struct map *missing = map_create(0);

	for (i = 0; i < n; i++) {
		if (d[i].ack_us == 0)
			continue;
		mark(t->acked, d[i].envelope_id);
		mark(t->acked, d[i].event_id);
	}
	for (i = 0; i < n; i++)
		if (!map_get(t->acked, d[i].event_id))
			mark(missing, d[i].event_id);
	t->v->given_up = map_count(missing);
	map_free(missing, NULL);
	sim_deliveries_free(d, n);
}

/* "/files/ID/ID" */
static void read_downloads(struct trial *t)
{
	size_t i, n;
	struct sim_download *d = sim_downloads(t->court.sim, &n);
	char id[24];

	for (i = 0; i < n; i++) {
		if (d[i].given)
			continue;
		snprintf(id, sizeof(id), "%.*s",
			 (int)strcspn(d[i].path + 7, "/"), d[i].path + 7);
		mark(t->failed, id);
	}
	sim_downloads_free(d, n);
}

/* By the end of its bytes, which no other has. */
static void mark_image(struct trial *t, const struct said *s, const char *body)
{
	char bytes[TALK_IMAGE];
	size_t len = talk_image(s, bytes);
	size_t tail = strlen(s->file);
	struct buf b;

	buf_init(&b, 4 * TALK_IMAGE);
	if (base64_add(&b, bytes + len - tail, tail) < 0)
		abort();
	b.data[tail * 4 / 3] = '\0';
	if (strstr(body, b.data))
		mark(t->seen, s->file);
	buf_release(&b);
}

static void read_asks(struct trial *t)
{
	size_t i, k, n;
	struct sim_ask *a = sim_asks(t->court.sim, &n);

	for (i = 0; i < n; i++) {
		if (!strstr(a[i].body, "data:image"))
			continue;
		for (k = 0; k < t->talk->n; k++)
			if (t->talk->said[k].image)
				mark_image(t, &t->talk->said[k], a[i].body);
	}
	sim_asks_free(a, n);
}

static void date_dialogs(struct talk *t, const struct ledger *l)
{
	int64_t ms;
	size_t i;

	for (i = 0; i < t->n; i++) {
		ms = ledger_asked_ms(l, t->said[i].trigger);
		if (t->said[i].by_dialog && ms > 0)
			dialog_date(&t->said[i], ms);
	}
}

void judge(const struct nodes *ns, struct talk *t, const struct doom *d,
	   struct verdicts *v)
{
	struct ledger *ledger = ledger_read(ns);
	struct trial tr = { .nodes = ns,
			    .talk = t,
			    .v = v,
			    .court = { .sim = ns->beds[0].sim,
				       .talk = t,
				       .ledger = ledger },
			    .doom = d,
			    .failed = map_create(0),
			    .acked = map_create(0),
			    .seen = map_create(0) };
	char channel[16];
	int k;

	tr.plights = calloc(t->n + 1, sizeof(*tr.plights));
	tr.court.about = calloc(t->n + 1, sizeof(*tr.court.about));
	if (!tr.plights || !tr.court.about || !tr.acked || !tr.failed ||
	    !tr.seen)
		abort();
	tr.court.seen = tr.seen;
	date_dialogs(t, ledger);
	memset(v, 0, sizeof(*v));
	read_downloads(&tr);
	read_asks(&tr);
	read_deliveries(&tr);
	read_acts(&tr);
	v->remembered = ledger_expired(ledger);
	if (v->remembered > 0)
		printf("%zu lines are older than is kept\n", v->remembered);
	for (k = 0; k < t->tenants; k++) {
		snprintf(channel, sizeof(channel), "C%05d", k);
		judge_channel(&tr, channel);
		snprintf(channel, sizeof(channel), "D%05d", k);
		judge_channel(&tr, channel);
	}
	ledger_free(ledger);
	map_free(tr.acked, NULL);
	map_free(tr.failed, NULL);
	map_free(tr.seen, NULL);
	free(tr.plights);
	free(tr.court.about);
}

bool verdicts_clean(const struct verdicts *v)
{
	return v->lost + v->twice + v->stuck + v->open + v->wrong + v->mixed +
		       v->stray + v->unheard + v->remembered + v->given_up +
		       v->pleas_wrong + v->noise + v->restless ==
	       0;
}
