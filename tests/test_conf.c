/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/conf_keys.h"
#include "base/err.h"

#define LLM    "llm \"main\" { url = \"https://a.example/v1\" }\n"
#define DAEMON "daemon {\n"

static struct conf c;

static void teardown(void)
{
	conf_release(&c);
}

static void parse(const char *text)
{
	struct err e = { 0 };
	int rc;

	rc = conf_parse(&c, "k.conf", text, strlen(text), &e);
	ck_assert_msg(rc == 0, "%s", e.msg);
}

START_TEST(what_is_not_set_has_its_default)
{
	parse(LLM);
	ck_assert_str_eq(c.path, "k.conf");
	ck_assert_str_eq(c.listen, "127.0.0.1:8001");
	ck_assert_int_eq(c.routers, 2);
	ck_assert_str_eq(c.slack_api_url, "https://slack.com/api/");
	ck_assert_int_eq(c.rate_per_minute, 30);
	ck_assert_int_eq(c.answer_max_bytes, 100000);
	ck_assert_uint_eq(c.nmodels, 1);
	ck_assert_str_eq(c.models[0].url, "https://a.example/v1");
	ck_assert_int_eq(c.models[0].timeout_s, 120);
	ck_assert(c.models[0].is_default);
}
END_TEST

START_TEST(what_is_set_arrives)
{
	parse("# a comment with { \" ' ${HOME}\n"
	      "#\n"
	      "daemon { listen = \"\" workers = 4 log_level = 'debug' }\n"
	      "slack { api_url = \"http://127.0.0.1:9/api\" # why\n"
	      "updates_per_minute=0 }\n"
	      "limits { rate_per_minute = 0 }\n"
	      "daemon { routers = 3 }\n"
	      "llm a { url = \"http://[::1]:1/v1//\" max_tokens = 77 }\n"
	      "llm \"b c\" { url = \"https://b/\" default = yes }\n");
	ck_assert_str_eq(c.listen, "");
	ck_assert_int_eq(c.workers, 4);
	ck_assert_int_eq(c.routers, 3);
	ck_assert_str_eq(c.log_level, "debug");
	ck_assert_str_eq(c.slack_api_url, "http://127.0.0.1:9/api/");
	ck_assert_int_eq(c.updates_per_minute, 0);
	ck_assert_int_eq(c.rate_per_minute, 0);
	ck_assert_uint_eq(c.nmodels, 2);
	ck_assert_str_eq(c.models[0].url, "http://[::1]:1/v1");
	ck_assert_int_eq(c.models[0].max_tokens, 77);
	ck_assert_str_eq(conf_model(&c, "a")->name, "a");
	ck_assert_str_eq(conf_model(&c, "b c")->url, "https://b");
	ck_assert_str_eq(conf_model(&c, "gone")->name, "b c");
	ck_assert_str_eq(conf_model(&c, "")->name, "b c");
	ck_assert_str_eq(conf_model(&c, NULL)->name, "b c");
}
END_TEST

static const char *const proxies[] = {
	"",
	"direct",
	"proxy:3128",
	"http://proxy:3128",
	"https://[::1]:1/",
	"socks5h://10.0.0.1:1080",
	"HTTP://proxy",
};

START_TEST(proxy_has_these_forms)
{
	struct err e = { 0 };
	char text[256];

	(void)snprintf(text, sizeof(text),
		       "slack { proxy = \"%s\" }\nllm a { url = \"https://b\""
		       " proxy = \"%s\" }\n",
		       proxies[_i], proxies[_i]);
	ck_assert_msg(conf_parse(&c, "k.conf", text, strlen(text), &e) == 0,
		      "%s", e.msg);
	ck_assert_str_eq(c.slack_way.proxy, proxies[_i]);
	ck_assert_str_eq(c.models[0].way.proxy, proxies[_i]);
	conf_release(&c);
}
END_TEST

static const struct {
	const char *text;
	double price; /* -1: none */
} prices[] = {
	{ "0", 0 },        { "12", 12 },        { "0.15", 0.15 },
	{ "100000", 1e5 }, { "2.500000", 2.5 }, { "1.1234567", -1 },
	{ "100001", -1 },  { "", -1 },          { ".5", -1 },
	{ "5.", -1 },      { "-1", -1 },        { "1e3", -1 },
	{ "0,15", -1 },    { "$5", -1 },        { "99999999999999999999", -1 },
};

