/* SPDX-License-Identifier: ISC */
#include "link/apps.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "route/envelope.h"
#include "wires.h"

/* A dialer that remembers what it was asked, and answers when told. */
static struct {
	struct dialer base; /* must be first */
	struct {
		char app_id[24];
		char token[24];
		uint32_t gen;
		unsigned int nth;
	} asked[WIRES_MAX];
	size_t n;
} dialer;

static struct link_counts counts;
static struct apps *apps;
static int closed;
static bool ack_now;

static void ask(struct dialer *d, const char *app_id, uint32_t gen,
		const char *token, unsigned int nth)
{
	(void)d;
	ck_assert_uint_lt(dialer.n, WIRES_MAX);
	(void)snprintf(dialer.asked[dialer.n].app_id, 24, "%s", app_id);
	(void)snprintf(dialer.asked[dialer.n].token, 24, "%s", token);
	dialer.asked[dialer.n].gen = gen;
	dialer.asked[dialer.n].nth = nth;
	dialer.n++;
}

static const struct dialer_ops dialer_ops = { .ask = ask };

static bool on_envelope(const char *app_id, uint32_t gen,
			const struct envelope *env, const char *text, size_t n,
			void *arg)
{
	(void)app_id;
	(void)gen;
	(void)env;
	(void)text;
	(void)n;
	(void)arg;
	return ack_now;
}

static void on_closed(void *arg)
{
	(void)arg;
	closed++;
}

/* What was last told of an app's place, when there are several nodes. */
static struct {
	char app_id[24];
	enum place_link link;
	int conns, told;
	size_t n;
} placed;

static void on_place(const char *app_id, enum place_link link, int conns,
		     int told, void *arg)
{
	(void)arg;
	(void)snprintf(placed.app_id, sizeof(placed.app_id), "%s", app_id);
	placed.link = link;
	placed.conns = conns;
	placed.told = told;
	placed.n++;
}

static void make_apps(bool several)
{
	const struct apps_opts o = {
		.alarms = &wires.alarms,
		.transport = &wires.base,
		.dialer = &dialer.base,
		.counts = &counts,
		.dials_per_second = 10,
		.envelope = on_envelope,
		.place = several ? on_place : NULL,
		.closed = on_closed,
	};
	struct err e = { 0 };

	log_set_level(LOG_LEVEL_ERROR);
	wires_init();
	memset(&dialer, 0, sizeof(dialer));
	memset(&counts, 0, sizeof(counts));
	memset(&placed, 0, sizeof(placed));
	dialer.base.ops = &dialer_ops;
	closed = 0;
	ack_now = true;
	apps = apps_create(&o, &e);
	ck_assert_msg(apps != NULL, "%s", e.msg);
}

static void setup(void)
{
	make_apps(false);
}

static void setup_several(void)
{
	make_apps(true);
}

static void teardown(void)
{
	apps_free(apps);
	wires_release();
}

/* Answer the dialer's question number i. */
static void grant(size_t i)
{
	struct ticket t = { .url = "wss://wss.slack.test/link/?ticket=x",
			    .addr = "192.0.2.1" };

	ck_assert_uint_lt(i, dialer.n);
	apps_ticket(apps, dialer.asked[i].app_id, dialer.asked[i].gen, &t);
}

static void refuse(size_t i, enum err_kind kind, unsigned int retry_ms,
		   const char *why)
{
	struct ticket t = { .e = { .kind = kind, .retry_ms = retry_ms } };

	(void)snprintf(t.e.msg, sizeof(t.e.msg), "%s", why);
	ck_assert_uint_lt(i, dialer.n);
	apps_ticket(apps, dialer.asked[i].app_id, dialer.asked[i].gen, &t);
}

/* The newest question is answered, the connection comes up. */
static struct wire *come_up(int connections)
{
	const char *app_id = dialer.asked[dialer.n - 1].app_id;
	struct wire *w;

	grant(dialer.n - 1);
	w = wires_last();
	ck_assert(!w->open && !w->gone);
	wire_open(w);
	wire_hello(w, app_id, connections);
	return w;
}

static struct wire *put(const char *app_id)
{
	size_t before = dialer.n;

	apps_put(apps, app_id, "xapp-1");
	ck_assert_uint_eq(dialer.n, before + 1);
	return come_up(1);
}

static struct hub_stats stats(void)
{
	struct hub_stats s = { 0 };

	apps_stats(apps, &s);
	return s;
}

