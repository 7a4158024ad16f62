/* SPDX-License-Identifier: ISC */
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "sim/acts.h"
#include "sim/client.h"
#include "sim/people.h"
#include "sim/util.h"
#include "sim/view.h"

#define LINE_MAX_BYTES ((size_t)16 << 10)
#define TICK_MS        250

static const char help[] =
	"\r\n  A line is said; @name mentions. It goes into the thread at hand:"
	"\r\n  /new        out of the thread, to the channel"
	"\r\n  /thread N   into thread N"
	"\r\n  /quit       leave (Ctrl-D)"
	"\r\n";

struct chat {
	const char *url;
	const char *ca;
	const char *channel;
	const char *user;
	const char *team;
	int linger_s; /* after the end of input, without a terminal */

	struct client *client;
	struct client *watch; /* the watching thread's */
	int changed;          /* eventfd */
	struct people *people;
	struct view *view;
	char *channel_id;
	char *user_id;
	char *user_name;
	char *thread_ts; /* where the next line goes; NULL: the channel */
	bool tty;
	struct termios was;
	struct buf line;
	int64_t last_ms; /* of the last change */
	bool home;       /* is the agent's home shown? */
	bool over;
};

/* Where and who we are; 0 or -1 with e filled. */
static int find_place(struct chat *c, struct err *e)
{
	struct json *all = client_call(c->client, "channels", NULL, e);
	const struct json *ch = NULL;
	struct json *users = NULL;
	const char *id;
	char at[40];
	size_t i;
	int rc = -1;

	for (i = 0; i < json_len(all, "channels") && !ch; i++) {
		snprintf(at, sizeof(at), "channels.%zu", i);
		ch = json_at(all, at);
		if ((!str_eq(json_str(ch, "id"), c->channel) &&
		     !str_eq(json_str(ch, "name"), c->channel)) ||
		    (c->team && !str_eq(json_str(ch, "team"), c->team)))
			ch = NULL;
	}
	if (all && !ch)
		err_set(e, ERR_INPUT, "no channel '%s'", c->channel);
	if (!ch)
		goto out;
	users = client_call(c->client, "users", NULL, e);
	if (!users)
		goto out;
	people_take(c->people, users, json_str(ch, "team"));
	id = people_id(c->people, c->user);
	if (!id) {
		err_set(e, ERR_INPUT, "no user '%s' in that workspace",
			c->user);
		goto out;
	}
	c->channel_id = must_dup(json_str(ch, "id"));
	c->user_id = must_dup(id);
	c->user_name = must_dup(people_name(c->people, id));
	rc = 0;
out:
	json_free(users);
	json_free(all);
	return rc;
}

static void *watch_main(void *arg)
{
	struct chat *c = arg;
	struct err e = { 0 };
	int64_t seq = 0;
	uint64_t one = 1;
	char call[64];
	struct json *j;

	for (;;) {
		snprintf(call, sizeof(call), "wait?since=%lld", (long long)seq);
		j = client_call(c->watch, call, NULL, &e);
		if (!j)
			one = UINT32_MAX; /* the simulator is gone */
		seq = json_int(j, "seq", seq);
		json_free(j);
		if (write(c->changed, &one, sizeof(one)) < 0 || !j)
			return NULL;
		/* A stream of edits needn't be drawn more often than this. */
		usleep(50000);
	}
}

static void say_line(struct chat *c, const char *line)
{
	struct err e = { 0 };
	struct jwrite w;
	struct buf text, body;
	struct json *j;

	buf_init(&text, 8 * LINE_MAX_BYTES);
	buf_init(&body, 16 * LINE_MAX_BYTES);
	people_mrkdwn(c->people, line, &text);
	jw_init(&w, &body);
	jw_object(&w, NULL);
	jw_str(&w, "channel", c->channel_id);
	jw_str(&w, "user", c->user_id);
	jw_str(&w, "text", text.data);
	if (c->thread_ts)
		jw_str(&w, "thread_ts", c->thread_ts);
	jw_object_end(&w);
	j = client_call(c->client, "say", body.data, &e);
	if (!j)
		printf("\r\n%s\r\n", e.msg);
	if (j && !c->thread_ts)
		c->thread_ts = must_dup(json_str(j, "ts"));
	json_free(j);
	buf_release(&text);
	buf_release(&body);
}

