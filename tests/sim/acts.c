/* SPDX-License-Identifier: ISC */
#include "sim/acts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "sim/attach.h"
#include "sim/client.h"
#include "sim/people.h"
#include "sim/util.h"
#include "sim/view.h"
#include "sim/widgets.h"

#define BODY_MAX ((size_t)1 << 20)

const char acts_help[] =
	"  MSG is a number as shown (2, or 2.1), v is the modal or home that\r\n"
	"  is shown; without it the last message is meant.\r\n"
	"  /react [MSG] NAME    put a reaction on it; /unreact takes it away\r\n"
	"  /edit [MSG] TEXT     change your own\r\n"
	"  /delete [MSG]        delete it, the agent's too\r\n"
	"  /click [MSG|v] N     press [N ...]\r\n"
	"  /slash /NAME TEXT    type a slash command\r\n"
	"  /shortcut ID [MSG]   take a shortcut, of the message\r\n"
	"  /stop                stop the agent's work in this thread\r\n"
	"  /home                look at the agent's home, or no longer\r\n"
	"  /submit [ID=TEXT; ID=TEXT]  send the modal off; /cancel closes it\r\n"
	"  /invite WHO          bring somebody, or the agent, into the channel\r\n"
	"  /file PATH [TEXT]    say it with a file\r\n";

/* The next word of a line, which moves on; "" at its end. */
static char *word(char **line)
{
	char *at = *line + strspn(*line, " ");
	char *end = at + strcspn(at, " ");

	*line = end + strspn(end, " ");
	*end = '\0';
	return at;
}

static int refuse(struct err *e, const char *why)
{
	return err_set(e, ERR_INPUT, "%s", why);
}

/* Calls with the members as given, pairs of key and value up to a NULL. */
static struct json *call(const struct place *p, const char *name,
			 const char *const *pairs, struct err *e)
{
	struct jwrite w;
	struct json *j;
	struct buf b;

	buf_init(&b, BODY_MAX);
	jw_init(&w, &b);
	jw_object(&w, NULL);
	jw_str(&w, "user", p->user);
	for (; *pairs; pairs += 2) {
		if (pairs[1])
			jw_str(&w, pairs[0], pairs[1]);
	}
	jw_object_end(&w);
	j = client_call(p->client, name, b.data, e);
	buf_release(&b);
	return j;
}

static int tell(const struct place *p, const char *name,
		const char *const *pairs, struct err *e)
{
	struct json *j = call(p, name, pairs, e);

	json_free(j);
	return j ? 0 : -1;
}

/* Does the line begin with a message's number? Then it moves on. */
static const char *take_msg(const struct place *p, char **line)
{
	size_t n = strspn(*line, "0123456789.");
	char number[24];

	if (n == 0 || n >= sizeof(number) || ((*line)[n] && (*line)[n] != ' '))
		return NULL;
	snprintf(number, sizeof(number), "%.*s", (int)n, *line);
	*line += n + strspn(*line + n, " ");
	return view_message(p->view, number);
}

static int react(const struct place *p, char *line, bool add, struct err *e)
{
	const char *ts = take_msg(p, &line);
	const char *name = word(&line);
	const char *const pairs[] = {
		"channel", p->channel,
		"ts",      ts ? ts : view_last(p->view, NULL),
		"name",    name,
		"remove",  add ? NULL : "true",
		NULL
	};

	return tell(p, "react", pairs, e);
}

static int do_react(const struct place *p, char *line, struct err *e)
{
	return react(p, line, true, e);
}

static int do_unreact(const struct place *p, char *line, struct err *e)
{
	return react(p, line, false, e);
}

static int do_edit(const struct place *p, char *line, struct err *e)
{
	const char *ts = take_msg(p, &line);
	const char *pairs[] = {
		"channel", p->channel,
		"ts",      ts ? ts : view_last(p->view, p->user),
		"text",    NULL,
		NULL
	};
	struct buf text;
	int rc;

	buf_init(&text, BODY_MAX);
	people_mrkdwn(p->people, line, &text);
	pairs[5] = text.data;
	rc = tell(p, "edit", pairs, e);
	buf_release(&text);
	return rc;
}

static int do_delete(const struct place *p, char *line, struct err *e)
{
	const char *ts = take_msg(p, &line);
	const char *const pairs[] = { "channel", p->channel, "ts",
				      ts ? ts : view_last(p->view, NULL),
				      NULL };

	return tell(p, "delete", pairs, e);
}

