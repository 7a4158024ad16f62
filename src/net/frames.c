/* SPDX-License-Identifier: ISC */
#include "net/frames.h"

#include <stdint.h>

#include "base/buf.h"

enum {
	OP_CONTINUED = 0x0,
	OP_TEXT = 0x1,
	OP_BINARY = 0x2,
	OP_CLOSE = 0x8,
	OP_PING = 0x9,
	OP_PONG = 0xa,
};

#define FINAL       0x80
#define RESERVED    0x70
#define MASKED      0x80
#define CONTROL_MAX 125
#define NO_CODE     1005

struct head {
	bool final;
	unsigned int op;
	size_t size; /* of itself */
	uint64_t len;
};

/* FRAMES_TEXT: it is there. A server masks nothing (5.1). */
static enum frames_end read_head(const struct buf *in, struct head *h)
{
	const unsigned char *b = (const unsigned char *)in->data;
	size_t i;

	if (in->len < 2)
		return FRAMES_MORE;
	h->final = b[0] & FINAL;
	h->op = b[0] & 0xf;
	h->len = b[1] & 0x7f;
	if ((b[0] & RESERVED) || (b[1] & MASKED))
		return FRAMES_BAD;
	if (h->op >= OP_CLOSE && (!h->final || h->len > CONTROL_MAX))
		return FRAMES_BAD;
	h->size = h->len == 126 ? 4 : h->len == 127 ? 10 : 2;
	if (in->len < h->size)
		return FRAMES_MORE;
	if (h->size > 2)
		h->len = 0;
	for (i = 2; i < h->size; i++)
		h->len = h->len << 8 | b[i];
	return FRAMES_TEXT;
}

static enum frames_end take_close(struct frames *f, const unsigned char *p,
				  uint64_t len)
{
	f->code = len >= 2 ? (unsigned int)p[0] << 8 | p[1] : NO_CODE;
	return FRAMES_CLOSED;
}

/* Is it a part of a text message? FRAMES_BAD: it has no place here. */
static enum frames_end order(struct frames *f, const struct head *h)
{
	bool inside = f->in_text || f->in_other;

	if (h->op == OP_CONTINUED)
		return inside ? FRAMES_MORE : FRAMES_BAD;
	if (inside || (h->op != OP_TEXT && h->op != OP_BINARY))
		return FRAMES_BAD;
	f->in_text = h->op == OP_TEXT;
	f->in_other = !f->in_text;
	return FRAMES_MORE;
}

static enum frames_end take_data(struct frames *f, const struct head *h,
				 const char *p, struct buf *text)
{
	bool is_text;

	if (order(f, h) == FRAMES_BAD)
		return FRAMES_BAD;
	is_text = f->in_text;
	if (is_text && buf_add(text, p, (size_t)h->len) < 0)
		return FRAMES_BAD;
	if (h->final)
		f->in_text = f->in_other = false;
	return is_text && h->final ? FRAMES_TEXT : FRAMES_MORE;
}

static enum frames_end take(struct frames *f, const struct head *h,
			    const char *p, struct buf *text)
{
	switch (h->op) {
	case OP_CLOSE:
		return take_close(f, (const unsigned char *)p, h->len);
	case OP_PING:
	case OP_PONG:
		return FRAMES_MORE;
	default:
		return take_data(f, h, p, text);
	}
}

enum frames_end frames_read(struct frames *f, struct buf *in, struct buf *text)
{
	enum frames_end end;
	struct head h;

	for (;;) {
		end = read_head(in, &h);
		if (end != FRAMES_TEXT)
			return end;
		/* It will never be there. */
		if (h.len > in->cap - h.size)
			return FRAMES_BAD;
		if (in->len - h.size < h.len)
			return FRAMES_MORE;
		end = take(f, &h, in->data + h.size, text);
		buf_shift(in, h.size + (size_t)h.len);
		if (end != FRAMES_MORE)
			return end;
	}
}
