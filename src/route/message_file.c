/* SPDX-License-Identifier: ISC */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "route/message_in.h"

/* docs.slack.dev/reference/objects/file-object */

#define LABEL_MAX 512
#define URL_MAX   2048

static bool label_valid(const char *s)
{
	return strlen(s) <= LABEL_MAX;
}

static bool url_valid(const char *s)
{
	size_t n = strcspn(s, " \t\r\n\"<>\\");

	return n > 0 && n <= URL_MAX && s[n] == '\0';
}

static bool is_one_of(const char *s, const char *const *words)
{
	for (; s && *words; words++)
		if (strcmp(s, *words) == 0)
			return true;
	return false;
}

static enum message_file_place place_of(const struct message_file *f,
					const struct json *j)
{
	static const char *const gone[] = { "tombstone", "hidden_by_limit",
					    NULL };
	static const char *const denied[] = { "access_denied", "file_not_found",
					      NULL };
	static const char *const outside[] = { "external", NULL };
	static const char *const untold[] = { "check_file_info", NULL };
	const char *mode = json_str(j, "mode");
	const char *access = json_str(j, "file_access");

	if (is_one_of(mode, gone) || is_one_of(access, denied))
		return FILE_GONE;
	if (is_one_of(mode, outside) || json_bool(j, "is_external", false))
		return FILE_OUTSIDE;
	return f->url && !is_one_of(access, untold) ? FILE_HERE : FILE_UNTOLD;
}

/* Each is as wide or high as its name says, and not larger than the image. */
static int take_thumb(struct message_file *f, const struct json *j,
		      struct err *e)
{
	static const char *const keys[] = { "thumb_1024", "thumb_960",
					    "thumb_720" };
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]) && !f->thumb; i++)
		if (message_take_if(j, keys[i], url_valid, &f->thumb, e) < 0)
			return -1;
	return 0;
}

int message_file_take(struct message_file *f, const struct json *j,
		      struct err *e)
{
	memset(f, 0, sizeof(*f));
	f->size = json_int(j, "size", 0);
	if (f->size < 0)
		f->size = 0;
	if (message_take_if(j, "id", message_id_valid, &f->id, e) < 0 ||
	    message_take_if(j, "name", label_valid, &f->name, e) < 0 ||
	    message_take_if(j, "mimetype", label_valid, &f->mimetype, e) < 0 ||
	    message_take_if(j, "url_private_download", url_valid, &f->url, e) <
		    0 ||
	    (!f->url &&
	     message_take_if(j, "url_private", url_valid, &f->url, e) < 0) ||
	    take_thumb(f, j, e) < 0) {
		message_file_release(f);
		return -1;
	}
	f->place = place_of(f, j);
	return 0;
}

void message_file_release(struct message_file *f)
{
	free(f->id);
	free(f->name);
	free(f->mimetype);
	free(f->url);
	free(f->thumb);
	memset(f, 0, sizeof(*f));
}