/* Let it pass, every pong answered. */
static void live_for(int64_t ms)
{
	size_t i;

	for (; ms > 0; ms -= 1000) {
		wires_pass(ms < 1000 ? ms : 1000);
		for (i = 0; i < wires.n; i++)
			if (!wires.all[i]->gone && wires.all[i]->pings > 0)
				wires.all[i]->ev->pong(wires.all[i]->arg);
	}
}

/* Milliseconds until the next question, at most max. */
static int64_t until_asked(int64_t max)
{
	size_t before = dialer.n;
	int64_t ms;

	for (ms = 0; ms < max && dialer.n == before; ms += 100)
		wires_pass(100);
	return ms;
}

static struct link_view seen;
static char seen_last[96];
static const char *seen_id;

static void on_view(const struct link_view *v, void *arg)
{
	(void)arg;
	if (strcmp(v->app_id, seen_id) == 0) {
		seen = *v;
		(void)snprintf(seen_last, sizeof(seen_last), "%s", v->last);
	}
}

static void look_at(const char *app_id)
{
	memset(&seen, 0, sizeof(seen));
	seen_id = app_id;
	apps_each(apps, on_view, NULL);
}

#define ENVELOPE(id)                                                       \
	"{\"envelope_id\":\"" id "\",\"type\":\"events_api\",\"payload\":" \
	"{\"type\":\"event_callback\"}}"

START_TEST(new_app_dials_and_comes_up)
{
	struct wire *w = put("A1");

	ck_assert_str_eq(dialer.asked[0].token, "xapp-1");
	ck_assert_str_eq(w->addr, "192.0.2.1");
	ck_assert_uint_eq(stats().apps, 1);
	ck_assert_uint_eq(stats().live_apps, 1);
	ck_assert_uint_eq(stats().links[LINK_LIVE], 1);
	look_at("A1");
	ck_assert_int_eq(seen.state, LINK_LIVE);
	ck_assert_str_eq(seen_last, "hello");
	ck_assert_int_eq(seen.num_connections, 1);
	ck_assert_int_gt(seen.since_ms, 0);
}
END_TEST

START_TEST(same_token_again_is_nothing_new)
{
	put("A1");
	apps_put(apps, "A1", "xapp-1");
	ck_assert_uint_eq(dialer.n, 1);
	ck_assert_uint_eq(wires_alive(), 1);
}
END_TEST

static const char *const announcements[] = { "warning", "refresh_requested" };

START_TEST(replacement_is_live_before_the_old_link_is_drained)
{
	struct wire *old = put("A1");
	struct wire *new;

	live_for(3600 * 1000);
	wire_disconnect(old, announcements[_i]);
	ck_assert_uint_eq(dialer.n, 2); /* at once */
	ck_assert_uint_eq(stats().live_apps, 1);

	grant(1);
	new = wires_last();
	wire_open(new);
	wire_text(old, ENVELOPE("while-dialing"));
	ck_assert_str_eq(old->sent, "{\"envelope_id\":\"while-dialing\"}");
	ck_assert_uint_eq(stats().live_apps, 1);

	wire_hello(new, "A1", 2);
	ck_assert_uint_eq(stats().live_apps, 1);
	ck_assert_uint_eq(stats().links[LINK_LIVE], 1);
	ck_assert_uint_eq(stats().links[LINK_DRAIN], 1);
	wire_text(old, ENVELOPE("while-drained"));
	ck_assert_str_eq(old->sent, "{\"envelope_id\":\"while-drained\"}");
	ck_assert_uint_eq(new->nsent, 0);

	wires_pass(10000);
	ck_assert(old->closing);
	wire_end(old, "closed by peer (1000)");
	ck_assert_uint_eq(wires_alive(), 1);
	ck_assert_uint_eq(stats().links[LINK_DRAIN], 0);
	ck_assert_uint_eq(stats().reconnects, 1);
}
END_TEST

START_TEST(deaf_link_is_replaced_as_one_that_slack_ends)
{
	struct wire *old = put("A1");
	struct wire *new;

	apps_redial(apps, "A2"); /* nobody */
	apps_redial(apps, "A1");
	ck_assert_uint_eq(dialer.n, 2);
	apps_redial(apps, "A1"); /* it is under way */
	ck_assert_uint_eq(dialer.n, 2);
	ck_assert_uint_eq(stats().links[LINK_LIVE], 1);
	new = come_up(1);
	ck_assert(!old->gone);
	ck_assert(!new->gone);
	ck_assert_uint_eq(stats().links[LINK_DRAIN], 1);
	ck_assert_uint_eq(stats().reconnects, 1);
	wires_pass(12000);
	ck_assert_uint_eq(wires_alive(), 1);
	wire_end(new, "reset");
	apps_redial(apps, "A1"); /* it isn't live */
	ck_assert_uint_eq(dialer.n, 2);
}
END_TEST

