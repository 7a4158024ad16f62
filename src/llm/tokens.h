/* SPDX-License-Identifier: ISC */
#ifndef LLM_TOKENS_H
#define LLM_TOKENS_H

#include <stddef.h>

/*
 * About how many tokens a model makes of n bytes, without its tokenizer: those
 * differ, and most can't be had. Held against cl100k and o200k (2026): prose
 * in English and German, code, JSON and ids come out up to a third too many,
 * Chinese and Japanese up to twice, what o200k packs better than others
 * (Cyrillic, Arabic, Devanagari) up to three times; hardly anything too few.
 * Linear; any bytes.
 */
size_t llm_tokens(const char *text, size_t n);

/* Around each message of a chat: its role, and where it begins and ends. */
#define LLM_TOKENS_MESSAGE 4

/* More bytes than a token can have in this estimate, blanks apart. */
#define LLM_TOKENS_BYTES 6

#endif
