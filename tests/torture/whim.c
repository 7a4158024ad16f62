/* SPDX-License-Identifier: ISC */
#include "torture/whim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sim/act.h"
#include "torture/talk.h"

#define AGAIN_MS 250 /* until it is tried again; */
#define TRIES    60  /* so often, */
#define PATIENCE                                                                \
	400           /* or, about what lasts, so often the first time, and     \
		       * half as often once more: it may be another's turn that \
		       * was stopped */
#define CHECK_MS 3000 /* whether that has been stopped */
#define OVER     0    /* of a try: not again */
#define BUTTON   "\"konstruct_stop\""
#define CHANGED  'e' /* in place of the 'q' of a word */

static void person_of(const struct said *s, char out[24])
{
	snprintf(out, 24, "U%sP", s->channel + 1);
}

static struct act *note(struct talk *t, const struct whim *w, const char *ts)
{
	struct whims *all = &t->whims;
	const struct said *s = &t->said[w->said];
	struct act *a;

	all->acts = talk_grow(all->acts, all->nacts, &all->acts_size,
			      sizeof(*all->acts));
	a = &all->acts[all->nacts++];
	*a = (struct act){ .kind = w->kind,
			   .said = w->said,
			   .at_ms = clock_wall_ms() };
	memcpy(a->channel, s->channel, sizeof(a->channel));
	snprintf(a->ts, sizeof(a->ts), "%s", ts);
	return a;
}

/* ---- which reply ---- */

static bool is_reply(const struct sim_msg *m, const struct said *s)
{
	return m->bot_id && !m->deleted && !m->ephemeral &&
	       strcmp(m->ts, s->ts) > 0;
}

static bool any(const struct sim_msg *m)
{
	(void)m;
	return true;
}

static bool is_growing(const struct sim_msg *m)
{
	return m->streaming || (m->blocks && strstr(m->blocks, BUTTON));
}

static bool has_button(const struct sim_msg *m)
{
	return m->blocks && strstr(m->blocks, BUTTON);
}

static bool has_end(const struct sim_msg *m)
{
	return m->blocks && strstr(m->blocks, "\"konstruct_again\"");
}

/* The first below the question that is so. */
static bool find(struct talk *t, const struct said *s,
		 bool (*is)(const struct sim_msg *m), char ts[SIM_TS])
{
	size_t i, n;
	struct sim_msg *m = sim_messages(t->sim, s->channel, s->thread, &n);
	bool found = false;

	for (i = 0; i < n && !found; i++) {
		if (!is_reply(&m[i], s) || !is(&m[i]))
			continue;
		snprintf(ts, SIM_TS, "%s", m[i].ts);
		found = true;
	}
	sim_messages_free(m, n);
	return found;
}

/* ---- what is done ---- */

static bool click(struct talk *t, const struct whim *w, const char *ts,
		  const char *action, const char *value)
{
	const struct said *s = &t->said[w->said];
	char app[16], user[24];
	struct act *a;

	person_of(s, user);
	if (sim_click(t->sim, s->channel, ts, user, action, value) < 0)
		return false;
	a = note(t, w, ts);
	snprintf(app, sizeof(app), "A%s", s->channel + 1);
	sim_newest(t->sim, app, "block_actions", a->envelope);
	return true;
}

static bool press_stop(struct talk *t, const struct whim *w)
{
	char ts[SIM_TS];

	return find(t, &t->said[w->said], has_button, ts) &&
	       click(t, w, ts, "konstruct_stop", NULL);
}

static bool cross_out(struct talk *t, const struct whim *w)
{
	const struct said *s = &t->said[w->said];
	char ts[SIM_TS], user[24];

	person_of(s, user);
	if (!find(t, s, is_growing, ts) ||
	    sim_react(t->sim, s->channel, ts, user, "x", true) < 0)
		return false;
	note(t, w, ts);
	return true;
}

static bool stop_session(struct talk *t, const struct whim *w)
{
	const struct said *s = &t->said[w->said];
	char app[16], user[24];

	person_of(s, user);
	snprintf(app, sizeof(app), "A%s", s->channel + 1);
	if (sim_stop_session(t->sim, app, s->channel, s->thread, user) < 0)
		return false;
	note(t, w, s->thread);
	return true;
}

static bool stop(struct talk *t, const struct whim *w)
{
	switch (dice_roll(&t->dice, 3)) {
	case 0:
		return cross_out(t, w);
	case 1:
		return stop_session(t, w);
	default:
		return press_stop(t, w);
	}
}

/* People press more than once, too. */
static bool ask_again(struct talk *t, const struct whim *w)
{
	char ts[SIM_TS];

	if (!find(t, &t->said[w->said], has_end, ts) ||
	    !click(t, w, ts, "konstruct_again", NULL))
		return false;
	if (dice_percent(&t->dice, 20))
		(void)click(t, w, ts, "konstruct_again", NULL);
	return true;
}

