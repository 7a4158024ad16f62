/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "redis.h"
#include "state/claims.h"
#include "state/engaged.h"
#include "state/gate.h"
#include "state/redis_conn.h"
#include "valve.h"

#define NOW       INT64_C(1700000000000)
#define MINUTE_MS INT64_C(60000)
#define HOUR_MS   (60 * MINUTE_MS)
#define THREAD    "A1:T1:C1:1.0"
#define OTHER     "A1:T1:C1:2.0"

static const struct gate_ops *backend; /* of the suite */
static struct redis_box redis;
static bool hurried;
static struct engaged *engaged;
static struct gate *gate;
static struct err e;

/* What the store has kept, for a refill. */
static struct kept {
	const char *claim, *entry, *verdict;
} kept[8];
static size_t nkept;
static int refills;

static void keep(const char *claim, const char *entry, const char *verdict)
{
	kept[nkept++] = (struct kept){ claim, entry, verdict };
}

static int refill(struct gate *t, void *arg, struct err *err)
{
	const struct kept *k;

	(void)arg;
	for (k = kept; k < kept + nkept; k++)
		if (t->ops->restore(t, "acme", k->claim, k->entry, k->verdict,
				    NOW, err) < 0)
			return -1;
	if (t->ops->engage(t, "acme", "A1:T1:C1:kept", NOW, err) < 0)
		return -1;
	refills++;
	return 0;
}

static bool is_well(void)
{
	return gate->ops->healthy(gate, NULL, 0);
}

static bool is_ill(void)
{
	return !is_well();
}

/* For what another thread or process does. */
static void await(bool (*done)(void))
{
	static const struct timespec tick = { 0, 2000000 };
	int ms;

	for (ms = 0; ms < 15000 && !done(); ms += 2)
		(void)nanosleep(&tick, NULL);
	ck_assert(done());
}

/* Where Redis is for the gates that are opened from now on. */
static const char *url;

static struct gate *open_gate(struct engaged *g)
{
	const struct gate_opts o = {
		.url = backend == &gate_redis ? url : "local",
		.password_file = redis.password_file,
		.engaged = g,
		.refill = refill,
		.frozen = true,
	};
	struct gate *t = backend->open(&o, &e);

	ck_assert_msg(t != NULL, "%s", e.msg);
	return t;
}

static void open_filled(void)
{
	gate = open_gate(engaged);
	ck_assert_msg(gate->ops->start(gate, &e) == 0, "%s", e.msg);
	await(is_well);
}

/* As after a start of the daemon. */
static void reopen(void)
{
	backend->close(gate);
	open_filled();
}

static void setup(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	e = (struct err){ 0 };
	nkept = 0;
	refills = 0;
	if (backend == &gate_redis)
		redis_box_start(&redis, NULL);
	if (hurried)
		redis_patience = 1;
	url = redis.url;
	engaged = engaged_create(30 * MINUTE_MS);
	ck_assert_ptr_nonnull(engaged);
	open_filled();
}

static void teardown(void)
{
	backend->close(gate);
	engaged_free(engaged);
	if (backend == &gate_redis)
		redis_box_remove(&redis);
}

/* A mention of acme's agent, 30 a minute; a test changes what it is about. */
static struct admit mention(const char *entry)
{
	return (struct admit){
		.entry = entry,
		.tenant_id = "acme",
		.claim = entry,
		.thread = THREAD,
		.addressed = true,
		.at_ms = NOW,
		.channel = "C1",
		.user = "U1",
		.rate_per_minute = 30,
		.burst = 30,
		.now_ms = NOW,
	};
}

static enum admission ask(struct admit *a)
{
	enum admission out;

	ck_assert_msg(gate->ops->admit(gate, a, &out, &e) == 0, "%s", e.msg);
	return out;
}

/* The nth message of its kind, an entry of its own. */
static enum admission ask_as(struct admit a, int n)
{
	char id[ID_SIZE];

	(void)snprintf(id, sizeof(id), "%s%d", a.entry, n);
	a.entry = id;
	a.claim = id;
	return ask(&a);
}

static void accept(struct admit a, int count)
{
	int i;

	for (i = 1; i <= count; i++)
		ck_assert_msg(ask_as(a, i) == ADMIT_ACCEPT, "message %d", i);
}

START_TEST(of_31_at_one_instant_the_29th_and_30th_pass_and_the_31st_is_refused)
{
	struct admit a = mention("m");

	accept(a, 28);
	ck_assert_int_eq(ask_as(a, 29), ADMIT_ACCEPT);
	ck_assert_int_eq(ask_as(a, 30), ADMIT_ACCEPT);
	ck_assert_int_eq(ask(&a), ADMIT_REFUSE);
	ck_assert_uint_eq(a.wait_s, 2);
}
END_TEST

START_TEST(after_the_window_all_30_pass_again)
{
	struct admit first = mention("first");
	struct admit later = mention("later");

	accept(first, 30);
	later.now_ms += MINUTE_MS;
	accept(later, 30);
	ck_assert_int_eq(ask(&later), ADMIT_REFUSE);
}
END_TEST

static struct admit by_bot(const char *entry)
{
	struct admit a = mention(entry);

	a.bot = true;
	a.bot_answers = 2;
	return a;
}

START_TEST(bots_are_turned_away_until_a_person_speaks)
{
	struct admit a = by_bot("b1");
	struct admit other = by_bot("o1");
	struct admit person = mention("p1");

	accept(by_bot("a"), 2);
	ck_assert_int_eq(ask(&a), ADMIT_LOOP);
	ck_assert_int_eq(ask(&a), ADMIT_LOOP);
	/* another thread, and what was accepted */
	other.thread = "A1:T1:C1:2.0";
	ck_assert_int_eq(ask(&other), ADMIT_ACCEPT);
	ck_assert_int_eq(ask_as(by_bot("a"), 2), ADMIT_ACCEPT);
	ck_assert_int_eq(ask(&person), ADMIT_ACCEPT);
	ck_assert_int_eq(ask(&a), ADMIT_ACCEPT);
	accept(by_bot("c"), 1);
	ck_assert_int_eq(ask_as(by_bot("d"), 1), ADMIT_LOOP);
}
END_TEST