START_TEST(price_has_this_form)
{
	struct err e = { 0 };
	char text[256];
	int rc;

	(void)snprintf(text, sizeof(text),
		       "llm a { url = \"https://b\" prompt_price = \"%s\"\n"
		       "completion_price = \"10\" }\n",
		       prices[_i].text);
	rc = conf_parse(&c, "k.conf", text, strlen(text), &e);
	if (prices[_i].price < 0 && prices[_i].text[0] != '\0') {
		ck_assert_int_eq(rc, -1);
		ck_assert(strstr(e.msg, "is no price") != NULL);
		return;
	}
	ck_assert_msg(rc == 0, "%s", e.msg);
	ck_assert_int_eq(conf_has_prices(&c), prices[_i].price >= 0);
	ck_assert_double_eq_tol(
		conf_cost(&c, "a", 1000000, 500000),
		prices[_i].price < 0 ? -1 : prices[_i].price + 5, 1e-9);
	ck_assert_double_eq_tol(conf_cost(&c, "gone", 1, 1), -1, 1e-9);
	conf_release(&c);
}
END_TEST

START_TEST(long_value_is_kept_whole)
{
	char text[5100];
	char path[5001];

	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	(void)snprintf(text, sizeof(text), "daemon { key_file = \"%s\" } %s",
		       path, LLM);
	parse(text);
	ck_assert_str_eq(c.key_file, path);
}
END_TEST

