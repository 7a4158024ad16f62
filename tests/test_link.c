/* SPDX-License-Identifier: ISC */
#include "link/link.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "route/envelope.h"
#include "wires.h"

/* What the host was told, and how it answers. */
static struct {
	int asked, ready, live, leaving, lost, envelopes;
	bool at_once;
	enum link_loss how;
	unsigned int floor_ms;
	char why[128];
	char envelope[160];
	bool free_on_lost;
} told;

static struct link_counts counts;
static struct link_env env;
static struct link *l;

static void on_ask(struct link *k)
{
	(void)k;
	told.asked++;
}

static void on_ready(struct link *k)
{
	(void)k;
	told.ready++;
}

static void on_live(struct link *k)
{
	(void)k;
	told.live++;
}

static void on_leaving(struct link *k, bool at_once)
{
	(void)k;
	told.leaving++;
	told.at_once = at_once;
}

static void on_lost(struct link *k, enum link_loss how, unsigned int floor_ms,
		    const char *why)
{
	told.lost++;
	told.how = how;
	told.floor_ms = floor_ms;
	(void)snprintf(told.why, sizeof(told.why), "%s", why);
	if (told.free_on_lost || k->state == LINK_DRAIN) {
		link_free(k);
		l = NULL;
	} else {
		link_wait(k, 5000, why);
	}
}

static void on_envelope(struct link *k, const struct envelope *e,
			const char *text, size_t n)
{
	(void)k;
	told.envelopes++;
	ck_assert_ptr_nonnull(text);
	ck_assert_uint_gt(n, 0);
	(void)snprintf(told.envelope, sizeof(told.envelope), "%s", e->id);
}

static void on_changed(struct link *k, enum link_state from, const char *why)
{
	ck_assert_int_ne(k->state, from);
	ck_assert_ptr_nonnull(why);
}

static const struct link_host host = {
	.ask = on_ask,
	.ready = on_ready,
	.live = on_live,
	.leaving = on_leaving,
	.lost = on_lost,
	.envelope = on_envelope,
	.changed = on_changed,
};

static void setup(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	wires_init();
	memset(&told, 0, sizeof(told));
	memset(&counts, 0, sizeof(counts));
	env = (struct link_env){ &wires.alarms, &wires.base, &host, &counts };
	l = link_create(&env, "A1", NULL);
	ck_assert_ptr_nonnull(l);
}

static void teardown(void)
{
	link_free(l);
	wires_release();
}

/* On the usual way to the state wanted. */
static struct wire *reach(enum link_state s)
{
	if (s == LINK_IDLE)
		return NULL;
	link_dial(l, l->gen + 1);
	if (s == LINK_TICKET)
		return NULL;
	link_connect(l, "wss://wss.slack.test/link/?ticket=t", "192.0.2.1");
	if (s == LINK_CONNECT)
		return wires_last();
	wire_open(wires_last());
	if (s == LINK_HELLO)
		return wires_last();
	wire_hello(wires_last(), "A1", 1);
	if (s == LINK_DRAIN)
		link_drain(l);
	ck_assert_int_eq(l->state, s);
	return wires_last();
}

START_TEST(comes_up_by_ticket_connection_and_hello)
{
	struct wire *w;

	link_dial(l, 7);
	ck_assert_int_eq(l->state, LINK_TICKET);
	ck_assert_int_eq(told.asked, 1);

	link_connect(l, "wss://wss.slack.test/link/?ticket=t", "192.0.2.1");
	ck_assert_int_eq(l->state, LINK_CONNECT);
	w = wires_last();
	ck_assert_str_eq(w->addr, "192.0.2.1");
	ck_assert(!link_open(l));

	wire_open(w);
	ck_assert_int_eq(l->state, LINK_HELLO);
	ck_assert_int_eq(told.live, 0);

	wire_hello(w, "A1", 2);
	ck_assert_int_eq(l->state, LINK_LIVE);
	ck_assert_int_eq(told.live, 1);
	ck_assert_int_eq(l->num_connections, 2);
	ck_assert_uint_eq(l->gen, 7);
	ck_assert_int_eq(told.lost, 0);
}
END_TEST

static const struct {
	enum link_state state;
	int64_t ms;
} waits[] = {
	{ LINK_TICKET, 15000 },
	{ LINK_CONNECT, 10000 },
	{ LINK_HELLO, 10000 },
};

START_TEST(no_wait_before_hello_is_without_end)
{
	reach(waits[_i].state);
	wires_pass(waits[_i].ms - 1);
	ck_assert_int_eq(told.lost, 0);
	wires_pass(1);
	ck_assert_int_eq(told.lost, 1);
	ck_assert_int_eq(told.how, LOSS_RETRY);
	ck_assert_int_eq(l->state, LINK_BACKOFF);
	ck_assert_uint_eq(wires_alive(), 0);
}
END_TEST