/* The blocks of a message, borrowed from *all. */
static const struct json *blocks_of(const struct place *p, const char *ts,
				    struct json **all, struct err *e)
{
	const char *const pairs[] = { "channel", p->channel, NULL };
	char at[48];
	size_t i;

	*all = call(p, "messages", pairs, e);
	for (i = 0; i < json_len(*all, "messages"); i++) {
		snprintf(at, sizeof(at), "messages.%zu.ts", i);
		if (!str_eq(json_str(*all, at), ts))
			continue;
		snprintf(at, sizeof(at), "messages.%zu.blocks", i);
		return json_at(*all, at);
	}
	return NULL;
}

/* The view that is shown: the newest modal, else the home; borrowed from
 * *all. */
static const struct json *shown_view(const struct place *p, struct json **all)
{
	static const char *const none[] = { NULL };
	const struct json *found = NULL, *one;
	struct err e = { 0 };
	char at[40];
	size_t i;
	bool home;

	*all = call(p, "views", none, &e);
	for (i = 0; i < json_len(*all, "views"); i++) {
		snprintf(at, sizeof(at), "views.%zu", i);
		one = json_at(*all, at);
		home = str_eq(json_str(one, "view.type"), "home");
		if (!json_bool(one, "open", false) || (home && !*p->home) ||
		    (home && found))
			continue;
		found = one;
	}
	return found;
}

/* Presses the n-th widget of these blocks; where: the call of the control
 * API, and two members that say where that is. */
static int press(const struct place *p, const struct json *blocks,
		 const char *n, const char *const where[5], struct err *e)
{
	size_t i = strtoul(n, NULL, 10);
	const char *pairs[11] = { where[1], where[2], where[3], where[4],
				  "action_id" };
	const struct widget *w;
	struct vec all = { 0 };
	int rc;

	widgets_take(blocks, &all);
	if (i >= 1 && i <= all.n) {
		w = all.v[i - 1];
		pairs[5] = w->action_id;
		pairs[6] = "value";
		pairs[7] = w->value;
		rc = tell(p, where[0], pairs, e);
	} else {
		rc = refuse(e, "there is no such button");
	}
	vec_free(&all, widget_free);
	return rc;
}

static int click_view(const struct place *p, const char *n, struct err *e)
{
	struct json *all;
	const struct json *v = shown_view(p, &all);
	const char *const where[] = { "click_view", "view",
				      json_str(v, "view.id"), "channel",
				      p->channel };
	int rc = press(p, json_at(v, "view.blocks"), n, where, e);

	json_free(all);
	return rc;
}

static int click_message(const struct place *p, const char *ts, const char *n,
			 struct err *e)
{
	const char *const where[] = { "click", "channel", p->channel, "ts",
				      ts };
	struct json *all;
	int rc;

	rc = press(p, blocks_of(p, ts, &all, e), n, where, e);
	json_free(all);
	return rc;
}

static int do_click(const struct place *p, char *line, struct err *e)
{
	char *first = word(&line);
	char *second = word(&line);
	const char *ts = *second ? take_msg(p, &first)
				 : view_last_widget(p->view);

	if (strcmp(first, "v") == 0)
		return click_view(p, second, e);
	if (!ts)
		return refuse(e, "there is no such message");
	return click_message(p, ts, *second ? second : first, e);
}

static int do_slash(const struct place *p, char *line, struct err *e)
{
	char *command = word(&line);
	const char *const pairs[] = { "channel", p->channel, "command", command,
				      "text",    line,       NULL };

	if (*command != '/')
		return refuse(e, "/slash /NAME TEXT");
	return tell(p, "slash", pairs, e);
}

static int do_shortcut(const struct place *p, char *line, struct err *e)
{
	char *id = word(&line);
	const char *ts = take_msg(p, &line);
	const char *const pairs[] = { "channel", p->channel, "callback_id", id,
				      "ts",      ts,         NULL };

	return tell(p, "shortcut", pairs, e);
}

static int do_stop(const struct place *p, char *line, struct err *e)
{
	const char *const pairs[] = { "channel", p->channel, "thread_ts",
				      p->thread_ts, NULL };

	(void)line;
	return tell(p, "stop", pairs, e);
}

static int do_home(const struct place *p, char *line, struct err *e)
{
	static const char *const none[] = { NULL };

	(void)line;
	*p->home = !*p->home;
	return *p->home ? tell(p, "open_home", none, e) : 0;
}