/* Where it is wrong, and what the message says about it. */
static const struct {
	const char *text;
	const char *where;
	const char *says;
} wrong[] = {
	{ "", "k.conf:1: ", "no llm section" },
	{ DAEMON "\n workes = 1\n}\n" LLM, "k.conf:3: ", "'workes'" },
	{ "# c\n\n#\ndemon {\n}\n" LLM, "k.conf:4: ", "'demon'" },
	{ DAEMON "workers = \"many\"\n}\n" LLM, "k.conf:2: ", "'workers'" },
	{ DAEMON "workers = \"\"\n}\n" LLM, "k.conf:2: ", "whole number" },
	{ DAEMON "workers = 4x\n}\n" LLM, "k.conf:2: ", "whole number" },
	{ DAEMON "workers = 1.5\n}\n" LLM, "k.conf:2: ", "whole number" },
	{ DAEMON "workers = 0x10\n}\n" LLM, "k.conf:2: ", "whole number" },
	{ DAEMON "workers = 99999999999999999999\n}\n" LLM,
	  "k.conf:2: ", "whole number" },
	{ DAEMON "workers = -1\n}\n" LLM, "k.conf:2: ", "0 to 256" },
	{ DAEMON "workers = 257\n}\n" LLM, "k.conf:2: ", "is 257" },
	{ DAEMON "log_level = \"loud\"\n}\n" LLM, "k.conf:2: ", "log_level" },
	{ DAEMON "wokrers = 4\n}\n" LLM, "k.conf:2: ", "perhaps 'workers'" },
	{ "deamon {\n}\n" LLM, "k.conf:1: ", "perhaps 'daemon'" },
	{ "frobnicate {\n}\n" LLM, "k.conf:1: ", "option 'frobnicate'" },
	{ DAEMON "listen = \"8001\"\n}\n" LLM, "k.conf:2: ", "host:port" },
	{ DAEMON "listen = \"a:http\"\n}\n" LLM, "k.conf:2: ", "no port" },
	{ DAEMON "listen = \"a:1\\n\"\n}\n" LLM, "k.conf:2: ", "control" },
	{ DAEMON "state_dir = \"\"\n}\n" LLM, "k.conf:2: ", "is empty" },
	{ DAEMON "state_dir = \"lib\"\n}\n" LLM,
	  "k.conf:2: ", "begin with '/'" },
	{ DAEMON "admin_socket = \"a\"\n}\n" LLM, "k.conf:2: ", "with '/'" },
	{ DAEMON "workers 4\n}\n" LLM, "k.conf:2: ", "equal" },
	{ DAEMON "workers = \n}\n" LLM, "k.conf:3: ", "" },
	{ DAEMON "workers += 4\n}\n" LLM, "k.conf:2: ", "workers" },
	{ DAEMON "workers = {1, 2}\n}\n" LLM, "k.conf:2: ", "" },
	{ DAEMON "include(\"/etc/passwd\")\n}\n" LLM, "k.conf:2: ", "" },
	{ LLM "include(\"/etc/passwd\")\n", "k.conf:2: ", "" },
	{ LLM DAEMON "\n", "k.conf:2: ", "section is not closed" },
	{ LLM DAEMON "workers = 4\n", "k.conf:2: ", "section is not closed" },
	{ LLM "}\n", "k.conf:2: ", "brace" },
	{ LLM DAEMON "key_file = \"x\n\n}\n", "k.conf:3: ", "not closed" },
	{ LLM DAEMON "key_file = 'x\n}\n", "k.conf:3: ", "not closed" },
	{ LLM DAEMON "key_file = \"\\", "k.conf:3: ", "not closed" },
	{ LLM "/* c */\n", "k.conf:2: ", "'#'" },
	{ LLM "// c\n", "k.conf:2: ", "'#'" },
	{ "llm a { url = https://b }\n", "k.conf:1: ", "quotes" },
	{ DAEMON "key_file = \"${HOME}/k\"\n}\n" LLM,
	  "k.conf:2: ", "environment" },
	{ DAEMON "key_file = ${HOME}\n}\n" LLM, "k.conf:2: ", "environment" },
	{ LLM "\x01", "k.conf:2: ", "control character" },
	{ "llm a { url = \"https://a\" modle = \"m\" }\n",
	  "k.conf:1: ", "perhaps 'model'" },
	{ "limits {\nworkers = 4\n}\n" LLM,
	  "k.conf:2: ", "it belongs to section 'daemon'" },
	{ DAEMON "drain_timeout_s = 25s\n}\n" LLM,
	  "k.conf:2: ", "'25s', which is no whole number (leave the unit" },
	{ DAEMON "drain_timeout_s = long\n}\n" LLM,
	  "k.conf:2: ", "is 'long', which is no whole number" },
	{ "\xff\xfel\n", "k.conf:1: ", "save it as UTF-8" },
	{ "daemon|workers = 3\n" LLM, "k.conf:1: ", "outside its section" },
	{ LLM "'llm|default' = true\n", "k.conf:2: ", "outside its section" },
	{ "llm { url = \"https://a\" }\n", "k.conf:1: ", "title" },
	{ "llm \"\" { url = \"https://a\" }\n", "k.conf:1: ", "name" },
	{ LLM "\n" LLM, "k.conf:3: ", "an llm 'main' already" },
	{ "llm a {\n}\n", "k.conf:2: ", "'a' has no url" },
	{ "llm a {\nurl = \"\"\n}\n", "k.conf:2: ", "is empty" },
	{ "llm a {\nurl = \"ftp://b/\"\n}\n", "k.conf:2: ", "https://" },
	{ "llm a {\nurl = \"https://b/v1/chat/completions/\"\n}\n",
	  "k.conf:2: ", "put behind it" },
	{ "llm a {\nurl = \"http://b/\"\n}\n",
	  "k.conf:2: ", "another machine" },
	{ "llm a { default = perhaps }\n", "k.conf:1: ", "neither true" },
	{ "llm a { url = \"https://a\" default = true }\n"
	  "llm b { url = \"https://a\" default = true\n}\n",
	  "k.conf:2: ", "both default" },
	{ "llm a { url = \"https://a\" }\nllm b { url = \"https://a\" }\n",
	  "k.conf:", "no llm has" },
	{ LLM "slack {\napi_url = \"http://slack.com/api/\" }\n",
	  "k.conf:3: ", "another machine" },
	{ LLM "slack {\nproxy = \"http://u:p@b:1\"\n}\n",
	  "k.conf:3: ", "proxy_user" },
	{ LLM "slack {\nproxy = \"ftp://b:1\"\n}\n", "k.conf:3: ", "proxy" },
	{ LLM "slack {\nproxy = \"http://b:1/x\"\n}\n", "k.conf:3: ", "proxy" },
	{ LLM "slack {\nproxy = \"http://\"\n}\n", "k.conf:3: ", "proxy" },
	{ LLM "slack {\nproxy_auth = \"best\"\n}\n", "k.conf:3: ", "none of" },
};

