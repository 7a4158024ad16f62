/* SPDX-License-Identifier: ISC */
#include "ctl/manifest.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "route/signal.h"

#define NAME_MAX_BYTES 35

const struct manifest_scope manifest_scopes[] = {
	{ "app_mentions:read", "be mentioned", NULL },
	{ "chat:write", "answer", NULL },
	{ "im:history", "read what is written to it directly",
	  "direct messages don't arrive" },
	{ "mpim:history", "... in a group conversation",
	  "group conversations don't arrive" },
	{ "channels:history", "follow a thread that it is part of",
	  "threads in channels aren't followed" },
	{ "groups:history", "... in a private channel",
	  "threads in private channels aren't followed" },
	{ "reactions:read", "be stopped, or sent away, by a reaction",
	  "reactions do nothing" },
	{ "users:read", "call people by their names", "people have no names" },
	{ "files:read", "read what is attached to a question",
	  "attached files aren't read" },
	{ "reactions:write", "show that a message was seen",
	  "what waits for an answer gets no sign" },
};
const size_t manifest_nscopes =
	sizeof(manifest_scopes) / sizeof(manifest_scopes[0]);

static const char *const events[] = {
	"app_mention",           "message.im",
	"message.mpim",          "message.channels",
	"message.groups",        "app_uninstalled",
	"tokens_revoked",        "channel_id_changed",
	"reaction_added",        "app_home_opened",
	"member_joined_channel",
};
#define NEVENTS (sizeof(events) / sizeof(events[0]))
/* Without it an agent's answers have no Stop button of Slack's. */
static const char agent_event[] = "agent_session_stopped";

static const char description[] = "Answers questions in Slack";
static const char shortcut[] = "Ask about this";
static const char shortcut_text[] = "Ask about a message, in its thread";
static const char command[] = "/ask";
static const char command_text[] = "Ask, and be answered for your eyes only";
static const char hint[] = "your question";
static const char commands_scope[] = "commands";

/* What may stand in a display name of a bot: a-z, 0-9, "-", "_", ".". */
static int display_name(const char *name, char out[NAME_MAX_BYTES + 1])
{
	size_t i, n = 0;

	if (!*name || strlen(name) > NAME_MAX_BYTES)
		return -1;
	for (i = 0; name[i]; i++) {
		if ((unsigned char)name[i] < ' ' || strchr("\"\\", name[i]))
			return -1;
		if (isalnum((unsigned char)name[i]) || strchr("-_.", name[i]))
			out[n++] = (char)tolower((unsigned char)name[i]);
		else if (name[i] == ' ')
			out[n++] = '-';
	}
	out[n] = '\0';
	return n > 0 ? 0 : -1;
}

static void print_features(const char *display, const struct manifest_opts *o,
			   FILE *out)
{
	fprintf(out,
		"features:\n"
		"  app_home:\n"
		"    home_tab_enabled: true\n"
		"    messages_tab_enabled: true\n"
		"    # Without this nobody can write to the agent directly.\n"
		"    messages_tab_read_only_enabled: false\n"
		"  bot_user:\n"
		"    %-28s # a-z, 0-9, \"-\", \"_\", \".\"\n"
		"    always_online: true\n",
		display);
	if (o->commands)
		fprintf(out,
			"  shortcuts:\n"
			"    - name: %s\n"
			"      type: message\n"
			"      callback_id: " SIGNAL_ABOUT "\n"
			"      description: %s\n"
			"  slash_commands:\n"
			"    - command: %-20s # or any other name\n"
			"      description: %s\n"
			"      usage_hint: %s\n"
			"      should_escape: true\n",
			shortcut, shortcut_text, command, command_text, hint);
	if (o->agent_view)
		fprintf(out,
			"  # Guests of the workspace can't use it then.\n"
			"  agent_view:\n"
			"    agent_description: %s\n",
			description);
}

static void print_yaml(const char *name, const char *display,
		       const struct manifest_opts *o, FILE *out)
{
	char line[80];
	size_t i;

	fputs("# The Slack app of one agent, for https://api.slack.com/apps\n"
	      "# \"Create New App\", \"From a manifest\". Change the two names, "
	      "nothing else is\n"
	      "# needed. See getting-started.md for what to click.\n"
	      "_metadata:\n"
	      "  major_version: 2\n"
	      "  minor_version: 1\n"
	      "display_information:\n",
	      out);
	(void)snprintf(line, sizeof(line), "name: %s", name);
	fprintf(out,
		"  %-30s # 35 characters at most\n"
		"  description: %s\n"
		"  background_color: \"#1d3557\"\n",
		line, description);
	(void)snprintf(line, sizeof(line), "display_name: %s", display);
	print_features(line, o, out);
	fputs("oauth_config:\n  scopes:\n    bot:\n", out);
	for (i = 0; i < manifest_nscopes; i++)
		fprintf(out, "      - %-24s # %s\n", manifest_scopes[i].scope,
			manifest_scopes[i].why);
	if (o->commands)
		fprintf(out, "      - %s\n", commands_scope);
	if (o->agent_view)
		fputs("      - assistant:write\n", out);
	fputs("settings:\n  event_subscriptions:\n    bot_events:\n", out);
	for (i = 0; i < NEVENTS; i++)
		fprintf(out, "      - %s\n", events[i]);
	if (o->agent_view)
		fprintf(out, "      - %s\n", agent_event);
	fputs("  interactivity:\n"
	      "    is_enabled: true\n"
	      "  org_deploy_enabled: false\n"
	      "  socket_mode_enabled: true\n"
	      "  # True makes bot tokens that expire; it can't be switched off"
	      " later.\n"
	      "  token_rotation_enabled: false\n",
	      out);
}

