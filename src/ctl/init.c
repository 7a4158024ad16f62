/* SPDX-License-Identifier: ISC */
#include "ctl/init.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/secret.h"
#include "ctl/args.h"
#include "ctl/init_way.h"

#define ANSWER_MAX 4096

static bool echo(bool on, struct termios *was)
{
	struct termios t;

	if (on)
		return tcsetattr(STDIN_FILENO, TCSAFLUSH, was) == 0;
	if (tcgetattr(STDIN_FILENO, was) < 0)
		return false;
	t = *was;
	t.c_lflag &= ~(tcflag_t)ECHO;
	return tcsetattr(STDIN_FILENO, TCSAFLUSH, &t) == 0;
}

char *init_ask(const char *question, const char *preset, int secret)
{
	char line[ANSWER_MAX], *answer;
	struct termios was;
	bool hidden;

	if (!isatty(STDIN_FILENO))
		return NULL;
	fprintf(stderr, preset ? "%s [%s]: " : "%s%s: ", question,
		preset ? preset : "");
	hidden = secret && echo(false, &was);
	if (!fgets(line, sizeof(line), stdin))
		line[0] = '\0';
	if (hidden) {
		(void)echo(true, &was);
		fputc('\n', stderr);
	}
	line[strcspn(line, "\r\n")] = '\0';
	answer = strdup(line[0] == '\0' && preset ? preset : line);
	explicit_bzero(line, sizeof(line));
	if (answer && !*answer) {
		free(answer);
		return NULL;
	}
	return answer;
}

/* In the configuration's quotes these would need care; none has a place in
 * a URL, a model's name or a path. */
static bool is_plain(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < ' ' || strchr("\"\\${}", *s))
			return false;
	}
	return true;
}

/* What is wanted of the settings. Those of the way out are the same for Slack
 * and for the model. */
enum {
	URL,
	MODEL,
	KEY,
	WAY,
	PROXY = WAY,
	USER,
	PASSWORD,
	CA,
	SETTINGS
};

static const char *const setting[SETTINGS] = {
	[URL] = "url",          [MODEL] = "model",
	[KEY] = "api_key_file", [PROXY] = "proxy",
	[USER] = "proxy_user",  [PASSWORD] = "proxy_password_file",
	[CA] = "ca_file",
};

static void write_line(struct buf *out, int i, const char *const *wanted)
{
	if (wanted[i])
		buf_addf(out, "\t%s = \"%s\"\n", setting[i], wanted[i]);
}

/* Is it the line of the sample that has this setting as it comes? */
static bool is_preset(const char *line, size_t n, int i)
{
	char preset[64];
	int len = snprintf(preset, sizeof(preset), "\t%s%s = \"\"",
			   i == URL || i == MODEL ? "" : "#", setting[i]);

	return n >= (size_t)len && strncmp(line, preset, (size_t)len) == 0;
}

static void fill_line(struct buf *out, const char *line, size_t n,
		      const char *const *wanted)
{
	int i;

	for (i = 0; i < SETTINGS; i++) {
		if (!wanted[i] || !is_preset(line, n, i))
			continue;
		write_line(out, i, wanted);
		return;
	}
	buf_add(out, line, n);
}

static void fill_sample(struct buf *out, const char *text, size_t len,
			const char *const *wanted)
{
	const char *end = text + len;
	const char *nl;

	while (text < end) {
		nl = memchr(text, '\n', (size_t)(end - text));
		nl = nl ? nl + 1 : end;
		fill_line(out, text, (size_t)(nl - text), wanted);
		text = nl;
	}
}

static void write_short(struct buf *out, const char *const *wanted)
{
	int i;

	buf_adds(out, "# Written by konstructctl init; konstructd.conf(5) "
		      "tells of all settings.\nslack {\n");
	for (i = WAY; i < SETTINGS; i++)
		write_line(out, i, wanted);
	buf_adds(out, "}\nllm \"main\" {\n");
	for (i = 0; i < SETTINGS; i++)
		write_line(out, i, wanted);
	buf_adds(out, "\tdefault = true\n}\n");
}

