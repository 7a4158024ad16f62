/* SPDX-License-Identifier: ISC */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_in.h"
#include "base/recent.h"
#include "base/utf8.h"

/*
 * A line is at most PIPE_BUF (4096 on Linux), so that lines of several
 * threads, or of several processes on one pipe, never mix.
 */
#define LINE_MAX_BYTES  4096
#define VALUE_MAX_BYTES 800
#define TEXT_MAX_BYTES  3000
#define PREFIX          3 /* "<6>", for the journal */

struct line {
	char data[LINE_MAX_BYTES];
	size_t len;
	size_t value_max;
	bool full;
	bool json;
};

static const struct {
	const char *name;
	char syslog;
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", '3' },
	[LOG_LEVEL_WARN] = { "warn", '4' },
	[LOG_LEVEL_INFO] = { "info", '6' },
	[LOG_LEVEL_DEBUG] = { "debug", '7' },
};

static atomic_bool as_json;
static pthread_once_t journal_once = PTHREAD_ONCE_INIT;
static bool to_journal;

void log_set_json(bool yes)
{
	atomic_store(&as_json, yes);
}

int log_level_parse(const char *name, enum log_level *out)
{
	size_t i;

	for (i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(name, levels[i].name) == 0) {
			*out = (enum log_level)i;
			return 0;
		}
	}
	return -1;
}

const char *log_level_name(enum log_level level)
{
	return levels[level].name;
}

/*
 * systemd.exec(5): a program should compare the variable with its stderr,
 * since it stays set when stderr is sent elsewhere.
 */
static void find_journal(void)
{
	const char *want = getenv("JOURNAL_STREAM");
	struct stat st;
	char have[48];

	if (!want || fstat(STDERR_FILENO, &st) < 0)
		return;
	(void)snprintf(have, sizeof(have), "%ju:%ju", (uintmax_t)st.st_dev,
		       (uintmax_t)st.st_ino);
	to_journal = strcmp(want, have) == 0;
}

/* Two bytes stay free, for the end of an object and of the line. */
static void put(struct line *l, const char *p, size_t n)
{
	if (l->full || n > sizeof(l->data) - 2 - l->len) {
		l->full = true;
		return;
	}
	memcpy(l->data + l->len, p, n);
	l->len += n;
}

static void puts_line(struct line *l, const char *s)
{
	put(l, s, strlen(s));
}

static bool is_plain(const char *s)
{
	const char *p;

	for (p = s; *p; p++) {
		if (*p <= ' ' || *p == '"' || *p == '=' || *p == '\\' ||
		    *p > '~')
			return false;
	}
	return p > s;
}

/*
 * What a terminal or a reader's eye would take for the end of the line or
 * the end of the text: C1 controls, line separators, writing direction.
 */
