/* SPDX-License-Identifier: ISC */
#include "demo/play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "demo/screen.h"
#include "demo/world.h"

void demo_result(struct demo *d, bool ok, const char *what, const char *times)
{
	if (d->nresults == DEMO_RESULTS_MAX)
		return;
	d->results[d->nresults].ok = ok;
	d->results[d->nresults].what = what;
	snprintf(d->results[d->nresults].times, 64, "%s", times);
	d->nresults++;
}

bool demo_say(struct demo *d, const char *channel, const char *user,
	      const char *text, const struct sim_say *opt, char ts[SIM_TS])
{
	bool threaded = opt && opt->thread_ts;
	char shown[1024];
	const char *p;

	/* As Slack shows it: the bot's name in place of its id. */
	p = strncmp(text, "<@", 2) == 0 ? strchr(text, '>') : NULL;
	if (p)
		snprintf(shown, sizeof(shown), "@%s%s",
			 strncmp(text, "<@UBRUNO", 8) == 0 ? "Bruno" : "Mara",
			 p + 1);
	else
		snprintf(shown, sizeof(shown), "%s", text);
	screen_channel(world_title(channel));
	screen_said(opt && opt->bot_id ? "build-bot" : world_name(user), shown,
		    threaded);
	return sim_say(d->sim, channel, user, text, opt, ts) == 0;
}

const struct sim_msg *demo_nth_reply(const struct sim_msg *m, size_t count,
				     size_t n)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (m[i].bot_id && !m[i].ephemeral && !m[i].deleted && n-- == 0)
			return &m[i];
	return NULL;
}

struct changes {
	const char *channel, *thread;
	size_t nth, seen;
};

static bool changed(struct sim *s, void *arg)
{
	struct changes *c = arg;
	const struct sim_msg *r;
	struct sim_msg *m;
	size_t n;
	bool yes;

	m = sim_messages(s, c->channel, c->thread, &n);
	r = demo_nth_reply(m, n, c->nth);
	yes = r && r->nversions > c->seen;
	sim_messages_free(m, n);
	return yes;
}

bool demo_follow(struct demo *d, const char *channel, const char *thread,
		 size_t nth, int64_t asked_us, const char *what)
{
	struct changes c = { channel, thread, nth, 0 };
	int64_t until = clock_ms() + DEMO_ANSWER_MS;
	const struct sim_msg *r;
	struct sim_msg *m;
	bool final = false;
	char times[64] = "no answer";
	size_t n;

	while (!final && clock_ms() < until) {
		(void)sim_wait(d->sim, changed, &c, 100);
		m = sim_messages(d->sim, channel, thread, &n);
		r = demo_nth_reply(m, n, nth);
		if (r && r->nversions > c.seen) {
			c.seen = r->nversions;
			screen_reply(world_name(r->user), r->text, false);
		} else if (r && strcmp(r->text, DEMO_PLACEHOLDER) != 0 &&
			   nodes_quiet(&d->nodes)) {
			final = true;
			screen_reply(world_name(r->user), r->text, true);
			snprintf(times, sizeof(times),
				 "placeholder %lld ms, answer %lld ms",
				 (long long)(r->versions[0].at_us - asked_us) /
					 1000,
				 (long long)(r->versions[r->nversions - 1]
						     .at_us -
					     asked_us) /
					 1000);
		}
		sim_messages_free(m, n);
	}
	demo_result(d, final, what, times);
	return final;
}

size_t demo_replies(struct demo *d, const char *channel, const char *thread)
{
	struct sim_msg *m;
	size_t n, i, found = 0;

	m = sim_messages(d->sim, channel, thread, &n);
	for (i = 0; i < n; i++)
		found += m[i].bot_id && !m[i].ephemeral && !m[i].deleted &&
			 m[i].user && strcmp(m[i].bot_id, "BBUILD") != 0;
	sim_messages_free(m, n);
	return found;
}

bool demo_settle(struct demo *d)
{
	int64_t until = clock_ms() + DEMO_ANSWER_MS;

	if (sim_wait_acked(d->sim, DEMO_ANSWER_MS) < 0)
		return false;
	while (!nodes_quiet(&d->nodes))
		if (clock_ms() >= until)
			return false;
		else
			usleep(20000);
	return true;
}

bool demo_logged(const struct demo *d, const char *word)
{
	bool found = false;
	char *log;
	size_t i;

	for (i = 0; i < d->nodes.n && !found; i++) {
		log = bed_log(&d->nodes.beds[i]);
		found = log && strstr(log, word);
		free(log);
	}
	return found;
}
