/* SPDX-License-Identifier: ISC */
#include "torture/dialog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sim/act.h"
#include "torture/talk.h"

#define BACK        40 /* it is about one of the last messages */
#define LOOK_MS     200
#define PATIENCE_MS 8000
#define TRIES       4

static void user_of(const struct said *s, char user[24])
{
	snprintf(user, 24, "U%sP", s->channel + 1);
}

static void app_of(const struct said *s, char app[16])
{
	snprintf(app, 16, "A%s", s->channel + 1);
}

/* Its quoted words must not decide how the question is answered. */
static bool may_be_about(const struct talk *t, const struct said *s)
{
	int k = atoi(s->channel + 1);

	return s->channel[0] == 'C' && !s->deleted && !s->longish &&
	       !s->lasting && !s->by_dialog && strcmp(s->ts, s->thread) == 0 &&
	       !cast_is_troubled(&t->cast, k) && k != t->cast.broke;
}

/* One of the last, by its number; -1: that isn't one. */
static int choose(struct talk *t)
{
	size_t back = t->n < BACK ? t->n : BACK;
	size_t i, about;

	for (i = 0; i < back; i++) {
		about = t->n - 1 - dice_roll(&t->dice, back);
		if (may_be_about(t, &t->said[about]))
			return (int)about;
	}
	return -1;
}

void dialog_ask(struct talk *t)
{
	struct dialogs *all = &t->dialogs;
	int about = choose(t);
	char app[16], user[24];
	const struct said *s;

	if (about < 0)
		return;
	s = &t->said[about];
	app_of(s, app);
	user_of(s, user);
	if (sim_message_shortcut(t->sim, app, s->channel, s->ts, user,
				 "konstruct_about") < 0)
		return;
	all->due = talk_grow(all->due, all->n, &all->size, sizeof(*all->due));
	all->due[all->n++] =
		(struct dialog){ .about = (size_t)about,
				 .due_ms = clock_ms() + LOOK_MS,
				 .end_ms = clock_ms() + PATIENCE_MS };
	all->asked++;
}

void dialog_date(struct said *s, int64_t ms)
{
	snprintf(s->ts, sizeof(s->ts), "%lld.%03d999", (long long)(ms / 1000),
		 (int)(ms % 1000));
}

static bool send_off(struct talk *t, struct dialog *d)
{
	const struct said *about = &t->said[d->about];
	char app[16], text[96], values[160];
	struct said *s = talk_add(t);

	about = &t->said[d->about];
	memcpy(s->channel, about->channel, sizeof(s->channel));
	memcpy(s->thread, about->thread, sizeof(s->thread));
	s->mention = s->by_dialog = true;
	s->about = d->about;
	snprintf(s->word, sizeof(s->word), "q%06zuq", t->n);
	snprintf(text, sizeof(text), "tell me about %s", s->word);
	snprintf(values, sizeof(values), "{\"question\":\"%s\"}", text);
	dialog_date(s, clock_wall_ms());
	if (sim_submit(t->sim, d->view, values) < 0)
		return false;
	app_of(s, app);
	sim_newest(t->sim, app, "view_submission", s->envelope);
	sim_trigger(t->sim, app, s->trigger, sizeof(s->trigger));
	d->said = t->n++;
	d->tries++;
	talk_said(t, d->said);
	return true;
}

/* -1: it is closed; 1: there was trouble. */
static int look(struct talk *t, const struct dialog *d)
{
	size_t i, n;
	struct sim_view *v = sim_views(t->sim, &n);
	int rc = -1;

	for (i = 0; i < n; i++)
		if (strcmp(v[i].id, d->view) == 0 && v[i].open)
			rc = v[i].errors ? 1 : 0;
	sim_views_free(v, n);
	return rc;
}

static bool has_opened(struct talk *t, struct dialog *d)
{
	const struct said *s = &t->said[d->about];
	char user[24];

	user_of(s, user);
	if (sim_wait_view(t->sim, user, s->thread, d->view, 0) < 0) {
		d->view[0] = '\0';
		return false;
	}
	t->dialogs.opened++;
	return true;
}

/* False: that is all. */
static bool go_on(struct talk *t, struct dialog *d)
{
	int now;

	if (d->view[0] == '\0')
		return has_opened(t, d) ? send_off(t, d)
					: clock_ms() < d->end_ms;
	now = look(t, d);
	if (now < 0)
		return false;
	if (now == 0)
		return true; /* Slack waits for the ack */
	if (d->tries < TRIES && send_off(t, d))
		return true;
	(void)sim_close_view(t->sim, d->view, true);
	return false;
}

void dialogs_do(struct talk *t)
{
	struct dialogs *all = &t->dialogs;
	size_t i = 0;

	while (i < all->n) {
		if (all->due[i].due_ms > clock_ms())
			i++;
		else if (!go_on(t, &all->due[i]))
			all->due[i] = all->due[--all->n];
		else
			all->due[i++].due_ms = clock_ms() + LOOK_MS;
	}
}