static void write_commands(struct jwrite *w)
{
	jw_array(w, "shortcuts");
	jw_object(w, NULL);
	jw_str(w, "name", shortcut);
	jw_str(w, "type", "message");
	jw_str(w, "callback_id", SIGNAL_ABOUT);
	jw_str(w, "description", shortcut_text);
	jw_object_end(w);
	jw_array_end(w);
	jw_array(w, "slash_commands");
	jw_object(w, NULL);
	jw_str(w, "command", command);
	jw_str(w, "description", command_text);
	jw_str(w, "usage_hint", hint);
	jw_bool(w, "should_escape", true);
	jw_object_end(w);
	jw_array_end(w);
}

static void write_features(struct jwrite *w, const char *display,
			   const struct manifest_opts *o)
{
	jw_object(w, "features");
	jw_object(w, "app_home");
	jw_bool(w, "home_tab_enabled", true);
	jw_bool(w, "messages_tab_enabled", true);
	jw_bool(w, "messages_tab_read_only_enabled", false);
	jw_object_end(w);
	jw_object(w, "bot_user");
	jw_str(w, "display_name", display);
	jw_bool(w, "always_online", true);
	jw_object_end(w);
	if (o->commands)
		write_commands(w);
	if (o->agent_view) {
		jw_object(w, "agent_view");
		jw_str(w, "agent_description", description);
		jw_object_end(w);
	}
	jw_object_end(w);
}

static void write_scopes(struct jwrite *w, const struct manifest_opts *o)
{
	size_t i;

	jw_object(w, "oauth_config");
	jw_object(w, "scopes");
	jw_array(w, "bot");
	for (i = 0; i < manifest_nscopes; i++)
		jw_str(w, NULL, manifest_scopes[i].scope);
	if (o->commands)
		jw_str(w, NULL, commands_scope);
	if (o->agent_view)
		jw_str(w, NULL, "assistant:write");
	jw_array_end(w);
	jw_object_end(w);
	jw_object_end(w);
}

static void write_settings(struct jwrite *w, const struct manifest_opts *o)
{
	size_t i;

	jw_object(w, "settings");
	jw_object(w, "event_subscriptions");
	jw_array(w, "bot_events");
	for (i = 0; i < NEVENTS; i++)
		jw_str(w, NULL, events[i]);
	if (o->agent_view)
		jw_str(w, NULL, agent_event);
	jw_array_end(w);
	jw_object_end(w);
	jw_object(w, "interactivity");
	jw_bool(w, "is_enabled", true);
	jw_object_end(w);
	jw_bool(w, "org_deploy_enabled", false);
	jw_bool(w, "socket_mode_enabled", true);
	jw_bool(w, "token_rotation_enabled", false);
	jw_object_end(w);
}

static void print_json(const char *name, const char *display,
		       const struct manifest_opts *o, FILE *out)
{
	struct jwrite w;
	struct buf b;

	buf_init(&b, 65536);
	jw_init(&w, &b);
	jw_object(&w, NULL);
	jw_object(&w, "_metadata");
	jw_int(&w, "major_version", 2);
	jw_int(&w, "minor_version", 1);
	jw_object_end(&w);
	jw_object(&w, "display_information");
	jw_str(&w, "name", name);
	jw_str(&w, "description", description);
	jw_str(&w, "background_color", "#1d3557");
	jw_object_end(&w);
	write_features(&w, display, o);
	write_scopes(&w, o);
	write_settings(&w, o);
	jw_object_end(&w);
	fprintf(out, "%s\n", b.data ? b.data : "");
	buf_release(&b);
}

int manifest_print(const char *name, const struct manifest_opts *o, FILE *out)
{
	char display[NAME_MAX_BYTES + 1];

	if (!name)
		name = "Mara";
	if (display_name(name, display) < 0)
		return -1;
	if (o->json)
		print_json(name, display, o, out);
	else
		print_yaml(name, display, o, out);
	return 0;
}