START_TEST(bot_that_is_turned_away_claims_nothing_and_costs_no_token)
{
	struct admit a = by_bot("b1");
	struct admit person = mention("p1");

	a.bot_answers = 0;
	ck_assert_int_eq(ask(&a), ADMIT_LOOP);
	person.claim = a.claim;
	person.rate_per_minute = person.burst = 1;
	ck_assert_int_eq(ask(&person), ADMIT_ACCEPT);
}
END_TEST

START_TEST(token_comes_after_the_seconds_that_were_told)
{
	struct admit a = mention("m");
	struct admit early = mention("early");
	struct admit late = mention("late");

	accept(a, 30);
	early.now_ms += 1999;
	late.now_ms += 2000;
	ck_assert_int_eq(ask(&early), ADMIT_REFUSE);
	ck_assert_uint_eq(early.wait_s, 1);
	ck_assert_int_eq(ask(&late), ADMIT_ACCEPT);
}
END_TEST

START_TEST(tenants_bucket_leaves_anothers_alone)
{
	struct admit a = mention("a");
	struct admit b = mention("b");

	b.tenant_id = "rival";
	accept(a, 30);
	ck_assert_int_eq(ask(&a), ADMIT_REFUSE);
	accept(b, 30);
}
END_TEST

START_TEST(channels_bucket_leaves_anothers_alone)
{
	struct admit a = mention("a");
	struct admit b = mention("b");

	b.channel = "C2";
	accept(a, 30);
	accept(b, 30);
}
END_TEST

/* Whatever the rate, a token is there again after wait_s and not before. */
static const struct {
	int rate, burst;
	unsigned int wait_s;
} rates[] = {
	{ 1, 1, 60 }, { 60, 1, 1 },   { 7, 3, 9 },
	{ 45, 2, 2 }, { 6000, 5, 1 }, { 30, 0, 2 },
};

START_TEST(wait_is_told_for_every_rate)
{
	struct admit a = mention("a");
	struct admit b = mention("b");
	int burst = rates[_i].burst ? rates[_i].burst : 1;

	a.rate_per_minute = b.rate_per_minute = rates[_i].rate;
	a.burst = b.burst = rates[_i].burst;
	accept(a, burst);
	ck_assert_int_eq(ask(&a), ADMIT_REFUSE);
	ck_assert_uint_eq(a.wait_s, rates[_i].wait_s);
	b.now_ms += a.wait_s * 1000;
	ck_assert_int_eq(ask(&b), ADMIT_ACCEPT);
}
END_TEST

START_TEST(rate_0_is_no_limit)
{
	struct admit a = mention("a");

	a.rate_per_minute = 0;
	a.burst = 1;
	accept(a, 200);
}
END_TEST

START_TEST(clock_that_goes_back_fills_nothing_and_empties_nothing)
{
	struct admit a = mention("a");
	struct admit b = mention("b");

	accept(a, 29);
	b.now_ms -= HOUR_MS;
	ck_assert_int_eq(ask_as(b, 1), ADMIT_ACCEPT);
	ck_assert_int_eq(ask_as(b, 2), ADMIT_REFUSE);
	b.now_ms += 2000;
	ck_assert_int_eq(ask_as(b, 3), ADMIT_ACCEPT);
}
END_TEST

START_TEST(years_of_idleness_fill_a_bucket_once)
{
	struct admit a = mention("a");
	struct admit b = mention("b");

	a.rate_per_minute = b.rate_per_minute = 1000000;
	accept(a, 30);
	b.now_ms = INT64_MAX / 2;
	accept(b, 30);
	ck_assert_int_eq(ask(&b), ADMIT_REFUSE);
}
END_TEST

START_TEST(twin_of_a_post_is_a_duplicate_of_its_owner)
{
	struct admit a = mention("first");
	struct admit twin = mention("twin");

	twin.claim = a.claim;
	ck_assert_int_eq(ask(&a), ADMIT_ACCEPT);
	ck_assert_int_eq(ask(&twin), ADMIT_DUPLICATE);
	ck_assert_str_eq(twin.owner, "first");
}
END_TEST

START_TEST(duplicate_costs_no_token)
{
	struct admit a = mention("a");
	struct admit twin = mention("twin");
	int i;

	a.burst = 2;
	twin.burst = 2;
	twin.claim = a.claim;
	ck_assert_int_eq(ask(&a), ADMIT_ACCEPT);
	for (i = 0; i < 10; i++)
		ck_assert_int_eq(ask(&twin), ADMIT_DUPLICATE);
	ck_assert_int_eq(ask_as(a, 2), ADMIT_ACCEPT);
	ck_assert_int_eq(ask_as(a, 3), ADMIT_REFUSE);
}
END_TEST

START_TEST(twin_of_a_refused_post_is_a_duplicate)
{
	struct admit a = mention("a");
	struct admit refused = mention("refused");
	struct admit twin = mention("twin");

	accept(a, 30);
	ck_assert_int_eq(ask(&refused), ADMIT_REFUSE);
	twin.claim = refused.claim;
	twin.now_ms += MINUTE_MS;
	ck_assert_int_eq(ask(&twin), ADMIT_DUPLICATE);
	ck_assert_str_eq(twin.owner, "refused");
}
END_TEST

