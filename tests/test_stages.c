/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"
#include "envelopes.h"
#include "route/job.h"
#include "route/message.h"
#include "route/people.h"
#include "route/routing.h"
#include "state/gate.h"
#include "store/record.h"
#include "store/usage.h"

/* A store and a gate that answer what the test wants. */

static struct {
	int resolve, agent; /* what the look-ups return */
	int leaving;
	bool paused;
	int64_t gone_ms; /* the app was taken out of there then */
	bool erased;     /* with its token */
	int rate, burst;
	enum admission admission;
	int admit; /* 0, or -1 */
	bool notify;
	int once;     /* 0, or -1 */
	int warnings; /* once() said yes so often */
	char told[4][100];
	struct admit asked;
	char where[100];    /* the agent was asked for */
	const char *locale; /* of the agent; NULL: none */
	bool agent_paused;
	const char *access;
	bool line_gone;
	int unfinished; /* the entry of that line */ /* from the transcript */
	int looked_up;                               /* persons */
	const char *budget;                          /* NULL: none */
	int64_t used;     /* requests of the person, today */
	int sums;         /* 0, or -1 */
	int nsums;        /* that often the store was asked */
	char channel[20]; /* whose sums were asked for */
} fake;

static char *dup(const char *s)
{
	char *copy = strdup(s);

	ck_assert_ptr_nonnull(copy);
	return copy;
}

static int fake_resolve(struct store *s, const char *type, const char *app,
			const char *workspace, struct connection *out,
			struct err *e)
{
	(void)s;
	if (fake.resolve < 0)
		return err_set(e, ERR_RETRY, "database is locked");
	if (fake.resolve == 0)
		return 0;
	ck_assert_str_eq(type, "slack");
	*out = (struct connection){
		.tenant_id = dup("tenant1"),
		.channel_type = dup(type),
		.app_id = dup(app),
		.workspace_id = dup(workspace),
		.bot_token = dup(fake.erased ? "" : "xoxb-1"),
		.bot_user_id = dup("UBOT"),
		.bot_id = dup("BBOT"),
		.gone_ms = fake.gone_ms,
		.tenant = { .id = dup("tenant1"),
			    .name = dup("acme"),
			    .paused = fake.paused,
			    .rate_per_minute = fake.rate,
			    .burst = fake.burst,
			    .budget = dup(fake.budget ? fake.budget : "") },
	};
	return 1;
}

static int fake_resolve_for(struct store *s, const char *type, const char *app,
			    const char *workspace, const char *channel,
			    const char *thread, struct connection *out,
			    struct err *e)
{
	ck_assert_ptr_nonnull(channel);
	ck_assert_ptr_nonnull(thread);
	return fake_resolve(s, type, app, workspace, out, e);
}

static int fake_agent(struct store *s, const char *tenant_id,
		      const char *channel, const char *thread,
		      struct agent *out, struct err *e)
{
	(void)s;
	(void)snprintf(fake.where, sizeof(fake.where), "%s %s", channel,
		       thread);
	ck_assert_str_eq(tenant_id, "tenant1");
	if (fake.agent < 0)
		return err_set(e, ERR_RETRY, "database is locked");
	if (fake.agent > 0) {
		out->active = !fake.agent_paused;
		out->name = dup("Konrad");
		out->locale = dup(fake.locale ? fake.locale : "");
		out->access = fake.access ? dup(fake.access) : NULL;
	}
	return fake.agent;
}

static int fake_leaving(struct store *s, const char *type, const char *app_id,
			const char *workspace_id, struct connection *out,
			struct err *e)
{
	int resolve = fake.resolve;
	int rc = fake.leaving;

	if (rc <= 0)
		return rc;
	fake.resolve = 1;
	rc = fake_resolve(s, type, app_id, workspace_id, out, e);
	fake.resolve = resolve;
	return rc;
}

static int fake_sums(struct store *s, const struct usage_ask *a,
		     struct usage_sums *out, struct err *e)
{
	(void)s;
	fake.nsums++;
	(void)snprintf(fake.channel, sizeof(fake.channel), "%s", a->channel);
	ck_assert_str_eq(a->tenant_id, "tenant1");
	ck_assert_str_eq(a->user, "U1");
	ck_assert_str_eq(a->today, "2023-11-14");
	ck_assert_str_eq(a->month, "2023-11-01");
	if (fake.sums < 0)
		return err_set(e, ERR_RETRY, "database is locked");
	*out = (struct usage_sums){ 0 };
	out->n[USAGE_PERSON][USAGE_REQUESTS][USAGE_DAY] = fake.used;
	return 0;
}

/* What U1 once asked, unless it is gone. */
static int fake_line(struct store *s, const char *tenant_id,
		     const char *channel, const char *thread, const char *ts,
		     struct line *out, struct err *e)
{
	(void)s;
	(void)e;
	ck_assert_str_eq(tenant_id, "tenant1");
	ck_assert_str_eq(channel, "C1");
	ck_assert_str_eq(thread, "1700000000.000100");
	*out = (struct line){ 0 };
	if (fake.line_gone)
		return 0;
	out->user_id = dup("U1");
	out->ts = dup(ts);
	out->text = dup("where is it?");
	return 1;
}

static int fake_find(struct store *s, const char *what, record_fn *fn,
		     void *arg, struct err *e)
{
	const struct record rec = { .id = "another", .app_id = "A1" };

	(void)s;
	ck_assert_str_eq(what, "C1:1700000000.000100");
	if (fake.unfinished < 0)
		return err_set(e, ERR_RETRY, "database is locked");
	return fake.unfinished ? fn(&rec, arg) : 0;
}

static const struct record_ops fake_records = { .find = fake_find };
static const struct usage_ops fake_usage = { .sums = fake_sums };

static const struct store_ops fake_store_ops = {
	.usage = &fake_usage,
	.records = &fake_records,
	.name = "fake",
	.resolve_for = fake_resolve_for,
	.leaving = fake_leaving,
	.agent = fake_agent,
	.line = fake_line,
};
static struct store store = { &fake_store_ops };

