/* SPDX-License-Identifier: ISC */
/*
 * ./dev demo: two companies, their agents, and a conversation, played against
 * the simulator and shown as it happens. Exits with 0 only if all that was
 * expected was seen.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "bed/nodes.h"
#include "demo/screen.h"

#define ANSWER_MS   150000
#define PLACEHOLDER "Thinking..."
#define RESULTS_MAX 16
#define NODES       2 /* of a cluster */

static const struct company {
	const char *app, *app_token, *team, *name;
	const char *bot_token, *bot_user, *bot_id, *bot_name;
	const char *extra;
} companies[] = {
	{ "ADEMO1", "xapp-1-ADEMO1-1-sim", "TACME", "acme", "xoxb-sim-acme",
	  "UMARA", "BMARA", "Mara",
	  "{\"burst\":5,\"rate_per_minute\":5,\"agent\":{\"name\":\"Mara\","
	  "\"role\":\"office librarian\","
	  "\"persona\":\"You are warm and precise, and you like old "
	  "maps.\"}}" },
	{ "ADEMO2", "xapp-1-ADEMO2-1-sim", "TBOLT", "bolt", "xoxb-sim-bolt",
	  "UBRUNO", "BBRUNO", "Bruno",
	  "{\"agent\":{\"name\":\"Bruno\",\"role\":\"workshop foreman\","
	  "\"persona\":\"You are brief and practical.\"}}" },
};

static const struct person {
	const char *id, *team, *handle, *name;
} people[] = {
	{ "UALICE", "TACME", "alice", "Alice" },
	{ "UBOB", "TACME", "bob", "Bob" },
	{ "UGUS", "TACME", "gus", "Gus" },
	{ "UCAROL", "TBOLT", "carol", "Carol" },
	{ "USTRANGE", "TSTRANGE", "zoe", "Zoe" },
};

