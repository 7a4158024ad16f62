/* SPDX-License-Identifier: ISC */
#include "sim/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/map.h"
#include "sim/lines.h"
#include "sim/people.h"
#include "sim/util.h"
#include "sim/widgets.h"

#define ROW_MAX ((size_t)64 << 10)

struct view {
	const struct people *people;
	char *me;
	bool tty;
	int width;
	int height;
	struct vec shown; /* of char *, what is on the screen */
	struct vec rows;  /* of char *, what should be */
	struct vec roots; /* of char *, ts by number */
	struct vec lines; /* of struct line */
	char *below;      /* printed last, without a terminal */
	bool begun;       /* what was there already is printed */
	struct map *seen; /* ts -> struct seen, without a terminal */
};

/* A message that waits for its text to stand still. */
struct seen {
	char *text;
	int64_t since_ms;
	bool printed;
};

static void seen_free(void *p)
{
	struct seen *sn = p;

	free(sn->text);
	free(sn);
}

struct view *view_create(const struct people *people, const char *me, bool tty)
{
	struct view *v = must_alloc(sizeof(*v));

	v->people = people;
	v->me = must_dup(me);
	v->tty = tty;
	v->seen = map_create(0);
	if (!v->seen)
		abort();
	return v;
}

void view_free(struct view *v)
{
	if (!v)
		return;
	vec_free(&v->shown, free);
	vec_free(&v->rows, free);
	vec_free(&v->roots, free);
	vec_free(&v->lines, line_free);
	map_free(v->seen, seen_free);
	free(v->below);
	free(v->me);
	free(v);
}

const char *view_thread(const struct view *v, size_t n)
{
	return n >= 1 && n <= v->roots.n ? v->roots.v[n - 1] : NULL;
}

size_t view_number(const struct view *v, const char *ts)
{
	size_t i;

	for (i = 0; i < v->roots.n; i++) {
		if (strcmp(v->roots.v[i], ts) == 0)
			return i + 1;
	}
	return 0;
}

const char *view_message(const struct view *v, const char *number)
{
	return lines_ts(&v->lines, number);
}

const char *view_last(const struct view *v, const char *user)
{
	return lines_last(&v->lines, user, false);
}

const char *view_last_widget(const struct view *v)
{
	return lines_last(&v->lines, NULL, true);
}

static const char *name_of(const struct view *v, const char *id)
{
	const char *name = id ? people_name(v->people, id) : NULL;

	/* What nobody said, Slack did. */
	return name ? name : id && *id ? id : "Slackbot";
}

/* "<!date^...|shown>": what is behind the bar, and its end; NULL: none. */
static const char *labelled(const char *in, struct buf *out)
{
	size_t n = strcspn(in, "|>\n");
	const char *label = in + n + 1;

	if (strncmp(in, "<!", 2) != 0 || in[n] != '|')
		return NULL;
	n = strcspn(label, ">\n");
	if (label[n] != '>')
		return NULL;
	buf_add(out, label, n);
	return label + n + 1;
}

