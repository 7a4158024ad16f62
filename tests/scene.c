/* SPDX-License-Identifier: ISC */
#include "scene.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "route/job.h"
#include "route/message.h"

void scene_play(struct job *j, int64_t ms)
{
	stage_begin();
	stage_submit(j);
	stage_run(ms);
}

void scene_holds(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "no '%s' in '%s'", part,
		      text);
}

const struct stage_note *scene_note(const char *part_ts, int part)
{
	size_t i;

	for (i = 0; i < stage.nnotes; i++)
		if (stage.notes[i].part == part &&
		    strcmp(stage.notes[i].part_ts, part_ts) == 0)
			return &stage.notes[i];
	return NULL;
}

const struct stage_note *scene_answer(void)
{
	size_t i;

	for (i = 0; i < stage.nnotes; i++)
		if (stage.notes[i].answer[0] != '\0')
			return &stage.notes[i];
	return NULL;
}

void scene_pieces(void)
{
	size_t i;

	for (i = 0; i < 15; i++)
		stage.says[i] = "word ";
	stage.says[15] = NULL;
}

char *scene_text(size_t paragraphs)
{
	char *s = calloc(paragraphs, 1100);
	size_t i;

	for (i = 0; i < paragraphs; i++) {
		memset(s + strlen(s), 'a' + (char)i, 998);
		strcat(s, "\n\n");
	}
	return s;
}

struct job *scene_nameless(const char *id, const char *ts)
{
	struct job *j = stage_job(id, ts, NULL, "hello <@U2>");

	free(j->msg->sender.display_name);
	j->msg->sender.display_name = NULL;
	return j;
}

struct job *scene_second(const char *placeholder)
{
	struct job *j = stage_ask();

	j->again = j->intended = true;
	free(j->entry.parts[0]);
	j->entry.parts[0] = strdup(placeholder);
	return j;
}

void scene_earlier(const char *ts, size_t part)
{
	struct stage_msg *m = &stage.msgs[stage.nmsgs++];

	snprintf(m->ts, sizeof(m->ts), "%s", ts);
	snprintf(m->thread, sizeof(m->thread), "100.000100");
	snprintf(m->text, sizeof(m->text), "Thinking...");
	snprintf(m->metadata, sizeof(m->metadata),
		 "{\"event_type\":\"konstruct_reply\",\"event_payload\":"
		 "{\"entry\":\"entry1\",\"part\":%zu}}",
		 part);
}