START_TEST(mistake_is_named_with_its_line)
{
	struct err e = { 0 };
	const char *text = wrong[_i].text;
	int rc;

	setenv("HOME", "/root", 1);
	rc = conf_parse(&c, "k.conf", text, strlen(text), &e);
	ck_assert_msg(rc == -1, "accepted: %s", text);
	ck_assert_int_eq(e.kind, ERR_INPUT);
	ck_assert_msg(strncmp(e.msg, wrong[_i].where,
			      strlen(wrong[_i].where)) == 0,
		      "%s\ngave: %s", text, e.msg);
	ck_assert_msg(strstr(e.msg, wrong[_i].says) != NULL, "%s\ngave: %s",
		      text, e.msg);
	ck_assert_ptr_null(c.listen);
}
END_TEST

/* As editors of other systems leave it. */
START_TEST(mark_of_utf8_and_crlf_are_passed_over)
{
	parse("\xef\xbb\xbf" DAEMON "workers = 3\r\n}\r\n" LLM);
	ck_assert_int_eq(c.workers, 3);
}
END_TEST

START_TEST(nul_byte_is_refused)
{
	static const char text[] = LLM "\0" DAEMON;
	struct err e = { 0 };

	ck_assert_int_eq(conf_parse(&c, "k.conf", text, sizeof(text) - 1, &e),
			 -1);
	ck_assert_str_eq(e.msg, "k.conf:2: control character");
}
END_TEST

START_TEST(too_many_models_are_refused)
{
	char text[100 * (CONF_MODELS_MAX + 1)];
	struct err e = { 0 };
	size_t at = 0;
	int i;

	for (i = 0; i <= CONF_MODELS_MAX; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at,
				       "llm m%d { url = \"https://a\" }\n", i);
	ck_assert_int_eq(conf_parse(&c, "k.conf", text, at, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.msg, "more than 32"));
}
END_TEST

START_TEST(missing_file_is_named)
{
	struct err e = { 0 };

	ck_assert_int_eq(conf_load(&c, "/nonexistent/k.conf", &e), -1);
	ck_assert_ptr_nonnull(strstr(e.msg, "/nonexistent/k.conf"));
	ck_assert_int_eq(conf_load(&c, "/tmp", &e), -1);
}
END_TEST

/* A directory with a file and its conf.d. */
static char dir[32];

