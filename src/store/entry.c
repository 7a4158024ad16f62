/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/backend.h"
#include "store/journal.h"
#include "store/journal_ops.h"

static const char *const state_names[] = {
	[ENTRY_NEW] = "new",         [ENTRY_ACCEPTED] = "accepted",
	[ENTRY_WRITTEN] = "written", [ENTRY_DONE] = "done",
	[ENTRY_REFUSED] = "refused", [ENTRY_DEAD] = "dead",
};
#define STATES (sizeof(state_names) / sizeof(state_names[0]))

const char *entry_state_name(enum entry_state s)
{
	return (size_t)s < STATES ? state_names[s] : "?";
}

enum entry_state entry_state_parse(const char *name)
{
	size_t i;

	for (i = 0; name && i < STATES; i++) {
		if (strcmp(name, state_names[i]) == 0)
			return (enum entry_state)i;
	}
	return ENTRY_NEW;
}

int entry_fill(struct entry *en, const char *app_id, const char *event_id,
	       const char *frame, size_t len)
{
	en->received_ms = clock_wall_ms();
	en->app_id = strdup(app_id);
	en->event_id = strdup(event_id ? event_id : "");
	en->frame = malloc(len + 1);
	if (!en->app_id || !en->event_id || !en->frame)
		return -1;
	memcpy(en->frame, frame, len);
	en->frame[len] = '\0';
	en->frame_len = len;
	return 0;
}

void entry_release(struct entry *en)
{
	size_t i;

	free(en->app_id);
	free(en->event_id);
	free(en->frame);
	free(en->claim);
	free(en->tenant_id);
	free(en->verdict);
	for (i = 0; en->parts && i < en->nparts; i++)
		free(en->parts[i]);
	free(en->parts);
	free(en->answer);
	for (i = 0; i < en->ncovered; i++)
		free(en->covered[i].frame);
	free(en->covered);
	*en = (struct entry){ 0 };
}

/* Steps are told apart by spaces, and end in a plus and a number. */
static void make_plain(char *s)
{
	for (; *s; s++) {
		if (*s == ' ' || *s == '+' || (unsigned char)*s < ' ')
			*s = '_';
	}
}

void entry_step(char *out, size_t size, const struct entry *en, int64_t now_ms,
		const char *name, const char *detail)
{
	int64_t ms = now_ms > en->received_ms ? now_ms - en->received_ms : 0;
	size_t n = strlen(out);
	char what[64];
	int len;

	(void)snprintf(what, sizeof(what), "%s%s%s", name, detail ? ":" : "",
		       detail ? detail : "");
	make_plain(what);
	len = snprintf(out + n, size - n, "%s+%" PRId64 " ", what, ms);
	if (len < 0 || (size_t)len >= size - n)
		out[n] = '\0';
}

static int make_parts(struct entry *en, size_t n)
{
	char **bigger;

	if (n > PARTS_MAX)
		return -1;
	bigger = reallocarray(en->parts, n, sizeof(*bigger));
	if (!bigger)
		return -1;
	en->parts = bigger;
	while (en->nparts < n) {
		en->parts[en->nparts] = strdup("");
		if (!en->parts[en->nparts])
			return -1;
		en->nparts++;
	}
	return 0;
}

int entry_set_part(struct entry *en, size_t i, const char *ts)
{
	char *copy;

	if (i >= PARTS_MAX || (i >= en->nparts && make_parts(en, i + 1) < 0))
		return -1;
	copy = ts ? strdup(ts) : NULL;
	if (!copy)
		return -1;
	free(en->parts[i]);
	en->parts[i] = copy;
	return 0;
}

int entry_add_covered(struct entry *en, const char *id, char *frame, size_t len)
{
	struct entry_covered *bigger;

	bigger = reallocarray(en->covered, en->ncovered + 1, sizeof(*bigger));
	if (!bigger) {
		free(frame);
		return -1;
	}
	en->covered = bigger;
	bigger += en->ncovered++;
	(void)snprintf(bigger->id, sizeof(bigger->id), "%s", id);
	bigger->frame = frame;
	bigger->frame_len = len;
	return 0;
}
