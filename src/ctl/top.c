/* SPDX-License-Identifier: ISC */
#include "ctl/top.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "ctl/ctl.h"

#define EVERY_MS   2000
#define ANSWER_MAX ((size_t)16 * 1024 * 1024)
#define SCREEN_MAX ((size_t)1024 * 1024)

/* The alternate screen without a cursor, and back. */
#define ENTER "\x1b[?1049h\x1b[?25l"
#define LEAVE "\x1b[?25h\x1b[?1049l"

static volatile sig_atomic_t ended;
static struct termios was;

static void on_signal(int sig)
{
	(void)sig;
	ended = 1;
}

/* Only so that poll(2) returns. */
static void on_size(int sig)
{
	(void)sig;
}

static void put(const char *s, size_t n)
{
	ssize_t did;

	while (n > 0) {
		did = write(STDOUT_FILENO, s, n);
		if (did < 0 && errno == EINTR)
			continue;
		if (did <= 0) {
			ended = 1;
			return;
		}
		s += did;
		n -= (size_t)did;
	}
}

static bool enter(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = on_signal };
	struct termios t;
	size_t i;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
	    tcgetattr(STDIN_FILENO, &was) < 0)
		return false;
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		(void)sigaction(ends[i], &sa, NULL);
	sa.sa_handler = on_size;
	(void)sigaction(SIGWINCH, &sa, NULL);
	t = was;
	t.c_lflag &= ~(tcflag_t)(ECHO | ICANON);
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &t) < 0)
		return false;
	put(ENTER, sizeof(ENTER) - 1);
	return true;
}

static void leave(void)
{
	put(LEAVE, sizeof(LEAVE) - 1);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
}

/* NULL with e filled. */
static struct json *fetch(struct ctl *c, struct buf *answer, struct err *e)
{
	struct json *j;
	int status;

	buf_reset(answer);
	memset(e, 0, sizeof(*e));
	status = ctl_request(c, "GET", "/v1/top", NULL, 0, answer, e);
	if (status < 0)
		return NULL;
	j = json_parse(answer->data ? answer->data : "", answer->len,
		       ANSWER_MAX, e);
	if (j && status < 400)
		return j;
	err_set(e, ERR_FATAL, "%.200s",
		json_str(j, "error") ? json_str(j, "error")
				     : "what answers is no konstructd");
	json_free(j);
	return NULL;
}

static void screen_size(size_t *columns, size_t *rows)
{
	struct winsize w = { 0 };

	*columns = 80;
	*rows = 24;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) < 0 || w.ws_col == 0 ||
	    w.ws_row == 0)
		return;
	*columns = w.ws_col;
	*rows = w.ws_row;
}

/* j NULL: why there is nothing to see. */
static void draw(const struct json *j, const struct json *before,
		 const char *why)
{
	size_t columns, rows, n;
	char *text = NULL;
	FILE *f = open_memstream(&text, &n);
	struct buf out;

	if (!f)
		return;
	if (j)
		top_show(j, before, f);
	else
		fprintf(f, "%s\n", why);
	if (fclose(f) == 0) {
		screen_size(&columns, &rows);
		buf_init(&out, SCREEN_MAX);
		top_fit(text, columns, rows, &out);
		put(out.data ? out.data : "", out.len);
		buf_release(&out);
	}
	free(text);
}

/* False: it is time to go. */
static bool wait_for_key(void)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	char key;

	if (poll(&p, 1, EVERY_MS) <= 0)
		return !ended;
	if (read(STDIN_FILENO, &key, 1) != 1)
		return false;
	return !ended && key != 'q' && key != 'Q';
}

static void watch(struct ctl *c)
{
	struct json *now = NULL, *before = NULL;
	struct buf answer;
	struct err e;

	buf_init(&answer, ANSWER_MAX);
	do {
		json_free(before);
		before = now;
		now = fetch(c, &answer, &e);
		draw(now, before, e.msg);
	} while (!ended && wait_for_key());
	json_free(before);
	json_free(now);
	buf_release(&answer);
}

static int look(struct ctl *c, bool json)
{
	struct buf answer;
	struct err e;
	struct json *j;

	buf_init(&answer, ANSWER_MAX);
	j = fetch(c, &answer, &e);
	if (!j)
		fprintf(stderr, "konstructctl: %s\n", e.msg);
	else if (json)
		printf("%s\n", answer.data);
	else
		top_show(j, NULL, stdout);
	json_free(j);
	buf_release(&answer);
	if (j)
		return EX_OK;
	return e.kind == ERR_RETRY ? EX_UNAVAILABLE : EX_NOPERM;
}

int top_run(struct ctl *c, bool once, bool json)
{
	if (once || json || !enter())
		return look(c, json);
	watch(c);
	leave();
	return EX_OK;
}