static int fake_admit(struct gate *t, struct admit *a, enum admission *out,
		      struct err *e)
{
	(void)t;
	fake.asked = *a;
	if (fake.admit < 0)
		return err_set(e, ERR_RETRY, "state is away");
	a->wait_s = 7;
	a->notify = fake.notify;
	*out = fake.admission;
	return 0;
}

static int fake_once(struct gate *t, const char *key, const char *entry,
		     int64_t window_ms, int64_t now_ms, struct err *e)
{
	int i;

	(void)t;
	(void)now_ms;
	ck_assert_str_eq(entry, "entry000000001");
	ck_assert_int_ge(window_ms, 10 * 1000);
	if (fake.once < 0)
		return err_set(e, ERR_RETRY, "state is away");
	for (i = 0; i < fake.warnings; i++)
		if (strcmp(fake.told[i], key) == 0)
			return 0;
	ck_assert_int_lt(fake.warnings, 4);
	(void)strncpy(fake.told[fake.warnings++], key, 99);
	return 1;
}

static const struct gate_ops fake_gate_ops = {
	.name = "fake",
	.admit = fake_admit,
	.once = fake_once,
};
static struct gate gate = { &fake_gate_ops };

static struct conf conf = { .rate_per_minute = 30, .burst = 30 };

#define MENTION                                                         \
	"{\"type\":\"app_mention\",\"user\":\"U1\",\"channel\":\"C1\"," \
	"\"ts\":\"1700000000.000100\",\"text\":\"<@UBOT> hi\"}"
#define DIRECT                                                      \
	"{\"type\":\"message\",\"user\":\"U1\",\"channel\":\"D1\"," \
	"\"ts\":\"1700000000.000100\",\"channel_type\":\"im\"}"
#define REPLY                                                        \
	"{\"type\":\"message\",\"user\":\"U1\",\"channel\":\"C1\","  \
	"\"ts\":\"1700000009.000100\",\"channel_type\":\"channel\"," \
	"\"thread_ts\":\"1700000000.000100\",\"text\":\"and?\"}"
#define CHATTER                                                     \
	"{\"type\":\"message\",\"user\":\"U1\",\"channel\":\"C1\"," \
	"\"ts\":\"1700000000.000100\",\"channel_type\":\"channel\"}"
#define OWN                                                           \
	"{\"type\":\"message\",\"user\":\"UBOT\",\"channel\":\"D1\"," \
	"\"ts\":\"1700000000.000100\",\"channel_type\":\"im\"}"

#define HOME                                                                \
	"{\"type\":\"app_home_opened\",\"user\":\"U1\",\"channel\":\"D1\"," \
	"\"tab\":\"home\"}"

static struct routing *r;

static struct people *people;

static void fake_look_up(const struct connection *c, const char *user,
			 void *arg)
{
	(void)arg;
	ck_assert_str_eq(c->bot_token, "xoxb-1");
	ck_assert_str_eq(user, "U1");
	fake.looked_up++;
}

/* What Slack tells of U1. */
static void know(enum access_fact guest, enum access_fact stranger)
{
	const struct person p = { guest, stranger };

	people_tell(people, "A1:T1", "U1", &p, clock_ms());
}

static void setup(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	memset(&fake, 0, sizeof(fake));
	fake.resolve = 1;
	fake.agent = 1;
	fake.rate = -1;
	fake.burst = -1;
	fake.admission = ADMIT_ACCEPT;
	people = people_create();
	ck_assert_ptr_nonnull(people);
	know(FACT_NO, FACT_NO);
}

static void teardown(void)
{
	routing_free(r);
	r = NULL;
	people_free(people);
}

#define NOW INT64_C(1700000001000)

static void begin_with(struct entry *en)
{
	routing_free(r);
	r = routing_create(en, NULL);
	ck_assert_ptr_nonnull(r);
	ck_assert_ptr_null(en->frame);
	r->conf = &conf;
	r->gate = &gate;
	r->store = &store;
	r->people = people;
	r->look_up = fake_look_up;
	r->now_ms = NOW;
}

static void begin_entry(const char *event, struct entry en)
{
	snprintf(en.id, sizeof(en.id), "entry000000001");
	en.frame = event_frame(event);
	en.frame_len = strlen(en.frame);
	begin_with(&en);
}

static void begin(const char *event, enum entry_state state)
{
	begin_entry(event, (struct entry){ .state = state });
}

static enum verdict route(const char *event)
{
	begin(event, ENTRY_NEW);
	return routing_decide(r);
}

START_TEST(a_visit_waits_for_who_can_tell_whether_it_is_the_first)
{
	fake.once = -1;
	ck_assert_int_eq(route(HOME), V_FAIL);
	ck_assert_str_eq(r->stage, "visit");
	fake.once = 0;
	ck_assert_int_eq(routing_decide(r), V_ACCEPT);
	ck_assert_int_eq(route(HOME), V_DROP);
	ck_assert_str_eq(r->why, "seen just now");
}
END_TEST

START_TEST(a_mention_is_accepted)
{
	ck_assert_int_eq(route(MENTION), V_ACCEPT);
	ck_assert_str_eq(r->stage, "dispatch");
	ck_assert_str_eq(r->msg->tenant_id, "tenant1");
	ck_assert_str_eq(r->msg->id, "entry000000001");
	ck_assert_str_eq(r->agent.name, "Konrad");
	ck_assert_str_eq(fake.where, "C1 1700000000.000100");
	ck_assert_str_eq(fake.asked.entry, "entry000000001");
	ck_assert_str_eq(fake.asked.claim, "A1:T1:C1:1700000000.000100");
	ck_assert_str_eq(fake.asked.thread, "A1:T1:C1:1700000000.000100");
	ck_assert(fake.asked.addressed);
	ck_assert_int_eq(fake.asked.at_ms, 1700000000000);
	ck_assert_int_eq(fake.asked.now_ms, 1700000001000);
	ck_assert_str_eq(fake.asked.channel, "C1");
	ck_assert_str_eq(fake.asked.user, "U1");
	ck_assert_int_eq(fake.asked.rate_per_minute, 30);
	ck_assert_int_eq(fake.asked.burst, 30);
}
END_TEST

