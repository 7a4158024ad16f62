/* SPDX-License-Identifier: ISC */
#include "torture/story.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg.h"

#define ENTRIES_MAX 64
#define ENTRY_SIZE  48
#define TEXT_SHOWN  90
#define CELLS_MAX   16

struct story {
	const struct nodes *nodes;
	struct sim *sim;
	const char *channel;
	const char *thread;
	const char *ts;
	char entries[ENTRIES_MAX][ENTRY_SIZE];
	char events[ENTRIES_MAX][ENTRY_SIZE];
	size_t n;
};

static double seconds(int64_t us)
{
	return (double)us / 1000000;
}

static void print_text(const char *text)
{
	size_t len = strlen(text);
	const char *p;
	size_t i;

	for (i = 0; i < len && i < TEXT_SHOWN; i++)
		putchar(text[i] == '\n' ? ' ' : text[i]);
	p = len > 2 * TEXT_SHOWN ? text + len - TEXT_SHOWN : text + i;
	if (p > text + i)
		printf(" [...] ");
	for (; *p; p++)
		putchar(*p == '\n' ? ' ' : *p);
	putchar('\n');
}

static void print_messages(const struct story *st)
{
	size_t i, k, n;
	struct sim_msg *m = sim_messages(st->sim, st->channel, st->thread, &n);

	for (i = 0; i < n; i++) {
		printf("  message %s by %s%s %s\n", m[i].ts, m[i].user,
		       m[i].deleted ? ", deleted" : "",
		       m[i].metadata ? m[i].metadata : "");
		for (k = 0; k < m[i].nversions; k++) {
			printf("    %.3f ", seconds(m[i].versions[k].at_us));
			print_text(m[i].versions[k].text);
		}
	}
	sim_messages_free(m, n);
}

void story_print_plea(const struct nodes *ns, const char *channel,
		      const char *hook)
{
	struct sim *s = ns->beds[0].sim;
	size_t i, n;
	struct sim_msg *m = sim_messages(s, channel, NULL, &n);

	for (i = 0; i < n; i++) {
		if (!m[i].hook || strcmp(m[i].hook, hook) != 0)
			continue;
		printf("  message %s, %.3f ", m[i].ts,
		       seconds(m[i].versions[0].at_us));
		print_text(m[i].text);
	}
	sim_messages_free(m, n);
}

static void print_calls(const struct story *st)
{
	size_t i, n;
	struct sim_call *c = sim_calls(st->sim, NULL, &n);

	for (i = 0; i < n; i++) {
		if (!c[i].args || !strstr(c[i].args, st->thread))
			continue;
		printf("  call %.3f-%.3f %s -> %d %s ts %s\n",
		       seconds(c[i].at_us), seconds(c[i].done_us), c[i].method,
		       c[i].status, c[i].error ? c[i].error : "ok", c[i].ts);
	}
	sim_calls_free(c, n);
}

static void print_deliveries(const struct story *st)
{
	size_t i, k, n;
	struct sim_delivery *d = sim_deliveries(st->sim, NULL, &n);

	for (i = 0; i < n; i++) {
		for (k = 0; k < st->n; k++) {
			if (strcmp(d[i].event_id, st->events[k]) != 0)
				continue;
			printf("  delivery %.3f acked %.3f %s %s attempt %d\n",
			       seconds(d[i].sent_us), seconds(d[i].ack_us),
			       d[i].event_id, d[i].type, d[i].attempt);
			break;
		}
	}
	sim_deliveries_free(d, n);
}

/* The first is the seq, then id and event. */
static void print_row(const char *const *cells, int n, void *arg)
{
	struct story *s = arg;
	int i;

	printf("  journal");
	for (i = 1; i < n; i++)
		printf(" %s", cells[i]);
	putchar('\n');
	if (s->n == ENTRIES_MAX)
		return;
	snprintf(s->entries[s->n], ENTRY_SIZE, "%s", cells[1]);
	snprintf(s->events[s->n++], ENTRY_SIZE, "%s", cells[2]);
}

/*
 * All entries whose frame names the thread, as its ts or its thread_ts; the
 * two databases only differ in how they look into it.
 */
#define ROWS(found, posts)                                             \
	"SELECT j.seq, id, event_id, state, claim, verdict, attempts," \
	" received_ms, done_ms, (SELECT " posts " FROM parts q"        \
	" WHERE q.seq = j.seq) FROM journal j LEFT JOIN pending p"     \
	" ON p.seq = j.seq WHERE claim LIKE '%%%s' OR " found          \
	" ORDER BY j.seq"

static const char *column(sqlite3_stmt *st, int i)
{
	const char *text = (const char *)sqlite3_column_text(st, i);

	return text ? text : "-";
}

static void print_sqlite(struct story *s)
{
	const char *cells[CELLS_MAX];
	char path[96], sql[512];
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	int i, n;

	snprintf(sql, sizeof(sql),
		 ROWS("instr(p.frame, '%s') > 0",
		      "group_concat(part || '=' || ts)"),
		 s->ts ? s->ts : s->thread, s->thread);
	snprintf(path, sizeof(path), "%s/state/konstruct.db",
		 s->nodes->beds[0].dir);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) ==
		    SQLITE_OK &&
	    sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK) {
		n = sqlite3_column_count(st);
		while (sqlite3_step(st) == SQLITE_ROW) {
			for (i = 0; i < n && i < CELLS_MAX; i++)
				cells[i] = column(st, i);
			print_row(cells, i, s);
		}
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
}

static void print_postgres(struct story *s)
{
	char sql[512];

	snprintf(sql, sizeof(sql),
		 ROWS("position(convert_to('%s', 'UTF8') IN p.frame) > 0",
		      "string_agg(part || '=' || ts, ',')"),
		 s->ts ? s->ts : s->thread, s->thread);
	pg_each(sql, print_row, s);
}

static bool concerns(const struct story *st, const char *line)
{
	size_t i;

	for (i = 0; i < st->n; i++)
		if (strstr(line, st->entries[i]))
			return true;
	return strstr(line, st->ts ? st->ts : st->thread) != NULL;
}

static void print_log(const struct story *st, const struct bed *b)
{
	FILE *f = fopen(b->log, "r");
	char *line = NULL;
	size_t size = 0;
	size_t starts = 0;
	size_t told = SIZE_MAX;

	while (f && getline(&line, &size, f) > 0) {
		starts += strstr(line, " ready") != NULL;
		if (!concerns(st, line))
			continue;
		if (told != starts)
			printf("  %s, run %zu\n", b->log, starts);
		told = starts;
		printf("    %s", line);
	}
	free(line);
	if (f)
		fclose(f);
}

void story_print(const struct nodes *ns, const char *channel,
		 const char *thread, const char *ts)
{
	struct story st = { .nodes = ns,
			    .sim = ns->beds[0].sim,
			    .channel = channel,
			    .thread = thread,
			    .ts = ts };
	size_t i;

	print_messages(&st);
	print_calls(&st);
	if (ns->shared)
		print_postgres(&st);
	else
		print_sqlite(&st);
	print_deliveries(&st);
	for (i = 0; i < ns->n; i++)
		print_log(&st, &ns->beds[i]);
	putchar('\n');
}