static const struct place {
	const char *id, *team, *name, *type, *title;
	const char *members[5]; /* NULL ends them */
} places[] = {
	{ "CGENERAL",
	  "TACME",
	  "general",
	  "channel",
	  "Acme  #general",
	  { "UALICE", "UBOB", "UGUS", "UMARA" } },
	{ "CRANDOM",
	  "TACME",
	  "random",
	  "channel",
	  "Acme  #random",
	  { "UALICE", "UBOB", "UMARA" } },
	{ "DALICE",
	  "TACME",
	  "",
	  "im",
	  "Acme  Alice and Mara",
	  { "UALICE", "UMARA" } },
	{ "CSHOP",
	  "TBOLT",
	  "workshop",
	  "channel",
	  "Bolt  #workshop",
	  { "UCAROL", "UBRUNO" } },
	{ "CSTRANGE",
	  "TSTRANGE",
	  "lobby",
	  "channel",
	  "Elsewhere  #lobby",
	  { "USTRANGE", "USTRBOT" } },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct demo {
	struct nodes nodes;
	struct sim *sim;
	struct {
		bool ok;
		const char *what;
		char times[64];
	} results[RESULTS_MAX];
	size_t nresults;
};

static const char *title_of(const char *channel)
{
	size_t i;

	for (i = 0; i < COUNT(places); i++)
		if (strcmp(places[i].id, channel) == 0)
			return places[i].title;
	return channel;
}

static const char *name_of(const char *user)
{
	size_t i;

	for (i = 0; i < COUNT(people); i++)
		if (strcmp(people[i].id, user) == 0)
			return people[i].name;
	for (i = 0; i < COUNT(companies); i++)
		if (strcmp(companies[i].bot_user, user) == 0)
			return companies[i].bot_name;
	return user;
}

static int make_world(struct sim *s)
{
	size_t i, k;
	int rc = 0;

	for (i = 0; i < COUNT(companies); i++) {
		const struct company *c = &companies[i];
		struct sim_install in = {
			.app_id = c->app,
			.team_id = c->team,
			.bot_token = c->bot_token,
			.bot_user_id = c->bot_user,
			.bot_id = c->bot_id,
			.name = c->name,
			.bot_name = c->bot_name,
			.extra = c->extra,
		};

		rc |= sim_add_app(s, c->app, c->app_token, NULL);
		rc |= sim_add_install(s, &in);
	}
	for (i = 0; i < COUNT(people); i++)
		if (strcmp(people[i].team, "TSTRANGE") != 0)
			rc |= sim_add_user(s, people[i].id, people[i].team,
					   people[i].handle, people[i].name);
	for (i = 0; i < COUNT(places); i++) {
		if (strcmp(places[i].team, "TSTRANGE") == 0)
			continue;
		rc |= sim_add_channel(s, places[i].id, places[i].team,
				      places[i].name, places[i].type);
		for (k = 0; places[i].members[k]; k++)
			rc |= sim_join(s, places[i].id, places[i].members[k]);
	}
	return rc;
}

/* A workspace that installs Mara's app and that no tenant knows. */
static int make_stranger(struct sim *s)
{
	static const struct sim_install in = {
		.app_id = "ADEMO1",
		.team_id = "TSTRANGE",
		.bot_token = "xoxb-sim-strange",
		.bot_user_id = "USTRBOT",
		.bot_id = "BSTRBOT",
		.name = "strange",
	};

	return sim_add_install(s, &in) |
	       sim_add_user(s, "USTRANGE", "TSTRANGE", "zoe", "Zoe") |
	       sim_add_channel(s, "CSTRANGE", "TSTRANGE", "lobby", "channel") |
	       sim_join(s, "CSTRANGE", "USTRANGE") |
	       sim_join(s, "CSTRANGE", "USTRBOT");
}

static void result(struct demo *d, bool ok, const char *what, const char *times)
{
	if (d->nresults == RESULTS_MAX)
		return;
	d->results[d->nresults].ok = ok;
	d->results[d->nresults].what = what;
	snprintf(d->results[d->nresults].times, 64, "%s", times);
	d->nresults++;
}

static bool say(struct demo *d, const char *channel, const char *user,
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
	screen_channel(title_of(channel));
	screen_said(opt && opt->bot_id ? "build-bot" : name_of(user), shown,
		    threaded);
	return sim_say(d->sim, channel, user, text, opt, ts) == 0;
}

/* The n-th message by a bot in this thread, or NULL. */
static const struct sim_msg *nth_reply(const struct sim_msg *m, size_t count,
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
	r = nth_reply(m, n, c->nth);
	yes = r && r->nversions > c->seen;
	sim_messages_free(m, n);
	return yes;
}

/* Shows the n-th reply of a thread until it is final, and tells the times. */
static bool follow(struct demo *d, const char *channel, const char *thread,
		   size_t nth, int64_t asked_us, const char *what)
{
	struct changes c = { channel, thread, nth, 0 };
	int64_t until = clock_ms() + ANSWER_MS;
	const struct sim_msg *r;
	struct sim_msg *m;
	bool final = false;
	char times[64] = "no answer";
	size_t n;

	while (!final && clock_ms() < until) {
		(void)sim_wait(d->sim, changed, &c, 100);
		m = sim_messages(d->sim, channel, thread, &n);
		r = nth_reply(m, n, nth);
		if (r && r->nversions > c.seen) {
			c.seen = r->nversions;
			screen_reply(name_of(r->user), r->text, false);
		} else if (r && strcmp(r->text, PLACEHOLDER) != 0 &&
			   nodes_quiet(&d->nodes)) {
			final = true;
			screen_reply(name_of(r->user), r->text, true);
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
	result(d, final, what, times);
	return final;
}

static size_t replies(struct demo *d, const char *channel, const char *thread)
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

static bool settle(struct demo *d)
{
	int64_t until = clock_ms() + ANSWER_MS;

	if (sim_wait_acked(d->sim, ANSWER_MS) < 0)
		return false;
	while (!nodes_quiet(&d->nodes))
		if (clock_ms() >= until)
			return false;
		else
			usleep(20000);
	return true;
}

static void scene_thread(struct demo *d)
{
	struct sim_say opt = { 0 };
	char ts[SIM_TS];
	int64_t at;

	screen_note("Alice mentions Mara");
	at = sim_clock_us();
	if (!say(d, "CGENERAL", "UALICE",
		 "<@UMARA> where do we keep the travel policy?", NULL, ts))
		return;
	follow(d, "CGENERAL", ts, 0, at, "a mention is answered in its thread");

	screen_note("Bob goes on in the thread, without a mention");
	opt.thread_ts = ts;
	at = sim_clock_us();
	say(d, "CGENERAL", "UBOB", "And who may approve a trip?", &opt, NULL);
	follow(d, "CGENERAL", ts, 1, at,
	       "a follow-up needs no mention in that thread");
}

static void scene_direct(struct demo *d)
{
	char ts[SIM_TS];
	int64_t at = sim_clock_us();

	screen_note("Alice writes to Mara directly");
	say(d, "DALICE", "UALICE", "Are you a human?", NULL, ts);
	follow(d, "DALICE", ts, 0, at, "a direct message is answered");
}

static void scene_other_tenant(struct demo *d)
{
	char ts[SIM_TS];
	int64_t at = sim_clock_us();

	screen_note("another company, another agent, the same process");
	say(d, "CSHOP", "UCAROL", "<@UBRUNO> who are you?", NULL, ts);
	follow(d, "CSHOP", ts, 0, at, "another tenant has its own agent");
}

static void scene_redelivered(struct demo *d)
{
	struct sim_say again = { .redeliver = true };
	char ts[SIM_TS];
	int64_t at = sim_clock_us();

	screen_note("Slack delivers this one twice");
	say(d, "CSHOP", "UCAROL", "<@UBRUNO> is the saw repaired?", &again, ts);
	follow(d, "CSHOP", ts, 0, at, "a redelivered envelope is acked");
	settle(d);
	result(d, replies(d, "CSHOP", ts) == 1, "and is answered only once",
	       "");
}

static bool logged(const struct demo *d, const char *word)
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

static void scene_silence(struct demo *d)
{
	struct sim_say bot = { .bot_id = "BBUILD" };
	char ts[SIM_TS], far[SIM_TS];

	screen_note("a bot speaks, and a workspace that nobody knows");
	say(d, "CGENERAL", "UALICE", "<@UMARA> build 512 passed", &bot, ts);
	make_stranger(d->sim);
	say(d, "CSTRANGE", "USTRANGE", "<@USTRBOT> hello?", NULL, far);
	settle(d);
	result(d, replies(d, "CGENERAL", ts) == 0, "other bots are ignored",
	       "");
	result(d, replies(d, "CSTRANGE", far) == 0,
	       "an unknown workspace gets no answer", "");
	result(d, logged(d, "TSTRANGE"), "and leaves a warning in the log", "");
}

static void scene_guest(struct demo *d)
{
	struct sim_msg *m;
	size_t i, n, told = 0;
	char ts[SIM_TS];

	screen_note("Gus, a guest of the workspace, mentions Mara");
	(void)sim_set_guest(d->sim, "UGUS", true);
	say(d, "CGENERAL", "UGUS", "<@UMARA> what do we pay Bob?", NULL, ts);
	(void)sim_wait_ephemeral(d->sim, "CGENERAL", "UGUS", 1, 20000);
	settle(d);
	m = sim_messages(d->sim, "CGENERAL", NULL, &n);
	for (i = 0; i < n; i++) {
		if (!m[i].ephemeral || strcmp(m[i].to_user, "UGUS") != 0)
			continue;
		told++;
		screen_ephemeral("Mara", m[i].text, "Gus");
	}
	sim_messages_free(m, n);
	result(d, told == 1 && replies(d, "CGENERAL", ts) == 0,
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
		say(d, "CRANDOM", "UBOB", text, NULL, NULL);
	}
	(void)sim_wait_ephemeral(d->sim, "CRANDOM", "UBOB", 1, 20000);
	settle(d);
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
	result(d, answers == 5 && told == 1,
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

static void scene_kill(struct demo *d)
{
	struct bed *b;
	char ts[SIM_TS];
	int64_t at = sim_clock_us();

	screen_note("the node at work is killed in the middle of an answer");
	say(d, "CSHOP", "UCAROL", "<@UBRUNO> how do I sharpen a chisel?", NULL,
	    ts);
	if (sim_wait_reply(d->sim, "CSHOP", ts, 1, ANSWER_MS) < 0)
		return;
	b = busy(d);
	if (b) {
		bed_kill(b);
		screen_note("node %c is dead; the other one takes over when "
			    "its lease ends",
			    (char)('a' + (b - d->nodes.beds)));
	}
	result(d, b != NULL, "a node can be killed", "");
	follow(d, "CSHOP", ts, 0, at, "another one ends its answer");
	settle(d);
	result(d, replies(d, "CSHOP", ts) == 1, "in the same message", "");
}

static bool summary(const struct demo *d)
{
	bool ok = true;
	size_t i;

	printf("\n");
	for (i = 0; i < d->nresults; i++) {
		screen_result(d->results[i].ok, d->results[i].what,
			      d->results[i].times);
		ok &= d->results[i].ok;
	}
	return ok;
}

/* Alice at the keyboard: a line goes into the current thread. */
static void interact(struct demo *d)
{
	char line[2000], text[2048];
	char ts[SIM_TS] = "";
	struct sim_say opt;
	size_t nth = 0;
	int64_t at;

	puts("\nYou are Alice in #general at Acme. A line mentions Mara and "
	     "opens a thread;\nfurther lines go on in it. /new opens another "
	     "one, /quit ends.");
	for (;;) {
		printf("> ");
		fflush(stdout);
		if (!fgets(line, sizeof(line), stdin))
			return;
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, "/quit") == 0)
			return;
		if (strcmp(line, "/new") == 0 || line[0] == '\0') {
			ts[0] = '\0';
			continue;
		}
		opt = (struct sim_say){ .thread_ts = ts[0] ? ts : NULL };
		snprintf(text, sizeof(text), "%s%s", ts[0] ? "" : "<@UMARA> ",
			 line);
		at = sim_clock_us();
		if (ts[0]) {
			say(d, "CGENERAL", "UALICE", text, &opt, NULL);
			nth++;
		} else {
			say(d, "CGENERAL", "UALICE", text, NULL, ts);
			nth = 0;
		}
		follow(d, "CGENERAL", ts, nth, at, "");
	}
}

static void play(struct demo *d)
{
	struct sim_settings set;

	sim_settings(d->sim, &set);
	set.llm_first_ms = 500;
	set.llm_token_ms = 60;
	sim_set(d->sim, &set);

	scene_thread(d);
	scene_direct(d);
	scene_other_tenant(d);
	scene_redelivered(d);
	scene_silence(d);
	scene_guest(d);
	scene_burst(d);
	if (d->nodes.shared)
		scene_kill(d);
}

static int start(struct demo *d, const struct bed_opts *o, bool cluster,
		 struct err *e)
{
	int64_t at;

	if (nodes_make(&d->nodes, cluster ? NODES : 0, o, e) < 0)
		return -1;
	d->sim = d->nodes.beds[0].sim;
	if (make_world(d->sim) != 0)
		return err_set(e, ERR_FATAL, "cannot make the world");
	at = clock_ms();
	if (nodes_start(&d->nodes, e) < 0)
		return -1;
	if (sim_wait_links(d->sim, "ADEMO1", 1, 20000) < 0 ||
	    sim_wait_links(d->sim, "ADEMO2", 1, 20000) < 0)
		return err_set(e, ERR_FATAL, "the links did not come up");
	screen_note("konstructd%s is connected to two apps over TLS, %lld ms "
		    "after its start",
		    cluster ? " (two nodes, PostgreSQL and Redis)" : "",
		    (long long)(clock_ms() - at));
	return 0;
}

static bool stop(struct demo *d)
{
	bool ok = true;
	size_t i;

	for (i = 0; i < d->nodes.n; i++)
		ok &= bed_stop(&d->nodes.beds[i]) == 0;
	return ok;
}

static void show_logs(struct demo *d)
{
	char *log;
	size_t i;

	for (i = 0; i < d->nodes.n; i++) {
		log = bed_log(&d->nodes.beds[i]);
		fprintf(stderr, "\nthe log of '%s':\n%s", d->nodes.beds[i].dir,
			log ? log : "");
		free(log);
	}
}

static void usage(void)
{
	fputs("usage: ./dev demo [--cluster] [--interactive] "
	      "[--llm-url URL --model M]\n",
	      stderr);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "cluster", no_argument, NULL, 'c' },
		{ "interactive", no_argument, NULL, 'i' },
		{ "llm-url", required_argument, NULL, 'u' },
		{ "model", required_argument, NULL, 'm' },
		{ NULL, 0, NULL, 0 },
	};
	struct bed_opts o = { 0 };
	struct err e = { 0 };
	bool cluster = false;
	bool interactive = false;
	bool ok = false;
	struct demo d = { 0 };
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'c') {
			cluster = true;
		} else if (opt == 'i') {
			interactive = true;
		} else if (opt == 'u') {
			o.llm_url = optarg;
		} else if (opt == 'm') {
			o.llm_model = optarg;
		} else {
			usage();
			return 64;
		}
	}
	if (!o.llm_url != !o.llm_model) {
		usage();
		return 64;
	}

	if (start(&d, &o, cluster, &e) == 0) {
		play(&d);
		ok = summary(&d);
		if (interactive)
			interact(&d);
	} else {
		fprintf(stderr, "demo: %s\n", e.msg);
	}
	ok &= stop(&d);
	if (!ok)
		show_logs(&d);
	nodes_remove(&d.nodes);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