static void make_tree(void)
{
	char path[64];

	(void)snprintf(dir, sizeof(dir), "/tmp/konstruct-conf-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/conf.d", dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void put(const char *name, const char *text)
{
	char path[96];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static void remove_tree(void)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "rm -r '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

static int load_tree(struct err *e)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/k.conf", dir);
	return conf_load(&c, path, e);
}

static const struct conf_at *at_of(const struct conf_at *at,
				   const char *section, const char *name)
{
	size_t i;

	for (i = 0; i < conf_nkeys; i++) {
		if (strcmp(conf_keys[i].section, section) == 0 &&
		    strcmp(conf_keys[i].name, name) == 0)
			return &at[i];
	}
	ck_abort_msg("no key %s.%s", section, name);
	return NULL;
}

static void at_is(const struct conf_at *at, const char *name, int line)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	ck_assert_pstr_eq(at->file, path);
	ck_assert_int_eq(at->line, line);
}

START_TEST(a_later_file_overrides_key_by_key)
{
	struct err e = { 0 };

	make_tree();
	put("k.conf", "limits { burst = 5\nrate_per_minute = 6 }\n"
		      "llm a { url = \"https://a\" max_tokens = 7 }\n");
	put("conf.d/20-b.conf",
	    "\nlimits { burst = 9 }\nllm b { url = \"https://b/\" }\n");
	put("conf.d/10-a.conf", "limits { burst = 8 }\n"
				"llm a {\nmax_tokens = 8 default = yes }\n");
	put("conf.d/30-c.conf.dpkg-old", "nonsense");
	put("conf.d/.40-d.conf", "nonsense");
	put("conf.d/README", "nonsense");
	ck_assert_msg(load_tree(&e) == 0, "%s", e.msg);
	ck_assert_int_eq(c.burst, 9);
	ck_assert_int_eq(c.rate_per_minute, 6);
	ck_assert_uint_eq(c.nmodels, 2);
	ck_assert_str_eq(c.models[0].url, "https://a");
	ck_assert_int_eq(c.models[0].max_tokens, 8);
	ck_assert_str_eq(c.models[1].url, "https://b");
	ck_assert_str_eq(conf_model(&c, NULL)->name, "a");
	ck_assert_uint_eq(c.nfiles, 3);
	at_is(at_of(c.at, "limits", "burst"), "conf.d/20-b.conf", 2);
	at_is(at_of(c.at, "limits", "rate_per_minute"), "k.conf", 2);
	at_is(at_of(c.models[0].at, "llm", "max_tokens"), "conf.d/10-a.conf",
	      3);
	ck_assert_ptr_null(at_of(c.at, "limits", "history_days")->file);
	remove_tree();
}
END_TEST

static const struct {
	const char *text; /* of conf.d/a.conf */
	const char *says;
} wrong_drop_ins[] = {
	{ "\nlimits { burst = many }", "conf.d/a.conf:2: 'burst'" },
	{ "limits {\n", "conf.d/a.conf:1: section is not closed" },
	{ "\n\nllm b { url = \"https://b\" }",
	  "conf.d/a.conf:3: no llm has 'default" },
	{ "\nllm b { max_tokens = 1 default = yes }",
	  "conf.d/a.conf:2: llm 'b' has no url" },
	{ "\nllm b { url = \"https://b\"\ndefault = yes }\n"
	  "llm a { default = yes }",
	  "conf.d/a.conf:3: llm 'a' and llm 'b' are both default" },
};

START_TEST(mistake_of_a_later_file_is_named_with_its_line)
{
	struct err e = { 0 };

	make_tree();
	put("k.conf", "llm a { url = \"https://a\" }\n");
	put("conf.d/a.conf", wrong_drop_ins[_i].text);
	ck_assert_int_eq(load_tree(&e), -1);
	ck_assert_msg(strstr(e.msg, wrong_drop_ins[_i].says) != NULL,
		      "gave: %s", e.msg);
	ck_assert_ptr_null(c.listen);
	remove_tree();
}
END_TEST

START_TEST(later_file_that_cannot_be_read_is_a_mistake)
{
	struct err e = { 0 };
	char path[96];

	make_tree();
	put("k.conf", "llm a { url = \"https://a\" }\n");
	(void)snprintf(path, sizeof(path), "%s/conf.d/a.conf", dir);
	ck_assert_int_eq(symlink("nowhere", path), 0);
	ck_assert_int_eq(load_tree(&e), -1);
	ck_assert_ptr_nonnull(strstr(e.msg, "conf.d/a.conf"));
	remove_tree();
}
END_TEST

START_TEST(too_many_later_files_are_refused)
{
	struct err e = { 0 };
	char name[32];
	int i;

	make_tree();
	put("k.conf", "llm a { url = \"https://a\" }\n");
	for (i = 0; i < CONF_FILES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "conf.d/%d.conf", i);
		put(name, "");
	}
	ck_assert_int_eq(load_tree(&e), -1);
	ck_assert_ptr_nonnull(strstr(e.msg, "more than 64 files"));
	remove_tree();
}
END_TEST

static char *show(void)
{
	size_t n;
	char *text;
	FILE *f = open_memstream(&text, &n);

	conf_show(&c, f);
	fclose(f);
	return text;
}

START_TEST(what_is_shown_reads_back_as_the_same)
{
	char *first, *second;

	parse("daemon { key_file = \"a\\\"b\\\\c # d\" drain_timeout_s = 0 }\n"
	      "llm 'x \"y\"' { url = \"https://a/v1\" timeout_s = 7 }\n"
	      "llm z { url = \"https://b\" default = true }\n");
	first = show();
	conf_release(&c);
	parse(first);
	ck_assert_str_eq(c.key_file, "a\"b\\c # d");
	ck_assert_str_eq(c.models[0].name, "x \"y\"");
	second = show();
	ck_assert_str_eq(first, second);
	free(first);
	free(second);
}
END_TEST