START_TEST(entry_that_asks_again_gets_its_old_answer_uncharged)
{
	struct admit a = mention("a");
	int i;

	a.burst = 2;
	for (i = 0; i < 5; i++)
		ck_assert_int_eq(ask(&a), ADMIT_ACCEPT);
	ck_assert_int_eq(ask_as(a, 2), ADMIT_ACCEPT);
	ck_assert_int_eq(ask_as(a, 3), ADMIT_REFUSE);
	a.now_ms += MINUTE_MS;
	ck_assert_int_eq(ask_as(a, 3), ADMIT_REFUSE);
}
END_TEST

START_TEST(refusal_asked_for_again_tells_nobody_twice)
{
	struct admit a = mention("a");

	accept(a, 30);
	ck_assert_int_eq(ask(&a), ADMIT_REFUSE);
	ck_assert(a.notify);
	a.now_ms += MINUTE_MS;
	ck_assert_int_eq(ask(&a), ADMIT_REFUSE);
	ck_assert(!a.notify);
	ck_assert_uint_ge(a.wait_s, 1);
}
END_TEST

START_TEST(person_is_told_once_in_ten_seconds_and_channel)
{
	struct admit a = mention("a");
	struct admit again = mention("again");
	struct admit other = mention("other");
	struct admit later = mention("later");

	a.rate_per_minute = again.rate_per_minute = 1;
	other.rate_per_minute = later.rate_per_minute = 1;
	accept(a, 30);
	ck_assert_int_eq(ask(&a), ADMIT_REFUSE);
	ck_assert(a.notify);
	again.now_ms += 9999;
	ck_assert_int_eq(ask(&again), ADMIT_REFUSE);
	ck_assert(!again.notify);
	other.user = "U2";
	ck_assert_int_eq(ask(&other), ADMIT_REFUSE);
	ck_assert(other.notify);
	later.now_ms += 10000;
	ck_assert_int_eq(ask(&later), ADMIT_REFUSE);
	ck_assert(later.notify);
}
END_TEST

/* In the thread, a reply that doesn't name us. */
static struct admit reply(const char *entry, int64_t after_ms)
{
	struct admit a = mention(entry);

	a.addressed = false;
	a.at_ms += after_ms;
	a.now_ms += after_ms;
	return a;
}

START_TEST(reply_is_admitted_in_an_engaged_thread_only)
{
	struct admit a = mention("a");
	struct admit before = reply("before", 0);
	struct admit after = reply("after", MINUTE_MS);

	ck_assert_int_eq(ask(&before), ADMIT_IDLE);
	ck_assert_int_eq(ask(&a), ADMIT_ACCEPT);
	ck_assert_int_eq(ask(&after), ADMIT_ACCEPT);
}
END_TEST

static void disengage(int64_t after_ms)
{
	ck_assert_int_eq(gate->ops->disengage(gate, "acme", THREAD,
					      NOW + after_ms, &e),
			 0);
}

/* Slack delivers again, and stages are run again. */
START_TEST(end_of_a_thread_counts_by_its_time)
{
	struct admit a = mention("a");
	struct admit late = mention("late");
	struct admit again = mention("again");
	struct admit r = reply("r", 3 * MINUTE_MS);

	ck_assert_int_eq(ask(&a), ADMIT_ACCEPT);
	disengage(MINUTE_MS);
	ck_assert_int_eq(ask(&late), ADMIT_ACCEPT);
	ck_assert_int_eq(ask(&r), ADMIT_IDLE);
	again.at_ms += 2 * MINUTE_MS;
	ck_assert_int_eq(ask(&again), ADMIT_ACCEPT);
	disengage(MINUTE_MS);
	ck_assert_int_eq(ask(&r), ADMIT_ACCEPT);
}
END_TEST

START_TEST(idle_reply_claims_nothing_and_may_ask_again)
{
	struct admit a = mention("a");
	struct admit early = reply("early", 1000);

	ck_assert_int_eq(ask(&early), ADMIT_IDLE);
	ck_assert_int_eq(ask(&a), ADMIT_ACCEPT);
	ck_assert_int_eq(ask(&early), ADMIT_ACCEPT);
}
END_TEST

START_TEST(accepted_reply_renews_the_thread)
{
	struct admit a = mention("a");
	struct admit first = reply("first", 29 * MINUTE_MS);
	struct admit second = reply("second", 58 * MINUTE_MS);
	struct admit third = reply("third", 89 * MINUTE_MS);

	ck_assert_int_eq(ask(&a), ADMIT_ACCEPT);
	ck_assert_int_eq(ask(&first), ADMIT_ACCEPT);
	ck_assert_int_eq(ask(&second), ADMIT_ACCEPT);
	ck_assert_int_eq(ask(&third), ADMIT_IDLE);
}
END_TEST

START_TEST(refused_mention_engages_nothing)
{
	struct admit a = mention("a");
	struct admit b = mention("b");
	struct admit r = reply("r", 0);

	a.thread = "A1:T1:C1:other";
	accept(a, 30);
	ck_assert_int_eq(ask(&b), ADMIT_REFUSE);
	ck_assert_int_eq(ask(&r), ADMIT_IDLE);
}
END_TEST

START_TEST(what_needs_no_thread_is_admitted_without_one)
{
	struct admit a = reply("a", 0);

	a.thread = NULL;
	ck_assert_int_eq(ask(&a), ADMIT_ACCEPT);
}
END_TEST

START_TEST(restored_entry_gets_its_old_answer)
{
	struct admit yes = mention("yes");
	struct admit no = mention("no");
	struct admit twin = mention("twin");

	keep("yes", "yes", "accept");
	keep("no", "no", "refuse:admit");
	keep("no", "late", "accept");
	reopen();
	ck_assert_int_eq(ask(&yes), ADMIT_ACCEPT);
	ck_assert_int_eq(ask(&no), ADMIT_REFUSE);
	ck_assert(!no.notify);
	twin.claim = "yes";
	ck_assert_int_eq(ask(&twin), ADMIT_DUPLICATE);
}
END_TEST