START_TEST(backoff_ends_and_the_next_life_starts_anew)
{
	struct wire *w = reach(LINK_LIVE);

	wire_disconnect(w, "warning");
	wire_end(w, "closed by peer (1006)");
	ck_assert_int_eq(l->state, LINK_BACKOFF);
	ck_assert_str_eq(told.why, "closed by peer (1006)");
	wires_pass(5000);
	ck_assert_int_eq(told.ready, 1);

	w = reach(LINK_LIVE);
	ck_assert_uint_eq(l->gen, 2);
	wire_disconnect(w, "warning");
	ck_assert_int_eq(told.leaving, 2);
}
END_TEST

START_TEST(connect_that_fails_at_once_is_a_loss)
{
	wires.refuse = true;
	link_dial(l, 1);
	link_connect(l, "wss://x/", "192.0.2.1");
	ck_assert_int_eq(told.lost, 1);
	ck_assert_str_eq(told.why, "connection refused");
	ck_assert_int_eq(l->state, LINK_BACKOFF);
}
END_TEST

START_TEST(refused_ticket_says_how_long_to_keep_off)
{
	link_dial(l, 1);
	link_fail(l, LOSS_LIMIT, 30000, "ratelimited");
	ck_assert_int_eq(told.how, LOSS_LIMIT);
	ck_assert_uint_eq(told.floor_ms, 30000);
}
END_TEST

START_TEST(hello_of_another_app_is_refused)
{
	struct wire *w = reach(LINK_HELLO);

	wire_hello(w, "A2", 1);
	ck_assert_int_eq(told.live, 0);
	ck_assert_int_eq(told.lost, 1);
	ck_assert_int_eq(told.how, LOSS_SLOW);
	ck_assert(w->gone);
}
END_TEST

START_TEST(second_hello_is_read_over)
{
	struct wire *w = reach(LINK_LIVE);

	wire_hello(w, "A2", 9);
	ck_assert_int_eq(l->state, LINK_LIVE);
	ck_assert_int_eq(told.live, 1);
	ck_assert_int_eq(l->num_connections, 1);
}
END_TEST

enum then {
	LEAVES_AT_ONCE,
	LEAVES_LATER,
	LOST,
	NOTHING
};

static const struct {
	enum link_state state;
	const char *reason;
	enum then want;
	enum link_loss how;
} disconnects[] = {
	{ LINK_LIVE, "warning", LEAVES_AT_ONCE, 0 },
	{ LINK_LIVE, "refresh_requested", LEAVES_AT_ONCE, 0 },
	{ LINK_LIVE, "socket_mode_of_tomorrow", LEAVES_LATER, 0 },
	{ LINK_LIVE, "link_disabled", LOST, LOSS_PARK },
	{ LINK_LIVE, "too_many_websockets", LOST, LOSS_SLOW },
	{ LINK_HELLO, "warning", LOST, LOSS_RETRY },
	{ LINK_HELLO, "refresh_requested", LOST, LOSS_RETRY },
	{ LINK_HELLO, "unheard of", LOST, LOSS_RETRY },
	{ LINK_HELLO, "link_disabled", LOST, LOSS_PARK },
	{ LINK_HELLO, "too_many_websockets", LOST, LOSS_SLOW },
	{ LINK_DRAIN, "warning", NOTHING, 0 },
	{ LINK_DRAIN, "too_many_websockets", NOTHING, 0 },
	{ LINK_DRAIN, "link_disabled", NOTHING, 0 },
};

START_TEST(every_disconnect_reason_has_its_answer_in_every_state)
{
	enum then want = disconnects[_i].want;
	struct wire *w = reach(disconnects[_i].state);

	wire_disconnect(w, disconnects[_i].reason);
	ck_assert_int_eq(told.leaving,
			 want == LEAVES_AT_ONCE || want == LEAVES_LATER);
	ck_assert_int_eq(told.at_once, want == LEAVES_AT_ONCE);
	ck_assert_int_eq(told.lost, want == LOST);
	ck_assert_int_eq(told.how, disconnects[_i].how);
	ck_assert_int_eq(w->gone, want == LOST);
}
END_TEST

START_TEST(disconnect_without_a_reason_is_survived)
{
	struct wire *w = reach(LINK_LIVE);

	wire_text(w, "{\"type\":\"disconnect\"}");
	ck_assert_int_eq(told.leaving, 1);
	ck_assert(!told.at_once);
}
END_TEST

START_TEST(its_end_is_announced_once)
{
	struct wire *w = reach(LINK_LIVE);

	wire_disconnect(w, "warning");
	wire_disconnect(w, "warning");
	wire_disconnect(w, "refresh_requested");
	ck_assert_int_eq(told.leaving, 1);
	ck_assert_int_eq(l->state, LINK_LIVE);
}
END_TEST

