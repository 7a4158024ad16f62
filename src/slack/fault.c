/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "slack/api.h"

static const char *const fault_names[] = {
	[SLACK_OK] = "ok",
	[SLACK_RATE] = "rate",
	[SLACK_TRANSIENT] = "transient",
	[SLACK_DEAD] = "dead",
	[SLACK_CONFIG] = "config",
	[SLACK_GONE] = "gone",
	[SLACK_POLICY] = "policy",
	[SLACK_CONTENT] = "content",
	[SLACK_OURS] = "ours",
};

/*
 * Slack's words by what can be done about them. A star at the end stands for
 * any rest: there are restricted_action_read_only_channel and more like it.
 */
static const struct {
	const char *error;
	enum slack_fault fault;
} faults[] = {
	{ "ratelimited", SLACK_RATE },
	{ "rate_limited", SLACK_RATE },
	{ "message_limit_exceeded", SLACK_RATE },

	{ "internal_error", SLACK_TRANSIENT },
	{ "fatal_error", SLACK_TRANSIENT },
	{ "service_unavailable", SLACK_TRANSIENT },
	{ "request_timeout", SLACK_TRANSIENT },
	{ "update_failed", SLACK_TRANSIENT },
	{ "messaging_processing_failed", SLACK_TRANSIENT },
	{ "external_channel_migrating", SLACK_TRANSIENT },
	{ "streaming_state_conflict", SLACK_TRANSIENT }, /* it ends by itself */
	{ "team_added_to_org", SLACK_TRANSIENT },
	{ "org_login_required", SLACK_TRANSIENT },

	{ "invalid_auth", SLACK_DEAD },
	{ "not_authed", SLACK_DEAD },
	{ "account_inactive", SLACK_DEAD },
	{ "token_revoked", SLACK_DEAD },
	{ "token_expired", SLACK_DEAD },
	{ "user_removed_from_team", SLACK_DEAD },
	{ "team_disabled", SLACK_DEAD },

	{ "missing_scope", SLACK_CONFIG },
	{ "not_allowed_token_type", SLACK_CONFIG },
	{ "not_agent_app", SLACK_CONFIG },
	{ "feature_disabled", SLACK_CONFIG },
	{ "messages_tab_disabled", SLACK_CONFIG },
	{ "not_enabled", SLACK_CONFIG },
	{ "app_access_restricted", SLACK_CONFIG },
	{ "accesslimited", SLACK_CONFIG },
	{ "team_access_not_granted", SLACK_CONFIG },
	{ "enterprise_is_restricted", SLACK_CONFIG },
	{ "two_factor_setup_required", SLACK_CONFIG },
	{ "forbidden_team", SLACK_CONFIG },

	{ "channel_not_found", SLACK_GONE },
	{ "not_in_channel", SLACK_GONE },
	{ "is_archived", SLACK_GONE },
	{ "is_inactive", SLACK_GONE },
	{ "thread_not_found", SLACK_GONE },
	{ "message_not_found", SLACK_GONE },
	{ "cannot_reply_to_message", SLACK_GONE },
	{ "user_not_found", SLACK_GONE },
	{ "user_not_in_channel", SLACK_GONE },

	{ "restricted_action*", SLACK_POLICY },
	{ "access_denied", SLACK_POLICY },
	{ "ekm_access_denied", SLACK_POLICY },
	{ "edit_window_closed", SLACK_POLICY },
	{ "cant_update_message", SLACK_POLICY },
	{ "cant_delete_message", SLACK_POLICY },
	{ "thread_locked", SLACK_POLICY },
	{ "posting_to_channel_denied", SLACK_POLICY },

	{ "msg_too_long", SLACK_CONTENT },
	{ "msg_blocks_too_long", SLACK_CONTENT },
	{ "msg_blocks_too_many", SLACK_CONTENT },
	{ "invalid_blocks*", SLACK_CONTENT },
	{ "invalid_chunks", SLACK_CONTENT },
	{ "no_text", SLACK_CONTENT },
	{ "markdown_text_conflict", SLACK_CONTENT },
	{ "block_mismatch", SLACK_CONTENT },
	{ "too_many_attachments", SLACK_CONTENT },
	{ "metadata_too_large", SLACK_CONTENT },
	{ "invalid_metadata_*", SLACK_CONTENT },
};

enum slack_fault slack_fault_of(const char *error)
{
	size_t i, n;

	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		n = strlen(faults[i].error);
		if (faults[i].error[n - 1] == '*' &&
		    strncmp(error, faults[i].error, n - 1) == 0)
			return faults[i].fault;
		if (strcmp(error, faults[i].error) == 0)
			return faults[i].fault;
	}
	return SLACK_OURS;
}

const char *slack_fault_name(enum slack_fault f)
{
	if ((size_t)f >= sizeof(fault_names) / sizeof(fault_names[0]))
		return "?";
	return fault_names[f];
}