START_TEST(one_rotation_is_under_way_at_most)
{
	struct wire *old = put("A1");

	wire_disconnect(old, "warning");
	wire_disconnect(old, "refresh_requested");
	ck_assert_uint_eq(dialer.n, 2);
	wire_end(old, "closed by peer (1006)");
	wires_pass(1000);
	ck_assert_uint_eq(dialer.n, 2);
	ck_assert_uint_eq(wires_alive(), 0);

	come_up(1);
	ck_assert_uint_eq(wires_alive(), 1);
	ck_assert_uint_eq(stats().live_apps, 1);
	live_for(60000);
	ck_assert_uint_eq(dialer.n, 2);
}
END_TEST

START_TEST(rotation_during_a_drain_leaves_two_links)
{
	struct wire *first = put("A1");
	struct wire *second;

	wire_disconnect(first, "warning");
	second = come_up(2);
	wire_disconnect(second, "warning");
	ck_assert(first->gone);
	ck_assert(!second->gone);
	come_up(2);
	ck_assert_uint_eq(wires_alive(), 2);
	ck_assert_uint_eq(stats().live_apps, 1);
}
END_TEST

START_TEST(old_link_is_kept_while_the_replacement_fails)
{
	struct wire *old = put("A1");
	int i;

	wire_disconnect(old, "warning");
	for (i = 0; i < 3; i++) {
		refuse(dialer.n - 1, ERR_RETRY, 0, "http 500");
		ck_assert_uint_eq(stats().links[LINK_BACKOFF], 1);
		ck_assert_uint_eq(stats().live_apps, 1);
		live_for(5000);
	}
	wire_text(old, ENVELOPE("still-here"));
	ck_assert_str_eq(old->sent, "{\"envelope_id\":\"still-here\"}");
	come_up(2);
	ck_assert_uint_eq(stats().live_apps, 1);
}
END_TEST

START_TEST(unknown_reason_rotates_after_a_wait)
{
	struct wire *old = put("A1");

	wire_disconnect(old, "maintenance");
	ck_assert_uint_eq(dialer.n, 1);
	ck_assert(!old->gone);
	ck_assert_int_ge(until_asked(2000), 500);
	ck_assert_uint_eq(dialer.n, 2);
}
END_TEST

START_TEST(lost_link_comes_back_within_a_second)
{
	struct wire *w = put("A1");

	live_for(61000);
	wire_end(w, "closed by peer (1006)");
	ck_assert_uint_eq(stats().live_apps, 0);
	look_at("A1");
	ck_assert_int_eq(seen.state, LINK_BACKOFF);
	ck_assert_str_eq(seen_last, "closed by peer (1006)");
	ck_assert_int_le(until_asked(5000), 1000);
	come_up(1);
	ck_assert_uint_eq(stats().live_apps, 1);
	look_at("A1");
	ck_assert_uint_eq(seen.reconnects, 1);
}
END_TEST

/* A link that dies young has proved nothing, though each had its hello. */
START_TEST(backoff_grows_until_a_link_was_stable)
{
	struct wire *w = put("A1");
	int64_t least[] = { 500, 1000, 2000, 4000 };
	size_t i;

	for (i = 0; i < 4; i++) {
		live_for(2000);
		wire_end(w, "closed by peer (1006)");
		ck_assert_int_ge(until_asked(60000), least[i]);
		w = come_up(1);
	}
	live_for(60000);
	wire_end(w, "closed by peer (1006)");
	ck_assert_int_le(until_asked(60000), 1000);
	ck_assert_uint_eq(dialer.n, 6);
}
END_TEST

START_TEST(app_dials_five_times_and_then_once_a_minute)
{
	int64_t waited = 0;
	int i;

	apps_put(apps, "A1", "xapp-1");
	for (i = 0; i < 5; i++) {
		ck_assert_uint_eq(dialer.n, (size_t)i + 1);
		wire_disconnect(come_up(1), "refresh_requested");
	}
	ck_assert_uint_eq(dialer.n, 5);
	for (i = 0; i < 3; i++) {
		waited = 0;
		while (waited < 120000 && dialer.n == 5 + (size_t)i) {
			live_for(1000);
			waited += 1000;
		}
		ck_assert_int_ge(waited, 59000);
		ck_assert_int_le(waited, 61000);
		wire_disconnect(come_up(1), "refresh_requested");
	}
	ck_assert_uint_eq(stats().live_apps, 1);
}
END_TEST

