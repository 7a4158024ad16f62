/* SPDX-License-Identifier: ISC */
#include "envelopes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char authorized[] =
	"\"authorizations\":[{\"enterprise_id\":null,\"team_id\":\"T1\","
	"\"user_id\":\"UBOT\",\"is_bot\":true,"
	"\"is_enterprise_install\":false}]";

char *event_frame_with(const char *outer, const char *event)
{
	static const char form[] =
		"{\"envelope_id\":\"e-1\",\"payload\":{"
		"\"token\":\"x\",\"team_id\":\"T1\","
		"\"context_team_id\":\"T1\",\"api_app_id\":\"A1\","
		"\"event\":%s,\"type\":\"event_callback\","
		"\"event_id\":\"Ev1\",\"event_time\":1700000000,%s,"
		"\"event_context\":\"4-abc\"},"
		"\"type\":\"events_api\",\"retry_attempt\":0,"
		"\"retry_reason\":\"\","
		"\"accepts_response_payload\":false}";
	size_t size = sizeof(form) + strlen(outer) + strlen(event);
	char *s = malloc(size);

	if (!s)
		abort();
	(void)snprintf(s, size, form, event, outer);
	return s;
}

char *event_frame(const char *event)
{
	char outer[300];

	(void)snprintf(outer, sizeof(outer),
		       "%s,\"is_ext_shared_channel\":false", authorized);
	return event_frame_with(outer, event);
}
