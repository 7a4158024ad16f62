/* SPDX-License-Identifier: ISC */
#include "turn/sentence.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

static const struct {
	const char *name;
	const char *text;
} sentences[SENTENCES] = {
	[SENTENCE_TIMEOUT] = { "timeout",
			       "Sorry, this took too long and I stopped."
			       " Please try again." },
	[SENTENCE_BUSY] = { "busy",
			    "Sorry, my language model is too busy right now."
			    " Please try again in a few minutes." },
	[SENTENCE_REFUSED] = { "refused",
			       "Sorry, my language model doesn't let me in."
			       " Please tell your administrator." },
	[SENTENCE_TOO_LONG] = { "too_long",
				"Sorry, this is more text than I can take in."
				" Please start a new thread, or ask with"
				" less." },
	[SENTENCE_BROKEN] = { "broken",
			      "Sorry, I lost the connection to my language"
			      " model. Please try again." },
	[SENTENCE_OFF] = { "off",
			   "Sorry, my language model has been failing for a"
			   " while. Please try again in a few minutes." },
	[SENTENCE_ERROR] = { "error",
			     "Sorry, my language model reported an error."
			     " Please try again, or tell your"
			     " administrator." },
	[SENTENCE_EMPTY] = { "empty",
			     "Sorry, I have no answer to that. Please try to"
			     " ask in another way." },
	[SENTENCE_FILTERED] = { "filtered",
				"Sorry, a content filter stopped my answer."
				" Please try to ask in another way." },
	[SENTENCE_DEAD] = { "dead",
			    "Sorry, I tried several times and could not"
			    " answer this. Please ask again, or tell your"
			    " administrator." },
	[SENTENCE_UNSHOWN] = { "unshown",
			       "Sorry, Slack doesn't let me show my answer"
			       " here." },
	[SENTENCE_STALE] = { "stale",
			     "Sorry, I was away for too long to answer this"
			     " in time. If it still matters, please ask"
			     " again." },
	[SENTENCE_NO_AGENT] = { "no_agent",
				"Sorry, nobody is set up here any more who"
				" could answer this. Please ask your"
				" administrator." },
	[SENTENCE_STOPPED] = { "stopped", "_Stopped._" },
};

const char sentence_parked[] =
	"I'm being restarted. My answer will come here in a moment.";

void sentence_backlog(long ahead, char *out, size_t size)
{
	if (ahead > 0)
		(void)snprintf(out, size,
			       "There is a queue: %ld of your company's"
			       " questions are before this one. My answer will"
			       " come here.",
			       ahead);
	else
		(void)snprintf(out, size,
			       "There is a queue, and this question is next."
			       " My answer will come here.");
}

const char sentence_cut_model[] =
	"\n\n_My answer ends here: it reached the length limit._";
const char sentence_cut_answer[] =
	"\n\n_My answer ends here: it is too long to be shown._";

const char sentence_cut_stopped[] = "\n\n_Stopped._";

const char sentence_muted[] =
	"All right, I keep out of this thread until somebody mentions me.";

static const char *const unread[ATTACH_WHYS] = {
	[ATTACH_READ] = "",
	[ATTACH_KIND] = "I can only read text and images",
	[ATTACH_BLIND] = "I can't see images here",
	[ATTACH_LARGE] = "this image is too large for me",
	[ATTACH_MANY] = "these were more files than I read at once",
	[ATTACH_SCOPE] =
		"I'm not allowed to read files here; your administrator"
		" can give this app the permission files:read",
	[ATTACH_OUTSIDE] = "it isn't kept in Slack",
	[ATTACH_GONE] = "it was deleted, or isn't shared with me",
	[ATTACH_FAILED] = "Slack didn't hand it out; please try again",
	[ATTACH_LATE] = "Slack took too long to hand it out; please try again",
	[ATTACH_ROOM] = "I'm reading too many files just now; please try again",
};

void sentence_unread(enum attach_why why, const char *name, struct buf *out)
{
	(void)buf_addf(out, "_I couldn't read_ `%s`_: %s._", name, unread[why]);
}

void sentence_unread_more(size_t n, struct buf *out)
{
	(void)buf_addf(out, " _Nor %zu more._", n);
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

void sentence_write(enum sentence s, const char *entry_id, struct buf *out)
{
	char ref[SENTENCE_REF_SIZE];

	sentence_ref(entry_id, ref);
	(void)buf_addf(out, "%s (ref. %s)", sentences[s].text, ref);
}

const char *sentence_name(enum sentence s)
{
	return sentences[s].name;
}