static struct place place_of(struct chat *c)
{
	struct place p = { .client = c->client,
			   .people = c->people,
			   .view = c->view,
			   .channel = c->channel_id,
			   .user = c->user_id,
			   .thread_ts = c->thread_ts,
			   .home = &c->home };

	return p;
}

static void draw(struct chat *c)
{
	struct err e = { 0 };
	struct place p = place_of(c);
	char prompt[256] = "";
	struct buf b, below;
	struct json *j;
	char body[96];

	snprintf(body, sizeof(body), "{\"channel\":\"%.60s\"}", c->channel_id);
	j = client_call(c->client, "messages", body, &e);
	if (!j) {
		c->over = true;
		return;
	}
	if (c->thread_ts && view_number(c->view, c->thread_ts))
		snprintf(prompt, sizeof(prompt), "%.60s in thread %zu> ",
			 c->user_name, view_number(c->view, c->thread_ts));
	else
		snprintf(prompt, sizeof(prompt), "%.60s in #%.60s> ",
			 c->user_name, c->channel);
	buf_init(&b, 2 * LINE_MAX_BYTES);
	buf_adds(&b, prompt);
	buf_adds(&b, c->line.data ? c->line.data : "");
	buf_init(&below, 4 * LINE_MAX_BYTES);
	acts_panel(&p, &below);
	view_draw(c->view, j, below.data ? below.data : "", b.data);
	buf_release(&below);
	buf_release(&b);
	json_free(j);
}

static void act(struct chat *c, const char *line)
{
	struct place p = place_of(c);
	struct err e = { 0 };
	char *said = NULL;
	int rc;

	draw(c); /* the numbers that it may use */
	p.said = &said;
	rc = acts_do(&p, line, &e);
	if (!c->thread_ts)
		c->thread_ts = said;
	else
		free(said);
	if (rc < 0)
		printf("\r\n%s\r\n", e.msg);
	if (rc > 0)
		printf("%s%s", help, acts_help);
}

static void take_line(struct chat *c, const char *line)
{
	const char *ts;

	if (strcmp(line, "/quit") == 0) {
		c->over = true;
	} else if (strcmp(line, "/new") == 0) {
		free(c->thread_ts);
		c->thread_ts = NULL;
	} else if (strncmp(line, "/thread ", 8) == 0) {
		ts = view_thread(c->view, strtoul(line + 8, NULL, 10));
		if (ts) {
			free(c->thread_ts);
			c->thread_ts = must_dup(ts);
		}
	} else if (*line == '/') {
		act(c, line);
	} else if (*line) {
		say_line(c, line);
	}
}

/* Takes back the last character of the line. */
static void rub_out(struct buf *line)
{
	while (line->len > 0) {
		line->len--;
		if (((unsigned char)line->data[line->len] & 0xc0) != 0x80)
			break;
	}
	if (line->data)
		line->data[line->len] = '\0';
}

static void take_byte(struct chat *c, char byte)
{
	char *line;

	if (byte == '\n' || byte == '\r') {
		line = must_dup(c->line.data ? c->line.data : "");
		buf_reset(&c->line);
		take_line(c, line);
		free(line);
	} else if (c->tty && (byte == 4 || byte == 3)) {
		c->over = true;
	} else if (c->tty && (byte == 127 || byte == 8)) {
		rub_out(&c->line);
	} else if (c->tty && byte == 21) {
		buf_reset(&c->line);
	} else if ((unsigned char)byte >= ' ') {
		buf_addc(&c->line, byte);
	}
}

/* false at the end of input. */
static bool take_input(struct chat *c)
{
	char part[4096];
	ssize_t n = read(STDIN_FILENO, part, sizeof(part));
	ssize_t i;

	if (n <= 0)
		return false;
	/* An arrow key and the like. */
	if (c->tty && part[0] == '\033')
		return true;
	for (i = 0; i < n && !c->over; i++)
		take_byte(c, part[i]);
	return true;
}

