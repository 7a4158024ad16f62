/* SPDX-License-Identifier: ISC */
#include "turn/sentence.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "slack/words.h"

static const struct {
	const char *name;
	enum words text;
} sentences[SENTENCES] = {
	[SENTENCE_TIMEOUT] = { "timeout", WORDS_TIMEOUT },
	[SENTENCE_BUSY] = { "busy", WORDS_BUSY },
	[SENTENCE_REFUSED] = { "refused", WORDS_REFUSED },
	[SENTENCE_TOO_LONG] = { "too_long", WORDS_TOO_LONG },
	[SENTENCE_BROKEN] = { "broken", WORDS_BROKEN },
	[SENTENCE_OFF] = { "off", WORDS_OFF },
	[SENTENCE_ERROR] = { "error", WORDS_ERROR },
	[SENTENCE_EMPTY] = { "empty", WORDS_EMPTY },
	[SENTENCE_FILTERED] = { "filtered", WORDS_FILTERED },
	[SENTENCE_DEAD] = { "dead", WORDS_DEAD },
	[SENTENCE_UNSHOWN] = { "unshown", WORDS_UNSHOWN },
	[SENTENCE_STALE] = { "stale", WORDS_STALE },
	[SENTENCE_NO_AGENT] = { "no_agent", WORDS_NO_AGENT },
	[SENTENCE_STOPPED] = { "stopped", WORDS_STOPPED },
};

static const enum words unread[ATTACH_WHYS] = {
	[ATTACH_KIND] = WORDS_UNREAD_KIND,
	[ATTACH_BLIND] = WORDS_UNREAD_BLIND,
	[ATTACH_LARGE] = WORDS_UNREAD_LARGE,
	[ATTACH_MANY] = WORDS_UNREAD_MANY,
	[ATTACH_SCOPE] = WORDS_UNREAD_SCOPE,
	[ATTACH_OUTSIDE] = WORDS_UNREAD_OUTSIDE,
	[ATTACH_GONE] = WORDS_UNREAD_GONE,
	[ATTACH_FAILED] = WORDS_UNREAD_FAILED,
	[ATTACH_LATE] = WORDS_UNREAD_LATE,
	[ATTACH_ROOM] = WORDS_UNREAD_ROOM,
};

void sentence_unread(enum attach_why why, const char *name, const char *locale,
		     struct buf *out)
{
	const struct words_fill fill[] = {
		{ "name", name },
		{ "why", words_get(unread[why], locale) },
		{ NULL, NULL },
	};

	(void)words_add(out, WORDS_UNREAD, locale, fill);
}

void sentence_unread_more(size_t n, const char *locale, struct buf *out)
{
	char number[24];
	const struct words_fill fill[] = { { "n", number }, { NULL, NULL } };

	(void)snprintf(number, sizeof(number), "%zu", n);
	(void)buf_addc(out, ' ');
	(void)words_add(out, WORDS_UNREAD_MORE, locale, fill);
}

enum sentence sentence_of(enum llm_end end)
{
	switch (end) {
	case LLM_TIMEOUT:
		return SENTENCE_TIMEOUT;
	case LLM_BUSY:
		return SENTENCE_BUSY;
	case LLM_REFUSED:
		return SENTENCE_REFUSED;
	case LLM_TOO_LONG:
		return SENTENCE_TOO_LONG;
	case LLM_BROKEN:
		return SENTENCE_BROKEN;
	case LLM_OFF:
		return SENTENCE_OFF;
	case LLM_FILTERED:
		return SENTENCE_FILTERED;
	case LLM_DONE: /* with nothing in it */
	case LLM_LENGTH:
	case LLM_EMPTY:
		return SENTENCE_EMPTY;
	case LLM_ERROR:
		break;
	}
	return SENTENCE_ERROR;
}

enum sentence sentence_of_hope(enum job_hope h)
{
	switch (h) {
	case JOB_STALE:
		return SENTENCE_STALE;
	case JOB_NO_AGENT:
		return SENTENCE_NO_AGENT;
	case JOB_HOPE:
	case JOB_CRASHES:
		break;
	}
	return SENTENCE_DEAD;
}

bool sentence_of_dead(const char *name)
{
	return strcmp(name, sentences[SENTENCE_DEAD].name) == 0 ||
	       strcmp(name, sentences[SENTENCE_STALE].name) == 0 ||
	       strcmp(name, sentences[SENTENCE_NO_AGENT].name) == 0;
}

void sentence_ref(const char *entry_id, char out[SENTENCE_REF_SIZE])
{
	size_t n = strlen(entry_id);
	size_t want = SENTENCE_REF_SIZE - 1;

	if (n > want)
		entry_id += n - want;
	(void)snprintf(out, SENTENCE_REF_SIZE, "%s", entry_id);
}

void sentence_write(enum sentence s, const char *locale, const char *entry_id,
		    struct buf *out)
{
	char ref[SENTENCE_REF_SIZE];
	const struct words_fill fill[] = { { "ref", ref }, { NULL, NULL } };

	sentence_ref(entry_id, ref);
	(void)words_add(out, sentences[s].text, locale, NULL);
	(void)words_add(out, WORDS_REF, locale, fill);
}

const char *sentence_name(enum sentence s)
{
	return sentences[s].name;
}
