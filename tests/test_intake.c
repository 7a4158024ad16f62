/* SPDX-License-Identifier: ISC */
#include "link/intake.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "envelopes.h"
#include "link/held.h"
#include "link/link.h"
#include "net/loop.h"
#include "route/envelope.h"
#include "route/inhand.h"
#include "route/message.h"
#include "route/router.h"
#include "route/screen.h"
#include "state/engaged.h"
#include "store/journal.h"
#include "wires.h"

/*
 * The linker puts these in the place of the real functions (--wrap), so that
 * the test decides when a commit ends and how.
 */
bool __wrap_journal_submit(struct journal *j, struct journal_req *r);
void __wrap_router_submit(struct router *r, struct entry *en,
			  struct message *msg);
void __wrap_loop_post(struct loop *l, struct loop_task *t);

#define MAX 64

static struct {
	struct journal_req *submitted[MAX];
	size_t nsubmitted;
	bool no_room;

	char routed[MAX][ID_SIZE];
	size_t nrouted;

	struct loop_task *posted;
	size_t nposts;

	char acked[MAX][160]; /* "A1/7 e-1" */
	size_t nacked;
	int settled;
} did;

static struct link_counts counts;
static struct engaged *engaged;
static struct intake *in;

bool __wrap_journal_submit(struct journal *j, struct journal_req *r)
{
	(void)j;
	if (did.no_room)
		return false;
	ck_assert_uint_lt(did.nsubmitted, MAX);
	did.submitted[did.nsubmitted++] = r;
	return true;
}

void __wrap_router_submit(struct router *r, struct entry *en,
			  struct message *msg)
{
	(void)r;
	ck_assert_ptr_nonnull(msg);
	ck_assert_str_eq(en->id, msg->id);
	/* Nothing outside happens before the ack may go out. */
	ck_assert_uint_eq(did.nacked, 0);
	memcpy(did.routed[did.nrouted++], en->id, ID_SIZE);
	entry_release(en);
	message_free(msg);
}

void __wrap_loop_post(struct loop *l, struct loop_task *t)
{
	(void)l;
	ck_assert_ptr_null(did.posted);
	did.posted = t;
	did.nposts++;
}

/* The loop comes round. */
static void turn(void)
{
	struct loop_task *t = did.posted;

	did.posted = NULL;
	if (t)
		t->run(t);
}

/* The journal is done with what was submitted as number i. */
static void commit(size_t i, bool ok, bool duplicate)
{
	struct journal_req *r = did.submitted[i];

	ck_assert_uint_lt(i, did.nsubmitted);
	r->ok = ok;
	r->duplicate = duplicate;
	r->done(r);
}

static void on_ack(const char *app_id, uint32_t gen, const char *envelope_id,
		   void *arg)
{
	(void)arg;
	ck_assert_uint_lt(did.nacked, MAX);
	(void)snprintf(did.acked[did.nacked++], sizeof(did.acked[0]),
		       "%s/%u %s", app_id, gen, envelope_id);
}

static void on_settled(void *arg)
{
	(void)arg;
	did.settled++;
}

static void setup(void)
{
	const struct intake_opts o = {
		.alarms = &wires.alarms,
		.counts = &counts,
		.ack = on_ack,
		.settled = on_settled,
	};
	struct intake_opts full = o;
	struct err e = { 0 };

	log_set_level(LOG_LEVEL_ERROR);
	wires_init();
	memset(&did, 0, sizeof(did));
	memset(&counts, 0, sizeof(counts));
	engaged = engaged_create(30 * 60 * 1000);
	ck_assert_ptr_nonnull(engaged);
	full.engaged = engaged;
	in = intake_create(&full, &e);
	ck_assert_msg(in != NULL, "%s", e.msg);
}

static void teardown(void)
{
	size_t i;

	/* What the test left with the journal. */
	for (i = 0; i < did.nsubmitted; i++)
		if (did.submitted[i])
			commit(i, false, false);
	intake_free(in);
	engaged_free(engaged);
	wires_release();
}

/* True: ack it now. */
static bool take_of(const char *app_id, uint32_t gen, const char *event)
{
	char *frame = event_frame(event);
	struct envelope env;
	struct err e = { 0 };
	bool now;

	ck_assert_msg(envelope_parse(&env, frame, strlen(frame), &e) == 0, "%s",
		      e.msg);
	now = intake_envelope(in, app_id, gen, &env, frame, strlen(frame));
	envelope_release(&env);
	/* It must not be needed any more. */
	memset(frame, 'x', strlen(frame));
	free(frame);
	return now;
}