START_TEST(process_dials_in_a_burst_and_then_at_its_pace)
{
	char id[24];
	int i;

	for (i = 0; i < 130; i++) {
		(void)snprintf(id, sizeof(id), "A%d", i);
		apps_put(apps, id, "xapp");
	}
	ck_assert_uint_eq(dialer.n, 100);
	ck_assert_uint_eq(stats().links[LINK_IDLE], 30);
	wires_pass(1000);
	ck_assert_uint_eq(dialer.n, 110);
	apps_remove(apps, "A115");
	wires_pass(2000);
	ck_assert_uint_eq(dialer.n, 129);
	ck_assert_str_eq(dialer.asked[110].app_id, "A110");
	ck_assert_str_eq(dialer.asked[115].app_id, "A116");
}
END_TEST

START_TEST(another_pace_of_dialing_holds_for_who_waits)
{
	char id[24];
	int i;

	for (i = 0; i < 160; i++) {
		(void)snprintf(id, sizeof(id), "A%d", i);
		apps_put(apps, id, "xapp");
	}
	wires_pass(1000);
	ck_assert_uint_eq(dialer.n, 110);
	apps_dials(apps, 20);
	wires_pass(1000);
	ck_assert_uint_ge(dialer.n, 129);
	ck_assert_uint_le(dialer.n, 130);
}
END_TEST

START_TEST(dead_token_parks_the_app_until_a_new_one_comes)
{
	apps_put(apps, "A1", "xapp-dead");
	refuse(0, ERR_FATAL, 0, "apps.connections.open: invalid_auth");
	look_at("A1");
	ck_assert_int_eq(seen.state, LINK_BACKOFF);
	ck_assert_str_eq(seen_last, "apps.connections.open: invalid_auth");
	wires_pass(10 * 60 * 1000);
	ck_assert_uint_eq(dialer.n, 1);

	apps_put(apps, "A1", "xapp-good");
	wires_pass(1);
	ck_assert_uint_eq(dialer.n, 2);
	ck_assert_str_eq(dialer.asked[1].token, "xapp-good");
	come_up(1);
	ck_assert_uint_eq(stats().live_apps, 1);
}
END_TEST

START_TEST(parked_app_is_probed_within_half_an_hour)
{
	apps_put(apps, "A1", "xapp-dead");
	refuse(0, ERR_FATAL, 0, "account_inactive");
	ck_assert_int_ge(until_asked(60 * 60 * 1000), 10 * 60 * 1000);
	ck_assert_uint_eq(dialer.n, 2);
	refuse(1, ERR_FATAL, 0, "account_inactive");
	ck_assert_int_le(until_asked(60 * 60 * 1000), 30 * 60 * 1000);
}
END_TEST

START_TEST(retry_after_is_obeyed)
{
	apps_put(apps, "A1", "xapp-1");
	refuse(0, ERR_LIMIT, 17000, "ratelimited");
	ck_assert_int_ge(until_asked(60000), 17000);
	refuse(1, ERR_LIMIT, 0, "ratelimited");
	ck_assert_int_ge(until_asked(60000), 30000);
}
END_TEST

START_TEST(too_many_websockets_keeps_off_for_long)
{
	apps_put(apps, "A1", "xapp-1");
	grant(0);
	wire_open(wires_last());
	wire_disconnect(wires_last(), "too_many_websockets");
	ck_assert_uint_eq(wires_alive(), 0);
	ck_assert_int_ge(until_asked(60000), 15000);
	grant(1);
	wire_open(wires_last());
	wire_disconnect(wires_last(), "too_many_websockets");
	ck_assert_int_ge(until_asked(120000), 30000);
}
END_TEST

START_TEST(link_disabled_says_so_and_waits_ten_minutes)
{
	struct wire *w = put("A1");

	wire_disconnect(w, "link_disabled");
	ck_assert(w->gone);
	look_at("A1");
	ck_assert_int_eq(seen.state, LINK_BACKOFF);
	ck_assert_ptr_nonnull(strstr(seen_last, "link_disabled"));
	ck_assert_int_ge(until_asked(60 * 60 * 1000), 10 * 60 * 1000);
	ck_assert_uint_eq(dialer.n, 2);
}
END_TEST