START_TEST(restored_drop_claims_nothing)
{
	struct admit a = mention("a");

	keep("a", "twin", "drop:admit");
	reopen();
	ck_assert_int_eq(ask(&a), ADMIT_ACCEPT);
}
END_TEST

START_TEST(restored_thread_is_engaged)
{
	struct admit r = reply("r", MINUTE_MS);

	r.thread = "A1:T1:C1:kept";
	ck_assert_int_eq(ask(&r), ADMIT_ACCEPT);
}
END_TEST

START_TEST(post_is_remembered_for_25_hours)
{
	struct admit a = mention("a");
	struct admit twin = mention("twin");

	ck_assert_int_eq(ask(&a), ADMIT_ACCEPT);
	twin.claim = a.claim;
	twin.now_ms += 25 * HOUR_MS - 1;
	gate->ops->sweep(gate, twin.now_ms);
	ck_assert_int_eq(ask(&twin), ADMIT_DUPLICATE);
	twin.now_ms++;
	gate->ops->sweep(gate, twin.now_ms);
	ck_assert_int_eq(ask(&twin), ADMIT_ACCEPT);
}
END_TEST

static bool happens(struct gate *g, const char *key, const char *entry,
		    int64_t now_ms)
{
	int rc = g->ops->once(g, key, entry, MINUTE_MS, now_ms, &e);

	ck_assert_msg(rc >= 0, "%s", e.msg);
	return rc > 0;
}

START_TEST(once_is_once_per_window_and_key)
{
	ck_assert(happens(gate, "a", "", NOW));
	ck_assert(!happens(gate, "a", "", NOW + MINUTE_MS - 1));
	ck_assert(happens(gate, "b", "", NOW));
	ck_assert(happens(gate, "a", "", NOW + MINUTE_MS));
	gate->ops->sweep(gate, NOW + 3 * MINUTE_MS / 2);
	ck_assert(!happens(gate, "a", "", NOW + 2 * MINUTE_MS - 1));
	gate->ops->sweep(gate, NOW + HOUR_MS);
	ck_assert(happens(gate, "a", "", NOW + HOUR_MS));
}
END_TEST

/* Its answer may have been lost, or it can't go on yet. */
START_TEST(entry_that_was_the_once_is_it_again)
{
	ck_assert(happens(gate, "a", "first", NOW));
	ck_assert(!happens(gate, "a", "second", NOW + 1));
	ck_assert(happens(gate, "a", "first", NOW + 2));
	ck_assert(happens(gate, "a", "second", NOW + MINUTE_MS));
	ck_assert(!happens(gate, "a", "first", NOW + MINUTE_MS + 1));
}
END_TEST

START_TEST(clock_that_goes_back_tells_nobody_twice_and_silences_nobody_for_long)
{
	ck_assert(happens(gate, "a", "", NOW));
	ck_assert(!happens(gate, "a", "", NOW - 1));
	ck_assert(happens(gate, "a", "", NOW - HOUR_MS));
	ck_assert(!happens(gate, "a", "", NOW - HOUR_MS + 1));
}
END_TEST

START_TEST(sweep_takes_no_token_back)
{
	struct admit a = mention("a");

	accept(a, 30);
	gate->ops->sweep(gate, NOW + MINUTE_MS / 2);
	a.now_ms += MINUTE_MS / 2;
	ck_assert_int_eq(ask_as(a, 100), ADMIT_ACCEPT);
	gate->ops->sweep(gate, NOW + HOUR_MS);
	a.now_ms += HOUR_MS;
	ck_assert_int_eq(ask_as(a, 101), ADMIT_ACCEPT);
}
END_TEST

struct racer {
	pthread_t tid;
	int accepted;
};

/* All race for the same 100 posts. */
static void *race(void *arg)
{
	struct racer *r = arg;
	struct admit a = mention("x");
	char entry[ID_SIZE], claim[16];
	int i;

	a.rate_per_minute = 0;
	for (i = 0; i < 100; i++) {
		(void)snprintf(entry, sizeof(entry), "%p.%d",
			       (void *)((uintptr_t)r & 0xffff), i);
		(void)snprintf(claim, sizeof(claim), "%d", i);
		a.entry = entry;
		a.claim = claim;
		r->accepted += ask(&a) == ADMIT_ACCEPT;
		(void)happens(gate, claim, entry, NOW);
	}
	gate->ops->sweep(gate, NOW);
	return NULL;
}

START_TEST(each_post_is_accepted_for_one_of_many_threads)
{
	struct racer r[4] = { { .accepted = 0 } };
	int i, sum = 0;

	for (i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&r[i].tid, NULL, race, &r[i]),
				 0);
	for (i = 0; i < 4; i++) {
		(void)pthread_join(r[i].tid, NULL);
		sum += r[i].accepted;
	}
	ck_assert_int_eq(sum, 100);
}
END_TEST

START_TEST(many_claims_are_found_and_go_hour_by_hour)
{
	struct claims *c = claims_create();
	char key[16];
	int i;

	ck_assert_ptr_nonnull(c);
	for (i = 0; i < 26 * 5000; i++) {
		(void)snprintf(key, sizeof(key), "%d", i);
		ck_assert_int_eq(claims_add(c, key, key, false,
					    NOW + i / 5000 * HOUR_MS),
				 0);
	}
	ck_assert_uint_eq(claims_count(c), 26 * 5000);
	ck_assert_str_eq(claims_find(c, "0")->entry, "0");
	ck_assert_str_eq(claims_find(c, "129999")->entry, "129999");
	ck_assert_ptr_null(claims_find(c, "130000"));
	claims_sweep(c, NOW + 25 * HOUR_MS);
	ck_assert_uint_eq(claims_count(c), 25 * 5000);
	ck_assert_ptr_null(claims_find(c, "4999"));
	ck_assert_ptr_nonnull(claims_find(c, "5000"));
	claims_free(c);
}
END_TEST