static bool take(uint32_t gen, const char *event)
{
	return take_of("A1", gen, event);
}

static void done(size_t i, bool ok, bool duplicate)
{
	commit(i, ok, duplicate);
	did.submitted[i] = NULL;
}

#define FROM "\"user\":\"U1\",\"channel\":\"C1\","
#define MENTION                           \
	"{\"type\":\"app_mention\"," FROM \
	"\"ts\":\"1700000000.000100\",\"text\":\"<@UBOT> hi\"}"
#define CHATTER                                                       \
	"{\"type\":\"message\"," FROM "\"channel_type\":\"channel\"," \
	"\"ts\":\"1700000000.000200\",\"text\":\"lunch?\"}"
#define REPLY                                                         \
	"{\"type\":\"message\"," FROM "\"channel_type\":\"channel\"," \
	"\"ts\":\"1700000000.000300\",\"text\":\"and more\","         \
	"\"thread_ts\":\"1700000000.000100\"}"
#define OTHER_REPLY                                                   \
	"{\"type\":\"message\"," FROM "\"channel_type\":\"channel\"," \
	"\"ts\":\"1700000000.000400\",\"text\":\"noon\","             \
	"\"thread_ts\":\"1700000000.000200\"}"

START_TEST(what_is_not_for_us_is_acked_at_once)
{
	ck_assert(take(7, CHATTER));
	ck_assert_uint_eq(did.nsubmitted, 0);
	ck_assert_uint_eq(counts.unacked, 0);
}
END_TEST

START_TEST(mention_is_acked_after_its_commit)
{
	ck_assert(!take(7, MENTION));
	ck_assert_uint_eq(did.nsubmitted, 1);
	turn();
	ck_assert_uint_eq(did.nacked, 0);
	ck_assert_uint_eq(did.nrouted, 0);

	done(0, true, false);
	ck_assert_uint_eq(did.nrouted, 1);
	turn();
	ck_assert_uint_eq(did.nacked, 1);
	ck_assert_str_eq(did.acked[0], "A1/7 e-1");
}
END_TEST

START_TEST(entry_holds_the_frame_and_its_ids)
{
	const struct entry *en;
	char *frame = event_frame(MENTION);

	take(7, MENTION);
	en = did.submitted[0]->entry;
	ck_assert_uint_eq(strlen(en->id), ID_SIZE - 1);
	ck_assert_str_eq(en->app_id, "A1");
	ck_assert_str_eq(en->event_id, "Ev1");
	ck_assert_uint_eq(en->frame_len, strlen(frame));
	ck_assert_str_eq(en->frame, frame);
	ck_assert_int_eq(en->state, ENTRY_NEW);
	ck_assert_int_gt(en->received_ms, 0);
	free(frame);
}
END_TEST

START_TEST(duplicate_is_acked_and_not_routed)
{
	take(7, MENTION);
	done(0, true, true);
	turn();
	ck_assert_uint_eq(did.nrouted, 0);
	ck_assert_uint_eq(did.nacked, 1);
}
END_TEST

#define MOVED                                                  \
	"{\"type\":\"channel_id_changed\",\"old_channel_id\":" \
	"\"G1\",\"new_channel_id\":\"C9\",\"event_ts\":\"1.0\"}"

START_TEST(channel_id_changed_is_acked_when_it_is_written_down)
{
	ck_assert(!take(7, MOVED));
	ck_assert_uint_eq(did.nsubmitted, 1);
	ck_assert_int_eq(did.submitted[0]->kind, JOURNAL_WRITE);
	turn();
	ck_assert_uint_eq(did.nacked, 0);
	done(0, true, false);
	turn();
	ck_assert_uint_eq(did.nrouted, 0);
	ck_assert_uint_eq(did.nacked, 1);
}
END_TEST

START_TEST(channel_id_changed_that_cannot_be_written_down_is_not_acked)
{
	take(7, MOVED);
	done(0, false, false);
	turn();
	ck_assert_uint_eq(did.nacked, 0);
}
END_TEST