START_TEST(parked_app_dials_at_once_when_an_admin_says_so)
{
	struct wire *w = put("A1");
	int i;

	wire_disconnect(w, "link_disabled");
	apps_connect(apps, "A1");
	wires_pass(1);
	ck_assert_uint_eq(dialer.n, 2);
	/* Once is enough for an attempt that is under way. */
	apps_connect(apps, "A1");
	wires_pass(10);
	ck_assert_uint_eq(dialer.n, 2);
	/* Whatever was dialed before. */
	for (i = 1; i < 12; i++) {
		refuse((size_t)i, ERR_FATAL, 0, "account_inactive");
		apps_connect(apps, "A1");
		wires_pass(1);
		ck_assert_uint_eq(dialer.n, (size_t)i + 2);
	}
	come_up((size_t)i);
	ck_assert_uint_eq(stats().live_apps, 1);
	apps_connect(apps, "A1");
	wires_pass(1000);
	ck_assert_uint_eq(dialer.n, (size_t)i + 1);
	ck_assert_uint_eq(wires_alive(), 1);
	apps_connect(apps, "A2");
}
END_TEST

START_TEST(app_that_is_not_ours_is_not_dialed_for_an_admin)
{
	apps_put(apps, "A1", "xapp-1");
	apps_connect(apps, "A1");
	wires_pass(1000);
	ck_assert_uint_eq(dialer.n, 0);
	apps_hold(apps, "A1", true, 0);
	wires_pass(1);
	refuse(0, ERR_FATAL, 0, "account_inactive");
	ck_assert_int_eq(placed.link, PLACE_STUCK);
	apps_connect(apps, "A1");
	ck_assert_int_eq(placed.link, PLACE_DIALING);
	wires_pass(1);
	ck_assert_uint_eq(dialer.n, 2);
}
END_TEST

START_TEST(late_ticket_of_an_earlier_attempt_is_ignored)
{
	apps_put(apps, "A1", "xapp-1");
	wires_pass(15000);
	until_asked(5000);
	ck_assert_uint_eq(dialer.n, 2);
	grant(0);
	ck_assert_uint_eq(wires.n, 0);
	refuse(0, ERR_FATAL, 0, "late");
	ck_assert_uint_eq(stats().links[LINK_TICKET], 1);
	grant(1);
	ck_assert_uint_eq(wires.n, 1);
	grant(1);
	ck_assert_uint_eq(wires.n, 1);
}
END_TEST

START_TEST(next_attempt_tries_the_next_address)
{
	apps_put(apps, "A1", "xapp-1");
	ck_assert_uint_eq(dialer.asked[0].nth, 0);
	refuse(0, ERR_RETRY, 0, "http 500");
	until_asked(5000);
	ck_assert_uint_eq(dialer.asked[1].nth, 1);
}
END_TEST

START_TEST(ack_goes_to_the_link_that_brought_the_envelope)
{
	struct wire *old = put("A1");
	struct wire *new;

	ack_now = false;
	wire_text(old, ENVELOPE("e1"));
	wire_disconnect(old, "warning");
	new = come_up(2);
	apps_ack(apps, "A1", 1, "e1");
	ck_assert_str_eq(old->sent, "{\"envelope_id\":\"e1\"}");
	ck_assert_uint_eq(new->nsent, 0);
	ck_assert_uint_eq(stats().acks, 1);
	ck_assert_uint_eq(stats().unacked, 0);
}
END_TEST

START_TEST(ack_for_a_dead_link_goes_nowhere)
{
	struct wire *w = put("A1");

	ack_now = false;
	wire_text(w, ENVELOPE("e1"));
	wire_end(w, "connection lost");
	until_asked(5000);
	w = come_up(1);
	apps_ack(apps, "A1", 1, "e1");
	apps_ack(apps, "A9", 1, "e1");
	ck_assert_uint_eq(w->nsent, 0);
	ck_assert_uint_eq(stats().acks, 0);
	ck_assert_uint_eq(stats().unacked, 2);
}
END_TEST

START_TEST(ack_for_a_removed_app_never_reaches_its_successor)
{
	struct wire *w = put("A1");

	apps_remove(apps, "A1");
	wire_end(w, "closed by peer (1000)");
	w = put("A1");
	apps_ack(apps, "A1", 1, "e1");
	ck_assert_uint_eq(w->nsent, 0);
	ck_assert_uint_eq(stats().unacked, 1);
}
END_TEST

START_TEST(ack_that_the_link_cannot_take_is_counted)
{
	put("A1");
	wires.full = true;
	apps_ack(apps, "A1", 1, "e1");
	ck_assert_uint_eq(stats().unacked, 1);
}
END_TEST

START_TEST(new_token_replaces_a_live_link)
{
	struct wire *old = put("A1");
	struct wire *new;

	apps_put(apps, "A1", "xapp-2");
	ck_assert_uint_eq(dialer.n, 2);
	ck_assert_str_eq(dialer.asked[1].token, "xapp-2");
	ck_assert(!old->gone);
	new = come_up(2);
	ck_assert(!new->gone);
	ck_assert_uint_eq(stats().links[LINK_DRAIN], 1);
}
END_TEST

