/* SPDX-License-Identifier: ISC */
#include "slack/mention.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"

#define ID_CHARS  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define LABEL_MAX 80

/* What Markdown or Slack reads in a name would tear a mark apart. */
#define TEARING "*_~`[]<>&\\|!:\"\n"

struct marking {
	const char *md;
	size_t len;
	const struct mention_person *who;
	size_t n;
	struct buf *out;
	size_t marks;
};

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

static bool is_loud(const char *name)
{
	return strcasecmp(name, "here") == 0 ||
	       strcasecmp(name, "channel") == 0 ||
	       strcasecmp(name, "everyone") == 0;
}

/* Is that name at at, and does it end there? "@Ada-Lou", "@ada.example" and
 * "@Ada's" begin with another name, with none, and with this one. */
static bool has_name(const struct marking *m, size_t at, const char *name)
{
	size_t n = strlen(name);
	size_t end = at + n;

	if (n == 0 || n > m->len - at ||
	    strncasecmp(m->md + at, name, n) != 0 || strpbrk(name, TEARING) ||
	    is_loud(name))
		return false;
	if (end == m->len)
		return true;
	if (is_word(m->md[end]) || strchr("_@", m->md[end]))
		return false;
	return !strchr("-./", m->md[end]) || end + 1 == m->len ||
	       !is_word(m->md[end + 1]);
}

/* The one whose name is at at, the longest if there are some; two with one
 * name are nobody. */
static const struct mention_person *named(const struct marking *m, size_t at)
{
	const struct mention_person *p, *best = NULL;
	bool twice = false;

	for (p = m->who; p < m->who + m->n; p++) {
		if (!has_name(m, at, p->name))
			continue;
		if (best && strlen(p->name) == strlen(best->name)) {
			twice = true;
		} else if (!best || strlen(p->name) > strlen(best->name)) {
			best = p;
			twice = false;
		}
	}
	return twice ? NULL : best;
}

/* "@Name" at at. */
static size_t by_name(const struct marking *m, size_t at,
		      const struct mention_person **who)
{
	char before = at > 0 ? m->md[at - 1] : ' ';

	if (is_word(before) || strchr("@/._-\\", before))
		return 0;
	*who = named(m, at + 1);
	return *who ? 1 + strlen((*who)->name) : 0;
}

/* "<@U1>" or "<@U1|label>" at at. */
static size_t by_id(const struct marking *m, size_t at,
		    const struct mention_person **who)
{
	const struct mention_person *p;
	const char *s = m->md + at;
	size_t left = m->len - at;
	size_t n = 2, k;

	while (n < left && n < MENTION_ID + 2 && strchr(ID_CHARS, s[n]) && s[n])
		n++;
	for (k = n; k < left && k < n + LABEL_MAX && s[k] != '>'; k++)
		if (strchr(TEARING, s[k]) && s[k] != '|')
			return 0;
	if (k >= left || s[k] != '>' || (k > n && s[n] != '|'))
		return 0;
	for (p = m->who; p < m->who + m->n; p++) {
		if (strlen(p->id) == n - 2 &&
		    memcmp(p->id, s + 2, n - 2) == 0) {
			*who = p;
			return k + 1;
		}
	}
	return 0;
}

static size_t find(const struct marking *m, size_t at,
		   const struct mention_person **who)
{
	if (m->marks >= MENTION_MOST)
		return 0;
	if (m->md[at] == '@')
		return by_name(m, at, who);
	if (m->md[at] == '<' && at + 1 < m->len && m->md[at + 1] == '@')
		return by_id(m, at, who);
	return 0;
}

static bool is_mark(char c)
{
	return c == MENTION_BEGIN || c == MENTION_ID_END || c == MENTION_END;
}

static void add(struct marking *m, size_t at, size_t n,
		const struct mention_person *who)
{
	(void)buf_addc(m->out, MENTION_BEGIN);
	(void)buf_adds(m->out, who->id);
	(void)buf_addc(m->out, MENTION_ID_END);
	(void)buf_add(m->out, m->md + at, n);
	(void)buf_addc(m->out, MENTION_END);
	m->marks++;
}

/* Bytes up to the next that may begin something. */
static size_t quiet(const char *p, size_t n, bool names)
{
	size_t i = 0;

	while (i < n && !is_mark(p[i]) &&
	       !(names && (p[i] == '@' || p[i] == '<')))
		i++;
	return i;
}

int mention_mark(const char *md, size_t len, const struct mention_person *who,
		 size_t nwho, struct buf *out)
{
	struct marking m = { md, len, who, nwho, out, 0 };
	const struct mention_person *p = NULL;
	size_t at = 0, n;

	buf_reset(out);
	(void)buf_adds(out, "");
	while (at < len && !out->failed) {
		n = quiet(md + at, len - at, true);
		(void)buf_add(out, md + at, n);
		at += n;
		if (at == len)
			break;
		n = find(&m, at, &p);
		if (n > 0)
			add(&m, at, n, p);
		else if (!is_mark(md[at]))
			(void)buf_addc(out, md[at]);
		at += n > 0 ? n : 1;
	}
	return out->failed ? -1 : 0;
}

size_t mention_at(const char *p, size_t n, char id[MENTION_ID])
{
	size_t k = 1;

	if (n < 3 || p[0] != MENTION_BEGIN)
		return 0;
	while (k < n && p[k] != '\0' && strchr(ID_CHARS, p[k]))
		k++;
	if (k == 1 || k > MENTION_ID || k == n || p[k] != MENTION_ID_END)
		return 0;
	memcpy(id, p + 1, k - 1);
	id[k - 1] = '\0';
	return k + 1;
}

int mention_strip(const char *text, size_t len, struct buf *out)
{
	char id[MENTION_ID];
	size_t at = 0, n;

	buf_reset(out);
	(void)buf_adds(out, "");
	while (at < len && !out->failed) {
		n = quiet(text + at, len - at, false);
		(void)buf_add(out, text + at, n);
		at += n;
		if (at == len)
			break;
		n = mention_at(text + at, len - at, id);
		at += n > 0 ? n : 1;
	}
	return out->failed ? -1 : 0;
}

bool mention_in(const char *text, size_t len)
{
	return memchr(text, MENTION_BEGIN, len) != NULL;
}
