/* SPDX-License-Identifier: ISC */
#include "torture/plea.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/act.h"
#include "torture/talk.h"

#define SHARED_PERCENT 40
#define LOOK_US        500000
#define PATIENCE_US    20000000

static void app_of(const struct plea *p, char app[16])
{
	snprintf(app, 16, "A%s", p->channel + 1);
}

static void user_of(const struct plea *p, char user[24])
{
	snprintf(user, 24, "U%sP", p->channel + 1);
}

void plea_say(struct talk *t)
{
	struct pleas *all = &t->pleas;
	char app[16], user[24], text[96];
	struct plea *p;
	int k;

	do
		k = (int)dice_roll(&t->dice, (uint64_t)t->tenants);
	while (cast_is_troubled(&t->cast, k) || k == t->cast.broke);
	all->all = talk_grow(all->all, all->n, &all->size, sizeof(*all->all));
	p = &all->all[all->n];
	*p = (struct plea){ .at_us = sim_clock_us() };
	snprintf(p->channel, sizeof(p->channel), "C%05d", k);
	snprintf(p->word, sizeof(p->word), "k%06zuk", all->n++);
	snprintf(text, sizeof(text), "tell me about %s", p->word);
	app_of(p, app);
	user_of(p, user);
	if (sim_slash(t->sim, app, p->channel, user, "/ask", text) < 0)
		abort();
	sim_newest(t->sim, app, "slash_commands", p->envelope);
	sim_hook(t->sim, app, p->hook, sizeof(p->hook));
	if (dice_percent(&t->dice, SHARED_PERCENT))
		p->share_us = p->at_us + LOOK_US;
}

/* The answer with its button, if it is there. */
static bool find(struct talk *t, const struct plea *p, char ts[SIM_TS])
{
	size_t i, n;
	struct sim_msg *m = sim_messages(t->sim, p->channel, NULL, &n);
	bool found = false;

	for (i = 0; i < n && !found; i++) {
		if (!m[i].hook || strcmp(m[i].hook, p->hook) != 0 ||
		    !m[i].blocks || !strstr(m[i].blocks, "konstruct_share"))
			continue;
		snprintf(ts, SIM_TS, "%s", m[i].ts);
		found = true;
	}
	sim_messages_free(m, n);
	return found;
}

static bool share(struct talk *t, struct plea *p)
{
	char app[16], user[24], ts[SIM_TS];

	app_of(p, app);
	user_of(p, user);
	if (!find(t, p, ts) || sim_click(t->sim, p->channel, ts, user,
					 "konstruct_share", NULL) < 0)
		return false;
	sim_newest(t->sim, app, "block_actions", p->share_envelope);
	sim_hook(t->sim, app, p->shared, sizeof(p->shared));
	return true;
}

void pleas_do(struct talk *t)
{
	int64_t now = sim_clock_us();
	struct plea *p;
	size_t i;

	for (i = 0; i < t->pleas.n; i++) {
		p = &t->pleas.all[i];
		if (p->share_us == 0 || now < p->share_us)
			continue;
		if (share(t, p) || now > p->at_us + PATIENCE_US)
			p->share_us = 0;
		else
			p->share_us = now + LOOK_US;
	}
}