START_TEST(new_token_restarts_an_attempt_with_the_old_one)
{
	apps_put(apps, "A1", "xapp-1");
	grant(0);
	apps_put(apps, "A1", "xapp-2");
	wires_pass(1);
	ck_assert_uint_eq(wires_alive(), 0);
	ck_assert_uint_eq(dialer.n, 2);
	ck_assert_str_eq(dialer.asked[1].token, "xapp-2");
}
END_TEST

START_TEST(removed_app_says_goodbye_and_stays_away)
{
	struct wire *w = put("A1");

	apps_remove(apps, "A1");
	ck_assert(w->closing);
	wires_pass(1000);
	ck_assert(w->gone);
	ck_assert_uint_eq(stats().apps, 0);
	ck_assert_uint_eq(stats().live_apps, 0);
	wires_pass(3600 * 1000);
	ck_assert_uint_eq(dialer.n, 1);
	apps_remove(apps, "A1");
}
END_TEST

START_TEST(app_removed_in_backoff_is_gone_at_once)
{
	apps_put(apps, "A1", "xapp-1");
	refuse(0, ERR_RETRY, 0, "http 500");
	apps_remove(apps, "A1");
	ck_assert_uint_eq(stats().apps, 0);
	grant(0);
	ck_assert_uint_eq(wires.n, 0);
}
END_TEST

START_TEST(one_apps_trouble_is_its_own)
{
	struct wire *good = put("A1");

	apps_put(apps, "A2", "xapp-dead");
	refuse(dialer.n - 1, ERR_FATAL, 0, "token_revoked");
	wire_text(good, ENVELOPE("e1"));
	ck_assert_str_eq(good->sent, "{\"envelope_id\":\"e1\"}");
	ck_assert_uint_eq(stats().live_apps, 1);
	ck_assert_uint_eq(stats().apps, 2);
	ck_assert_uint_eq(stats().links[LINK_BACKOFF], 1);
}
END_TEST

START_TEST(closing_says_goodbye_on_every_link_and_dials_no_more)
{
	struct wire *a = put("A1");
	struct wire *b = put("A2");

	apps_put(apps, "A3", "xapp-1");
	apps_close(apps);
	ck_assert(a->closing && b->closing);
	ck_assert_int_eq(closed, 0);
	wire_end(a, "closed by peer (1000)");
	ck_assert_int_eq(closed, 0);
	wires_pass(1000); /* b's peer doesn't answer */
	ck_assert_int_eq(closed, 1);
	ck_assert_uint_eq(wires_alive(), 0);
	apps_put(apps, "A4", "xapp-1");
	wires_pass(60000);
	ck_assert_uint_eq(dialer.n, 3);
}
END_TEST

START_TEST(closing_with_nothing_open_is_done_at_once)
{
	apps_close(apps);
	ck_assert_int_eq(closed, 1);
}
END_TEST

START_TEST(cutting_leaves_nothing)
{
	put("A1");
	wire_disconnect(put("A2"), "warning");
	apps_cut(apps);
	ck_assert_uint_eq(wires_alive(), 0);
	ck_assert_uint_eq(stats().live_apps, 0);
}
END_TEST

static void placed_is(enum place_link link, int conns, int told)
{
	ck_assert_int_eq(placed.link, link);
	ck_assert_int_eq(placed.conns, conns);
	ck_assert_int_eq(placed.told, told);
}

/* The app is held and live. */
static struct wire *hold(const char *app_id)
{
	apps_put(apps, app_id, "xapp-1");
	ck_assert_uint_eq(dialer.n, 0);
	apps_hold(apps, app_id, true, 0);
	ck_assert_uint_eq(dialer.n, 1);
	return come_up(1);
}

START_TEST(app_of_another_node_is_not_dialed)
{
	apps_put(apps, "A1", "xapp-1");
	apps_put(apps, "A1", "xapp-2");
	wires_pass(60000);
	ck_assert_uint_eq(dialer.n, 0);
	ck_assert_uint_eq(stats().apps, 1);
	ck_assert_uint_eq(stats().placed, 0);
	apps_hold(apps, "A1", false, 2);
	ck_assert_uint_eq(stats().elsewhere, 1);
	look_at("A1");
	ck_assert_int_eq(seen.elsewhere, 2);
	apps_hold(apps, "A1", true, 2);
	ck_assert_str_eq(dialer.asked[0].token, "xapp-2");
	ck_assert_uint_eq(stats().placed, 1);
	apps_remove(apps, "A1");
	ck_assert_uint_eq(stats().placed, 0);
	ck_assert_uint_eq(stats().elsewhere, 0);
}
END_TEST

