/* SPDX-License-Identifier: ISC */
/*
 * Reads tests/render/cases.txt: what a model writes, what Slack gets. See
 * the top of that file.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "slack/mention.h"
#include "turn/reply.h"

#define CASES_MAX 200
#define FILE_MAX  (512 * 1024)

struct one {
	char name[80];
	bool interim;
	struct buf md, blocks, text; /* without the last line end */
};

static struct one cases[CASES_MAX];
static int ncases;
static struct buf head;

/* Also where no test of Check's runs. */
static void must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "test_render: %s\n", what);
	abort();
}

static const char *path(void)
{
	static char out[512];
	const char *dir = getenv("KONSTRUCT_SRCDIR");

	(void)snprintf(out, sizeof(out), "%s/tests/render/cases.txt",
		       dir ? dir : ".");
	return out;
}

static void chop(struct buf *b)
{
	if (b->len > 0 && b->data[b->len - 1] == '\n')
		b->data[--b->len] = '\0';
}

static void begin_case(const char *name, bool interim)
{
	struct one *c = &cases[ncases++];

	must(ncases <= CASES_MAX, "too many cases");
	c->interim = interim;
	(void)snprintf(c->name, sizeof(c->name), "%.*s",
		       (int)strcspn(name, "\n"), name);
	buf_init(&c->md, FILE_MAX);
	buf_init(&c->blocks, FILE_MAX);
	buf_init(&c->text, FILE_MAX);
}

/* Where the lines after this mark go. */
static struct buf *on_mark(const char *line)
{
	struct one *c = ncases > 0 ? &cases[ncases - 1] : NULL;

	if (strncmp(line, "%% case ", 8) == 0)
		begin_case(line + 8, false);
	else if (strncmp(line, "%% interim ", 11) == 0)
		begin_case(line + 11, true);
	else if (c && strcmp(line, "%% blocks\n") == 0)
		return &c->blocks;
	else if (c && strcmp(line, "%% text\n") == 0)
		return &c->text;
	else if (strcmp(line, "%% end\n") == 0)
		return NULL;
	else
		must(false, line);
	return &cases[ncases - 1].md;
}

static void load(void)
{
	FILE *f = fopen(path(), "r");
	struct buf *to = &head;
	char line[16384];
	int i;

	must(f != NULL, path());
	buf_init(&head, FILE_MAX);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, "%%", 2) == 0)
			to = on_mark(line);
		else if (to)
			(void)buf_adds(to, line);
	}
	(void)fclose(f);
	for (i = 0; i < ncases; i++) {
		chop(&cases[i].md);
		chop(&cases[i].blocks);
		chop(&cases[i].text);
	}
}

/* U+200B made visible. */
static void show(const char *p, struct buf *out)
{
	for (; *p; p++) {
		if (strncmp(p, "\xe2\x80\x8b", 3) == 0) {
			(void)buf_adds(out, "[ZW]");
			p += 2;
		} else {
			(void)buf_addc(out, *p);
		}
	}
}

static void show_table(const struct json *b, struct buf *out)
{
	struct buf row;
	char at[32];
	size_t i;

	(void)buf_addf(out, "(data_table, page %d) ",
		       (int)json_int(b, "page_size", 0));
	show(json_str(b, "caption"), out);
	buf_init(&row, FILE_MAX);
	for (i = 0; i < json_len(b, "rows"); i++) {
		(void)snprintf(at, sizeof(at), "rows.%zu", i);
		buf_reset(&row);
		(void)json_copy(json_at(b, at), &row);
		(void)buf_adds(out, "\n  ");
		show(row.data, out);
	}
	buf_release(&row);
}

static void show_section(const struct json *b, struct buf *out)
{
	must(json_bool(b, "text.verbatim", false), "a section isn't verbatim");
	(void)buf_adds(out, "(section) ");
	show(json_str(b, "text.text"), out);
}

