/* SPDX-License-Identifier: ISC */
#include "base/recent.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

static struct {
	pthread_mutex_t lock;
	struct recent_line lines[RECENT_LINES]; /* the oldest first */
	size_t n;
} recent = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void print_fields(char *out, size_t size, const struct log_field *f)
{
	size_t len = 0;
	int n;

	out[0] = '\0';
	for (; f && f->key; f++) {
		if (!f->value || strcmp(f->key, "detail") == 0)
			continue;
		n = snprintf(out + len, size - len, "%s%s=%s",
			     len > 0 ? " " : "", f->key, f->value);
		if (n < 0 || (size_t)n >= size - len) {
			out[len] = '\0';
			return;
		}
		len += (size_t)n;
	}
}

/* Out of the others' way: it comes last. */
static void take_out(size_t i)
{
	memmove(&recent.lines[i], &recent.lines[i + 1],
		(recent.n - i - 1) * sizeof(recent.lines[0]));
	recent.n--;
}

static void put(struct recent_line *line)
{
	const struct recent_line *old;
	size_t i;

	for (i = 0; i < recent.n; i++) {
		old = &recent.lines[i];
		if (old->level == line->level &&
		    strcmp(old->msg, line->msg) == 0 &&
		    strcmp(old->where, line->where) == 0) {
			line->times += old->times;
			take_out(i);
			break;
		}
	}
	if (recent.n == RECENT_LINES)
		take_out(0);
	recent.lines[recent.n++] = *line;
}

void recent_add(enum log_level level, const char *msg,
		const struct log_field *f)
{
	struct recent_line line = {
		.level = level,
		.at_ms = clock_wall_ms(),
		.times = 1,
	};

	(void)snprintf(line.msg, sizeof(line.msg), "%s", msg);
	print_fields(line.where, sizeof(line.where), f);
	pthread_mutex_lock(&recent.lock);
	put(&line);
	pthread_mutex_unlock(&recent.lock);
}

size_t recent_copy(struct recent_line out[RECENT_LINES])
{
	size_t i, n;

	pthread_mutex_lock(&recent.lock);
	n = recent.n;
	for (i = 0; i < n; i++)
		out[i] = recent.lines[n - 1 - i];
	pthread_mutex_unlock(&recent.lock);
	return n;
}