START_TEST(place_is_told_what_becomes_of_a_link)
{
	struct wire *w;

	apps_put(apps, "A1", "xapp-1");
	apps_hold(apps, "A1", true, 0);
	placed_is(PLACE_DIALING, 0, 0);
	w = come_up(3);
	ck_assert_str_eq(placed.app_id, "A1");
	placed_is(PLACE_LIVE, 1, 3);
	wire_disconnect(w, "warning");
	come_up(4);
	placed_is(PLACE_LIVE, 2, 4);
	wire_end(w, "closed by peer (1000)");
	placed_is(PLACE_LIVE, 1, 0);
	wire_end(wires_last(), "closed by peer (1006)");
	placed_is(PLACE_DIALING, 0, 0);
	until_asked(5000);
	refuse(dialer.n - 1, ERR_FATAL, 0, "token_revoked");
	placed_is(PLACE_STUCK, 0, 0);
}
END_TEST

START_TEST(too_many_websockets_is_told_as_stuck)
{
	apps_put(apps, "A1", "xapp-1");
	apps_hold(apps, "A1", true, 2);
	grant(0);
	wire_open(wires_last());
	wire_disconnect(wires_last(), "too_many_websockets");
	placed_is(PLACE_STUCK, 0, 0);
	apps_hold(apps, "A1", false, 2);
	wires_pass(3600 * 1000);
	ck_assert_uint_eq(dialer.n, 1);
}
END_TEST

START_TEST(link_that_is_given_up_says_goodbye_at_once)
{
	struct wire *w = hold("A1");

	apps_hold(apps, "A1", false, 2);
	ck_assert(w->closing);
	ck_assert_uint_eq(stats().live_apps, 0);
	wire_end(w, "closed by peer (1000)");
	wires_pass(3600 * 1000);
	ck_assert_uint_eq(wires_alive(), 0);
	ck_assert_uint_eq(dialer.n, 1);
	ck_assert_uint_eq(stats().links[LINK_IDLE], 1);
}
END_TEST

START_TEST(link_that_is_given_up_acks_first_what_it_brought)
{
	struct wire *w = hold("A1");

	ack_now = false;
	wire_text(w, ENVELOPE("e1"));
	wire_text(w, ENVELOPE("e2"));
	apps_hold(apps, "A1", false, 2);
	ck_assert(!w->closing);
	apps_ack(apps, "A1", 1, "e1");
	ck_assert(!w->closing);
	apps_ack(apps, "A1", 1, "e2");
	ck_assert_str_eq(w->sent, "{\"envelope_id\":\"e2\"}");
	ck_assert(w->closing);
	ck_assert_uint_eq(stats().acks, 2);
}
END_TEST

START_TEST(link_that_is_given_up_waits_ten_seconds_for_acks)
{
	struct wire *w = hold("A1");

	ack_now = false;
	wire_text(w, ENVELOPE("e1"));
	apps_hold(apps, "A1", false, 2);
	wires_pass(9000);
	ck_assert(!w->closing);
	wires_pass(1500);
	ck_assert(w->closing);
}
END_TEST

START_TEST(attempt_is_given_up_too)
{
	apps_put(apps, "A1", "xapp-1");
	apps_hold(apps, "A1", true, 0);
	grant(0);
	apps_hold(apps, "A1", false, 2);
	ck_assert_uint_eq(wires_alive(), 0);
	ck_assert_uint_eq(stats().links[LINK_IDLE], 1);
	apps_hold(apps, "A1", true, 0);
	ck_assert_uint_eq(dialer.n, 2);
	apps_hold(apps, "A1", false, 2);
	grant(1); /* too late */
	ck_assert_uint_eq(wires_alive(), 0);
}
END_TEST

START_TEST(replacement_is_given_up_with_its_link)
{
	struct wire *w = hold("A1");

	wire_disconnect(w, "warning");
	grant(1);
	wire_open(wires_last());
	apps_hold(apps, "A1", false, 2);
	ck_assert(w->closing);
	wires_pass(1000);
	ck_assert_uint_eq(wires_alive(), 0);
	ck_assert_uint_eq(stats().links[LINK_IDLE], 1);
}
END_TEST

START_TEST(link_that_is_wanted_again_is_dialed_beside_the_old)
{
	struct wire *old = hold("A1");

	ack_now = false;
	wire_text(old, ENVELOPE("e1"));
	apps_hold(apps, "A1", false, 2);
	apps_hold(apps, "A1", true, 1);
	ck_assert_uint_eq(dialer.n, 2);
	come_up(2);
	apps_ack(apps, "A1", 1, "e1");
	ck_assert_str_eq(old->sent, "{\"envelope_id\":\"e1\"}");
	ck_assert(old->closing);
	ck_assert_uint_eq(stats().live_apps, 1);
}
END_TEST

