/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "demo/play.h"
#include "demo/screen.h"
#include "demo/world.h"
#include "sim/act.h"

#define SHOP "CSHOP"
#define MS   20000

/* What the next question with these words is answered. */
static void teach(struct demo *d, const char *words, const char *text)
{
	struct sim_llm rule = { .contains = words, .text = text };

	(void)sim_llm(d->sim, &rule);
}

static bool reply_ts(struct demo *d, const char *thread, size_t nth,
		     char ts[SIM_TS])
{
	const struct sim_msg *r;
	struct sim_msg *m;
	size_t n;

	m = sim_messages(d->sim, SHOP, thread, &n);
	r = demo_nth_reply(m, n, nth);
	if (r)
		snprintf(ts, SIM_TS, "%s", r->ts);
	sim_messages_free(m, n);
	return r != NULL;
}

static bool ask(struct demo *d, const char *text, char ts[SIM_TS])
{
	return demo_say(d, SHOP, "UCAROL", text, NULL, ts);
}

static bool has_blocks(struct demo *d, const char *thread, const char *a,
		       const char *b)
{
	const struct sim_msg *r;
	struct sim_msg *m;
	bool yes;
	size_t n;

	m = sim_messages(d->sim, SHOP, thread, &n);
	r = demo_nth_reply(m, n, 0);
	yes = r && r->blocks && strstr(r->blocks, a) && strstr(r->blocks, b);
	sim_messages_free(m, n);
	return yes;
}

static void scene_table(struct demo *d)
{
	char ts[SIM_TS];
	int64_t at;

	screen_note("Carol wants a table and a script; in Slack they are its "
		    "own");
	teach(d, "which screws",
	      "## Screws\n\n| size | in stock |\n|---|---:|\n| M4 | 1200 |\n"
	      "| M6 | 35 |\n\nTo count them again:\n\n```sh\n"
	      "grep -c M6 stock.csv\n```\n");
	at = sim_clock_us();
	if (!ask(d, "<@UBRUNO> which screws have we got?", ts))
		return;
	(void)demo_follow(d, SHOP, ts, 0, at, "an answer with structure");
	demo_result(d,
		    has_blocks(d, ts, "\"data_table\"", "grep -c M6 stock.csv"),
		    "its table is Slack's table, its code a block", "");
}

/* A heading and a paragraph for each step: more than one message holds. */
static char *manual(void)
{
	struct buf b;
	int i, k;

	buf_init(&b, 65536);
	for (i = 1; i <= 28; i++) {
		buf_addf(&b, "## Step %d\n\n", i);
		for (k = 0; k < 10; k++)
			buf_adds(&b, "Turn it a little, look, and turn it "
				     "again if need be. ");
		buf_adds(&b, "\n\n");
	}
	return buf_take(&b);
}

/* Of each the heading, and how much of it Slack was given. */
static void show_parts(const struct sim_msg *m, size_t n)
{
	char line[96];
	size_t i;

	for (i = 0; i < n; i++) {
		if (!m[i].bot_id || m[i].deleted || !m[i].blocks)
			continue;
		snprintf(line, sizeof(line), "%.*s ... (%zu bytes of blocks)",
			 (int)strcspn(m[i].text, "\n"), m[i].text,
			 strlen(m[i].blocks));
		screen_reply("Bruno", line, true);
	}
}

static void scene_long(struct demo *d)
{
	struct sim_llm rule = { .contains = "manual of the lathe",
				.piece = 500,
				.token_ms = 40 };
	char ts[SIM_TS], *text = manual();
	struct sim_msg *m;
	size_t n, parts;

	screen_note("a long answer goes on in further messages");
	rule.text = text;
	if (!text || sim_llm(d->sim, &rule) != 0 ||
	    !ask(d, "<@UBRUNO> read me the manual of the lathe", ts)) {
		free(text);
		return;
	}
	free(text);
	(void)sim_wait_text(d->sim, SHOP, ts, "Step 28", MS);
	(void)demo_settle(d);
	m = sim_messages(d->sim, SHOP, ts, &n);
	show_parts(m, n);
	sim_messages_free(m, n);
	parts = demo_replies(d, SHOP, ts);
	demo_result(d, parts == 2,
		    "a long answer is two messages, cut at a heading", "");
}