START_TEST(memory_of_claims_is_bounded_and_the_oldest_go_first)
{
	struct claims *c = claims_create();
	char key[16];
	int i;

	ck_assert_ptr_nonnull(c);
	for (i = 0; i < 100; i++) {
		(void)snprintf(key, sizeof(key), "%d", i);
		ck_assert_int_eq(
			claims_add(c, key, key, true, NOW + i * HOUR_MS), 0);
	}
	ck_assert_uint_lt(claims_count(c), 100);
	ck_assert_ptr_null(claims_find(c, "0"));
	ck_assert_ptr_nonnull(claims_find(c, "99"));
	claims_free(c);
}
END_TEST

START_TEST(gate_is_chosen_by_the_scheme_of_its_url)
{
	ck_assert_ptr_eq(gate_find("local", &e), &gate_local);
	ck_assert_ptr_eq(gate_find("redis://h:1/2", &e), &gate_redis);
	ck_assert_ptr_eq(gate_find("unix:/run/redis", &e), &gate_redis);
	ck_assert_ptr_null(gate_find("localhost", &e));
	ck_assert_ptr_null(gate_find("", &e));
	ck_assert_int_eq(e.kind, ERR_INPUT);
}
END_TEST

START_TEST(redis_is_refused_without_a_store_to_share)
{
	ck_assert_int_eq(gate_suits("local", "sqlite:/k.db", &e), 0);
	ck_assert_int_eq(gate_suits("redis://h", "postgresql://h/k", &e), 0);
	ck_assert_int_eq(gate_suits("local", "postgresql://h/k", &e), 0);
	ck_assert_int_lt(gate_suits("redis://h", "sqlite:/k.db", &e), 0);
	ck_assert_int_eq(e.kind, ERR_INPUT);
	ck_assert_ptr_nonnull(strstr(e.msg, "postgresql://"));
}
END_TEST

static const char *const bad_urls[] = {
	"redis:",
	"redis://",
	"redis://:6379",
	"redis://h:",
	"redis://h:0",
	"redis://h:65536",
	"redis://h:99999999999",
	"redis://h/x",
	"redis://h/1x",
	"redis://h/-1",
	"redis://h/99999",
	"redis://u:p@h",
	"redis://[::1",
	"redis://[]",
	"redis://h:1:2",
	"unix:",
	"unix:r",
	"rediss://h",
};

START_TEST(url_that_is_none_is_refused)
{
	struct engaged *g = engaged_create(1000);
	const struct gate_opts o = { .url = bad_urls[_i], .engaged = g };
	struct gate *t = gate_redis.open(&o, &e);

	ck_assert_ptr_null(t);
	ck_assert_int_eq(e.kind, ERR_INPUT);
	engaged_free(g);
}
END_TEST

/* A second node: it shares Redis with the gate and nothing else. */
static struct engaged *engaged2;
static struct gate *gate2;

static void setup_two(void)
{
	setup();
	engaged2 = engaged_create(30 * MINUTE_MS);
	ck_assert_ptr_nonnull(engaged2);
	gate2 = open_gate(engaged2);
}

static void teardown_two(void)
{
	gate_redis.close(gate2);
	engaged_free(engaged2);
	teardown();
}

static enum admission ask_two(struct admit *a)
{
	struct gate *first = gate;
	enum admission out;

	gate = gate2;
	out = ask(a);
	gate = first;
	return out;
}

START_TEST(nodes_share_claims_and_limits)
{
	struct admit a = mention("a");
	struct admit twin = mention("twin");
	struct admit other = mention("other");

	a.burst = other.burst = 1;
	twin.claim = a.claim;
	ck_assert_int_eq(ask(&a), ADMIT_ACCEPT);
	ck_assert_int_eq(ask_two(&twin), ADMIT_DUPLICATE);
	ck_assert_str_eq(twin.owner, "a");
	ck_assert_int_eq(ask_two(&other), ADMIT_REFUSE);
	ck_assert(other.notify);
	ck_assert(happens(gate, "k", "", NOW));
	ck_assert(!happens(gate2, "k", "", NOW));
}
END_TEST

START_TEST(entry_gets_its_old_answer_on_another_node)
{
	struct admit a = mention("a");
	struct admit b = mention("b");

	a.burst = b.burst = 1;
	ck_assert_int_eq(ask(&a), ADMIT_ACCEPT);
	ck_assert_int_eq(ask(&b), ADMIT_REFUSE);
	ck_assert_int_eq(ask_two(&a), ADMIT_ACCEPT);
	ck_assert_int_eq(ask_two(&b), ADMIT_REFUSE);
	ck_assert(!b.notify);
}
END_TEST

START_TEST(thread_of_one_node_is_engaged_on_another)
{
	struct admit a = mention("a");
	struct admit r = reply("r", MINUTE_MS);
	struct admit late = reply("late", 40 * MINUTE_MS);

	ck_assert_int_eq(ask_two(&r), ADMIT_IDLE);
	ck_assert_int_eq(ask(&a), ADMIT_ACCEPT);
	ck_assert_int_eq(ask_two(&late), ADMIT_IDLE);
	ck_assert_int_eq(ask_two(&r), ADMIT_ACCEPT);
}
END_TEST

static bool late_reply_is_admitted(void)
{
	struct admit late = reply("late", 40 * MINUTE_MS);

	return ask_two(&late) == ADMIT_ACCEPT;
}

START_TEST(reply_from_before_the_mention_is_not_for_us_on_another_node)
{
	struct admit a = mention("a");
	struct admit before = reply("before", -1000);

	ck_assert_int_eq(ask(&a), ADMIT_ACCEPT);
	ck_assert_int_eq(ask_two(&before), ADMIT_IDLE);
}
END_TEST