static void loop(struct chat *c)
{
	struct pollfd fds[2] = { { .fd = c->changed, .events = POLLIN },
				 { .fd = STDIN_FILENO, .events = POLLIN } };
	uint64_t count;

	while (!c->over) {
		if (poll(fds, 2, c->tty ? -1 : TICK_MS) < 0)
			continue;
		if (fds[0].revents) {
			c->last_ms = clock_ms();
			if (read(c->changed, &count, sizeof(count)) < 0 ||
			    count >= UINT32_MAX)
				break;
		}
		if (fds[1].revents && !take_input(c)) {
			fds[1].fd = -1;
			c->last_ms = clock_ms();
			c->over = c->tty;
		}
		draw(c);
		if (fds[1].fd < 0 &&
		    clock_ms() - c->last_ms > c->linger_s * 1000)
			break;
	}
}

static void raw_mode(struct chat *c)
{
	struct termios raw;

	c->tty = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
		 tcgetattr(STDIN_FILENO, &c->was) == 0;
	if (!c->tty)
		return;
	raw = c->was;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

static int run(struct chat *c, struct err *e)
{
	pthread_t watcher;

	c->client = client_create(c->url, c->ca, e);
	c->watch = client_create(c->url, c->ca, e);
	if (!c->client || !c->watch || find_place(c, e) < 0)
		return -1;
	c->changed = eventfd(0, EFD_CLOEXEC);
	raw_mode(c);
	c->view = view_create(c->people, c->user_id, c->tty);
	if (c->changed < 0 ||
	    pthread_create(&watcher, NULL, watch_main, c) != 0)
		return err_set(e, ERR_RETRY, "cannot watch the simulator");
	draw(c);
	loop(c);
	if (c->tty) {
		tcsetattr(STDIN_FILENO, TCSANOW, &c->was);
		putchar('\n');
	}
	/* It may be waiting for the simulator; the process ends anyway. */
	pthread_cancel(watcher);
	pthread_join(watcher, NULL);
	return 0;
}

static int parse(struct chat *c, int argc, char **argv)
{
	static const struct option opts[] = {
		{ "url", required_argument, NULL, 'u' },
		{ "ca", required_argument, NULL, 'a' },
		{ "channel", required_argument, NULL, 'c' },
		{ "user", required_argument, NULL, 'n' },
		{ "team", required_argument, NULL, 't' },
		{ "linger", required_argument, NULL, 'l' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	c->url = "http://127.0.0.1:8010";
	c->linger_s = 3;
	for (;;) {
		opt = getopt_long(argc, argv, "", opts, NULL);
		if (opt < 0)
			break;
		switch (opt) {
		case 'u':
			c->url = optarg;
			break;
		case 'a':
			c->ca = optarg;
			break;
		case 'c':
			c->channel = optarg;
			break;
		case 'n':
			c->user = optarg;
			break;
		case 't':
			c->team = optarg;
			break;
		case 'l':
			c->linger_s = atoi(optarg);
			break;
		default:
			return -1;
		}
	}
	return c->channel && c->user && optind == argc ? 0 : -1;
}

int chat_main(int argc, char **argv)
{
	struct chat c = { .changed = -1 };
	struct err e = { 0 };
	int rc = EX_OK;

	if (parse(&c, argc, argv) < 0) {
		fputs("usage: konstruct-sim chat [--url URL] [--ca FILE] "
		      "--channel NAME --user NAME [--team ID]\n",
		      stderr);
		return EX_USAGE;
	}
	c.people = people_create();
	buf_init(&c.line, LINE_MAX_BYTES);
	if (run(&c, &e) < 0) {
		fprintf(stderr, "konstruct-sim: %s\n", e.msg);
		rc = EX_UNAVAILABLE;
	}
	view_free(c.view);
	client_free(c.client);
	client_free(c.watch);
	buf_release(&c.line);
	people_free(c.people);
	free(c.channel_id);
	free(c.user_id);
	free(c.user_name);
	free(c.thread_ts);
	return rc;
}
