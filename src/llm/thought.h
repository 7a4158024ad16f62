/* SPDX-License-Identifier: ISC */
#ifndef LLM_THOUGHT_H
#define LLM_THOUGHT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Models that reason in their answer put that before it, between "<think>" and
 * "</think>", where the server doesn't take it out (Ollama, vLLM without a
 * reasoning parser). It is nobody's business. Text comes in pieces, cut
 * anywhere.
 */
struct thought {
	enum {
		THOUGHT_BEFORE = 0, /* nothing but blanks so far */
		THOUGHT_IN,
		THOUGHT_BEHIND, /* blanks after it */
		THOUGHT_SAID,   /* none has begun, as far as is known */
		THOUGHT_NONE
	} state;
	size_t n;     /* bytes of the mark that is looked for */
	size_t m;     /* and, behind THOUGHT_SAID, of its beginning */
	bool opened;  /* which was seen */
	bool at_line; /* nothing but blanks in this line */
};

/*
 * say gets what is no thought; non-zero from it ends all and is returned. A
 * template may have put the beginning of a thought into the prompt, so that
 * only its end is seen: then say gets NULL, and all that it got before was
 * one.
 */
int thought_feed(struct thought *t, const char *p, size_t n,
		 int (*say)(const char *p, size_t n, void *arg), void *arg);
/* There is no more: what looked like the beginning of a mark was none. */
int thought_end(struct thought *t,
		int (*say)(const char *p, size_t n, void *arg), void *arg);

#endif