START_TEST(answer_renews_the_thread_on_another_node)
{
	struct admit a = mention("a");

	ck_assert_int_eq(ask(&a), ADMIT_ACCEPT);
	ck_assert(!late_reply_is_admitted());
	engaged_answered(engaged, "acme", THREAD, NOW + 20 * MINUTE_MS);
	await(late_reply_is_admitted);
}
END_TEST

START_TEST(answer_while_redis_is_away_renews_when_it_is_back)
{
	redis_box_kill(&redis);
	engaged_answered(engaged, "acme", THREAD, NOW + 20 * MINUTE_MS);
	await(is_ill);
	redis_box_restart(&redis);
	await(is_well);
	await(late_reply_is_admitted);
}
END_TEST

/* The first node's renewals are held back on their way. */
static struct valve *valve;

static void setup_valve(void)
{
	static char path[64], through[80];

	setup_two();
	(void)snprintf(path, sizeof(path), "%s/valve", redis.dir);
	(void)snprintf(through, sizeof(through), "unix:%s", path);
	valve = valve_open(path, redis.socket);
	url = through;
	reopen();
	/* Of what else is sent nothing has so many words. */
	valve_hold(valve, "*8\r\n$7\r\nEVALSHA");
}

static void teardown_valve(void)
{
	valve_close(valve);
	teardown_two();
}

static bool other_is_renewed(void)
{
	struct admit late = reply("late", 40 * MINUTE_MS);

	late.thread = OTHER;
	return ask_two(&late) == ADMIT_ACCEPT;
}

static bool renewal_is_held(void)
{
	return valve_holds(valve);
}

/* Who wrote the end down is before the renewal in Redis. */
START_TEST(renewal_that_is_under_way_does_not_undo_the_end_of_its_thread)
{
	struct admit a = mention("a");
	struct admit r = reply("r", MINUTE_MS);
	struct admit other = mention("other");

	ck_assert_int_eq(ask(&a), ADMIT_ACCEPT);
	engaged_answered(engaged, "acme", THREAD, NOW + 1000);
	await(renewal_is_held);
	ck_assert_int_eq(
		gate->ops->disengage(gate, "acme", THREAD, NOW + 1, &e), 0);
	ck_assert_int_eq(ask_two(&r), ADMIT_IDLE);
	valve_let_go(valve);
	/* What is renewed later comes behind all that. */
	other.thread = OTHER;
	ck_assert_int_eq(ask(&other), ADMIT_ACCEPT);
	engaged_answered(engaged, "acme", OTHER, NOW + 20 * MINUTE_MS);
	await(other_is_renewed);
	ck_assert_int_eq(ask_two(&r), ADMIT_IDLE);
}
END_TEST

START_TEST(forgotten_scripts_are_sent_again)
{
	struct admit a = mention("a");
	struct admit r = reply("r", MINUTE_MS);

	redis_box_do(&redis, "SCRIPT FLUSH");
	ck_assert_int_eq(ask(&a), ADMIT_ACCEPT);
	redis_box_do(&redis, "SCRIPT FLUSH");
	ck_assert_int_eq(ask_two(&r), ADMIT_ACCEPT);
	redis_box_do(&redis, "SCRIPT FLUSH");
	engaged_answered(engaged, "acme", THREAD, NOW + 20 * MINUTE_MS);
	await(late_reply_is_admitted);
}
END_TEST

/* -1: can't be told now. */
static int try_two(struct admit *a)
{
	enum admission out;

	e = (struct err){ 0 };
	if (gate2->ops->admit(gate2, a, &out, &e) == 0)
		return (int)out;
	ck_assert_int_eq(e.kind, ERR_RETRY);
	return -1;
}

static struct admit asked;
static int answer;

static bool two_can_tell(void)
{
	answer = try_two(&asked);
	return answer >= 0;
}

START_TEST(emptied_redis_is_refilled_before_it_answers)
{
	struct admit a = mention("a");
	struct admit other = mention("other");
	int before = refills;

	ck_assert_int_eq(ask(&a), ADMIT_ACCEPT);
	keep("a", "a", "accept");
	redis_box_do(&redis, "FLUSHALL");
	asked = mention("twin");
	asked.claim = a.claim;
	await(two_can_tell);
	ck_assert_int_eq(answer, ADMIT_DUPLICATE);
	ck_assert_str_eq(asked.owner, "a");
	ck_assert_int_gt(refills, before);
	await(is_well);
	ck_assert_int_eq(ask(&other), ADMIT_ACCEPT);
}
END_TEST

START_TEST(what_is_not_journaled_yet_outlives_a_flush)
{
	struct admit a = mention("a");

	ck_assert_int_eq(ask(&a), ADMIT_ACCEPT);
	redis_box_do(&redis, "FLUSHALL");
	asked = mention("twin");
	asked.claim = a.claim;
	ck_assert_int_eq(ask(&asked), ADMIT_DUPLICATE);
	ck_assert_int_eq(ask(&a), ADMIT_ACCEPT);
}
END_TEST

START_TEST(restarted_redis_is_refilled)
{
	struct admit a = mention("a");
	int before = refills;

	ck_assert_int_eq(ask(&a), ADMIT_ACCEPT);
	keep("a", "a", "accept");
	redis_box_restart(&redis);
	asked = mention("twin");
	asked.claim = a.claim;
	await(two_can_tell);
	ck_assert_int_eq(answer, ADMIT_DUPLICATE);
	ck_assert_int_gt(refills, before);
}
END_TEST

START_TEST(redis_that_is_away_is_told_and_waited_for)
{
	char why[100] = "";

	redis_box_kill(&redis);
	asked = mention("a");
	ck_assert_int_eq(try_two(&asked), -1);
	await(is_ill);
	(void)gate->ops->healthy(gate, why, sizeof(why));
	ck_assert_msg(strstr(why, "redis") != NULL, "%s", why);
	ck_assert_int_lt(gate->ops->once(gate, "k", "", MINUTE_MS, NOW, &e), 0);
	redis_box_restart(&redis);
	await(is_well);
	await(two_can_tell);
	ck_assert_int_eq(answer, ADMIT_ACCEPT);
	ck_assert_int_ge(refills, 2);
}
END_TEST