/* It can't be used, and comes again otherwise. */
START_TEST(channel_id_changed_without_ids_is_acked_at_once)
{
	static const char *const events[] = {
		"{\"type\":\"channel_id_changed\"}",
		"{\"type\":\"channel_id_changed\",\"old_channel_id\":\"G:1\","
		"\"new_channel_id\":\"C9\"}",
		"{\"type\":\"channel_id_changed\",\"old_channel_id\":\"G1\","
		"\"new_channel_id\":\"G1\"}",
	};

	ck_assert(take(7, events[_i]));
	ck_assert_uint_eq(did.nsubmitted, 0);
}
END_TEST

START_TEST(failed_commit_is_not_acked)
{
	take(7, MENTION);
	done(0, false, false);
	turn();
	ck_assert_uint_eq(did.nrouted, 0);
	ck_assert_uint_eq(did.nacked, 0);
	ck_assert_uint_eq(counts.unacked, 1);
}
END_TEST

START_TEST(full_journal_is_not_acked)
{
	did.no_room = true;
	ck_assert(!take(7, MENTION));
	ck_assert_uint_eq(counts.unacked, 1);
	ck_assert_uint_eq(did.nacked, 0);
}
END_TEST

START_TEST(flood_of_one_app_leaves_room_for_the_others)
{
	char id[16];
	int i;

	for (i = 0; i < INTAKE_APP_ROOM; i++) {
		snprintf(id, sizeof(id), "%d", i);
		ck_assert(inhand_add("A1", id, 0));
	}
	ck_assert(!take(7, MENTION));
	ck_assert_uint_eq(counts.unacked, 1);
	ck_assert_uint_eq(did.nsubmitted, 0);
	(void)take_of("A2", 7, MENTION);
	ck_assert_uint_eq(did.nsubmitted, 1);
	inhand_drop("0", 0);
	(void)take(7, MENTION);
	ck_assert_uint_eq(did.nsubmitted, 2);
	for (i = 1; i < INTAKE_APP_ROOM; i++) {
		snprintf(id, sizeof(id), "%d", i);
		inhand_drop(id, 0);
	}
	ck_assert_uint_eq(inhand_of("A1"), 0);
}
END_TEST

START_TEST(acks_of_one_commit_cost_one_wake_up)
{
	size_t i;

	for (i = 0; i < 10; i++)
		take((uint32_t)i, MENTION);
	for (i = 0; i < 10; i++)
		done(i, true, false);
	ck_assert_uint_eq(did.nposts, 1);
	turn();
	ck_assert_uint_eq(did.nacked, 10);
	ck_assert_str_eq(did.acked[0], "A1/0 e-1");
	ck_assert_str_eq(did.acked[9], "A1/9 e-1");
}
END_TEST

START_TEST(reply_waits_for_its_mention)
{
	ck_assert(!take(7, REPLY));
	ck_assert(!take(7, OTHER_REPLY));
	ck_assert_uint_eq(did.nsubmitted, 0);
	ck_assert_uint_eq(intake_held(in), 2);

	wires_pass(SCREEN_HOLD_MS - 1);
	ck_assert(!take(8, MENTION));
	ck_assert_uint_eq(did.nsubmitted, 2);
	ck_assert_uint_eq(intake_held(in), 1);
	/* The mention is written first. */
	ck_assert_ptr_nonnull(
		strstr(did.submitted[0]->entry->frame, "app_mention"));
	ck_assert_ptr_nonnull(
		strstr(did.submitted[1]->entry->frame, "and more"));
	ck_assert_uint_eq(did.nacked, 0);
	done(0, true, false);
	done(1, true, false);
	turn();
	ck_assert_str_eq(did.acked[0], "A1/8 e-1");
	ck_assert_str_eq(did.acked[1], "A1/7 e-1");
}
END_TEST

START_TEST(reply_that_nothing_engages_is_acked_in_the_end)
{
	take(7, REPLY);
	take(7, REPLY);
	wires_pass(SCREEN_HOLD_MS - 1);
	ck_assert_uint_eq(did.nacked, 0);
	wires_pass(1);
	ck_assert_uint_eq(did.nacked, 2);
	ck_assert_uint_eq(did.nsubmitted, 0);
	ck_assert_uint_eq(intake_held(in), 0);
}
END_TEST

START_TEST(reply_is_journaled_when_its_thread_was_engaged_meanwhile)
{
	char key[ENGAGED_KEY_SIZE];

	take(7, REPLY);
	ck_assert_int_eq(
		engaged_key(key, "A1", "T1", "C1", "1700000000.000100"), 0);
	engaged_renew(engaged, key, 1700000000000);
	wires_pass(SCREEN_HOLD_MS);
	ck_assert_uint_eq(did.nsubmitted, 1);
	ck_assert_uint_eq(did.nacked, 0);
}
END_TEST