/* "id=text; id=text" as an object. */
static void write_values(struct jwrite *w, char *line)
{
	char *next, *eq;

	for (; line && *line; line = next) {
		next = strchr(line, ';');
		if (next)
			*next++ = '\0';
		line += strspn(line, " ");
		eq = strchr(line, '=');
		if (!eq)
			continue;
		*eq = '\0';
		jw_str(w, line, eq + 1);
	}
}

static int with_modal(const struct place *p, const char *name,
		      const char *values, struct err *e)
{
	struct json *all;
	const struct json *v = shown_view(p, &all);
	const char *const pairs[] = { "view", json_str(v, "view.id"), "values",
				      values, NULL };
	int rc;

	rc = v ? tell(p, name, pairs, e) : refuse(e, "no modal is open");
	json_free(all);
	return rc;
}

static int do_submit(const struct place *p, char *line, struct err *e)
{
	struct jwrite w;
	struct buf b;
	int rc;

	buf_init(&b, BODY_MAX);
	jw_init(&w, &b);
	jw_object(&w, NULL);
	write_values(&w, line);
	jw_object_end(&w);
	rc = with_modal(p, "submit", b.data, e);
	buf_release(&b);
	return rc;
}

static int do_cancel(const struct place *p, char *line, struct err *e)
{
	(void)line;
	return with_modal(p, "close_view", NULL, e);
}

static int do_invite(const struct place *p, char *line, struct err *e)
{
	const char *who = word(&line);
	const char *id = people_id(p->people, *who == '@' ? who + 1 : who);
	const char *const pairs[] = { "channel", p->channel, "inviter", p->user,
				      NULL };
	struct place them = *p;

	if (!id)
		return refuse(e, "nobody of that name is in this workspace");
	them.user = id;
	return tell(&them, "invite", pairs, e);
}

static int do_file(const struct place *p, char *line, struct err *e)
{
	const char *path = word(&line);
	char id[40] = "";
	struct json *j;
	struct buf text;
	int rc = -1;

	buf_init(&text, BODY_MAX);
	people_mrkdwn(p->people, *line ? line : " ", &text);
	if (attach_file(p->client, path, id, sizeof(id), e) == 0) {
		const char *const pairs[] = { "channel",   p->channel,   "text",
					      text.data,   "file_ids",   id,
					      "thread_ts", p->thread_ts, NULL };

		j = call(p, "say", pairs, e);
		rc = j ? 0 : -1;
		if (j && p->said)
			*p->said = must_dup(json_str(j, "ts"));
		json_free(j);
	}
	buf_release(&text);
	return rc;
}

static const struct {
	const char *name;
	int (*run)(const struct place *p, char *line, struct err *e);
} commands[] = {
	{ "/react", do_react },   { "/unreact", do_unreact },
	{ "/edit", do_edit },     { "/delete", do_delete },
	{ "/click", do_click },   { "/slash", do_slash },
	{ "/stop", do_stop },     { "/shortcut", do_shortcut },
	{ "/home", do_home },     { "/submit", do_submit },
	{ "/cancel", do_cancel }, { "/invite", do_invite },
	{ "/file", do_file },
};

int acts_do(const struct place *p, const char *line, struct err *e)
{
	char *copy = must_dup(line);
	char *rest = copy;
	const char *name = word(&rest);
	int rc = 1;
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, name) == 0) {
			rc = commands[i].run(p, rest, e);
			break;
		}
	}
	free(copy);
	return rc;
}

/* What the agent says that it is doing. */
static void show_work(const struct place *p, struct buf *out)
{
	const char *const pairs[] = { "channel", p->channel, "thread_ts",
				      p->thread_ts, NULL };
	struct err e = { 0 };
	struct json *j = call(p, "session", pairs, &e);

	if (json_str(j, "text"))
		buf_addf(out, "    (%s)\n", json_str(j, "text"));
	else if (str_eq(json_str(j, "status"), "processing"))
		buf_adds(out, "    (at work; /stop)\n");
	json_free(j);
}

void acts_panel(const struct place *p, struct buf *out)
{
	struct json *all;
	const struct json *v = shown_view(p, &all);

	if (p->thread_ts)
		show_work(p, out);

	if (v)
		panel_show(json_at(v, "view"), json_at(v, "errors"), out);
	json_free(all);
}