#define BUDGET "person/requests/day=5"

START_TEST(who_has_some_of_a_budget_left_is_accepted)
{
	fake.budget = BUDGET;
	fake.used = 4;
	ck_assert_int_eq(route(MENTION), V_ACCEPT);
	ck_assert_int_eq(fake.nsums, 1);
	ck_assert_str_eq(fake.channel, "C1");
	ck_assert_int_eq(route(DIRECT), V_ACCEPT);
	ck_assert_str_eq(fake.channel, "");
}
END_TEST

START_TEST(without_a_budget_the_store_is_not_asked)
{
	ck_assert_int_eq(route(MENTION), V_ACCEPT);
	ck_assert_int_eq(fake.nsums, 0);
}
END_TEST

START_TEST(who_has_none_left_is_told_once_in_each_channel)
{
	fake.budget = BUDGET;
	fake.used = 5;
	ck_assert_int_eq(route(MENTION), V_REFUSE);
	ck_assert_str_eq(r->stage, "budget");
	ck_assert_str_eq(r->why, "person/requests/day");
	ck_assert_uint_eq(r->wait_s, 6400); /* NOW is 22:13:21 */
	ck_assert_str_eq(r->notice,
			 "Your budget of requests is used up for today. There"
			 " is more from <!date^1700006400^{date_short_pretty},"
			 " {time}|2023-11-15 00:00 UTC> on.");
	ck_assert_int_eq(routing_settle(r), 0);
	ck_assert_str_eq(r->verdict_text, "refuse:budget");
	ck_assert_int_eq(r->job->kind, JOB_NOTICE);
	ck_assert_int_eq(route(MENTION), V_REFUSE);
	ck_assert_ptr_null(r->notice);
	ck_assert_int_eq(routing_settle(r), 0);
	ck_assert_ptr_null(r->job);
	ck_assert_int_eq(r->req.kind, JOURNAL_DONE);
	ck_assert_int_eq(route(DIRECT), V_REFUSE);
	ck_assert_ptr_nonnull(r->notice);
}
END_TEST

START_TEST(a_duplicate_or_what_was_accepted_before_is_not_judged_by_it)
{
	fake.budget = BUDGET;
	fake.used = 5;
	fake.admission = ADMIT_DUPLICATE;
	ck_assert_int_eq(route(MENTION), V_DROP);
	begin(MENTION, ENTRY_ACCEPTED);
	ck_assert_int_eq(routing_decide(r), V_ACCEPT);
	ck_assert_int_eq(fake.nsums, 0);
}
END_TEST

START_TEST(a_budget_that_cannot_be_looked_at_is_tried_again)
{
	fake.budget = BUDGET;
	fake.sums = -1;
	ck_assert_int_eq(route(MENTION), V_FAIL);
	fake.sums = 0;
	ck_assert_int_eq(routing_decide(r), V_ACCEPT);
}
END_TEST

START_TEST(a_tenants_own_limits_go_before_the_common_ones)
{
	fake.rate = 0;
	fake.burst = 5;
	ck_assert_int_eq(route(MENTION), V_ACCEPT);
	ck_assert_int_eq(fake.asked.rate_per_minute, 0);
	ck_assert_int_eq(fake.asked.burst, 5);
}
END_TEST

START_TEST(a_direct_message_needs_no_engaged_thread)
{
	ck_assert_int_eq(route(DIRECT), V_ACCEPT);
	ck_assert(fake.asked.addressed);
	ck_assert_ptr_null(fake.asked.thread);
}
END_TEST

START_TEST(a_reply_is_for_the_gate_to_judge)
{
	ck_assert_int_eq(route(REPLY), V_ACCEPT);
	ck_assert(!fake.asked.addressed);
	ck_assert_str_eq(fake.where, "C1 1700000000.000100");
	ck_assert_str_eq(fake.asked.thread, "A1:T1:C1:1700000000.000100");
	fake.admission = ADMIT_IDLE;
	ck_assert_int_eq(route(REPLY), V_DROP);
	ck_assert_str_eq(r->stage, "admit");
}
END_TEST

START_TEST(chatter_is_dropped_before_it_is_counted)
{
	ck_assert_int_eq(route(CHATTER), V_DROP);
	ck_assert_str_eq(r->stage, "addressed");
	ck_assert_ptr_null(fake.asked.entry);
}
END_TEST

START_TEST(our_own_words_are_dropped)
{
	ck_assert_int_eq(route(OWN), V_DROP);
	ck_assert_str_eq(r->why, "own");
}
END_TEST

START_TEST(an_unknown_workspace_is_warned_of_once)
{
	fake.resolve = 0;
	ck_assert_int_eq(route(MENTION), V_DROP);
	ck_assert_str_eq(r->stage, "tenant");
	ck_assert_int_eq(fake.warnings, 1);
	ck_assert_int_eq(route(MENTION), V_DROP);
	ck_assert_int_eq(fake.warnings, 1);
	ck_assert_str_eq(fake.told[0], "unknown:A1:T1");
}
END_TEST

START_TEST(a_paused_tenant_is_silent)
{
	fake.paused = true;
	ck_assert_int_eq(route(MENTION), V_DROP);
	ck_assert_str_eq(r->why, "paused");
	ck_assert_ptr_null(fake.asked.entry);
}
END_TEST

#define SAID_MS INT64_C(1700000000000) /* MENTION */

START_TEST(where_the_app_is_not_any_more_nothing_is_done_but_for_what_is_new)
{
	fake.gone_ms = SAID_MS + 999;
	ck_assert_int_eq(route(MENTION), V_DROP);
	ck_assert_str_eq(r->stage, "tenant");
	ck_assert_str_eq(r->why, "uninstalled");
	ck_assert_ptr_null(fake.asked.entry);
	fake.gone_ms = SAID_MS - 1;
	ck_assert_int_eq(route(MENTION), V_ACCEPT);
	fake.erased = true;
	ck_assert_int_eq(route(MENTION), V_DROP);
	ck_assert_str_eq(r->why, "tokens erased");
	ck_assert_int_eq(fake.warnings, 1);
	ck_assert_int_eq(route(MENTION), V_DROP);
	ck_assert_int_eq(fake.warnings, 1);
	/* What was begun is finished. */
	begin(MENTION, ENTRY_ACCEPTED);
	ck_assert_int_eq(routing_decide(r), V_ACCEPT);
}
END_TEST