static bool rate(struct talk *t, const struct whim *w)
{
	bool up = dice_percent(&t->dice, 50);
	char ts[SIM_TS];

	if (!find(t, &t->said[w->said], has_end, ts) ||
	    !click(t, w, ts, "konstruct_feedback", up ? "up" : "down"))
		return false;
	t->whims.acts[t->whims.nacts - 1].up = up;
	return true;
}

static bool wipe(struct talk *t, const struct whim *w)
{
	const struct said *s = &t->said[w->said];
	char ts[SIM_TS];

	if (!find(t, s, any, ts) || sim_delete(t->sim, s->channel, ts) < 0)
		return false;
	note(t, w, ts);
	return true;
}

static bool edit(struct talk *t, const struct whim *w)
{
	struct said *s = &t->said[w->said];
	char text[96];

	memcpy(s->later, s->word, sizeof(s->later));
	s->later[0] = CHANGED;
	talk_text(s, s->later, text);
	if (sim_edit(t->sim, s->channel, s->ts, text) < 0)
		return false;
	note(t, w, s->ts);
	return true;
}

static bool take_back(struct talk *t, const struct whim *w)
{
	struct said *s = &t->said[w->said];

	if (sim_delete(t->sim, s->channel, s->ts) < 0)
		return false;
	s->deleted = true;
	note(t, w, s->ts);
	return true;
}

/* In a channel, and not where what was given up begins anew. */
static bool hush(struct talk *t, const struct whim *w)
{
	const struct said *s = &t->said[w->said];
	int k = atoi(s->channel + 1);

	if (s->channel[0] != 'C' || cast_is_troubled(&t->cast, k) ||
	    k == t->cast.broke)
		return true;
	return hush_say(t, s);
}

static bool (*const ways[])(struct talk *t, const struct whim *w) = {
	[WHIM_STOP] = stop, [WHIM_AGAIN] = ask_again, [WHIM_THUMB] = rate,
	[WHIM_WIPE] = wipe, [WHIM_EDIT] = edit,       [WHIM_DELETE] = take_back,
	[WHIM_HUSH] = hush,
};

/* In how many ms it is to be tried again, or OVER. What lasts may begin late,
 * behind others; and a click gets lost when nobody is there to hear it. */
static int try_it(struct talk *t, struct whim *w)
{
	int most = !w->lasting ? TRIES : w->done ? PATIENCE / 2 : PATIENCE;

	if (ways[w->kind](t, w)) {
		w->tries = 0;
		w->done = true;
		return w->lasting ? CHECK_MS : OVER;
	}
	return ++w->tries < most ? AGAIN_MS : OVER;
}

void whims_do(struct talk *t)
{
	struct whims *all = &t->whims;
	size_t i = 0;
	int ms;

	while (i < all->ndue) {
		if (all->due[i].due_ms > clock_ms()) {
			i++;
			continue;
		}
		ms = try_it(t, &all->due[i]);
		if (ms == OVER)
			all->due[i] = all->due[--all->ndue];
		else
			all->due[i++].due_ms = clock_ms() + ms;
	}
}

/* ---- what will be done ---- */

static enum whim_kind choose(struct talk *t, bool lasting)
{
	uint64_t roll = dice_roll(&t->dice, 100);

	if (lasting)
		return roll < 60   ? WHIM_STOP
		       : roll < 80 ? WHIM_EDIT
				   : WHIM_DELETE;
	if (roll < 4)
		return WHIM_STOP;
	if (roll < 8)
		return WHIM_EDIT;
	if (roll < 12)
		return WHIM_DELETE;
	if (roll < 13)
		return WHIM_WIPE;
	if (roll < 18)
		return WHIM_AGAIN;
	if (roll < 22)
		return WHIM_THUMB;
	return roll < 26 ? WHIM_HUSH : WHIM_NONE;
}

void whims_plan(struct talk *t, size_t said)
{
	struct whims *all = &t->whims;
	bool lasting = t->said[said].lasting;
	struct whim w = { .kind = choose(t, lasting), .said = said };

	/* Of two edits the older may be delivered last; what was asked in a
	 * dialog stands nowhere. */
	if (w.kind == WHIM_NONE ||
	    (w.kind == WHIM_EDIT && t->said[said].late) ||
	    (t->said[said].by_dialog &&
	     (w.kind == WHIM_EDIT || w.kind == WHIM_DELETE)))
		return;
	w.lasting = lasting && w.kind == WHIM_STOP;
	w.due_ms = clock_ms() + dice_ms(&t->dice, 1500, 1, 8000);
	all->due = talk_grow(all->due, all->ndue, &all->due_size,
			     sizeof(*all->due));
	all->due[all->ndue++] = w;
}

void whims_release(struct whims *w)
{
	free(w->acts);
	free(w->due);
}
