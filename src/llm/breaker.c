/* SPDX-License-Identifier: ISC */
#include "llm/breaker.h"

#include <string.h>

#include "base/err.h"

/* So many failures in a row are no accident. */
#define FAILURES_MAX 5

/* How long it stays open, the first time and so on. */
static const int open_ms[] = { 5000, 10000, 20000, 40000, 60000 };
#define OPENS (sizeof(open_ms) / sizeof(open_ms[0]))

/* A probe that nobody hears of any more lets another one go. */
#define PROBE_MS 120000

int breaker_init(struct breaker *b, struct err *e)
{
	int rc;

	memset(b, 0, sizeof(*b));
	rc = pthread_mutex_init(&b->lock, NULL);
	if (rc != 0)
		return err_set(e, ERR_FATAL, "mutex: %s", strerror(rc));
	return 0;
}

void breaker_release(struct breaker *b)
{
	pthread_mutex_destroy(&b->lock);
}

enum breaker_pass breaker_ask(struct breaker *b, int64_t now_ms)
{
	enum breaker_pass pass = BREAKER_YES;

	pthread_mutex_lock(&b->lock);
	if (b->state != BREAKER_CLOSED) {
		pass = now_ms < b->until_ms ? BREAKER_NO : BREAKER_PROBE;
		if (pass == BREAKER_PROBE) {
			b->state = BREAKER_PROBING;
			b->until_ms = now_ms + PROBE_MS;
		}
	}
	pthread_mutex_unlock(&b->lock);
	return pass;
}

static void open_it(struct breaker *b, int64_t now_ms)
{
	size_t i = b->opened < OPENS ? b->opened : OPENS - 1;

	b->state = BREAKER_OPEN;
	b->until_ms = now_ms + open_ms[i];
	b->opened++;
}

/* Calls that began before it opened say nothing new when they fail. */
bool breaker_tell(struct breaker *b, bool ok, int64_t now_ms)
{
	bool was_closed, changed;

	pthread_mutex_lock(&b->lock);
	was_closed = b->state == BREAKER_CLOSED;
	if (ok) {
		b->state = BREAKER_CLOSED;
		b->failures = b->opened = 0;
	} else if (was_closed && ++b->failures >= FAILURES_MAX) {
		open_it(b, now_ms);
	} else if (b->state == BREAKER_PROBING) {
		open_it(b, now_ms);
	}
	changed = was_closed != (b->state == BREAKER_CLOSED);
	pthread_mutex_unlock(&b->lock);
	return changed;
}

void breaker_forget(struct breaker *b, enum breaker_pass pass)
{
	if (pass != BREAKER_PROBE)
		return;
	pthread_mutex_lock(&b->lock);
	if (b->state == BREAKER_PROBING)
		b->until_ms = 0;
	pthread_mutex_unlock(&b->lock);
}

enum breaker_state breaker_get(struct breaker *b)
{
	enum breaker_state s;

	pthread_mutex_lock(&b->lock);
	s = b->state;
	pthread_mutex_unlock(&b->lock);
	return s;
}
