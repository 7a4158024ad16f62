/* SPDX-License-Identifier: ISC */
#include "route/access.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"

struct access {
	struct json *own;    /* NULL: nothing is set */
	struct json *common; /* NULL: nothing is set */
};

const char *const access_keys[] = {
	"channels_allowed", "channels_denied", "people_allowed",
	"people_denied",    "groups_allowed",  "groups_denied",
	"guests",           "strangers",       "direct_messages",
	"bots_allowed",     "bot_answers",     NULL,
};

static int parse(struct json **out, const char *text, struct err *e)
{
	if (!text)
		return 0;
	*out = json_parse(text, strlen(text), ACCESS_TEXT_MAX, e);
	return *out ? 0 : -1;
}

struct access *access_create(const char *own, const char *common, struct err *e)
{
	struct access *a = calloc(1, sizeof(*a));

	if (!a) {
		err_set(e, ERR_RETRY, "no memory");
		return NULL;
	}
	if (parse(&a->own, own, e) == 0 && parse(&a->common, common, e) == 0)
		return a;
	access_free(a);
	return NULL;
}

void access_free(struct access *a)
{
	if (!a)
		return;
	json_free(a->own);
	json_free(a->common);
	free(a);
}

/* What is set, here or there; NULL: nothing is. */
static const struct json *setting(const struct access *a, const char *key)
{
	const struct json *v = json_at(a->own, key);

	return v ? v : json_at(a->common, key);
}

static bool has(const struct json *list, const char *id)
{
	size_t i, n = json_len(list, "");
	const char *s;

	for (i = 0; id && i < n; i++) {
		s = json_str(json_nth(list, "", i), "");
		if (s && strcmp(s, id) == 0)
			return true;
	}
	return false;
}

static bool lists(const struct access *a, const char *key, const char *id)
{
	return has(setting(a, key), id);
}

/* An empty list restricts nobody. */
static bool restricts(const struct access *a, const char *key)
{
	return json_len(setting(a, key), "") > 0;
}

static bool outside(const struct access *a, const char *key, const char *id)
{
	return restricts(a, key) && !lists(a, key, id);
}

/* What a fact about somebody says, where no matters. */
static enum access_answer judge_fact(const struct access *a, const char *key,
				     enum access_fact fact,
				     enum access_answer no)
{
	const struct json *v = setting(a, key);

	if (json_bool(v, "", false))
		return ACCESS_YES;
	switch (fact) {
	case FACT_NO:
		break;
	case FACT_YES:
		return no;
	case FACT_OPEN:
		return ACCESS_ASK;
	case FACT_UNKNOWN:
		return v ? ACCESS_UNSURE : ACCESS_YES;
	}
	return ACCESS_YES;
}

/* Of a group that restricts: in, out, or which of the two isn't known. */
static enum access_answer judge_member(const struct access *a, const char *key,
				       enum access_fact fact,
				       enum access_answer in,
				       enum access_answer out)
{
	if (!restricts(a, key))
		return out;
	switch (fact) {
	case FACT_NO:
		return out;
	case FACT_YES:
		return in;
	case FACT_OPEN:
		return ACCESS_ASK;
	case FACT_UNKNOWN:
		break;
	}
	return ACCESS_UNSURE;
}

static enum access_answer judge_guest(const struct access *a,
				      const struct access_facts *f)
{
	enum access_answer by_stranger, by_guest;

	by_stranger =
		judge_fact(a, "strangers", f->stranger, ACCESS_NO_STRANGER);
	/* Whoever is no guest here is one elsewhere: one is enough. */
	if (f->stranger == FACT_YES)
		return by_stranger;
	by_guest = judge_fact(a, "guests", f->guest, ACCESS_NO_GUEST);
	return by_stranger == ACCESS_YES ? by_guest : by_stranger;
}

/* Denied goes before allowed, and being named before what one is. */
static enum access_answer judge_person(const struct access *a,
				       const struct access_facts *f)
{
	bool few = restricts(a, "people_allowed") ||
		   restricts(a, "groups_allowed");
	enum access_answer by;

	if (lists(a, "people_denied", f->user))
		return ACCESS_NO_PERSON;
	by = judge_member(a, "groups_denied", f->in_denied, ACCESS_NO_PERSON,
			  ACCESS_YES);
	if (by != ACCESS_YES)
		return by;
	if (lists(a, "people_allowed", f->user))
		return ACCESS_YES;
	by = judge_member(a, "groups_allowed", f->in_allowed, ACCESS_YES,
			  ACCESS_NO_PERSON);
	return few ? by : judge_guest(a, f);
}

/* Bots don't write to us directly, and are not answered unless they mean us:
 * what one says in a thread is mostly an answer already. */
static bool may_bot(const struct access *a, const struct access_facts *f)
{
	return !f->direct && f->mention && access_bot_answers(a) > 0 &&
	       lists(a, "bots_allowed", f->bot_id);
}

enum access_answer access_judge(const struct access *a,
				const struct access_facts *f)
{
	if (f->is_bot && !may_bot(a, f))
		return ACCESS_NO_BOT;
	if (f->direct && !json_bool(setting(a, "direct_messages"), "", true))
		return ACCESS_NO_DIRECT;
	if (!f->direct && (lists(a, "channels_denied", f->channel) ||
			   outside(a, "channels_allowed", f->channel)))
		return ACCESS_NO_CHANNEL;
	return f->is_bot ? ACCESS_YES : judge_person(a, f);
}

void access_each_group(const struct access *a, bool denied,
		       void (*fn)(const char *group, void *arg), void *arg)
{
	const struct json *list =
		setting(a, denied ? "groups_denied" : "groups_allowed");
	size_t i, n = json_len(list, "");
	const char *group;

	for (i = 0; i < n; i++) {
		group = json_str(json_nth(list, "", i), "");
		if (group)
			fn(group, arg);
	}
}

int access_bot_answers(const struct access *a)
{
	int64_t n = json_int(setting(a, "bot_answers"), "", ACCESS_BOT_ANSWERS);

	/* What nobody could have set: no bot gets any. */
	return n < 0 || n > INT_MAX ? 0 : (int)n;
}

const char *access_why(enum access_answer no)
{
	switch (no) {
	case ACCESS_YES:
	case ACCESS_ASK:
		break;
	case ACCESS_NO_BOT:
		return "bot";
	case ACCESS_NO_DIRECT:
		return "direct message";
	case ACCESS_NO_CHANNEL:
		return "channel";
	case ACCESS_NO_PERSON:
		return "person";
	case ACCESS_NO_GUEST:
		return "guest";
	case ACCESS_NO_STRANGER:
		return "stranger";
	case ACCESS_UNSURE:
		return "person unknown";
	}
	return "allowed";
}