START_TEST(a_duplicate_is_dropped_without_a_claim)
{
	fake.admission = ADMIT_DUPLICATE;
	ck_assert_int_eq(route(MENTION), V_DROP);
	ck_assert_str_eq(r->why, "duplicate");
	ck_assert_int_eq(routing_settle(r), 0);
	ck_assert_int_eq(r->req.kind, JOURNAL_DONE);
	ck_assert_str_eq(r->req.note.verdict, "drop:admit");
	ck_assert_ptr_null(r->req.note.claim);
	ck_assert_str_eq(r->req.note.tenant_id, "tenant1");
	ck_assert_ptr_null(r->job);
}
END_TEST

START_TEST(over_the_limit_the_sentence_and_the_seconds_go_out)
{
	fake.admission = ADMIT_REFUSE;
	fake.notify = true;
	ck_assert_int_eq(route(MENTION), V_REFUSE);
	ck_assert_int_eq(routing_settle(r), 0);
	ck_assert_int_eq(r->req.kind, JOURNAL_NOTE);
	ck_assert_str_eq(r->req.entry_id, "entry000000001");
	ck_assert_int_eq(r->req.note.state, ENTRY_REFUSED);
	ck_assert_str_eq(r->req.note.verdict, "refuse:admit");
	ck_assert_str_eq(r->req.note.claim, "A1:T1:C1:1700000000.000100");
	ck_assert_str_eq(r->req.note.tenant_id, "tenant1");
	ck_assert_int_eq(r->job->kind, JOB_NOTICE);
	ck_assert_str_eq(r->job->notice,
			 "I'm receiving too many requests right now. Please try"
			 " again in a moment.");
	ck_assert_uint_eq(r->job->wait_s, 7);
	ck_assert_str_eq(r->job->connection.bot_token, "xoxb-1");
	ck_assert_str_eq(r->job->msg->sender.user_id, "U1");
}
END_TEST

START_TEST(who_is_refused_is_told_in_the_language_of_the_agent)
{
	fake.locale = "de";
	fake.admission = ADMIT_REFUSE;
	fake.notify = true;
	ck_assert_int_eq(route(MENTION), V_REFUSE);
	ck_assert_str_eq(r->notice,
			 "Im Moment kommen zu viele Anfragen. Bitte gleich noch"
			 " einmal versuchen.");
	fake.admission = ADMIT_ACCEPT;
	fake.budget = BUDGET;
	fake.used = 5;
	ck_assert_int_eq(route(MENTION), V_REFUSE);
	ck_assert_ptr_nonnull(strstr(r->notice,
				     "Das persönliche Budget an Anfragen ist"
				     " für heute aufgebraucht. Ab <!date"));
}
END_TEST

START_TEST(who_was_told_just_now_is_not_told_again)
{
	fake.admission = ADMIT_REFUSE;
	ck_assert_int_eq(route(MENTION), V_REFUSE);
	ck_assert_int_eq(routing_settle(r), 0);
	ck_assert_ptr_null(r->job);
	ck_assert_int_eq(r->req.kind, JOURNAL_DONE);
	ck_assert_int_eq(r->req.note.state, ENTRY_DONE);
	ck_assert_str_eq(r->req.note.verdict, "refuse:admit");
	ck_assert_str_eq(r->req.note.claim, "A1:T1:C1:1700000000.000100");
}
END_TEST

START_TEST(a_paused_agent_is_silent_and_claims_nothing)
{
	fake.agent_paused = true;
	ck_assert_int_eq(route(MENTION), V_DROP);
	ck_assert_str_eq(r->why, "agent paused");
	ck_assert_ptr_null(r->notice);
	ck_assert_ptr_null(fake.asked.entry);
	/* What was accepted is finished. */
	begin(MENTION, ENTRY_ACCEPTED);
	ck_assert_int_eq(routing_decide(r), V_ACCEPT);
}
END_TEST

START_TEST(without_an_agent_the_channel_is_told_once)
{
	fake.agent = 0;
	ck_assert_int_eq(route(MENTION), V_REFUSE);
	ck_assert_str_eq(r->stage, "agent");
	ck_assert_int_eq(routing_settle(r), 0);
	ck_assert_str_eq(r->job->notice,
			 "No agent is set up here yet. Please ask your"
			 " administrator.");
	ck_assert_uint_eq(r->job->wait_s, 0);
	ck_assert_int_eq(fake.warnings, 2); /* in the log, to the channel */

	ck_assert_int_eq(route(MENTION), V_REFUSE);
	ck_assert_ptr_null(r->notice);
	ck_assert_int_eq(route(DIRECT), V_REFUSE);
	ck_assert_ptr_nonnull(r->notice);
	ck_assert_int_eq(fake.warnings, 3);
	ck_assert_int_eq(route(REPLY), V_DROP);
}
END_TEST

#define MENTION_IN_DIRECT                                               \
	"{\"type\":\"app_mention\",\"user\":\"U1\",\"channel\":\"D1\"," \
	"\"ts\":\"1700000000.000100\",\"text\":\"<@UBOT> hi\"}"
#define BOT                                                             \
	"{\"type\":\"app_mention\",\"user\":\"U9\",\"channel\":\"C1\"," \
	"\"ts\":\"1700000000.000100\",\"text\":\"<@UBOT> hi\","         \
	"\"bot_id\":\"B9\"}"
#define OWN_BOT                                                         \
	"{\"type\":\"app_mention\",\"user\":\"U9\",\"channel\":\"C1\"," \
	"\"ts\":\"1700000000.000100\",\"text\":\"<@UBOT> hi\","         \
	"\"bot_id\":\"BBOT\"}"

