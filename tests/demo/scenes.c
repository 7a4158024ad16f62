/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "demo/play.h"
#include "demo/screen.h"
#include "demo/world.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void scene_thread(struct demo *d)
{
	struct sim_say opt = { 0 };
	char ts[SIM_TS];
	int64_t at;

	screen_note("Alice mentions Mara");
	at = sim_clock_us();
	if (!demo_say(d, "CGENERAL", "UALICE",
		      "<@UMARA> where do we keep the travel policy?", NULL, ts))
		return;
	demo_follow(d, "CGENERAL", ts, 0, at,
		    "a mention is answered in its thread");

	screen_note("Bob goes on in the thread, without a mention");
	opt.thread_ts = ts;
	at = sim_clock_us();
	demo_say(d, "CGENERAL", "UBOB", "And who may approve a trip?", &opt,
		 NULL);
	demo_follow(d, "CGENERAL", ts, 1, at,
		    "a follow-up needs no mention in that thread");
}

static void scene_direct(struct demo *d)
{
	char ts[SIM_TS];
	int64_t at = sim_clock_us();

	screen_note("Alice writes to Mara directly");
	demo_say(d, "DALICE", "UALICE", "Are you a human?", NULL, ts);
	demo_follow(d, "DALICE", ts, 0, at, "a direct message is answered");
}

static void scene_other_tenant(struct demo *d)
{
	char ts[SIM_TS];
	int64_t at = sim_clock_us();

	screen_note("another company, another agent, the same process");
	demo_say(d, "CSHOP", "UCAROL", "<@UBRUNO> who are you?", NULL, ts);
	demo_follow(d, "CSHOP", ts, 0, at, "another tenant has its own agent");
}

static void scene_redelivered(struct demo *d)
{
	struct sim_say again = { .redeliver = true };
	char ts[SIM_TS];
	int64_t at = sim_clock_us();

	screen_note("Slack delivers this one twice");
	demo_say(d, "CSHOP", "UCAROL", "<@UBRUNO> is the saw repaired?", &again,
		 ts);
	demo_follow(d, "CSHOP", ts, 0, at, "a redelivered envelope is acked");
	demo_settle(d);
	demo_result(d, demo_replies(d, "CSHOP", ts) == 1,
		    "and is answered only once", "");
}

static void scene_silence(struct demo *d)
{
	struct sim_say bot = { .bot_id = "BBUILD" };
	char ts[SIM_TS], far[SIM_TS];

	screen_note("a bot speaks, and a workspace that nobody knows");
	demo_say(d, "CGENERAL", "UALICE", "<@UMARA> build 512 passed", &bot,
		 ts);
	world_add_stranger(d->sim);
	demo_say(d, "CSTRANGE", "USTRANGE", "<@USTRBOT> hello?", NULL, far);
	demo_settle(d);
	demo_result(d, demo_replies(d, "CGENERAL", ts) == 0,
		    "other bots are ignored", "");
	demo_result(d, demo_replies(d, "CSTRANGE", far) == 0,
		    "an unknown workspace gets no answer", "");
	demo_result(d, demo_logged(d, "TSTRANGE"),
		    "and leaves a warning in the log", "");
}

static void scene_guest(struct demo *d)
{
	struct sim_msg *m;
	size_t i, n, told = 0;
	char ts[SIM_TS];

	screen_note("Gus, a guest of the workspace, mentions Mara");
	(void)sim_set_guest(d->sim, "UGUS", true);
	demo_say(d, "CGENERAL", "UGUS", "<@UMARA> what do we pay Bob?", NULL,
		 ts);
	(void)sim_wait_ephemeral(d->sim, "CGENERAL", "UGUS", 1, 20000);
	demo_settle(d);
	m = sim_messages(d->sim, "CGENERAL", NULL, &n);
	for (i = 0; i < n; i++) {
		if (!m[i].ephemeral || strcmp(m[i].to_user, "UGUS") != 0)
			continue;
		told++;
		screen_ephemeral("Mara", m[i].text, "Gus");
	}
	sim_messages_free(m, n);
	demo_result(d, told == 1 && demo_replies(d, "CGENERAL", ts) == 0,
		    "who may not ask is told so, alone", "");
}

static void scene_burst(struct demo *d)
{
	static const char *const questions[] = {
		"one", "two", "three", "four", "five", "six", "seven",
	};
	struct sim_msg *m;
	size_t i, n, answers = 0, told = 0;
	char text[64], times[64];

	screen_note("a burst: this tenant is limited to 5 a minute");
	for (i = 0; i < COUNT(questions); i++) {
		snprintf(text, sizeof(text), "<@UMARA> question %s",
			 questions[i]);
		demo_say(d, "CRANDOM", "UBOB", text, NULL, NULL);
	}
	(void)sim_wait_ephemeral(d->sim, "CRANDOM", "UBOB", 1, 20000);
	demo_settle(d);
	m = sim_messages(d->sim, "CRANDOM", NULL, &n);
	for (i = 0; i < n; i++) {
		if (m[i].ephemeral) {
			told++;
			screen_ephemeral("Mara", m[i].text, "Bob");
		} else if (m[i].bot_id && !m[i].deleted) {
			answers++;
		}
	}
	sim_messages_free(m, n);
	snprintf(times, sizeof(times), "%zu of 7 answered, told %zu time%s",
		 answers, told, told == 1 ? "" : "s");
	demo_result(d, answers == 5 && told == 1,
		    "over the limit only the person is told", times);
}

/* The one that works on something; the others have nothing to do. */
static struct bed *busy(struct demo *d)
{
	size_t i;

	for (i = 0; i < d->nodes.n; i++)
		if (!bed_quiet(&d->nodes.beds[i]))
			return &d->nodes.beds[i];
	return NULL;
}

void scenes_kill(struct demo *d)
{
	struct bed *b;
	char ts[SIM_TS];
	int64_t at = sim_clock_us();

	screen_note("the node at work is killed in the middle of an answer");
	demo_say(d, "CSHOP", "UCAROL", "<@UBRUNO> how do I sharpen a chisel?",
		 NULL, ts);
	if (sim_wait_reply(d->sim, "CSHOP", ts, 1, DEMO_ANSWER_MS) < 0)
		return;
	b = busy(d);
	if (b) {
		bed_kill(b);
		screen_note("node %c is dead; the other one takes over when "
			    "its lease ends",
			    (char)('a' + (b - d->nodes.beds)));
	}
	demo_result(d, b != NULL, "a node can be killed", "");
	demo_follow(d, "CSHOP", ts, 0, at, "another one ends its answer");
	demo_settle(d);
	demo_result(d, demo_replies(d, "CSHOP", ts) == 1, "in the same message",
		    "");
}

void scenes_talk(struct demo *d)
{
	scene_thread(d);
	scene_direct(d);
	scene_other_tenant(d);
	scene_redelivered(d);
	scene_silence(d);
	scene_guest(d);
	scene_burst(d);
}