static void show_blocks(const char *text, struct buf *out)
{
	struct err e = { 0 };
	struct json *j = json_parse(text, strlen(text), FILE_MAX, &e);
	const struct json *b;
	char at[24];
	size_t i;

	must(j != NULL, text);
	for (i = 0; i < json_len(j, ""); i++) {
		(void)snprintf(at, sizeof(at), "%zu", i);
		b = json_at(j, at);
		if (i > 0)
			(void)buf_adds(out, "\n(block)\n");
		if (strcmp(json_str(b, "type"), "markdown") == 0)
			show(json_str(b, "text"), out);
		else if (strcmp(json_str(b, "type"), "section") == 0)
			show_section(b, out);
		else
			show_table(b, out);
	}
	json_free(j);
}

/* Who has spoken in the thread of every case; no other case names them. */
static const struct mention_person people[] = {
	{ "U0ADA", "Ada" },          { "U0ADAL", "Ada Lovelace" },
	{ "U0BOB1", "Bob" },         { "U0BOB2", "bob" },
	{ "U0HERE", "here" },        { "U0SNAKE", "snake_case" },
	{ "U0JOSE", "Jos\xc3\xa9" }, { "U0NAMELESS", "U0NAMELESS" },
};

static void render(const struct one *c, struct buf *blocks, struct buf *text)
{
	struct shape s = { 0 };
	struct reply r;
	struct buf part, marked;
	const char *md;

	buf_init(&part, FILE_MAX);
	buf_init(&marked, FILE_MAX);
	must(mention_mark(c->md.data ? c->md.data : "", c->md.len, people,
			  sizeof(people) / sizeof(people[0]), &marked) == 0,
	     c->name);
	md = marked.data;
	if (c->interim) {
		must(reply_interim(md, marked.len, &part) == 0 &&
			     shape_make(&s, part.data ? part.data : "",
					part.len, SHAPE_BLOCKS) == 0,
		     c->name);
	} else {
		must(reply_init(&r, md, marked.len) == 0 &&
			     reply_shape(&r, 0, SHAPE_TABLES, &s) == 0,
		     c->name);
		reply_release(&r);
	}
	if (s.blocks)
		show_blocks(s.blocks, blocks);
	show(s.text, text);
	shape_release(&s);
	buf_release(&part);
	buf_release(&marked);
}

static void write_case(FILE *f, const struct one *c, const char *blocks,
		       const char *text)
{
	(void)fprintf(f,
		      "\n%%%% %s %s\n%s\n%%%% blocks\n%s\n%%%% text\n%s\n"
		      "%%%% end\n",
		      c->interim ? "interim" : "case", c->name,
		      c->md.data ? c->md.data : "", blocks, text);
}

/* The file as it would be. */
static void accept(void)
{
	struct buf blocks, text;
	FILE *f = fopen(path(), "w");
	int i;

	must(f != NULL, path());
	(void)fputs(head.data, f);
	buf_init(&blocks, FILE_MAX);
	buf_init(&text, FILE_MAX);
	for (i = 0; i < ncases; i++) {
		buf_reset(&blocks);
		buf_reset(&text);
		render(&cases[i], &blocks, &text);
		write_case(f, &cases[i], blocks.data ? blocks.data : "",
			   text.data ? text.data : "");
	}
	(void)fclose(f);
	buf_release(&blocks);
	buf_release(&text);
}

static void same(const struct one *c, const char *what, const struct buf *got,
		 const struct buf *want)
{
	const char *g = got->data ? got->data : "";
	const char *w = want->data ? want->data : "";

	ck_assert_msg(strcmp(g, w) == 0, "%s, %s: got\n%s\nfor\n%s", c->name,
		      what, g, w);
}

START_TEST(slack_gets_what_the_table_of_cases_says)
{
	const struct one *c = &cases[_i];
	struct buf blocks, text;

	buf_init(&blocks, FILE_MAX);
	buf_init(&text, FILE_MAX);
	render(c, &blocks, &text);
	same(c, "blocks", &blocks, &c->blocks);
	same(c, "text", &text, &c->text);
	buf_release(&blocks);
	buf_release(&text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("render");
	TCase *tc = tcase_create("cases");
	SRunner *sr = srunner_create(s);
	int failed;

	load();
	if (getenv("KONSTRUCT_ACCEPT")) {
		accept();
		return EXIT_SUCCESS;
	}
	tcase_add_loop_test(tc, slack_gets_what_the_table_of_cases_says, 0,
			    ncases);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