START_TEST(too_many_waiting_replies_are_left_to_slack)
{
	int i;

	for (i = 0; i < HELD_MAX; i++)
		take(7, REPLY);
	ck_assert_uint_eq(counts.unacked, 0);
	ck_assert(!take(7, REPLY));
	ck_assert_uint_eq(counts.unacked, 1);
	ck_assert_uint_eq(intake_held(in), HELD_MAX);
}
END_TEST

START_TEST(stopped_intake_takes_nothing_and_settles)
{
	take(7, MENTION);
	take(7, OTHER_REPLY);
	intake_stop(in);
	ck_assert_int_eq(did.settled, 0);
	ck_assert_uint_eq(intake_held(in), 0);
	ck_assert(!take(7, CHATTER));
	ck_assert(!take(7, MENTION));
	ck_assert_uint_eq(did.nsubmitted, 1);
	done(0, true, false);
	turn();
	ck_assert_uint_eq(did.nacked, 1);
	ck_assert_int_eq(did.settled, 1);
	wires_pass(SCREEN_HOLD_MS);
	ck_assert_uint_eq(did.nacked, 1);
}
END_TEST

START_TEST(idle_intake_settles_at_once)
{
	intake_stop(in);
	ck_assert_int_eq(did.settled, 1);
}
END_TEST

START_TEST(nothing_is_routed_after_the_cut)
{
	take(7, MENTION);
	intake_cut(in);
	done(0, true, false);
	ck_assert_uint_eq(did.nrouted, 0);
}
END_TEST

START_TEST(what_came_back_too_late_is_freed)
{
	take(7, MENTION);
	done(0, true, false);
	/* The loop never comes round. */
}
END_TEST

START_TEST(held_threads_are_woken_one_by_one)
{
	static const char *const keys[] = { "a", "b", "a", "c", "a", "b" };
	size_t i;

	/* Through the intake a key needs a frame; here only the order counts.
	 */
	for (i = 0; i < 6; i++) {
		char event[300];

		(void)snprintf(event, sizeof(event),
			       "{\"type\":\"message\"," FROM
			       "\"channel_type\":\"channel\","
			       "\"ts\":\"1700000001.%06zu\",\"text\":\"t\","
			       "\"thread_ts\":\"17000000%02x.000000\"}",
			       i, (unsigned int)keys[i][0]);
		take((uint32_t)i, event);
	}
	wires_pass(SCREEN_HOLD_MS);
	ck_assert_uint_eq(did.nacked, 6);
	for (i = 0; i < 6; i++)
		ck_assert_int_eq(did.acked[i][3], '0' + (char)i);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("intake");
	TCase *tc = tcase_create("intake");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_is_not_for_us_is_acked_at_once);
	tcase_add_test(tc, mention_is_acked_after_its_commit);
	tcase_add_test(tc, entry_holds_the_frame_and_its_ids);
	tcase_add_test(tc, duplicate_is_acked_and_not_routed);
	tcase_add_test(tc, channel_id_changed_is_acked_when_it_is_written_down);
	tcase_add_test(
		tc,
		channel_id_changed_that_cannot_be_written_down_is_not_acked);
	tcase_add_loop_test(tc, channel_id_changed_without_ids_is_acked_at_once,
			    0, 3);
	tcase_add_test(tc, failed_commit_is_not_acked);
	tcase_add_test(tc, full_journal_is_not_acked);
	tcase_add_test(tc, flood_of_one_app_leaves_room_for_the_others);
	tcase_add_test(tc, acks_of_one_commit_cost_one_wake_up);
	tcase_add_test(tc, reply_waits_for_its_mention);
	tcase_add_test(tc, reply_that_nothing_engages_is_acked_in_the_end);
	tcase_add_test(
		tc, reply_is_journaled_when_its_thread_was_engaged_meanwhile);
	tcase_add_test(tc, too_many_waiting_replies_are_left_to_slack);
	tcase_add_test(tc, stopped_intake_takes_nothing_and_settles);
	tcase_add_test(tc, idle_intake_settles_at_once);
	tcase_add_test(tc, nothing_is_routed_after_the_cut);
	tcase_add_test(tc, what_came_back_too_late_is_freed);
	tcase_add_test(tc, held_threads_are_woken_one_by_one);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