#define ENVELOPE(id)                                                       \
	"{\"envelope_id\":\"" id "\",\"type\":\"events_api\",\"payload\":" \
	"{\"type\":\"event_callback\"}}"

START_TEST(envelopes_are_taken_while_the_wire_is_there)
{
	struct wire *w = reach(LINK_HELLO);

	wire_text(w, ENVELOPE("before-hello"));
	ck_assert_str_eq(told.envelope, "before-hello");
	wire_hello(w, "A1", 1);
	wire_text(w, ENVELOPE("live"));
	ck_assert_str_eq(told.envelope, "live");
	link_drain(l);
	wire_text(w, ENVELOPE("drained"));
	ck_assert_str_eq(told.envelope, "drained");
	ck_assert_int_eq(link_send(l, "{}", 2), 0);
	ck_assert_str_eq(w->sent, "{}");

	link_close(l);
	wire_text(w, ENVELOPE("after-goodbye"));
	ck_assert_str_eq(told.envelope, "drained");
	ck_assert_int_eq(link_send(l, "{}", 2), -1);
	ck_assert_int_eq(told.envelopes, 3);
	ck_assert_uint_eq(counts.envelopes, 3);
}
END_TEST

static const char *const garbage[] = {
	"",
	"hello",
	"[]",
	"{}",
	"{\"type\":7}",
	"{\"type\":\"events_api\",\"payload\":{}}",
	"{\"type\":\"events_api\",\"envelope_id\":\"\"}",
	"{\"type\":\"events_api\",\"envelope_id\":\"a b\"}",
	"{\"type\":\"hello\"",
	"{\"type\":\"hello\"}{\"type\":\"hello\"}",
};

START_TEST(malformed_frames_are_counted_and_survived)
{
	struct wire *w = reach(LINK_LIVE);

	wire_text(w, garbage[_i]);
	ck_assert_uint_eq(counts.malformed, 1);
	ck_assert_int_eq(l->state, LINK_LIVE);
	ck_assert_int_eq(told.envelopes, 0);
}
END_TEST

START_TEST(frames_that_were_thrown_away_are_counted_and_survived)
{
	struct wire *w = reach(LINK_LIVE);

	w->ev->garbage(WIRE_BINARY, w->arg);
	w->ev->garbage(WIRE_TOO_LARGE, w->arg);
	w->ev->garbage(WIRE_NO_ROOM, w->arg);
	ck_assert_uint_eq(counts.binary, 1);
	ck_assert_uint_eq(counts.oversized, 2);
	ck_assert_int_eq(l->state, LINK_LIVE);
}
END_TEST

START_TEST(first_ping_goes_out_with_hello)
{
	ck_assert_uint_eq(reach(LINK_LIVE)->pings, 1);
}
END_TEST

START_TEST(quiet_link_that_answers_pings_lives_on)
{
	struct wire *w = reach(LINK_LIVE);
	int second;

	for (second = 0; second < 6 * 3600; second++) {
		wires_pass(1000);
		if (w->pings > 0)
			w->ev->pong(w->arg);
	}
	ck_assert_int_eq(l->state, LINK_LIVE);
	/* Every 12 to 15 seconds. */
	ck_assert_uint_ge(w->pings, 6 * 3600 / 15);
	ck_assert_uint_le(w->pings, 6 * 3600 / 12 + 2);
}
END_TEST

START_TEST(ping_without_an_answer_ends_the_link_in_20_s)
{
	reach(LINK_LIVE);
	wires_pass(19999);
	ck_assert_int_eq(l->state, LINK_LIVE);
	wires_pass(1);
	ck_assert_int_eq(l->state, LINK_BACKOFF);
	ck_assert_str_eq(told.why, "no answer to a ping in 20 s");
}
END_TEST

START_TEST(whatever_comes_in_counts_as_life)
{
	struct wire *w = reach(LINK_LIVE);
	int i;

	for (i = 0; i < 100; i++) {
		wires_pass(19000);
		if (i % 3 == 0)
			w->ev->alive(w->arg);
		else if (i % 3 == 1)
			wire_text(w, ENVELOPE("e"));
		else
			w->ev->garbage(WIRE_BINARY, w->arg);
	}
	ck_assert_int_eq(l->state, LINK_LIVE);
}
END_TEST

START_TEST(silence_of_45_s_ends_a_link_that_cannot_ping)
{
	wires.mute = true;
	reach(LINK_LIVE);
	wires_pass(44999);
	ck_assert_int_eq(l->state, LINK_LIVE);
	wires_pass(1);
	ck_assert_int_eq(l->state, LINK_BACKOFF);
	ck_assert_str_eq(told.why, "silent for 45 s");
}
END_TEST