START_TEST(who_may_not_ask_is_told_once_and_costs_nothing)
{
	fake.access = "{\"people_denied\":[\"U1\"]}";
	ck_assert_int_eq(route(MENTION), V_REFUSE);
	ck_assert_str_eq(r->stage, "access");
	ck_assert_str_eq(r->why, "person");
	ck_assert_ptr_null(fake.asked.entry);
	ck_assert_int_eq(routing_settle(r), 0);
	ck_assert_str_eq(r->req.note.verdict, "refuse:access");
	ck_assert_ptr_null(r->req.note.engaged);
	ck_assert_int_eq(r->job->kind, JOB_NOTICE);
	ck_assert_str_eq(r->job->notice,
			 "I may not answer you. Your administrator decides who"
			 " may ask me.");
	ck_assert_int_eq(route(MENTION), V_REFUSE);
	ck_assert_ptr_null(r->notice);
	ck_assert_int_eq(routing_settle(r), 0);
	ck_assert_ptr_null(r->job);

	/* another reason, another sentence */
	fake.access = "{\"direct_messages\":false}";
	ck_assert_int_eq(route(DIRECT), V_REFUSE);
	ck_assert_ptr_nonnull(r->notice);
	ck_assert_int_eq(route(MENTION_IN_DIRECT), V_REFUSE);
	ck_assert_str_eq(r->why, "direct message");
}
END_TEST

START_TEST(who_may_not_ask_and_only_goes_on_in_a_thread_meets_silence)
{
	fake.access = "{\"people_denied\":[\"U1\"]}";
	ck_assert_int_eq(route(REPLY), V_DROP);
	ck_assert_str_eq(r->stage, "access");
	ck_assert_int_eq(fake.warnings, 0);
}
END_TEST

START_TEST(bots_are_not_answered_unless_allowed)
{
	ck_assert_int_eq(route(BOT), V_DROP);
	ck_assert_str_eq(r->why, "bot");
	ck_assert_int_eq(fake.warnings, 0);
	fake.access = "{\"bots_allowed\":[\"B9\",\"BBOT\"],\"bot_answers\":4}";
	ck_assert_int_eq(route(BOT), V_ACCEPT);
	ck_assert(fake.asked.bot);
	ck_assert_int_eq(fake.asked.bot_answers, 4);
	ck_assert_int_eq(route(OWN_BOT), V_DROP);
	ck_assert_str_eq(r->why, "own");
	fake.admission = ADMIT_LOOP;
	ck_assert_int_eq(route(BOT), V_DROP);
	ck_assert_str_eq(r->stage, "admit");
	ck_assert_int_eq(fake.looked_up, 0);
}
END_TEST

START_TEST(a_message_is_held_until_slack_has_told)
{
	people_free(people);
	people = people_create();
	ck_assert_ptr_nonnull(people);
	ck_assert_int_eq(route(MENTION), V_HOLD);
	ck_assert_int_eq(routing_decide(r), V_HOLD);
	ck_assert_int_eq(fake.looked_up, 1);
	ck_assert_ptr_null(fake.asked.entry);
	know(FACT_NO, FACT_NO);
	ck_assert_int_eq(routing_decide(r), V_ACCEPT);
	know(FACT_YES, FACT_NO);
	ck_assert_int_eq(route(MENTION), V_REFUSE);
	ck_assert_str_eq(r->why, "guest");
	know(FACT_NO, FACT_YES);
	/* that channel is shared with nobody, so there can't be one */
	ck_assert_int_eq(route(MENTION), V_ACCEPT);
	ck_assert_int_eq(fake.looked_up, 1);
}
END_TEST

/* And then it depends on whether something was said about it. */
START_TEST(a_message_is_not_held_for_ever)
{
	people_free(people);
	people = people_create();
	ck_assert_ptr_nonnull(people);
	ck_assert_int_eq(route(MENTION), V_HOLD);
	r->held_ms -= 20000;
	ck_assert_int_eq(routing_decide(r), V_ACCEPT);
	ck_assert_int_eq(fake.warnings, 1); /* in the log */
	fake.access = "{\"guests\":false}";
	ck_assert_int_eq(route(MENTION), V_HOLD);
	r->held_ms -= 20000;
	ck_assert_int_eq(routing_decide(r), V_REFUSE);
	ck_assert_str_eq(r->why, "person unknown");
	fake.access = "{\"guests\":true}";
	ck_assert_int_eq(route(MENTION), V_ACCEPT);
}
END_TEST

START_TEST(what_was_known_an_hour_ago_does_when_slack_is_silent)
{
	const struct person guest = { FACT_YES, FACT_NO };
	const struct person unknown = { FACT_UNKNOWN, FACT_UNKNOWN };
	int64_t past = clock_ms() - 2 * 3600 * INT64_C(1000);

	people_free(people);
	people = people_create();
	ck_assert_ptr_nonnull(people);
	people_tell(people, "A1:T1", "U1", &guest, past);
	ck_assert_int_eq(route(MENTION), V_HOLD);
	ck_assert_int_eq(fake.looked_up, 1);
	r->held_ms -= 20000;
	ck_assert_int_eq(routing_decide(r), V_REFUSE);
	ck_assert_str_eq(r->why, "guest");
	people_tell(people, "A1:T1", "U1", &unknown, clock_ms());
	ck_assert_int_eq(route(MENTION), V_REFUSE);
	ck_assert_str_eq(r->why, "guest");
}
END_TEST

START_TEST(settings_that_cannot_be_read_let_nobody_in)
{
	fake.access = "nonsense";
	ck_assert_int_eq(route(MENTION), V_DROP);
	ck_assert_str_eq(r->why, "unreadable");
}
END_TEST

START_TEST(what_was_accepted_is_not_judged_again)
{
	fake.access = "{\"people_denied\":[\"U1\"]}";
	begin(MENTION, ENTRY_ACCEPTED);
	ck_assert_int_eq(routing_decide(r), V_ACCEPT);
}
END_TEST