static int64_t ms_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

/* Where it's claimed how long is waited. */
static void setup_hurry(void)
{
	hurried = true;
	setup_two();
	hurried = false;
}

/* How long an answer takes that doesn't come. */
static int64_t time_frozen(const char *entry)
{
	struct admit a = mention(entry);
	int64_t begun, took;

	asked = mention(entry);
	await(two_can_tell);
	a.entry = a.claim = "unheard";
	redis_box_signal(&redis, SIGSTOP);
	begun = ms_now();
	ck_assert_int_eq(try_two(&a), -1);
	took = ms_now() - begun;
	redis_box_signal(&redis, SIGCONT);
	return took;
}

/* A busy machine may spoil a try, but not all of them. */
START_TEST(frozen_redis_holds_nobody_up_for_long)
{
	static const char *const tries[] = { "a", "b", "c", "d",
					     "e", "f", "g", "h" };
	size_t i = 0;
	int64_t took;

	do {
		ck_assert_uint_lt(i, sizeof(tries) / sizeof(tries[0]));
		took = time_frozen(tries[i++]);
	} while (took < 900 || took >= 3000);
	asked = mention("unheard");
	await(two_can_tell);
	ck_assert_int_eq(answer, ADMIT_ACCEPT);
	await(is_well);
}
END_TEST

START_TEST(redis_may_be_away_when_we_start)
{
	struct admit a = mention("a");
	char why[100] = "";

	backend->close(gate);
	redis_box_kill(&redis);
	gate = open_gate(engaged);
	ck_assert_int_eq(gate->ops->start(gate, &e), 0);
	ck_assert(!gate->ops->healthy(gate, why, sizeof(why)));
	ck_assert_msg(strstr(why, "connect") != NULL, "%s", why);
	redis_box_restart(&redis);
	await(is_well);
	ck_assert_int_eq(ask(&a), ADMIT_ACCEPT);
}
END_TEST

START_TEST(redis_that_refuses_us_ends_the_start)
{
	struct engaged *g = engaged_create(1000);
	struct redis_box locked;
	struct gate_opts o = { .engaged = g };
	struct gate *t;

	redis_box_start(&locked, "open sesame");
	o.url = locked.url;
	ck_assert_ptr_null(gate_redis.open(&o, &e));
	ck_assert_int_eq(e.kind, ERR_INPUT);
	ck_assert_msg(strstr(e.msg, "NOAUTH") != NULL &&
			      strstr(e.msg, "password_file of section state"),
		      "%s", e.msg);
	o.user = "nobody";
	ck_assert_ptr_null(gate_redis.open(&o, &e));
	o.password_file = locked.password_file;
	ck_assert_ptr_null(gate_redis.open(&o, &e));
	ck_assert_msg(strstr(e.msg, "WRONGPASS") != NULL, "%s", e.msg);
	ck_assert_ptr_null(strstr(e.msg, "sesame"));
	o.user = "default";
	t = gate_redis.open(&o, &e);
	ck_assert_msg(t != NULL, "%s", e.msg);
	gate_redis.close(t);
	o.user = "";
	t = gate_redis.open(&o, &e);
	ck_assert_msg(t != NULL, "%s", e.msg);
	gate_redis.close(t);
	redis_box_remove(&locked);
	engaged_free(g);
}
END_TEST

/* docs/cluster.md says so. */
START_TEST(user_with_the_rights_of_the_manual_can_do_all_there_is)
{
	struct gate_opts o = { .engaged = engaged, .url = redis.url };
	struct admit a = mention("a");
	char file[64];
	FILE *f;

	redis_box_do(&redis,
		     "ACL SETUSER konstruct on >sesame ~* -@all +eval +evalsha"
		     " +script|load +get +set +del +hget +hset +hdel +hmget"
		     " +hsetnx +hgetall +pexpire +pttl +time +info +select"
		     " +ping +client|setname");
	(void)snprintf(file, sizeof(file), "%s/user", redis.dir);
	f = fopen(file, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs("sesame\n", f), 0);
	ck_assert_int_eq(fclose(f), 0);
	backend->close(gate);
	o.user = "konstruct";
	o.password_file = file;
	gate = gate_redis.open(&o, &e);
	ck_assert_msg(gate != NULL, "%s", e.msg);
	ck_assert_int_eq(gate->ops->start(gate, &e), 0);
	await(is_well);
	ck_assert_int_eq(ask(&a), ADMIT_ACCEPT);
	ck_assert(happens(gate, "k", "", NOW));
	unlink(file);
}
END_TEST

START_TEST(every_key_expires_and_names_its_tenant)
{
	struct admit a = mention("a");
	struct admit b = mention("b");

	a.burst = b.burst = 1;
	ck_assert_int_eq(ask(&a), ADMIT_ACCEPT);
	ck_assert_int_eq(ask(&b), ADMIT_REFUSE);
	ck_assert(happens(gate, "k", "", NOW));
	ck_assert_int_eq(redis_box_keys(&redis, "acme:*"), 6);
	ck_assert_int_eq(redis_box_keys(&redis, "konstruct:*"), 2);
	ck_assert_int_eq(redis_box_keys(&redis, "*"), 8);
}
END_TEST

static TCase *held_back(void)
{
	TCase *tc = tcase_create("held back");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup_valve, teardown_valve);
	tcase_add_test(
		tc,
		renewal_that_is_under_way_does_not_undo_the_end_of_its_thread);
	return tc;
}

static TCase *hurry(void)
{
	TCase *tc = tcase_create("hurry");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup_hurry, teardown_two);
	tcase_add_test(tc, frozen_redis_holds_nobody_up_for_long);
	return tc;
}

