/* SPDX-License-Identifier: ISC */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/log_in.h"

/*
 * Of warnings and errors that are alike so many are written in a while; of the
 * rest only the number. Alike are those of one format that are about the same
 * tenant and app, for the same reason.
 */
#define ALIKE_MAX 10
#define WHILE_MS  10000
#define SLOTS     64 /* another that falls on one takes its place */

static struct slot {
	uint64_t key; /* 0: free */
	int64_t since_ms;
	unsigned int n, left_out;
	enum log_level level;
	char text[LOG_REPEAT_TEXT]; /* of the first, or its beginning */
} slots[SLOTS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_llong due_ms; /* when something that was left out is; 0: none */

/* FNV-1a; nobody gains anything by a collision. */
static uint64_t mix(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	return (h ^ 0xff) * UINT64_C(0x100000001b3);
}

static uint64_t key_of(const char *fmt, const struct log_field *f)
{
	uint64_t h = mix(UINT64_C(0xcbf29ce484222325), fmt);

	for (; f && f->key; f++)
		if (f->value && (strcmp(f->key, "tenant") == 0 ||
				 strcmp(f->key, "app") == 0 ||
				 strcmp(f->key, "reason") == 0))
			h = mix(h, f->value);
	return h ? h : 1;
}

bool log_repeat_may(enum log_level level, const char *fmt, const char *msg,
		    const struct log_field *f, int64_t now_ms)
{
	uint64_t key;
	struct slot *s;
	bool may;

	if (level > LOG_LEVEL_WARN)
		return true;
	key = key_of(strcmp(fmt, "%s") == 0 ? msg : fmt, f);
	s = &slots[key % SLOTS];
	pthread_mutex_lock(&lock);
	/* What was left out of it is told before it begins anew. */
	if (s->left_out == 0 &&
	    (s->key != key || now_ms - s->since_ms >= WHILE_MS)) {
		*s = (struct slot){ .key = key,
				    .since_ms = now_ms,
				    .level = level };
		(void)snprintf(s->text, sizeof(s->text), "%s", msg);
	}
	may = s->key != key || s->n < ALIKE_MAX;
	if (s->key == key && may)
		s->n++;
	if (!may && s->left_out++ == 0 &&
	    (atomic_load(&due_ms) == 0 ||
	     atomic_load(&due_ms) > s->since_ms + WHILE_MS))
		atomic_store(&due_ms, s->since_ms + WHILE_MS);
	pthread_mutex_unlock(&lock);
	return may;
}

bool log_repeat_due(int64_t now_ms, struct log_left *out)
{
	int64_t next = 0;
	bool found = false;
	struct slot *s;

	if (atomic_load(&due_ms) == 0 || now_ms < atomic_load(&due_ms))
		return false;
	pthread_mutex_lock(&lock);
	for (s = slots; s < slots + SLOTS; s++) {
		if (s->left_out == 0)
			continue;
		if (!found && now_ms - s->since_ms >= WHILE_MS) {
			out->n = s->left_out;
			out->level = s->level;
			memcpy(out->text, s->text, sizeof(out->text));
			s->key = 0;
			s->left_out = 0;
			found = true;
		} else if (next == 0 || s->since_ms + WHILE_MS < next) {
			next = s->since_ms + WHILE_MS;
		}
	}
	atomic_store(&due_ms, next);
	pthread_mutex_unlock(&lock);
	return found;
}
