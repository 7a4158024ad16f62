/* SPDX-License-Identifier: ISC */
#include "slack/text.h"

#include <string.h>

#include "base/buf.h"

/* docs.slack.dev: messaging/formatting-message-text, "Retrieving messages" */

#define ID_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define ID_MAX   32

struct slice {
	const char *p;
	size_t n;
};

/* "<body>" or "<body|label>". An empty label counts as none. */
struct angle {
	struct slice body;
	struct slice label;
	const char *end; /* behind the ">" */
};

struct render {
	struct buf *out;
	size_t start; /* what was in out before */
	const char *bot;
	const char *(*name)(const char *user, void *arg);
	void *arg;
};

/* Literal "<" and ">" arrive as entities, so a pair of them is Slack's. */
static bool angle_parse(const char *p, struct angle *a)
{
	size_t n = strcspn(p + 1, "<>");
	const char *bar;

	if (n == 0 || p[1 + n] != '>')
		return false;
	a->body = (struct slice){ p + 1, n };
	a->label = (struct slice){ p + 1 + n, 0 };
	a->end = p + n + 2;
	bar = memchr(p + 1, '|', n);
	if (bar) {
		a->body.n = (size_t)(bar - a->body.p);
		a->label.p = bar + 1;
		a->label.n = n - a->body.n - 1;
	}
	return true;
}

/* The id of "<@U1>", or false when it is something else. */
static bool angle_user(const struct angle *a, char id[ID_MAX + 1])
{
	size_t n = a->body.n - 1;

	if (a->body.n < 2 || a->body.p[0] != '@' || n > ID_MAX)
		return false;
	memcpy(id, a->body.p + 1, n);
	id[n] = '\0';
	return strspn(id, ID_CHARS) == n;
}

static bool angle_is(const struct angle *a, const char *user)
{
	char id[ID_MAX + 1];

	return user && angle_user(a, id) && strcmp(id, user) == 0;
}

