/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/control.h"

#define INT(name)                                                 \
	{                                                         \
#name, offsetof(struct sim_settings, name), false \
	}
#define BOOL(name)                                               \
	{                                                        \
#name, offsetof(struct sim_settings, name), true \
	}

static const struct {
	const char *name;
	size_t at;
	bool is_bool;
} settings[] = {
	INT(ack_timeout_ms),  BOOL(ack_any_link), INT(ticket_ms),
	INT(hello_ms),        INT(ping_ms),       INT(link_life_ms),
	INT(warning_ms),      INT(max_links),     BOOL(own_events),
	BOOL(deaf),           BOOL(root_events),  BOOL(limits),
	INT(limit_window_ms), INT(trigger_ms),    INT(hook_ms),
	INT(stream_ms),       INT(token_ms),      INT(refresh_grace_ms),
	INT(post_burst),      INT(llm_first_ms),  INT(llm_token_ms),
	INT(llm_piece),       INT(llm_context),
};

static int put_int(int *to, const char *value, const char **end)
{
	char *stop;
	long v;

	errno = 0;
	v = strtol(value, &stop, 10);
	if (stop == value || errno != 0 || v < 0 || v > INT_MAX)
		return -1;
	*to = (int)v;
	*end = stop;
	return 0;
}

/* "1000,60000": the waits before each retry. */
static int put_retries(struct sim_settings *set, const char *value)
{
	int waits[SIM_RETRIES] = { 0 };
	const char *p = value;
	size_t n = 0;

	while (*p) {
		if (n == SIM_RETRIES - 1 || put_int(&waits[n++], p, &p) < 0)
			return -1;
		if (*p && *p++ != ',')
			return -1;
	}
	memcpy(set->retry_ms, waits, sizeof(waits));
	return 0;
}

static int put_bool(bool *to, const char *value)
{
	*to = strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
	return *to || strcmp(value, "false") == 0 || strcmp(value, "0") == 0
		       ? 0
		       : -1;
}

int settings_put(struct sim_settings *set, const char *name, const char *value)
{
	const char *end;
	void *to;
	size_t i;

	if (strcmp(name, "retry_ms") == 0)
		return put_retries(set, value);
	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (strcmp(settings[i].name, name) != 0)
			continue;
		to = (char *)set + settings[i].at;
		if (settings[i].is_bool)
			return put_bool(to, value);
		return put_int(to, value, &end) < 0 || *end ? -1 : 0;
	}
	return -1;
}

void settings_write(struct jwrite *w, const struct sim_settings *set)
{
	const void *from;
	char waits[SIM_RETRIES * 12] = "";
	size_t i, n = 0;

	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		from = (const char *)set + settings[i].at;
		if (settings[i].is_bool)
			jw_bool(w, settings[i].name, *(const bool *)from);
		else
			jw_int(w, settings[i].name, *(const int *)from);
	}
	for (i = 0; i < SIM_RETRIES && set->retry_ms[i]; i++)
		n += (size_t)snprintf(waits + n, sizeof(waits) - n, "%s%d",
				      i ? "," : "", set->retry_ms[i]);
	jw_str(w, "retry_ms", waits);
}