/* Beside the old one and then in its place, with its mode. */
static int put_file(const char *path, const struct buf *text, struct err *e)
{
	struct stat st;
	char tmp[4096];
	FILE *f;
	int ok;

	if (snprintf(tmp, sizeof(tmp), "%s.new", path) >= (int)sizeof(tmp))
		return err_set(e, ERR_INPUT, "path is too long");
	f = fopen(tmp, "w");
	if (!f)
		return err_set(e, ERR_FATAL, "cannot write '%s': %s", tmp,
			       strerror(errno));
	ok = fwrite(text->data, 1, text->len, f) == text->len;
	if (fchmod(fileno(f), stat(path, &st) == 0 ? st.st_mode & 0777 : 0644) <
	    0)
		ok = false;
	if (fclose(f) != 0 || !ok || rename(tmp, path) < 0) {
		err_set(e, ERR_FATAL, "cannot write '%s': %s", path,
			strerror(errno));
		(void)unlink(tmp);
		return -1;
	}
	return 0;
}

static const char *value_of(const struct conf *c, int i)
{
	switch (i) {
	case KEY:
		return c->models[0].api_key_file;
	case PROXY:
		return c->slack_way.proxy;
	case USER:
		return c->slack_way.proxy_user;
	case PASSWORD:
		return c->slack_way.proxy_password_file;
	default:
		return c->slack_way.ca_file;
	}
}

/* Where a file has other settings already no line was found to fill in. ca, if
 * not NULL, is one that turns out to be wanted. */
static int check_filled(const char *path, const struct buf *text,
			const char *const *wanted, char **ca, struct err *e)
{
	struct conf c;
	int rc = 0;
	int i;

	if (conf_parse(&c, path, text->data, text->len, e) < 0)
		return -1;
	for (i = KEY; rc == 0 && i < SETTINGS; i++) {
		if (wanted[i] && strcmp(value_of(&c, i), wanted[i]) != 0)
			rc = err_set(e, ERR_INPUT,
				     "'%s' has another %s: set it there", path,
				     setting[i]);
	}
	if (rc == 0 && ca)
		*ca = init_way_ca(&c);
	conf_release(&c);
	return rc;
}

/* old of n bytes, or if there is none a short one, with what is wanted. */
static int fill(const char *path, const char *old, ssize_t n,
		const char *const *wanted, char **ca, struct buf *out,
		struct err *e)
{
	buf_reset(out);
	if (n > 0)
		fill_sample(out, old, (size_t)n, wanted);
	else
		write_short(out, wanted);
	if (out->failed)
		return err_set(e, ERR_RETRY, "no memory");
	return check_filled(path, out, wanted, ca, e);
}

/* 1: nothing had to be changed. ca as for check_filled(), to be freed. */
static int write_conf(const char *path, const char **wanted, char **ca,
		      struct err *e)
{
	char *old = malloc(CONF_FILE_MAX);
	struct err none = { 0 };
	struct buf out;
	ssize_t n;
	int rc = -1;

	buf_init(&out, 2 * CONF_FILE_MAX);
	n = old ? file_read(path, old, CONF_FILE_MAX, NULL, &none) : -1;
	rc = fill(path, old, n, wanted, ca, &out, e);
	if (rc == 0 && ca && *ca) {
		wanted[CA] = *ca;
		rc = fill(path, old, n, wanted, NULL, &out, e);
	}
	if (rc == 0)
		rc = n > 0 && out.len == (size_t)n &&
				     memcmp(out.data, old, out.len) == 0
			     ? 1
			     : put_file(path, &out, e);
	buf_release(&out);
	free(old);
	return rc;
}

static bool all_plain(const char *const *wanted)
{
	int i;

	for (i = 0; i < SETTINGS; i++) {
		if (wanted[i] && !is_plain(wanted[i]))
			return false;
	}
	return true;
}