START_TEST(accepting_notes_the_intent_to_post)
{
	const struct note *n;

	ck_assert_int_eq(route(MENTION), V_ACCEPT);
	ck_assert_int_eq(routing_settle(r), 0);
	n = &r->req.note;
	ck_assert_int_eq(r->req.kind, JOURNAL_NOTE);
	ck_assert_int_eq(n->state, ENTRY_ACCEPTED);
	ck_assert_str_eq(n->verdict, "accept");
	ck_assert_str_eq(n->claim, "A1:T1:C1:1700000000.000100");
	ck_assert_str_eq(n->tenant_id, "tenant1");
	ck_assert_str_eq(n->post, "C1:1700000000.000100");
	ck_assert_int_eq(n->part, 0);
	ck_assert_str_eq(n->part_ts, "");
	ck_assert_str_eq(n->engaged, "A1:T1:C1:1700000000.000100");
	ck_assert_int_eq(n->engaged_ms, 1700000000000);

	/* and the job has what the row has */
	ck_assert_int_eq(r->job->kind, JOB_ANSWER);
	ck_assert_int_eq(r->job->entry.state, ENTRY_ACCEPTED);
	ck_assert(!r->job->intended);
	ck_assert_uint_eq(r->job->entry.nparts, 1);
	ck_assert_str_eq(r->job->entry.parts[0], "");
	ck_assert_str_eq(r->job->entry.verdict, "accept");
	ck_assert_str_eq(r->job->agent.name, "Konrad");
	ck_assert_str_eq(r->job->msg->content.text, "hi");
}
END_TEST

START_TEST(a_direct_message_engages_nothing)
{
	ck_assert_int_eq(route(DIRECT), V_ACCEPT);
	ck_assert_int_eq(routing_settle(r), 0);
	ck_assert_ptr_null(r->req.note.engaged);
}
END_TEST

START_TEST(when_store_or_gate_cannot_tell_it_fails_and_can_run_again)
{
	fake.resolve = -1;
	ck_assert_int_eq(route(MENTION), V_FAIL);
	fake.resolve = 1;
	fake.admit = -1;
	ck_assert_int_eq(routing_decide(r), V_FAIL);
	fake.admit = 0;
	fake.agent = -1;
	ck_assert_int_eq(routing_decide(r), V_FAIL);
	fake.agent = 1;
	ck_assert_int_eq(routing_decide(r), V_ACCEPT);
	ck_assert_int_eq(routing_settle(r), 0);
}
END_TEST

START_TEST(an_accepted_entry_goes_on_without_the_gate)
{
	begin(MENTION, ENTRY_ACCEPTED);
	r->entry.attempts = 2;
	r->entry.nparts = 1;
	r->entry.parts = calloc(1, sizeof(*r->entry.parts));
	ck_assert_ptr_nonnull(r->entry.parts);
	r->entry.parts[0] = dup("1700000001.000200");
	r->entry.answer = dup("forty-two");
	fake.paused = true; /* what was begun is finished */

	ck_assert_int_eq(routing_decide(r), V_ACCEPT);
	ck_assert_ptr_null(fake.asked.entry);
	ck_assert_int_eq(routing_settle(r), 0);
	ck_assert_int_eq(r->req.kind, JOURNAL_NOTE);
	ck_assert_int_eq(r->req.note.state, ENTRY_NEW);
	ck_assert_ptr_null(r->req.note.part_ts);
	ck_assert_ptr_null(r->req.note.engaged);
	ck_assert(r->job->intended);
	ck_assert_int_eq(r->job->hope, JOB_HOPE);
	ck_assert_str_eq(r->job->entry.parts[0], "1700000001.000200");
	ck_assert_str_eq(r->job->entry.answer, "forty-two");
}
END_TEST

START_TEST(an_accepted_entry_whose_tenant_was_removed_is_closed_too)
{
	begin(MENTION, ENTRY_ACCEPTED);
	fake.resolve = 0;
	fake.leaving = -1;
	ck_assert_int_eq(routing_decide(r), V_FAIL);
	fake.leaving = 1;
	fake.agent = 0;
	ck_assert_int_eq(routing_decide(r), V_ACCEPT);
	ck_assert_int_eq(routing_settle(r), 0);
	ck_assert_int_eq(r->job->hope, JOB_NO_AGENT);

	/* What wasn't accepted then is nobody's. */
	begin(MENTION, ENTRY_NEW);
	ck_assert_int_eq(routing_decide(r), V_DROP);
}
END_TEST

START_TEST(an_accepted_entry_whose_agent_is_gone_is_closed_with_a_sentence)
{
	begin(MENTION, ENTRY_ACCEPTED);
	fake.agent = 0;
	ck_assert_int_eq(routing_decide(r), V_ACCEPT);
	ck_assert_int_eq(routing_settle(r), 0);
	ck_assert_int_eq(r->job->hope, JOB_NO_AGENT);
}
END_TEST

/* state, crashes, minutes old, has an answer */
static const struct {
	enum entry_state state;
	int attempts;
	int age;
	bool answer;
	enum verdict verdict;
	enum job_hope hope;
	const char *text;
} old[] = {
	{ ENTRY_NEW, 2, 59, false, V_ACCEPT, JOB_HOPE, "accept" },
	{ ENTRY_NEW, 3, 0, false, V_DROP, JOB_CRASHES, "dead:crashes" },
	{ ENTRY_NEW, 0, 61, false, V_DROP, JOB_STALE, "dead:age" },
	{ ENTRY_ACCEPTED, 2, 0, false, V_ACCEPT, JOB_HOPE, NULL },
	{ ENTRY_ACCEPTED, 3, 0, false, V_ACCEPT, JOB_CRASHES, NULL },
	{ ENTRY_ACCEPTED, 5, 0, true, V_ACCEPT, JOB_HOPE, NULL },
	{ ENTRY_ACCEPTED, 6, 0, true, V_ACCEPT, JOB_CRASHES, NULL },
	{ ENTRY_ACCEPTED, 9, 0, true, V_DROP, JOB_CRASHES, "dead:crashes" },
	{ ENTRY_ACCEPTED, 0, 61, false, V_ACCEPT, JOB_STALE, NULL },
	{ ENTRY_WRITTEN, 8, 999, true, V_ACCEPT, JOB_HOPE, NULL },
	{ ENTRY_REFUSED, 0, 999, false, V_DROP, JOB_STALE, NULL },
};