/* The next "<...>" at or behind p, or false; *at is its "<". */
static bool angle_next(const char *p, struct angle *a, const char **at)
{
	for (p = strchr(p, '<'); p; p = strchr(p + 1, '<')) {
		if (angle_parse(p, a)) {
			*at = p;
			return true;
		}
	}
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * Closes the gap that a mention of ours leaves between out and rest. Returns
 * where the text goes on.
 */
static const char *close_gap(const struct render *r, const char *rest)
{
	struct buf *out = r->out;

	while (out->len > r->start && is_blank(out->data[out->len - 1]))
		out->data[--out->len] = '\0';
	rest += strspn(rest, out->len == r->start ? " \t\r\n" : " \t");
	if (out->len == r->start || out->data[out->len - 1] == '\n')
		return rest;
	if (!strchr("\r\n.,;:!?)", *rest)) /* finds the NUL too */
		(void)buf_addc(out, ' ');
	return rest;
}

/* Slack escapes these three and nothing else. */
static size_t decode_entity(const char *p, size_t n, char *c)
{
	static const struct {
		const char *name;
		size_t len;
		char c;
	} entities[] = {
		{ "&amp;", 5, '&' },
		{ "&lt;", 4, '<' },
		{ "&gt;", 4, '>' },
	};
	size_t i;

	for (i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
		if (n >= entities[i].len &&
		    memcmp(p, entities[i].name, entities[i].len) == 0) {
			*c = entities[i].c;
			return entities[i].len;
		}
	}
	*c = '&';
	return 1;
}

static void add_decoded(struct buf *out, struct slice s)
{
	const char *amp;
	size_t n;
	char c;

	while (s.n > 0) {
		amp = memchr(s.p, '&', s.n);
		n = amp ? (size_t)(amp - s.p) : s.n;
		(void)buf_add(out, s.p, n);
		if (amp) {
			n += decode_entity(amp, s.n - n, &c);
			(void)buf_addc(out, c);
		}
		s.p += n;
		s.n -= n;
	}
}

static void add_user(const struct render *r, const struct angle *a,
		     const char *id)
{
	const char *name = r->name ? r->name(id, r->arg) : NULL;

	(void)buf_addc(r->out, '@');
	if (name)
		(void)buf_adds(r->out, name);
	else if (a->label.n > 0)
		add_decoded(r->out, a->label);
	else
		(void)buf_adds(r->out, id);
}

static void add_channel(const struct render *r, const struct angle *a)
{
	struct slice id = { a->body.p + 1, a->body.n - 1 };

	(void)buf_addc(r->out, '#');
	add_decoded(r->out, a->label.n > 0 ? a->label : id);
}

/*
 * "<!here>", "<!subteam^S1|@team>", "<!date^0^{date}|fallback>": the label is
 * made for readers; without one the first word, or the team's id.
 */
static void add_special(const struct render *r, const struct angle *a)
{
	struct slice word = { a->body.p + 1, a->body.n - 1 };
	const char *hat;

	if (a->label.n > 0) {
		add_decoded(r->out, a->label);
		return;
	}
	hat = memchr(word.p, '^', word.n);
	if (hat && strncmp(word.p, "subteam^", 8) == 0) {
		word.n -= (size_t)(hat + 1 - word.p);
		word.p = hat + 1;
	} else if (hat) {
		word.n = (size_t)(hat - word.p);
	}
	(void)buf_addc(r->out, '@');
	add_decoded(r->out, word);
}

/* What stands behind "https://" or "mailto:". */
static struct slice without_scheme(struct slice url)
{
	const char *colon = memchr(url.p, ':', url.n);
	struct slice rest = url;

	if (!colon)
		return url;
	rest.p = colon + 1;
	if (url.n - (size_t)(rest.p - url.p) >= 2 &&
	    strncmp(rest.p, "//", 2) == 0)
		rest.p += 2;
	rest.n = url.n - (size_t)(rest.p - url.p);
	return rest;
}

static bool same(struct slice a, struct slice b)
{
	return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

/* Slack links bare names itself, with the name as the label: say it once. */
static void add_link(const struct render *r, const struct angle *a)
{
	if (a->label.n == 0 || same(a->label, a->body)) {
		add_decoded(r->out, a->body);
		return;
	}
	add_decoded(r->out, a->label);
	if (same(a->label, without_scheme(a->body)))
		return;
	(void)buf_adds(r->out, " (");
	add_decoded(r->out, a->body);
	(void)buf_addc(r->out, ')');
}

static void add_angle(const struct render *r, const struct angle *a)
{
	char id[ID_MAX + 1];

	if (angle_user(a, id))
		add_user(r, a, id);
	else if (a->body.n > 1 && a->body.p[0] == '#')
		add_channel(r, a);
	else if (a->body.n > 1 && a->body.p[0] == '!')
		add_special(r, a);
	else
		add_link(r, a);
}

int slack_text_plain(const char *in, const char *bot,
		     const char *(*name)(const char *user, void *arg),
		     void *arg, struct buf *out)
{
	struct render r = { out, out->len, bot, name, arg };
	struct angle a;
	const char *at;

	while (!out->failed && angle_next(in, &a, &at)) {
		add_decoded(out, (struct slice){ in, (size_t)(at - in) });
		if (angle_is(&a, bot)) {
			in = close_gap(&r, a.end);
		} else {
			add_angle(&r, &a);
			in = a.end;
		}
	}
	add_decoded(out, (struct slice){ in, strlen(in) });
	return out->failed ? -1 : 0;
}

int slack_text_strip(const char *in, const char *bot, struct buf *out)
{
	struct render r = { out, out->len, bot, NULL, NULL };
	struct angle a;
	const char *at;

	while (!out->failed && angle_next(in, &a, &at)) {
		if (angle_is(&a, bot)) {
			(void)buf_add(out, in, (size_t)(at - in));
			in = close_gap(&r, a.end);
		} else {
			(void)buf_add(out, in, (size_t)(a.end - in));
			in = a.end;
		}
	}
	(void)buf_adds(out, in);
	return out->failed ? -1 : 0;
}

bool slack_text_mentions(const char *in, const char *user)
{
	struct angle a;
	const char *at;

	while (in && user && angle_next(in, &a, &at)) {
		if (angle_is(&a, user))
			return true;
		in = a.end;
	}
	return false;
}

void slack_text_users(const char *in, size_t max,
		      void (*fn)(const char *user, void *arg), void *arg)
{
	char id[ID_MAX + 1];
	struct angle a;
	const char *at;

	while (max > 0 && angle_next(in, &a, &at)) {
		if (angle_user(&a, id)) {
			fn(id, arg);
			max--;
		}
		in = a.end;
	}
}
