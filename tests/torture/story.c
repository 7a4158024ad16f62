/* SPDX-License-Identifier: ISC */
#include "torture/story.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX 64
#define ENTRY_SIZE  48
#define TEXT_SHOWN  90

struct story {
	const struct bed *bed;
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
	struct sim_msg *m =
		sim_messages(st->bed->sim, st->channel, st->thread, &n);

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

static void print_calls(const struct story *st)
{
	size_t i, n;
	struct sim_call *c = sim_calls(st->bed->sim, NULL, &n);

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
	struct sim_delivery *d = sim_deliveries(st->bed->sim, NULL, &n);

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

static void print_parts(sqlite3 *db, int64_t seq)
{
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(db, "SELECT part, ts FROM parts WHERE seq = ?",
			       -1, &st, NULL) != SQLITE_OK)
		return;
	sqlite3_bind_int64(st, 1, seq);
	while (sqlite3_step(st) == SQLITE_ROW)
		printf("    part %d: '%s'\n", sqlite3_column_int(st, 0),
		       (const char *)sqlite3_column_text(st, 1));
	sqlite3_finalize(st);
}

static void print_row(struct story *s, sqlite3 *db, sqlite3_stmt *st)
{
	const char *id = (const char *)sqlite3_column_text(st, 1);
	const char *event = (const char *)sqlite3_column_text(st, 2);
	int i;

	printf("  journal");
	for (i = 1; i < sqlite3_column_count(st); i++)
		printf(" %s", sqlite3_column_text(st, i)
				      ? (const char *)sqlite3_column_text(st, i)
				      : "-");
	putchar('\n');
	print_parts(db, sqlite3_column_int64(st, 0));
	if (s->n == ENTRIES_MAX)
		return;
	snprintf(s->entries[s->n], ENTRY_SIZE, "%s", id ? id : "-");
	snprintf(s->events[s->n++], ENTRY_SIZE, "%s", event ? event : "-");
}

/* All entries whose frame names the thread: as its ts or its thread_ts. */
static void print_journal(struct story *s)
{
	static const char sql[] =
		"SELECT j.seq, id, event_id, state, claim, verdict, attempts,"
		" received_ms, done_ms FROM journal j LEFT JOIN pending p"
		" ON p.seq = j.seq WHERE claim LIKE '%' || ?1"
		" OR instr(p.frame, ?2) > 0 ORDER BY j.seq";
	char path[96];
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;

	snprintf(path, sizeof(path), "%s/state/konstruct.db", s->bed->dir);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) ==
		    SQLITE_OK &&
	    sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK) {
		sqlite3_bind_text(st, 1, s->ts ? s->ts : s->thread, -1,
				  SQLITE_STATIC);
		sqlite3_bind_text(st, 2, s->thread, -1, SQLITE_STATIC);
		while (sqlite3_step(st) == SQLITE_ROW)
			print_row(s, db, st);
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
}

static bool concerns(const struct story *st, const char *line)
{
	size_t i;

	for (i = 0; i < st->n; i++)
		if (strstr(line, st->entries[i]))
			return true;
	return strstr(line, st->ts ? st->ts : st->thread) != NULL;
}

static void print_log(const struct story *st)
{
	FILE *f = fopen(st->bed->log, "r");
	char *line = NULL;
	size_t size = 0;
	size_t starts = 0;
	size_t told = 0;

	while (f && getline(&line, &size, f) > 0) {
		starts += strstr(line, " ready") != NULL;
		if (!concerns(st, line))
			continue;
		if (told != starts)
			printf("  log of run %zu\n", starts);
		told = starts;
		printf("    %s", line);
	}
	free(line);
	if (f)
		fclose(f);
}

void story_print(const struct bed *b, const char *channel, const char *thread,
		 const char *ts)
{
	struct story st = {
		.bed = b, .channel = channel, .thread = thread, .ts = ts
	};

	print_messages(&st);
	print_calls(&st);
	print_journal(&st);
	print_deliveries(&st);
	print_log(&st);
	putchar('\n');
}
