/* SPDX-License-Identifier: ISC */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "link/apps.h"
#include "route/envelope.h"
#include "wires.h"

/*
 * The bytes are a script: an opcode, its argument, and for a text frame the
 * frame up to a newline. Two apps go through whatever Slack, the network, the
 * clock and the admin can do to them, in any order; wires.c checks what links
 * may do with a wire, link.c asserts its transitions.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS_MAX 300

static const char *const ids[] = { "A1", "A2" };
static uint32_t asked[2];
static struct link_counts counts;
static struct apps *apps;

static void ask(struct dialer *d, const char *app_id, uint32_t gen,
		const char *token, unsigned int nth)
{
	(void)d;
	(void)token;
	(void)nth;
	asked[app_id[1] == '2'] = gen;
}

static const struct dialer_ops dialer_ops = { .ask = ask };
static struct dialer dialer = { .ops = &dialer_ops };

static bool on_envelope(const char *app_id, uint32_t gen,
			const struct envelope *env, const char *text, size_t n,
			void *arg)
{
	(void)app_id;
	(void)gen;
	(void)text;
	(void)n;
	(void)arg;
	return env->id != NULL;
}

static void on_closed(void *arg)
{
	(void)arg;
}

static void answer(uint8_t arg)
{
	static const enum err_kind kinds[] = { ERR_NONE, ERR_RETRY, ERR_LIMIT,
					       ERR_FATAL };
	struct ticket t = { .url = "wss://wss.slack.test/", .addr = "::1" };
	unsigned int app = arg & 1;

	t.e.kind = kinds[(arg >> 1) & 3];
	/* Also the answers of attempts before. */
	apps_ticket(apps, ids[app], asked[app] - (arg >> 3 & 1), &t);
}

static struct wire *pick(uint8_t arg)
{
	struct wire *w;

	if (wires.n == 0)
		return NULL;
	w = wires.all[wires.n - 1 - arg % (wires.n < 4 ? wires.n : 4)];
	return w->gone ? NULL : w;
}

static void disconnect(struct wire *w, uint8_t arg)
{
	static const char *const reasons[] = { "warning", "refresh_requested",
					       "too_many_websockets",
					       "link_disabled", "?" };

	wire_disconnect(w, reasons[arg / 4 % 5]);
}

static void on_wire(struct wire *w, uint8_t op, uint8_t arg)
{
	if (op == 4 && !w->open)
		wire_open(w);
	else if (op == 5)
		wire_end(w, "closed by peer (1006)");
	else if (!w->open)
		return;
	else if (op == 6)
		wire_hello(w, ids[arg >> 2 & 1], arg >> 3);
	else if (op == 7)
		disconnect(w, arg);
	else if (op == 8)
		w->ev->pong(w->arg);
	else if (op == 9)
		w->ev->garbage(arg % 3, w->arg);
}

static size_t frame(const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, '\n', size);
	size_t n = end ? (size_t)(end - data) : size;
	struct wire *w = pick(0);
	char *text;

	if (!w || !w->open)
		return n;
	text = malloc(n + 1);
	if (!text)
		abort();
	memcpy(text, data, n);
	text[n] = '\0';
	wire_text(w, text);
	free(text);
	return n;
}

static void step(uint8_t op, uint8_t arg)
{
	const char *id = ids[arg & 1];
	struct wire *w;

	if (op == 0)
		apps_put(apps, id, arg & 2 ? "xapp-1" : "xapp-2");
	else if (op == 1)
		apps_remove(apps, id);
	else if (op == 2)
		answer(arg);
	else if (op == 3)
		wires_pass((int64_t)arg * arg * arg / 8);
	else if (op == 10)
		apps_ack(apps, id, asked[arg & 1] - (arg >> 2 & 3), "e-1");
	else if (op == 11 && arg > 200)
		apps_close(apps);
	w = pick(arg);
	if (w)
		on_wire(w, op, arg);
}

static void play(const uint8_t *data, size_t size)
{
	size_t i = 0;
	int steps;

	for (steps = 0; i + 1 < size && steps < STEPS_MAX; steps++) {
		step(data[i] % 13, data[i + 1]);
		i += 2;
		if (data[i - 2] % 13 == 12)
			i += frame(data + i, size - i);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct apps_opts o = {
		.alarms = &wires.alarms,
		.transport = &wires.base,
		.dialer = &dialer,
		.counts = &counts,
		.dials_per_second = 10,
		.envelope = on_envelope,
		.closed = on_closed,
	};
	struct hub_stats s = { 0 };
	struct err e = { 0 };

	log_set_level(LOG_LEVEL_ERROR);
	wires_init();
	memset(asked, 0, sizeof(asked));
	apps = apps_create(&o, &e);
	if (!apps)
		abort();
	play(data, size);
	apps_stats(apps, &s);
	/* Two links of an app, and those of one that is being removed. */
	if (s.live_apps > s.apps)
		abort();
	apps_cut(apps);
	if (wires_alive() != 0)
		abort();
	apps_free(apps);
	wires_release();
	return 0;
}
