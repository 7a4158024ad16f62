/* SPDX-License-Identifier: ISC */
#include "sim/ws.h"

#include <stdint.h>
#include <stdio.h>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "sim/core.h"

static uint64_t big_endian(const unsigned char *p, size_t n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

int ws_parse(char *p, size_t n, struct ws_frame *f)
{
	const unsigned char *u = (const unsigned char *)p;
	uint64_t len;
	size_t ext, head, i;

	if (n < 2)
		return 0;
	/* No extension is ever agreed on; clients must mask. */
	if (u[0] & 0x70 || !(u[1] & 0x80))
		return -1;
	f->fin = u[0] & 0x80;
	f->op = u[0] & 0x0f;
	len = u[1] & 0x7f;
	ext = len == 126 ? 2 : len == 127 ? 8 : 0;
	if (f->op >= WS_CLOSE && (ext || !f->fin))
		return -1;
	head = 2 + ext + 4;
	if (n < head)
		return 0;
	if (ext)
		len = big_endian(u + 2, ext);
	if (len > SIM_BODY_MAX)
		return -1;
	if (n - head < len)
		return 0;
	for (i = 0; i < len; i++)
		p[head + i] ^= p[head - 4 + (i & 3)];
	f->data = p + head;
	f->len = (size_t)len;
	f->whole = head + (size_t)len;
	return 1;
}

void ws_head(struct conn *c, enum ws_op op, size_t n)
{
	unsigned char head[10] = { (unsigned char)(0x80 | op) };
	size_t ext = n < 126 ? 0 : n < 65536 ? 2 : 8;
	uint64_t rest = n;
	size_t i;

	head[1] = (unsigned char)(ext == 0 ? n : ext == 2 ? 126 : 127);
	for (i = 0; i < ext; i++) {
		head[1 + ext - i] = rest & 0xff;
		rest >>= 8;
	}
	conn_send(c, head, 2 + ext);
}

void ws_send(struct conn *c, enum ws_op op, const void *p, size_t n)
{
	ws_head(c, op, n);
	conn_send(c, p, n);
}

void ws_accept(const char *key, char out[32])
{
	unsigned char sha[SHA_DIGEST_LENGTH];
	char text[160];
	int n;

	n = snprintf(text, sizeof(text),
		     "%.100s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
	SHA1((unsigned char *)text, (size_t)n, sha);
	EVP_EncodeBlock((unsigned char *)out, sha, sizeof(sha));
}
