/* SPDX-License-Identifier: ISC */
#include "sim/blocks.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "sim/core.h"

#define BLOCKS_MAX      50
#define MARKDOWN_MAX    12000
#define BLOCKS_TEXT_MAX 13200
#define METADATA_MAX    8000
#define ATTACHMENTS_MAX 100

static size_t text_len(const struct json *block, const char *path)
{
	const char *s = json_str(block, path);

	return s ? chars_len(s) : 0;
}

/* Most characters of a block's text, by its type; 0: a type unknown here. */
static size_t text_max(const char *type)
{
	static const struct {
		const char *type;
		size_t max;
	} known[] = {
		{ "section", 3000 },
		{ "header", 150 },
		{ "markdown", MARKDOWN_MAX },
		{ "divider", 1 },
		{ "image", 2000 },
		{ "context", 3000 },
		{ "actions", 1 },
		{ "context_actions", 1 },
		{ "rich_text", 1 },
		{ "table", 1 },
		{ "data_table", 1 },
		{ "data_visualization", 1 },
		{ "input", 2000 },
		{ "file", 1 },
		{ "video", 200 },
		{ "task_card", 1 },
		{ "plan", 1 },
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].type, type) == 0)
			return known[i].max;
	}
	return 0;
}

static const char *block_check(const struct json *b, size_t *total,
			       size_t *markdown)
{
	const char *type = json_str(b, "type");
	size_t max = type ? text_max(type) : 0;
	size_t n;

	if (max == 0)
		return "invalid_blocks";
	n = text_len(b, "text.text") + text_len(b, "text");
	if (n > max && max > 1)
		return "invalid_blocks";
	if ((strcmp(type, "header") == 0 || strcmp(type, "markdown") == 0) &&
	    n == 0)
		return "invalid_blocks";
	*total += n;
	if (strcmp(type, "markdown") == 0)
		*markdown += n;
	return NULL;
}

const char *blocks_check(const char *json)
{
	struct err e = { 0 };
	struct json *j = json_parse(json, strlen(json), SIM_BODY_MAX, &e);
	const char *error = NULL;
	size_t markdown = 0;
	size_t total = 0;
	char at[24];
	size_t i;

	if (!j || !json_is_array(j, "")) {
		json_free(j);
		return "invalid_blocks_format";
	}
	if (json_len(j, "") > BLOCKS_MAX)
		error = "msg_blocks_too_many";
	for (i = 0; !error && i < json_len(j, ""); i++) {
		snprintf(at, sizeof(at), "%zu", i);
		error = block_check(json_at(j, at), &total, &markdown);
	}
	if (!error && (markdown > MARKDOWN_MAX || total > BLOCKS_TEXT_MAX))
		error = "msg_blocks_too_long";
	json_free(j);
	return error;
}

const char *metadata_check(const char *json)
{
	struct err e = { 0 };
	struct json *j;
	const char *error = NULL;

	if (strlen(json) > METADATA_MAX)
		return "metadata_too_large";
	j = json_parse(json, strlen(json), METADATA_MAX, &e);
	if (!j || !json_is_object(j, ""))
		error = "invalid_metadata_format";
	else if (strcmp(json, "{}") != 0 &&
		 (!json_str(j, "event_type") ||
		  !json_is_object(j, "event_payload")))
		error = "invalid_metadata_schema";
	json_free(j);
	return error;
}

const char *attachments_check(const char *json)
{
	struct err e = { 0 };
	struct json *j = json_parse(json, strlen(json), SIM_BODY_MAX, &e);
	const char *error = NULL;

	if (!j || !json_is_array(j, ""))
		error = "invalid_arguments";
	else if (json_len(j, "") > ATTACHMENTS_MAX)
		error = "too_many_attachments";
	json_free(j);
	return error;
}
