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

const char *blocks_check(const char *json)
{
	struct err e = { 0 };
	struct json *j = json_parse(json, strlen(json), SIM_BODY_MAX, &e);
	const char *error = NULL;
	struct block_sums sums = { 0 };
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
		if (!block_shape(json_at(j, at), &sums))
			error = "invalid_blocks";
	}
	if (!error &&
	    (sums.markdown > MARKDOWN_MAX || sums.text > BLOCKS_TEXT_MAX))
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