static TCase *nodes(void)
{
	TCase *tc = tcase_create("nodes");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup_two, teardown_two);
	tcase_add_test(tc, nodes_share_claims_and_limits);
	tcase_add_test(tc, entry_gets_its_old_answer_on_another_node);
	tcase_add_test(tc, thread_of_one_node_is_engaged_on_another);
	tcase_add_test(
		tc,
		reply_from_before_the_mention_is_not_for_us_on_another_node);
	tcase_add_test(tc, answer_renews_the_thread_on_another_node);
	tcase_add_test(tc, answer_while_redis_is_away_renews_when_it_is_back);
	tcase_add_test(tc, forgotten_scripts_are_sent_again);
	tcase_add_test(tc, emptied_redis_is_refilled_before_it_answers);
	tcase_add_test(tc, what_is_not_journaled_yet_outlives_a_flush);
	tcase_add_test(tc, restarted_redis_is_refilled);
	tcase_add_test(tc, redis_that_is_away_is_told_and_waited_for);
	tcase_add_test(tc, redis_may_be_away_when_we_start);
	tcase_add_test(tc, redis_that_refuses_us_ends_the_start);
	tcase_add_test(tc, every_key_expires_and_names_its_tenant);
	tcase_add_test(tc,
		       user_with_the_rights_of_the_manual_can_do_all_there_is);
	tcase_add_loop_test(tc, url_that_is_none_is_refused, 0,
			    sizeof(bad_urls) / sizeof(bad_urls[0]));
	return tc;
}

static TCase *limits(void)
{
	TCase *tc = tcase_create("limits");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(
		tc,
		of_31_at_one_instant_the_29th_and_30th_pass_and_the_31st_is_refused);
	tcase_add_test(tc, after_the_window_all_30_pass_again);
	tcase_add_test(tc, token_comes_after_the_seconds_that_were_told);
	tcase_add_test(tc, tenants_bucket_leaves_anothers_alone);
	tcase_add_test(tc, channels_bucket_leaves_anothers_alone);
	tcase_add_loop_test(tc, wait_is_told_for_every_rate, 0,
			    sizeof(rates) / sizeof(rates[0]));
	tcase_add_test(tc, rate_0_is_no_limit);
	tcase_add_test(tc,
		       clock_that_goes_back_fills_nothing_and_empties_nothing);
	tcase_add_test(tc, years_of_idleness_fill_a_bucket_once);
	tcase_add_test(tc, person_is_told_once_in_ten_seconds_and_channel);
	tcase_add_test(tc, refusal_asked_for_again_tells_nobody_twice);
	tcase_add_test(tc, sweep_takes_no_token_back);
	return tc;
}

static TCase *posts(void)
{
	TCase *tc = tcase_create("posts");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, twin_of_a_post_is_a_duplicate_of_its_owner);
	tcase_add_test(tc, duplicate_costs_no_token);
	tcase_add_test(tc, bots_are_turned_away_until_a_person_speaks);
	tcase_add_test(
		tc, bot_that_is_turned_away_claims_nothing_and_costs_no_token);
	tcase_add_test(tc, twin_of_a_refused_post_is_a_duplicate);
	tcase_add_test(tc, entry_that_asks_again_gets_its_old_answer_uncharged);
	tcase_add_test(tc, reply_is_admitted_in_an_engaged_thread_only);
	tcase_add_test(tc, end_of_a_thread_counts_by_its_time);
	tcase_add_test(tc, idle_reply_claims_nothing_and_may_ask_again);
	tcase_add_test(tc, accepted_reply_renews_the_thread);
	tcase_add_test(tc, refused_mention_engages_nothing);
	tcase_add_test(tc, what_needs_no_thread_is_admitted_without_one);
	tcase_add_test(tc, restored_entry_gets_its_old_answer);
	tcase_add_test(tc, restored_drop_claims_nothing);
	tcase_add_test(tc, restored_thread_is_engaged);
	tcase_add_test(tc, post_is_remembered_for_25_hours);
	tcase_add_test(tc, each_post_is_accepted_for_one_of_many_threads);
	return tc;
}

static TCase *notices(void)
{
	TCase *tc = tcase_create("notices");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, once_is_once_per_window_and_key);
	tcase_add_test(tc, entry_that_was_the_once_is_it_again);
	tcase_add_test(
		tc,
		clock_that_goes_back_tells_nobody_twice_and_silences_nobody_for_long);
	return tc;
}

static TCase *rest(void)
{
	TCase *tc = tcase_create("rest");

	tcase_add_test(tc, many_claims_are_found_and_go_hour_by_hour);
	tcase_add_test(tc, memory_of_claims_is_bounded_and_the_oldest_go_first);
	tcase_add_test(tc, gate_is_chosen_by_the_scheme_of_its_url);
	tcase_add_test(tc, redis_is_refused_without_a_store_to_share);
	return tc;
}

/* The suite of all backends, and what one has more. */
static int run(const struct gate_ops *ops, TCase *(*more)(void))
{
	Suite *s = suite_create(ops->name);
	SRunner *sr = srunner_create(s);
	int nfailed;

	backend = ops;
	suite_add_tcase(s, limits());
	suite_add_tcase(s, posts());
	suite_add_tcase(s, notices());
	suite_add_tcase(s, more());
	if (ops == &gate_redis) {
		suite_add_tcase(s, held_back());
		suite_add_tcase(s, hurry());
	}
	srunner_run_all(sr, CK_ENV);
	nfailed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return nfailed;
}

int main(void)
{
	static const struct {
		const struct gate_ops *ops;
		TCase *(*more)(void);
	} suites[] = {
		{ &gate_local, rest },
		{ &gate_redis, nodes },
	};
	int nfailed = 0;
	size_t i;

	for (i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		nfailed += run(suites[i].ops, suites[i].more);
	return nfailed ? EXIT_FAILURE : EXIT_SUCCESS;
}