/* The setting of a line, or NULL: prose is "# text", a default "#key". */
static char *setting(char *line)
{
	line += strspn(line, " \t");
	if (*line == '#')
		line++;
	line[strcspn(line, "\n")] = '\0';
	return *line && *line != ' ' && *line != '\t' ? line : NULL;
}

/* Sections, keys, order and defaults: all as the table has them. */
START_TEST(sample_file_shows_every_key_and_its_default)
{
	const char *top = getenv("KONSTRUCT_SRCDIR");
	struct err e = { 0 };
	char have[512], want[512];
	char *text, *h, *w;
	FILE *sample, *shown;

	(void)snprintf(have, sizeof(have), "%s/etc/konstructd.conf",
		       top ? top : ".");
	sample = fopen(have, "r");
	ck_assert_ptr_nonnull(sample);
	ck_assert_int_eq(conf_load(&c, NULL, &e), 0);
	text = show();
	shown = fmemopen(text, strlen(text), "r");

	while (fgets(want, sizeof(want), shown)) {
		w = setting(want);
		if (!w)
			continue;
		h = NULL;
		while (!h && fgets(have, sizeof(have), sample))
			h = setting(have);
		ck_assert_pstr_eq(h, w);
	}
	while (fgets(have, sizeof(have), sample))
		ck_assert_ptr_null(setting(have));
	fclose(shown);
	fclose(sample);
	free(text);
}
END_TEST

/* As the manual page heads a row. */
static void item_of(const struct conf_key *k, char *out, size_t size)
{
	switch (k->type) {
	case CONF_STR:
		(void)snprintf(out, size, ".It Cm %s = Qq%s%s\n", k->name,
			       *k->str ? " " : "", k->str);
		break;
	case CONF_INT:
		(void)snprintf(out, size, ".It Cm %s = %ld\n", k->name, k->num);
		break;
	case CONF_BOOL:
		(void)snprintf(out, size, ".It Cm %s = %s\n", k->name,
			       k->num ? "true" : "false");
		break;
	}
}

/* What made the page has read the table as text, the compiler as C. */
static void check_item(const struct conf_key *k, char *range, bool restart)
{
	char want[80] = "";

	ck_assert_msg(k->live != restart, "%s.%s", k->section, k->name);
	if (k->type == CONF_INT)
		(void)snprintf(want, sizeof(want), "From %ld to %ld", k->min,
			       k->max);
	range[strcspn(range, "\n")] = '\0';
	ck_assert_msg(strncmp(range, want, strlen(want)) == 0 &&
			      !isdigit((unsigned char)range[strlen(want)]),
		      "%s.%s: %s", k->section, k->name, range);
	ck_assert_int_eq(*want == '\0', *range == '\0');
}

/* Every key stands there, in the table's order, with its default and its
 * range, and says so if it needs a restart; nothing else does. */
START_TEST(manual_page_says_of_every_key_what_the_table_does)
{
	const char *top = getenv("KONSTRUCT_BUILDDIR");
	const struct conf_key *k = NULL;
	char line[512], item[512], range[80] = "", section[32] = "";
	bool restart = false;
	size_t n = 0;
	FILE *page;

	(void)snprintf(line, sizeof(line), "%s/docs/man/konstructd.conf.5",
		       top ? top : ".");
	page = fopen(line, "r");
	ck_assert_ptr_nonnull(page);
	while (fgets(line, sizeof(line), page)) {
		if (strcmp(line, "Needs a restart.\n") == 0)
			restart = true;
		if (strncmp(line, "From ", 5) == 0)
			(void)snprintf(range, sizeof(range), "%.70s", line);
		if (strncmp(line, ".It Cm ", 7) != 0 &&
		    strncmp(line, ".S", 2) != 0)
			continue;
		if (k)
			check_item(k, range, restart);
		k = NULL;
		restart = false;
		range[0] = '\0';
		(void)sscanf(line, ".Ss %31s", section);
		if (line[1] == 'S')
			continue;
		ck_assert_uint_lt(n, conf_nkeys);
		k = &conf_keys[n++];
		item_of(k, item, sizeof(item));
		ck_assert_str_eq(k->section, section);
		ck_assert_str_eq(line, item);
	}
	fclose(page);
	ck_assert_uint_eq(n, conf_nkeys);
}
END_TEST

