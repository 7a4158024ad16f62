/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SCENE_H
#define TESTS_SCENE_H

#include "stage.h"

/* What turns are made to play on the stage, in more than one program. */

/* The stage opens, the job is submitted, and ms pass. */
void scene_play(struct job *j, int64_t ms);

/* The text must hold part. */
void scene_holds(const char *text, const char *part);

/* The first note of that part with this ts, and the one with an answer; NULL
 * when there is none. */
const struct stage_note *scene_note(const char *part_ts, int part);
const struct stage_note *scene_answer(void);

/* The model answers in as many pieces as the stage takes. */
void scene_pieces(void);
/* Paragraphs of 1,000 characters, the first of "a"; the caller's. */
char *scene_text(size_t paragraphs);

/* Of somebody whose name isn't known, to somebody else. */
struct job *scene_nameless(const char *id, const char *ts);
/* As stage_ask(), of an entry whose placeholder an earlier process has posted
 * or, with "", meant to post. */
struct job *scene_second(const char *placeholder);
/* What an earlier process has posted as that part. */
void scene_earlier(const char *ts, size_t part);

#endif
