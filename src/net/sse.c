/* SPDX-License-Identifier: ISC */
#include "net/sse.h"

#include <string.h>

enum {
	SSE_BOM0, /* nothing read yet */
	SSE_BOM1,
	SSE_BOM2,
	SSE_TEXT,
	SSE_CR, /* a LF now belongs to the CR before it */
};

static const char bom[] = "\xEF\xBB\xBF";

void sse_init(struct sse *s, size_t max,
	      int (*on_event)(const char *data, size_t len, void *arg),
	      void *arg)
{
	memset(s, 0, sizeof(*s));
	buf_init(&s->line, max);
	buf_init(&s->data, max + 1); /* the LF that the last line leaves */
	s->on_event = on_event;
	s->arg = arg;
}

void sse_release(struct sse *s)
{
	buf_release(&s->line);
	buf_release(&s->data);
}

static int dispatch(struct sse *s)
{
	int rc;

	if (s->data.len == 0)
		return 0;
	s->data.data[s->data.len - 1] = '\0';
	rc = s->on_event(s->data.data, s->data.len - 1, s->arg);
	buf_reset(&s->data);
	return rc;
}

static int end_line(struct sse *s, const char *p, size_t n)
{
	if (n == 0)
		return dispatch(s);
	if (n < 4 || memcmp(p, "data", 4) != 0)
		return 0;
	p += 4;
	n -= 4;
	if (n > 0 && *p != ':')
		return 0;
	if (n > 0) {
		p++;
		n--;
	}
	if (n > 0 && *p == ' ') {
		p++;
		n--;
	}
	if (buf_add(&s->data, p, n) < 0)
		return -1;
	return buf_addc(&s->data, '\n');
}

/* The part of the line that this feed holds, without copying if it's whole. */
static int take_line(struct sse *s, const char *p, size_t n)
{
	int rc;

	if (s->line.len == 0 && n <= s->line.cap)
		return end_line(s, p, n);
	if (buf_add(&s->line, p, n) < 0)
		return -1;
	rc = end_line(s, s->line.data, s->line.len);
	buf_reset(&s->line);
	return rc;
}

/* What looked like a BOM and wasn't is text after all. */
static int not_bom(struct sse *s)
{
	size_t seen = s->state;

	s->state = SSE_TEXT;
	return buf_add(&s->line, bom, seen);
}

/* By hand: memchr() for either would look at a tail of the other twice. */
static size_t to_line_end(const char *p, size_t n)
{
	size_t k = 0;

	while (k < n && p[k] != '\n' && p[k] != '\r')
		k++;
	return k;
}

int sse_feed(struct sse *s, const char *p, size_t n)
{
	const char *end = p + n;
	size_t k;
	int rc;

	if (s->line.failed || s->data.failed)
		return -1;
	while (p < end && s->state < SSE_TEXT) {
		if (*p == bom[s->state]) {
			s->state++; /* SSE_TEXT follows the third byte */
			p++;
		} else if (not_bom(s) < 0) {
			return -1;
		}
	}
	while (p < end) {
		if (s->state == SSE_CR) {
			s->state = SSE_TEXT;
			if (*p == '\n') {
				p++;
				continue;
			}
		}
		k = to_line_end(p, (size_t)(end - p));
		if (p + k == end)
			return buf_add(&s->line, p, k);
		if (p[k] == '\r')
			s->state = SSE_CR;
		rc = take_line(s, p, k);
		if (rc != 0)
			return rc;
		p += k + 1;
	}
	return 0;
}
