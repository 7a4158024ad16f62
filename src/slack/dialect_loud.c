/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "slack/dialect.h"
#include "slack/dialect_in.h"
#include "slack/markdown_in.h"
#include "slack/mention.h"

/* Nobody is pinged by what looks like a mention. */

static bool word(unsigned char c)
{
	return isalnum(c) || c >= 0x80;
}

/* What Slack may take for a mention; those with "<" stand in code only. */
static const char *const loud[] = {
	"@here",     "@channel",   "@everyone", "<@",        "<#",     "<!here",
	"<!channel", "<!everyone", "<!group",   "<!subteam", "<!date",
};

#define LOUD_MAX 10 /* bytes of the longest */

/* Is there one of their first letters so near to the end? */
static bool may_be_loud(const struct buf *b)
{
	size_t i;

	for (i = 0; i < LOUD_MAX && i < b->len; i++)
		if (b->data[b->len - 1 - i] == '@' ||
		    b->data[b->len - 1 - i] == '<')
			return true;
	return false;
}

/* Where the mark begins that the text ends with; len if with none. */
static size_t loud_at(const struct buf *b)
{
	size_t i, n, at;

	if (!may_be_loud(b))
		return b->len;
	for (i = 0; i < sizeof(loud) / sizeof(loud[0]); i++) {
		n = strlen(loud[i]);
		if (n > b->len)
			continue;
		at = b->len - n;
		if (strncasecmp(b->data + at, loud[i], n) != 0)
			continue;
		if (loud[i][0] == '<' || at == 0 ||
		    !word((unsigned char)b->data[at - 1]))
			return at;
	}
	return b->len;
}

/* Not looked for ahead, as what comes may have been taken apart: "@&#104;ere".
 */
void dialect_put(struct buf *out, char c)
{
	char tail[16];
	size_t at, n;

	if (buf_addc(out, c) < 0 ||
	    !strchr("@#elpm", tolower((unsigned char)c)))
		return;
	at = loud_at(out);
	n = out->len - at;
	if (n < 2 || n > sizeof(tail))
		return;
	memcpy(tail, out->data + at + 1, n - 1);
	mrkdwn_chop(out, at + 1);
	(void)buf_adds(out, MRKDWN_ZWSP);
	(void)buf_add(out, tail, n - 1);
}

/* How many bytes stand behind the first one of a mark's id. */
static size_t skip_id(const char *p, size_t n)
{
	char id[MENTION_ID];
	size_t k = mention_at(p, n, id);

	return k > 0 ? k - 1 : 0;
}

void dialect_code(struct buf *out, const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == MENTION_BEGIN)
			i += skip_id(p + i, n - i);
		else if ((c >= 0x20 && c != 0x7f) || c == '\n' || c == '\t')
			dialect_put(out, (char)c);
	}
}

size_t dialect_ticks(const struct buf *b)
{
	size_t i, run = 0, most = 0;

	for (i = 0; i < b->len; i++) {
		run = b->data[i] == '`' ? run + 1 : 0;
		if (run > most)
			most = run;
	}
	return most;
}