/* "<@U1>" and entities as people see them; control characters are dropped. */
static void readable(const struct view *v, const char *in, struct buf *out)
{
	static const struct {
		const char *from;
		char to;
	} entities[] = { { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' } };
	const char *end;
	char id[32];
	size_t i, n;

	while (*in) {
		end = labelled(in, out);
		if (end) {
			in = end;
			continue;
		}
		if (strncmp(in, "<@", 2) == 0 && strchr(in, '>')) {
			n = strcspn(in + 2, "|>");
			snprintf(id, sizeof(id), "%.*s", (int)n, in + 2);
			buf_addf(out, "@%s", name_of(v, id));
			in = strchr(in, '>') + 1;
			continue;
		}
		for (i = 0; i < 3; i++) {
			n = strlen(entities[i].from);
			if (strncmp(in, entities[i].from, n) == 0)
				break;
		}
		if (i < 3) {
			buf_addc(out, entities[i].to);
			in += n;
		} else {
			if ((unsigned char)*in >= ' ' || *in == '\n')
				buf_addc(out, *in);
			in++;
		}
	}
}

/* Bytes of text that fit into width characters, cut at a word if one ends. */
static size_t fit(const char *text, size_t width)
{
	size_t line = strcspn(text, "\n");
	size_t max = chars_bytes(text, width);
	size_t at;

	if (line <= max)
		return line;
	for (at = max; at > max / 2; at--) {
		if (text[at] == ' ')
			return at;
	}
	return max;
}

/* Adds the rows of one text; head stands before its first line. */
static void add_rows(struct view *v, const char *head, size_t head_chars,
		     const char *text, size_t indent)
{
	size_t width = v->width > 20 ? (size_t)v->width - 1 : 79;
	bool first = true;
	struct buf row;
	size_t room, n;

	do {
		buf_init(&row, ROW_MAX);
		room = first ? head_chars : indent;
		room = room + 10 < width ? width - room : 10;
		n = fit(text, room);
		if (first)
			buf_adds(&row, head);
		else
			buf_addf(&row, "%*s", (int)indent, "");
		buf_add(&row, text, n);
		vec_push(&v->rows, must_take(&row));
		text += n;
		text += *text == '\n' || *text == ' ';
		first = false;
	} while (*text);
}

/* How long a text must stand still; one that may be a placeholder, longer. */
static int settle_ms(const struct json *m)
{
	if (!json_str(m, "bot_id") || json_str(m, "to_user"))
		return 0;
	return json_len(m, "versions") > 1 ? 800 : 2500;
}

/* What hangs on a message: files, reactions, and what can be pressed. */
static void add_extras(struct view *v, const struct json *m, size_t indent)
{
	const char *name;
	char at[48];
	struct buf b;
	size_t i;

	buf_init(&b, ROW_MAX);
	for (i = 0; i < json_len(m, "files"); i++) {
		snprintf(at, sizeof(at), "files.%zu.name", i);
		name = json_str(m, at);
		buf_addf(&b, "(file %s)  ", name ? name : "?");
	}
	for (i = 0; i < json_len(m, "reactions"); i++) {
		snprintf(at, sizeof(at), "reactions.%zu.name", i);
		buf_addf(&b, ":%s: ", json_str(m, at));
		snprintf(at, sizeof(at), "reactions.%zu.count", i);
		buf_addf(&b, "%d  ", (int)json_int(m, at, 0));
	}
	widgets_show(json_at(m, "blocks"), &b);
	if (b.len > 0)
		add_rows(v, "      ", 6, b.data, indent);
	buf_release(&b);
}

/* number: as it is shown, "" for none. */
static void add_message(struct view *v, const struct json *m,
			const char *number)
{
	const char *name = name_of(v, json_str(m, "user"));
	bool bot = json_str(m, "bot_id");
	char mark[32] = "      ";
	size_t indent;
	struct buf text, head;

	if (*number && !strchr(number, '.'))
		snprintf(mark, sizeof(mark), "%3.10s ", number);
	else if (*number)
		snprintf(mark, sizeof(mark), "%5.14s ", number);
	indent = strlen(mark) + 2;
	buf_init(&text, ROW_MAX);
	buf_init(&head, ROW_MAX);
	readable(v, json_str(m, "text") ? json_str(m, "text") : "", &text);
	if (v->tty)
		buf_addf(&head, "%s\033[1%sm%s\033[0m%s: ", mark,
			 bot ? ";36" : "", name,
			 json_str(m, "to_user") ? " (only you see this)" : "");
	else
		buf_addf(&head, "%s%s%s: ", mark, name,
			 json_str(m, "to_user") ? " (ephemeral)" : "");
	add_rows(v, head.data,
		 strlen(mark) + chars_len(name) + 2 +
			 (json_str(m, "to_user") ? 20 : 0),
		 text.data ? text.data : "", indent);
	add_extras(v, m, indent);
	buf_release(&text);
	buf_release(&head);
}

static bool shown_to(const struct view *v, const struct json *m)
{
	const char *to = json_str(m, "to_user");

	return !json_bool(m, "deleted", false) &&
	       (!to || strcmp(to, v->me) == 0);
}

static bool is_root(const struct json *m)
{
	const char *thread = json_str(m, "thread_ts");

	return !thread || strcmp(thread, json_str(m, "ts")) == 0;
}

static const struct json *message(const struct json *j, size_t i)
{
	char at[40];

	snprintf(at, sizeof(at), "messages.%zu", i);
	return json_at(j, at);
}

static const char *number_of(const struct view *v, const struct json *m)
{
	return lines_number(&v->lines, json_str(m, "ts"));
}

static void take_below(struct view *v, const char *below)
{
	size_t n;

	for (; *below; below += n + (below[n] == '\n')) {
		n = strcspn(below, "\n");
		vec_push(&v->rows, must_dupn(below, n));
	}
}

static void take_rows(struct view *v, const struct json *j)
{
	size_t n = json_len(j, "messages");
	const struct json *root, *m;
	size_t i, k, reply;

	vec_free(&v->rows, free);
	vec_free(&v->roots, free);
	vec_free(&v->lines, line_free);
	for (i = 0; i < n; i++) {
		root = message(j, i);
		if (!is_root(root))
			continue;
		if (!json_str(root, "to_user"))
			vec_push(&v->roots, must_dup(json_str(root, "ts")));
		reply = 0;
		if (shown_to(v, root)) {
			lines_add(&v->lines, root,
				  json_str(root, "to_user") ? 0 : v->roots.n,
				  0);
			add_message(v, root, number_of(v, root));
		}
		for (k = i + 1; k < n; k++) {
			m = message(j, k);
			if (is_root(m) || !str_eq(json_str(m, "thread_ts"),
						  json_str(root, "ts")))
				continue;
			/* A number stays, whatever is deleted before it. */
			reply++;
			if (!shown_to(v, m))
				continue;
			lines_add(&v->lines, m, v->roots.n, reply);
			add_message(v, m, number_of(v, m));
		}
	}
}

static void read_size(struct view *v)
{
	struct winsize size;

	v->width = 80;
	v->height = 24;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col) {
		v->width = size.ws_col;
		v->height = size.ws_row;
	}
}

static void redraw(struct view *v, const char *prompt)
{
	size_t same = 0;
	size_t up;

	while (same < v->shown.n && same < v->rows.n &&
	       strcmp(v->shown.v[same], v->rows.v[same]) == 0)
		same++;
	up = v->shown.n - same;
	if (up + 2 > (size_t)v->height) {
		/* It has scrolled away: the end of it all once more. */
		fputs("\033[2J\033[H", stdout);
		same = v->rows.n + 2 > (size_t)v->height
			       ? v->rows.n + 2 - (size_t)v->height
			       : 0;
	} else if (up > 0) {
		printf("\r\033[%zuA\033[J", up);
	} else {
		fputs("\r\033[K", stdout);
	}
	for (; same < v->rows.n; same++)
		puts(v->rows.v[same]);
	fputs(prompt, stdout);
	fflush(stdout);
	vec_free(&v->shown, free);
	v->shown = v->rows;
	memset(&v->rows, 0, sizeof(v->rows));
}

static struct seen *seen_of(struct view *v, const struct json *m)
{
	const char *text = json_str(m, "text");
	const char *ts = json_str(m, "ts");
	struct seen *sn = map_get(v->seen, ts);

	if (!sn) {
		sn = must_alloc(sizeof(*sn));
		if (map_put(v->seen, ts, sn) < 0)
			abort();
	}
	if (!sn->text || strcmp(sn->text, text) != 0) {
		free(sn->text);
		sn->text = must_dup(text);
		sn->since_ms = clock_ms();
		sn->printed = false;
	}
	return sn;
}

/* Without a terminal nothing can be replaced, so what still grows waits. */
static void print_settled(struct view *v, const struct json *j)
{
	const struct json *m;
	struct seen *sn;
	size_t i, k;

	for (i = 0; i < json_len(j, "messages"); i++) {
		m = message(j, i);
		if (!json_str(m, "text") || !shown_to(v, m))
			continue;
		sn = seen_of(v, m);
		if (sn->printed || clock_ms() - sn->since_ms < settle_ms(m))
			continue;
		sn->printed = true;
		vec_free(&v->rows, free);
		add_message(v, m, number_of(v, m));
		for (k = 0; k < v->rows.n; k++)
			puts(v->rows.v[k]);
	}
	fflush(stdout);
}

/* What was said before stands still, in its threads. */
static void print_past(struct view *v, const struct json *j)
{
	const struct json *m;
	size_t i;

	for (i = 0; i < v->rows.n; i++)
		puts(v->rows.v[i]);
	for (i = 0; i < json_len(j, "messages"); i++) {
		m = message(j, i);
		if (json_str(m, "text") && shown_to(v, m))
			seen_of(v, m)->printed = true;
	}
	v->begun = true;
	fflush(stdout);
}

static void print_below(struct view *v, const char *below)
{
	if (v->below && strcmp(v->below, below) == 0)
		return;
	free(v->below);
	v->below = must_dup(below);
	fputs(below, stdout);
	fflush(stdout);
}

void view_draw(struct view *v, const struct json *messages, const char *below,
	       const char *prompt)
{
	read_size(v);
	take_rows(v, messages);
	if (v->tty) {
		take_below(v, below);
		redraw(v, prompt);
	} else {
		if (v->begun)
			print_settled(v, messages);
		else
			print_past(v, messages);
		print_below(v, below);
	}
}
