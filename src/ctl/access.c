/* SPDX-License-Identifier: ISC */
#include "ctl/access.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "ctl/args.h"
#include "route/access.h"

void ctl_add_ids(struct jwrite *w, const char *key, const char *text)
{
	size_t n;

	jw_array(w, key);
	if (strcmp(text, "none") == 0 || strcmp(text, "all") == 0)
		text = "";
	while (*text) {
		n = strcspn(text, ",");
		jw_strn(w, NULL, text, n);
		text += n + (text[n] == ',');
	}
	jw_array_end(w);
}

static int add_answer(struct jwrite *w, const char *key, const char *text,
		      struct err *e)
{
	bool yes = strcmp(text, "yes") == 0;

	if (!yes && strcmp(text, "no") != 0)
		return err_set(e, ERR_INPUT,
			       "%s: '%.40s' is none of yes, no and default",
			       key, text);
	jw_bool(w, key, yes);
	return 0;
}

static int add_count(struct jwrite *w, const char *key, const char *text,
		     struct err *e)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n < 0 || n > INT_MAX)
		return err_set(e, ERR_INPUT, "%s: '%.40s' is no number", key,
			       text);
	jw_int(w, key, n);
	return 0;
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

static int add_setting(struct jwrite *w, const char *key, const char *text,
		       struct err *e)
{
	if (strcmp(text, "default") == 0)
		jw_str(w, key, NULL);
	else if (ends_with(key, "_allowed") || ends_with(key, "_denied"))
		ctl_add_ids(w, key, text);
	else if (strcmp(key, "bot_answers") == 0)
		return add_count(w, key, text, e);
	else
		return add_answer(w, key, text, e);
	return 0;
}

int ctl_access_body(struct jwrite *w, const struct ctl_args *a, struct err *e)
{
	bool any = false;
	size_t i;

	for (i = 0; i < CTL_ACCESS; i++)
		any |= a->access[i] != NULL;
	if (!any)
		return 0;
	jw_object(w, "access");
	for (i = 0; i < CTL_ACCESS && access_keys[i]; i++)
		if (a->access[i] &&
		    add_setting(w, access_keys[i], a->access[i], e) < 0)
			return -1;
	jw_object_end(w);
	return 0;
}