START_TEST(app_waiting_for_its_turn_to_dial_is_taken_out)
{
	char id[24];
	int i;

	for (i = 0; i < 102; i++) {
		(void)snprintf(id, sizeof(id), "A%d", i);
		apps_put(apps, id, "xapp");
		apps_hold(apps, id, true, 0);
	}
	ck_assert_uint_eq(dialer.n, 100);
	apps_hold(apps, "A100", false, 2);
	wires_pass(1000);
	ck_assert_uint_eq(dialer.n, 101);
	ck_assert_str_eq(dialer.asked[100].app_id, "A101");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("apps");
	TCase *tc = tcase_create("apps");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, new_app_dials_and_comes_up);
	tcase_add_test(tc, same_token_again_is_nothing_new);
	tcase_add_loop_test(
		tc, replacement_is_live_before_the_old_link_is_drained, 0, 2);
	tcase_add_test(tc, deaf_link_is_replaced_as_one_that_slack_ends);
	tcase_add_test(tc, one_rotation_is_under_way_at_most);
	tcase_add_test(tc, rotation_during_a_drain_leaves_two_links);
	tcase_add_test(tc, old_link_is_kept_while_the_replacement_fails);
	tcase_add_test(tc, unknown_reason_rotates_after_a_wait);
	tcase_add_test(tc, lost_link_comes_back_within_a_second);
	tcase_add_test(tc, backoff_grows_until_a_link_was_stable);
	tcase_add_test(tc, app_dials_five_times_and_then_once_a_minute);
	tcase_add_test(tc, process_dials_in_a_burst_and_then_at_its_pace);
	tcase_add_test(tc, another_pace_of_dialing_holds_for_who_waits);
	tcase_add_test(tc, dead_token_parks_the_app_until_a_new_one_comes);
	tcase_add_test(tc, parked_app_is_probed_within_half_an_hour);
	tcase_add_test(tc, retry_after_is_obeyed);
	tcase_add_test(tc, too_many_websockets_keeps_off_for_long);
	tcase_add_test(tc, link_disabled_says_so_and_waits_ten_minutes);
	tcase_add_test(tc, parked_app_dials_at_once_when_an_admin_says_so);
	tcase_add_test(tc, late_ticket_of_an_earlier_attempt_is_ignored);
	tcase_add_test(tc, next_attempt_tries_the_next_address);
	tcase_add_test(tc, ack_goes_to_the_link_that_brought_the_envelope);
	tcase_add_test(tc, ack_for_a_dead_link_goes_nowhere);
	tcase_add_test(tc, ack_for_a_removed_app_never_reaches_its_successor);
	tcase_add_test(tc, ack_that_the_link_cannot_take_is_counted);
	tcase_add_test(tc, new_token_replaces_a_live_link);
	tcase_add_test(tc, new_token_restarts_an_attempt_with_the_old_one);
	tcase_add_test(tc, removed_app_says_goodbye_and_stays_away);
	tcase_add_test(tc, app_removed_in_backoff_is_gone_at_once);
	tcase_add_test(tc, one_apps_trouble_is_its_own);
	tcase_add_test(tc,
		       closing_says_goodbye_on_every_link_and_dials_no_more);
	tcase_add_test(tc, closing_with_nothing_open_is_done_at_once);
	tcase_add_test(tc, cutting_leaves_nothing);
	suite_add_tcase(s, tc);

	tc = tcase_create("several nodes");
	tcase_add_checked_fixture(tc, setup_several, teardown);
	tcase_add_test(tc, app_of_another_node_is_not_dialed);
	tcase_add_test(tc, place_is_told_what_becomes_of_a_link);
	tcase_add_test(tc, too_many_websockets_is_told_as_stuck);
	tcase_add_test(tc, app_that_is_not_ours_is_not_dialed_for_an_admin);
	tcase_add_test(tc, link_that_is_given_up_says_goodbye_at_once);
	tcase_add_test(tc, link_that_is_given_up_acks_first_what_it_brought);
	tcase_add_test(tc, link_that_is_given_up_waits_ten_seconds_for_acks);
	tcase_add_test(tc, attempt_is_given_up_too);
	tcase_add_test(tc, replacement_is_given_up_with_its_link);
	tcase_add_test(tc, link_that_is_wanted_again_is_dialed_beside_the_old);
	tcase_add_test(tc, app_waiting_for_its_turn_to_dial_is_taken_out);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