START_TEST(what_is_taken_up_has_hope_by_its_crashes_and_its_age)
{
	struct entry en = {
		.state = old[_i].state,
		.attempts = old[_i].attempts,
		.received_ms = NOW - old[_i].age * INT64_C(60000),
		.answer = old[_i].answer ? dup("whole") : NULL,
	};

	conf.replay_max_age_minutes = 60;
	begin_entry(MENTION, en);
	ck_assert_int_eq(routing_decide(r), old[_i].verdict);
	ck_assert_int_eq(r->hope, old[_i].hope);
	ck_assert_int_eq(routing_settle(r), 0);
	if (old[_i].verdict == V_ACCEPT)
		ck_assert_int_eq(r->job->hope, old[_i].hope);
	else
		ck_assert_int_eq(r->req.note.state,
				 old[_i].state == ENTRY_REFUSED ? ENTRY_DONE
								: ENTRY_DEAD);
	if (old[_i].text)
		ck_assert_str_eq(r->req.note.verdict, old[_i].text);
}
END_TEST

START_TEST(a_replayed_entry_is_as_old_as_its_replay)
{
	conf.replay_max_age_minutes = 60;
	begin_entry(MENTION, (struct entry){ .state = ENTRY_ACCEPTED,
					     .received_ms = 1,
					     .replayed_ms = NOW - 1000 });
	ck_assert_int_eq(routing_decide(r), V_ACCEPT);
	ck_assert_int_eq(r->hope, JOB_HOPE);
}
END_TEST

START_TEST(an_accepted_entry_ends_when_its_tenant_is_gone)
{
	begin(MENTION, ENTRY_ACCEPTED);
	fake.resolve = 0;
	ck_assert_int_eq(routing_decide(r), V_DROP);
	ck_assert_int_eq(routing_settle(r), 0);
	ck_assert_int_eq(r->req.kind, JOURNAL_DONE);
	ck_assert_str_eq(r->req.note.verdict, "drop:tenant");
}
END_TEST

START_TEST(a_refused_entry_is_not_told_again)
{
	begin(MENTION, ENTRY_REFUSED);
	ck_assert_int_eq(routing_decide(r), V_DROP);
	ck_assert_int_eq(routing_settle(r), 0);
	ck_assert_int_eq(r->req.kind, JOURNAL_DONE);
	ck_assert_int_eq(r->req.note.state, ENTRY_DONE);
	ck_assert_ptr_null(r->req.note.verdict);
	ck_assert_ptr_null(r->job);
}
END_TEST

/* Slack's payloads that are no events. */
#define AGAIN                                                              \
	"{\"type\":\"interactive\",\"envelope_id\":\"e-1\",\"payload\":{"  \
	"\"type\":\"block_actions\",\"api_app_id\":\"A1\","                \
	"\"team\":{\"id\":\"T1\"},\"user\":{\"id\":\"U1\"},"               \
	"\"trigger_id\":\"1.2.abc\",\"container\":{\"channel_id\":\"C1\"," \
	"\"message_ts\":\"1700000002.000100\","                            \
	"\"thread_ts\":\"1700000000.000100\"},\"actions\":[{"              \
	"\"action_id\":\"konstruct_again\","                               \
	"\"value\":\"1700000000.000100\"}]}}"
#define COMMAND                                                              \
	"{\"type\":\"slash_commands\",\"envelope_id\":\"e-1\",\"payload\":{" \
	"\"api_app_id\":\"A1\",\"team_id\":\"T1\",\"user_id\":\"U1\","       \
	"\"channel_id\":\"%s\",\"trigger_id\":\"1.2.abc\","                  \
	"\"command\":\"/ask\",\"text\":\"where is it?\","                    \
	"\"response_url\":\"https://hooks.slack.com/commands/1\"}}"

static void begin_frame(const char *frame, enum entry_state state)
{
	struct entry en = { .state = state };

	snprintf(en.id, sizeof(en.id), "entry000000001");
	en.frame = dup(frame);
	en.frame_len = strlen(en.frame);
	begin_with(&en);
}

static void begin_command(const char *channel)
{
	char frame[1000];

	(void)snprintf(frame, sizeof(frame), COMMAND, channel);
	begin_frame(frame, ENTRY_NEW);
}

START_TEST(a_command_is_judged_by_the_channel_it_is_given_in)
{
	fake.access = "{\"channels_denied\":[\"C1\"]}";
	begin_command("C1");
	ck_assert_int_eq(routing_decide(r), V_REFUSE);
	ck_assert_str_eq(r->why, "channel");
	begin_command("C2");
	ck_assert_int_eq(routing_decide(r), V_ACCEPT);

	fake.access = "{\"direct_messages\":false}";
	begin_command("C1");
	ck_assert_int_eq(routing_decide(r), V_ACCEPT);
	begin_command("D1");
	ck_assert_int_eq(routing_decide(r), V_REFUSE);
	ck_assert_str_eq(r->why, "direct message");
}
END_TEST

/* There is a placeholder that waits for it. */
START_TEST(a_question_asked_again_is_not_judged_again)
{
	begin_frame(AGAIN, ENTRY_NEW);
	ck_assert_int_eq(routing_decide(r), V_ACCEPT);
	ck_assert_int_eq(routing_settle(r), 0);
	ck_assert_int_eq(r->job->kind, JOB_ANSWER);

	memset(&fake.asked, 0, sizeof(fake.asked));
	fake.access = "{\"people_denied\":[\"U1\"]}";
	fake.admission = ADMIT_REFUSE;
	fake.budget = "person/requests/day=1";
	fake.used = 1;
	begin_frame(AGAIN, ENTRY_ACCEPTED);
	ck_assert_int_eq(routing_decide(r), V_ACCEPT);
	ck_assert_ptr_null(fake.asked.entry);
	ck_assert_int_eq(routing_settle(r), 0);
	ck_assert_int_eq(r->job->kind, JOB_ANSWER);
	ck_assert_int_eq(r->job->hope, JOB_HOPE);
	ck_assert_str_eq(r->job->msg->content.text, "where is it?");
}
END_TEST