START_TEST(sample_file_lacks_only_the_url)
{
	const char *top = getenv("KONSTRUCT_SRCDIR");
	struct err e = { 0 };
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/etc/konstructd.conf",
		       top ? top : ".");
	ck_assert_int_eq(conf_load(&c, path, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.msg, ": 'url' is empty"));
}
END_TEST

static const struct {
	const char *url;
	bool allowed;
} urls[] = {
	{ "https://slack.com/api/", true },
	{ "HTTPS://slack.com", true },
	{ "wss://wss-primary.slack.com/link/?ticket=1&app_id=2", true },
	{ "https://slack.com:443/", true },
	{ "http://127.0.0.1/", true },
	{ "http://127.0.0.1:8080/v1", true },
	{ "http://127.9.9.9", true },
	{ "ws://127.0.0.1:1?x", true },
	{ "http://localhost:11434/v1", true },
	{ "http://LOCALHOST/", true },
	{ "http://[::1]:80/", true },
	{ "http://[::1]", true },
	{ "http://slack.com/", false },
	{ "ws://slack.com/", false },
	{ "http://127.0.0.1.evil.example/", false },
	{ "http://127.0.0.1@evil.example/", false },
	{ "http://127.0.0.1:80@evil.example/", false },
	{ "http://evil.example#@127.0.0.1/", false },
	{ "http://evil.example/127.0.0.1", false },
	{ "http://127.0.0.1\\@evil.example/", false },
	{ "http://localhost.evil.example/", false },
	{ "http://127.1/", false },
	{ "http://0177.0.0.1/", false },
	{ "http://2130706433/", false },
	{ "http://0.0.0.0/", false },
	{ "http://[::]/", false },
	{ "http://[::ffff:127.0.0.1]/", false },
	{ "http://[fe80::1]/", false },
	{ "http://[::1/", false },
	{ "http://[::1]x/", false },
	{ "http://::1/", false },
	{ "http://127.0.0.1:/", false },
	{ "http://127.0.0.1:x/", false },
	{ "http://127.0.0.1:123456/", false },
	{ "http:///path", false },
	{ "http://", false },
	{ "https://", false },
	{ "https:///x", false },
	{ "https://user:pass@slack.com/", false },
	{ "https://a b/", false },
	{ "https://a/\n", false },
	{ "https:/slack.com", false },
	{ "file:///etc/passwd", false },
	{ "slack.com", false },
	{ "", false },
};

START_TEST(plain_text_urls_stay_on_this_machine)
{
	ck_assert_msg(conf_url_allowed(urls[_i].url) == urls[_i].allowed, "%s",
		      urls[_i].url);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("conf");
	TCase *tc = tcase_create("conf");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, what_is_not_set_has_its_default);
	tcase_add_test(tc, what_is_set_arrives);
	tcase_add_loop_test(tc, proxy_has_these_forms, 0,
			    sizeof(proxies) / sizeof(proxies[0]));
	tcase_add_loop_test(tc, price_has_this_form, 0,
			    sizeof(prices) / sizeof(prices[0]));
	tcase_add_test(tc, long_value_is_kept_whole);
	tcase_add_loop_test(tc, mistake_is_named_with_its_line, 0,
			    sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(tc, mark_of_utf8_and_crlf_are_passed_over);
	tcase_add_test(tc, nul_byte_is_refused);
	tcase_add_test(tc, too_many_models_are_refused);
	tcase_add_test(tc, missing_file_is_named);
	tcase_add_test(tc, a_later_file_overrides_key_by_key);
	tcase_add_loop_test(tc, mistake_of_a_later_file_is_named_with_its_line,
			    0,
			    sizeof(wrong_drop_ins) / sizeof(wrong_drop_ins[0]));
	tcase_add_test(tc, later_file_that_cannot_be_read_is_a_mistake);
	tcase_add_test(tc, too_many_later_files_are_refused);
	tcase_add_test(tc, what_is_shown_reads_back_as_the_same);
	tcase_add_test(tc, sample_file_shows_every_key_and_its_default);
	tcase_add_test(tc, manual_page_says_of_every_key_what_the_table_does);
	tcase_add_test(tc, sample_file_lacks_only_the_url);
	tcase_add_loop_test(tc, plain_text_urls_stay_on_this_machine, 0,
			    sizeof(urls) / sizeof(urls[0]));
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
