/* SPDX-License-Identifier: ISC */
#include "admin/levels.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"

static int set_level(const char *part, const char *level, struct err *e)
{
	int i = part ? log_part_find(part) : -1;
	enum log_level l;

	if (part && i < 0)
		return err_set(e, ERR_INPUT,
			       "the log has no part '%.40s'; 'konstructctl "
			       "log-level' lists them",
			       part);
	if (part && strcmp(level, "default") == 0) {
		log_reset_part(i);
		return 0;
	}
	if (log_level_parse(level, &l) < 0)
		return err_set(e, ERR_INPUT,
			       "'%.40s' is none of error, warn, info, debug%s",
			       level, part ? ", default" : "");
	if (part)
		log_set_part(i, l);
	else
		log_set_level(l);
	log_info(LOG_FIELDS({ "part", part }, { "to", level }),
		 "log level is set");
	return 0;
}

int levels_set(const char *body, size_t len, struct err *e)
{
	struct json *j = json_parse(body, len, len, e);
	const char *level = json_str(j, "level");
	int rc = -1;

	if (j && !level)
		err_set(e, ERR_INPUT, "level: missing");
	else if (j)
		rc = set_level(json_str(j, "part"), level, e);
	json_free(j);
	return rc;
}

void levels_show(struct buf *out)
{
	struct jwrite w;
	enum log_level l;
	bool own;
	int i;

	jw_init(&w, out);
	jw_object(&w, NULL);
	jw_str(&w, "level", log_level_name(log_level_of(-1, &own)));
	jw_object(&w, "parts");
	for (i = 0; i < LOG_PARTS; i++) {
		l = log_level_of(i, &own);
		jw_str(&w, log_part_name(i), own ? log_level_name(l) : NULL);
	}
	jw_object_end(&w);
	jw_object_end(&w);
}