/* It comes into the transcript at the end of its turn. */
START_TEST(a_question_that_is_not_finished_is_waited_for)
{
	fake.line_gone = true;
	fake.unfinished = 1;
	begin_frame(AGAIN, ENTRY_NEW);
	ck_assert_int_eq(routing_decide(r), V_HOLD);
	fake.unfinished = -1;
	ck_assert_int_eq(routing_decide(r), V_FAIL);
	fake.line_gone = false;
	ck_assert_int_eq(routing_decide(r), V_ACCEPT);
}
END_TEST

START_TEST(a_question_asked_again_that_is_gone_is_closed_with_a_sentence)
{
	fake.line_gone = true;
	begin_frame(AGAIN, ENTRY_NEW);
	ck_assert_int_eq(routing_decide(r), V_REFUSE);
	begin_frame(AGAIN, ENTRY_ACCEPTED);
	ck_assert_int_eq(routing_decide(r), V_ACCEPT);
	ck_assert_int_eq(routing_settle(r), 0);
	ck_assert_int_eq(r->job->kind, JOB_ANSWER);
	ck_assert_int_eq(r->job->hope, JOB_STALE);
}
END_TEST

START_TEST(a_frame_that_nobody_can_read_ends)
{
	begin("null", ENTRY_NEW);
	ck_assert_ptr_null(r->msg);
	ck_assert_int_eq(routing_decide(r), V_DROP);
	ck_assert_int_eq(routing_settle(r), 0);
	ck_assert_int_eq(r->req.kind, JOURNAL_DONE);
	ck_assert_str_eq(r->req.note.verdict, "drop:message");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stages");
	TCase *tc = tcase_create("route");
	TCase *again = tcase_create("resume");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_mention_is_accepted);
	tcase_add_test(tc,
		       a_visit_waits_for_who_can_tell_whether_it_is_the_first);
	tcase_add_test(tc, who_has_some_of_a_budget_left_is_accepted);
	tcase_add_test(tc, without_a_budget_the_store_is_not_asked);
	tcase_add_test(tc, who_has_none_left_is_told_once_in_each_channel);
	tcase_add_test(
		tc,
		a_duplicate_or_what_was_accepted_before_is_not_judged_by_it);
	tcase_add_test(tc, a_budget_that_cannot_be_looked_at_is_tried_again);
	tcase_add_test(tc, a_tenants_own_limits_go_before_the_common_ones);
	tcase_add_test(tc, a_direct_message_needs_no_engaged_thread);
	tcase_add_test(tc, a_reply_is_for_the_gate_to_judge);
	tcase_add_test(tc, chatter_is_dropped_before_it_is_counted);
	tcase_add_test(tc, our_own_words_are_dropped);
	tcase_add_test(tc, an_unknown_workspace_is_warned_of_once);
	tcase_add_test(tc, a_paused_tenant_is_silent);
	tcase_add_test(
		tc,
		where_the_app_is_not_any_more_nothing_is_done_but_for_what_is_new);
	tcase_add_test(tc, a_duplicate_is_dropped_without_a_claim);
	tcase_add_test(tc, over_the_limit_the_sentence_and_the_seconds_go_out);
	tcase_add_test(tc, who_is_refused_is_told_in_the_language_of_the_agent);
	tcase_add_test(tc, who_was_told_just_now_is_not_told_again);
	tcase_add_test(tc, a_paused_agent_is_silent_and_claims_nothing);
	tcase_add_test(tc, without_an_agent_the_channel_is_told_once);
	tcase_add_test(tc, who_may_not_ask_is_told_once_and_costs_nothing);
	tcase_add_test(
		tc, who_may_not_ask_and_only_goes_on_in_a_thread_meets_silence);
	tcase_add_test(tc, bots_are_not_answered_unless_allowed);
	tcase_add_test(tc, a_message_is_held_until_slack_has_told);
	tcase_add_test(tc, a_message_is_not_held_for_ever);
	tcase_add_test(tc,
		       what_was_known_an_hour_ago_does_when_slack_is_silent);
	tcase_add_test(tc, settings_that_cannot_be_read_let_nobody_in);
	tcase_add_test(tc, what_was_accepted_is_not_judged_again);
	tcase_add_test(tc, accepting_notes_the_intent_to_post);
	tcase_add_test(tc, a_direct_message_engages_nothing);
	tcase_add_test(
		tc, when_store_or_gate_cannot_tell_it_fails_and_can_run_again);
	suite_add_tcase(s, tc);

	tcase_add_checked_fixture(again, setup, teardown);
	tcase_add_test(again, an_accepted_entry_goes_on_without_the_gate);
	tcase_add_test(again, an_accepted_entry_ends_when_its_tenant_is_gone);
	tcase_add_test(
		again,
		an_accepted_entry_whose_tenant_was_removed_is_closed_too);
	tcase_add_test(
		again,
		an_accepted_entry_whose_agent_is_gone_is_closed_with_a_sentence);
	tcase_add_loop_test(
		again, what_is_taken_up_has_hope_by_its_crashes_and_its_age, 0,
		(int)(sizeof(old) / sizeof(old[0])));
	tcase_add_test(again, a_replayed_entry_is_as_old_as_its_replay);
	tcase_add_test(again, a_refused_entry_is_not_told_again);
	tcase_add_test(tc, a_command_is_judged_by_the_channel_it_is_given_in);
	tcase_add_test(again, a_question_asked_again_is_not_judged_again);
	tcase_add_test(again, a_question_that_is_not_finished_is_waited_for);
	tcase_add_test(
		again,
		a_question_asked_again_that_is_gone_is_closed_with_a_sentence);
	tcase_add_test(again, a_frame_that_nobody_can_read_ends);
	suite_add_tcase(s, again);

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