/*
 * "llm.key" beside the settings at path, to be freed: one that is there, or
 * with the key that a person at the terminal gives. NULL without e: no key.
 */
static char *key_file(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *file = NULL;
	char *key = NULL;

	if (!isatty(STDIN_FILENO) ||
	    asprintf(&file, "%.*sllm.key", slash ? (int)(slash - path) + 1 : 0,
		     path) < 0)
		return NULL;
	if (access(file, F_OK) == 0)
		return file;
	key = init_ask("its API key, if it wants one", NULL, 1);
	if (!key || file_create(file, key, strlen(key), e) < 0) {
		free(file);
		file = NULL;
	}
	secret_free(key);
	return file;
}

/* To the daemon's user, who owns the state directory. */
static int give_away(const char *file, const char *path, struct err *e)
{
	struct stat st;
	struct conf c;
	int rc = 0;

	if (conf_load(&c, path, e) < 0)
		return -1;
	if (geteuid() == 0 && stat(c.state_dir, &st) == 0 &&
	    chown(file, st.st_uid, st.st_gid) < 0)
		rc = err_set(e, ERR_FATAL, "cannot give '%s' away: %s", file,
			     strerror(errno));
	conf_release(&c);
	return rc;
}

/* What the settings are to say, and what of it is to be freed. */
struct answers {
	const char *wanted[SETTINGS];
	char *url, *model, *key, *ca;
	struct init_way way;
};

static void free_answers(struct answers *w)
{
	init_way_free(&w->way);
	free(w->ca);
	free(w->key);
	free(w->url);
	free(w->model);
}

/* What the first settings need, of who sits there. -1 with e. */
static int ask(const struct ctl_args *a, const char *path, struct answers *w,
	       struct err *e)
{
	w->url = a->url ? strdup(a->url)
			: init_ask("URL of the model's server, up to /v1", NULL,
				   0);
	w->model = a->model ? strdup(a->model)
			    : init_ask("name of the model there", NULL, 0);
	if (!w->url)
		return err_set(e, ERR_INPUT,
			       "'%s' names no model: --url is needed", path);
	w->wanted[URL] = w->url;
	w->wanted[MODEL] = w->model ? w->model : "";
	if (!a->api_key_file)
		w->wanted[KEY] = w->key = key_file(path, e);
	if (e->kind != ERR_NONE)
		return -1;
	if (!a->proxy) {
		init_way_ask(&w->way);
		w->wanted[PROXY] = w->way.proxy;
		w->wanted[USER] = w->way.user;
		w->wanted[PASSWORD] = w->way.password_file;
	}
	return 0;
}

static bool is_there(const char *path)
{
	struct err none = { 0 };
	struct conf c;

	if (conf_load(&c, path, &none) < 0)
		return false;
	conf_release(&c);
	return true;
}

int init_conf(const struct ctl_args *a, const char *path, struct err *e)
{
	struct answers w = {
		.wanted = { [KEY] = a->api_key_file,
			    [PROXY] = a->proxy,
			    [USER] = a->proxy_user,
			    [PASSWORD] = a->proxy_password_file,
			    [CA] = a->ca_file },
	};
	bool there = is_there(path);
	bool asks = !there && !a->ca_file && isatty(STDIN_FILENO);
	int rc = -1;

	if (!there && ask(a, path, &w, e) < 0)
		goto out;
	if (!all_plain(w.wanted))
		err_set(e, ERR_INPUT,
			"quotes, braces and the like have no place here");
	else
		rc = write_conf(path, w.wanted, asks ? &w.ca : NULL, e);
	if (rc == 0 && w.key && give_away(w.key, path, e) < 0)
		rc = -1;
	if (rc == 1)
		fprintf(stderr, "'%s' stays as it is\n", path);
out:
	free_answers(&w);
	return rc;
}