static void scene_stop(struct demo *d)
{
	struct sim_llm rule = { .contains = "tell me all",
				.text = "There is a lot to tell. ",
				.mode = SIM_LLM_ENDLESS };
	char ts[SIM_TS], reply[SIM_TS] = "";
	int64_t at = sim_clock_us();
	bool pressed;

	screen_note("Carol has heard enough, and presses Stop");
	(void)sim_llm(d->sim, &rule);
	if (!ask(d, "<@UBRUNO> tell me all about glue", ts))
		return;
	(void)sim_wait_text(d->sim, SHOP, ts, "There is a lot", MS);
	(void)reply_ts(d, ts, 0, reply);
	pressed = sim_click(d->sim, SHOP, reply, "UCAROL", "konstruct_stop",
			    NULL) == 0;
	(void)demo_follow(d, SHOP, ts, 0, at, "an answer can be stopped");
	demo_result(d,
		    pressed &&
			    sim_wait_text(d->sim, SHOP, ts, "Stopped", MS) == 0,
		    "what was written stays, marked as stopped", "");
}

static void scene_again(struct demo *d)
{
	char ts[SIM_TS], reply[SIM_TS] = "";
	int64_t at = sim_clock_us();

	teach(d, "name for the cat", "Chip.");
	if (!ask(d, "<@UBRUNO> a name for the cat?", ts))
		return;
	(void)demo_follow(d, SHOP, ts, 0, at, "a short answer");
	(void)reply_ts(d, ts, 0, reply);

	screen_note("Carol presses Regenerate, and likes what comes");
	teach(d, "name for the cat", "Then Sawdust.");
	at = sim_clock_us();
	(void)sim_click(d->sim, SHOP, reply, "UCAROL", "konstruct_again", NULL);
	(void)demo_follow(d, SHOP, ts, 1, at,
			  "Regenerate gives another answer");
	(void)reply_ts(d, ts, 1, reply);
	(void)sim_click(d->sim, SHOP, reply, "UCAROL", "konstruct_feedback",
			"up");
	(void)demo_settle(d);
	demo_result(d, demo_logged(d, "feedback=up"), "a thumb is counted", "");
}

static bool both_seen(struct sim *s, void *arg)
{
	const char(*ts)[SIM_TS] = arg;

	return sim_reacted(s, SHOP, ts[0], "UBRUNO", "eyes") &&
	       sim_reacted(s, SHOP, ts[1], "UBRUNO", "eyes");
}

static void scene_together(struct demo *d)
{
	struct sim_llm slow = { .contains = "boat be ready",
				.first_ms = 2500,
				.text = "On Friday, if it doesn't rain." };
	struct sim_say in = { 0 };
	char ts[SIM_TS], more[2][SIM_TS];
	int64_t at;

	screen_note("while Bruno answers, two more things are said");
	(void)sim_llm(d->sim, &slow);
	teach(d, "what colour",
	      "Dan, it will be green. Carol, the oars are in the shed.");
	if (!ask(d, "<@UBRUNO> when will the boat be ready?", ts))
		return;
	(void)sim_wait_reply(d->sim, SHOP, ts, 1, MS);
	in.thread_ts = ts;
	at = sim_clock_us();
	demo_say(d, SHOP, "UCAROL", "And where are the oars?", &in, more[0]);
	demo_say(d, SHOP, "UDAN", "And what colour?", &in, more[1]);
	demo_result(d, sim_wait(d->sim, both_seen, more, MS) == 0,
		    "what waits for an answer gets eyes", "");
	(void)sim_wait_text(d->sim, SHOP, ts, "On Friday", MS);
	screen_reply("Bruno", slow.text, true);
	(void)demo_follow(d, SHOP, ts, 1, at, "and is answered together");
	demo_result(d, demo_replies(d, SHOP, ts) == 2,
		    "in one message for both", "");
}

static void scene_whisper(struct demo *d)
{
	struct sim_msg *m;
	size_t i, n;

	screen_note("Carol asks for her own eyes, by /ask");
	screen_said("Carol", "/ask how long does glue take?", false);
	(void)sim_slash(d->sim, "ADEMO2", SHOP, "UCAROL", "/ask",
			"how long does glue take?");
	(void)sim_wait_ephemeral(d->sim, SHOP, "UCAROL", 2, MS);
	(void)demo_settle(d);
	m = sim_messages(d->sim, SHOP, NULL, &n);
	for (i = 0; i < n; i++)
		if (m[i].ephemeral)
			screen_ephemeral("Bruno", m[i].text, "Carol");
	demo_result(d, n > 1 && m[n - 1].ephemeral && m[n - 2].ephemeral,
		    "a command is answered for the asker alone", "");
	sim_messages_free(m, n);
}

void scenes_answers(struct demo *d, bool by_rule)
{
	if (by_rule) {
		scene_table(d);
		scene_long(d);
		scene_stop(d);
		scene_together(d);
	}
	scene_again(d);
	scene_whisper(d);
}