START_TEST(drained_link_says_goodbye_after_10_s)
{
	struct wire *w = reach(LINK_DRAIN);

	wires_pass(9999);
	ck_assert(!w->closing);
	wires_pass(1);
	ck_assert(w->closing);
	wires_pass(999);
	ck_assert_int_eq(told.lost, 0);
	wires_pass(1);
	ck_assert_int_eq(told.lost, 1);
	ck_assert(w->gone);
}
END_TEST

START_TEST(drained_link_ends_when_slack_ends_it)
{
	struct wire *w = reach(LINK_DRAIN);

	wire_end(w, "closed by peer (1000)");
	ck_assert_int_eq(told.lost, 1);
}
END_TEST

START_TEST(goodbye_needs_somebody_to_hear_it)
{
	static const enum link_state deaf[] = { LINK_IDLE, LINK_TICKET,
						LINK_CONNECT };
	static const enum link_state hearing[] = { LINK_HELLO, LINK_LIVE,
						   LINK_DRAIN };
	struct wire *w;
	size_t i;

	for (i = 0; i < 3; i++) {
		reach(deaf[i]);
		ck_assert(!link_close(l));
		link_free(l);
		l = link_create(&env, "A1", NULL);
		ck_assert_ptr_nonnull(l);
	}
	for (i = 0; i < 3; i++) {
		w = reach(hearing[i]);
		ck_assert(link_close(l));
		ck_assert(w->closing);
		ck_assert(link_close(l));
		wire_end(w, "closed by peer (1000)");
		ck_assert_ptr_null(l);
		l = link_create(&env, "A1", NULL);
		ck_assert_ptr_nonnull(l);
	}
}
END_TEST

START_TEST(host_may_free_it_when_it_is_lost)
{
	static const char *const ways[] = { "link_disabled", NULL };
	size_t i;

	told.free_on_lost = true;
	for (i = 0; i < 2; i++) {
		struct wire *w = reach(LINK_LIVE);

		if (ways[i])
			wire_disconnect(w, ways[i]);
		else
			wire_end(w, "connection lost");
		ck_assert_ptr_null(l);
		l = link_create(&env, "A1", NULL);
		ck_assert_ptr_nonnull(l);
	}
}
END_TEST

START_TEST(freeing_cuts_the_wire_in_every_state)
{
	static const enum link_state states[] = {
		LINK_IDLE,  LINK_TICKET, LINK_CONNECT,
		LINK_HELLO, LINK_LIVE,   LINK_DRAIN,
	};

	reach(states[_i]);
	link_free(l);
	l = NULL;
	ck_assert_uint_eq(wires_alive(), 0);
	ck_assert_uint_eq(wires.alarms.n, 0);
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

int main(void)
{
	Suite *s = suite_create("link");
	TCase *tc = tcase_create("link");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, comes_up_by_ticket_connection_and_hello);
	tcase_add_loop_test(tc, no_wait_before_hello_is_without_end, 0,
			    COUNT(waits));
	tcase_add_test(tc, backoff_ends_and_the_next_life_starts_anew);
	tcase_add_test(tc, connect_that_fails_at_once_is_a_loss);
	tcase_add_test(tc, refused_ticket_says_how_long_to_keep_off);
	tcase_add_test(tc, hello_of_another_app_is_refused);
	tcase_add_test(tc, second_hello_is_read_over);
	tcase_add_loop_test(
		tc, every_disconnect_reason_has_its_answer_in_every_state, 0,
		COUNT(disconnects));
	tcase_add_test(tc, disconnect_without_a_reason_is_survived);
	tcase_add_test(tc, its_end_is_announced_once);
	tcase_add_test(tc, envelopes_are_taken_while_the_wire_is_there);
	tcase_add_loop_test(tc, malformed_frames_are_counted_and_survived, 0,
			    COUNT(garbage));
	tcase_add_test(tc,
		       frames_that_were_thrown_away_are_counted_and_survived);
	tcase_add_test(tc, first_ping_goes_out_with_hello);
	tcase_add_test(tc, quiet_link_that_answers_pings_lives_on);
	tcase_add_test(tc, ping_without_an_answer_ends_the_link_in_20_s);
	tcase_add_test(tc, whatever_comes_in_counts_as_life);
	tcase_add_test(tc, silence_of_45_s_ends_a_link_that_cannot_ping);
	tcase_add_test(tc, drained_link_says_goodbye_after_10_s);
	tcase_add_test(tc, drained_link_ends_when_slack_ends_it);
	tcase_add_test(tc, goodbye_needs_somebody_to_hear_it);
	tcase_add_test(tc, host_may_free_it_when_it_is_lost);
	tcase_add_loop_test(tc, freeing_cuts_the_wire_in_every_state, 0, 6);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