static bool is_deceptive(unsigned int c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

static void put_char(struct line *l, const char *p, size_t n)
{
	unsigned int c = utf8_point(p, n);
	char esc[16];

	if (c == '"' || c == '\\') {
		put(l, "\\", 1);
		put(l, p, 1);
	} else if (c == '\n') {
		put(l, "\\n", 2);
	} else if (c == '\t') {
		put(l, "\\t", 2);
	} else if (is_deceptive(c)) {
		(void)snprintf(esc, sizeof(esc), "\\u%04x", c);
		puts_line(l, esc);
	} else {
		put(l, p, n);
	}
}

static void put_quoted(struct line *l, const char *s)
{
	size_t start = l->len;
	size_t left = strlen(s);
	size_t n;

	put(l, "\"", 1);
	while (left > 0) {
		if (l->len - start > l->value_max) {
			puts_line(l, "...");
			break;
		}
		n = utf8_len(s, left);
		if (n > 0)
			put_char(l, s, n);
		else
			puts_line(l, "\xef\xbf\xbd");
		n = n > 0 ? n : 1;
		s += n;
		left -= n;
	}
	put(l, "\"", 1);
}

static void put_pair(struct line *l, const char *key, const char *value)
{
	if (l->len > 0 && l->data[l->len - 1] != '>')
		put(l, " ", 1);
	puts_line(l, key);
	put(l, "=", 1);
	if (is_plain(value) && strlen(value) <= l->value_max)
		puts_line(l, value);
	else
		put_quoted(l, value);
}

/* What is quoted above is quoted as JSON wants it, too. */
static void put_member(struct line *l, const char *key, const char *value)
{
	if (l->data[l->len - 1] != '{')
		put(l, ",", 1);
	put_quoted(l, key);
	put(l, ":", 1);
	put_quoted(l, value);
}

/* All of the field or nothing of it. */
static void put_field(struct line *l, const char *key, const char *value)
{
	size_t before = l->len;

	if (l->json)
		put_member(l, key, value);
	else
		put_pair(l, key, value);
	if (l->full) {
		l->len = before;
		l->full = false;
	}
}

static void put_time(struct line *l)
{
	struct timespec ts;
	struct tm tm;
	char day[32];
	char text[48];

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	(void)gmtime_r(&ts.tv_sec, &tm);
	(void)strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(text, sizeof(text), "%s.%03ldZ", day,
		       ts.tv_nsec / 1000000);
	put_field(l, "time", text);
}

static void put_head(struct line *l, enum log_level level)
{
	char prefix[] = { '<', levels[level].syslog, '>', '\0' };

	(void)pthread_once(&journal_once, find_journal);
	if (to_journal)
		puts_line(l, prefix);
	if (l->json)
		puts_line(l, "{");
	if (!to_journal)
		put_time(l);
	put_field(l, "level", levels[level].name);
}

/* Past "<6>", without the end of the line. */
static bool to_socket(enum log_level level, const struct line *l,
		      const struct log_field *f)
{
	return to_journal &&
	       log_journal_send(levels[level].syslog - '0', l->data + PREFIX,
				l->len - PREFIX - 1, f) == 0;
}

/* text: NULL, or of a field of that name behind the others. */
static void write_line(enum log_level level, const struct log_field *f,
		       const char *msg, const char *text)
{
	struct line l = { .json = atomic_load(&as_json),
			  .value_max = VALUE_MAX_BYTES };
	const struct log_field *each;

	put_head(&l, level);
	put_field(&l, "msg", msg);
	for (each = f; each && each->key; each++) {
		if (each->value)
			put_field(&l, each->key, each->value);
	}
	l.value_max = TEXT_MAX_BYTES;
	if (text)
		put_field(&l, "text", text);
	if (l.json)
		l.data[l.len++] = '}';
	l.data[l.len++] = '\n';
	if (to_socket(level, &l, f))
		return;
	if (write(STDERR_FILENO, l.data, l.len) < 0)
		return; /* nobody left to tell */
}

/* Of what was left out while there was too much of it. */
static void write_left(int64_t now_ms)
{
	struct log_left left;
	char n[16];

	while (log_repeat_due(now_ms, &left)) {
		(void)snprintf(n, sizeof(n), "%u", left.n);
		write_line(left.level,
			   LOG_FIELDS({ "more", n }, { "like", left.text }),
			   "more like this", NULL);
	}
}

void log_catch_up(bool at_once)
{
	write_left(at_once ? INT64_MAX : clock_ms());
}

void log_at(enum log_level level, const char *file, const struct log_field *f,
	    const char *fmt, ...)
{
	int64_t now_ms = clock_ms();
	char msg[VALUE_MAX_BYTES];
	va_list ap;

	if (!log_part_wants(level, file))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	if (level <= LOG_LEVEL_WARN)
		recent_add(level, msg, f);
	write_left(now_ms);
	if (log_repeat_may(level, fmt, msg, f, now_ms))
		write_line(level, f, msg, NULL);
}

void log_text_line(const struct log_field *f, const char *msg, const char *text)
{
	write_line(LOG_LEVEL_DEBUG, f, msg, text);
}
