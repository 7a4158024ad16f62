/* SPDX-License-Identifier: ISC */
/* A request of an admin: "METHOD PATH" in the first line, then the body. It
 * is run on a store, where it is undone, but for what it read. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/api.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/keyring.h"
#include "base/log.h"
#include "store/journal_ops.h"
#include "store/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char settings[] =
	"llm \"main\" { url = \"http://127.0.0.1:1/v1\" default = true }\n"
	"llm \"other\" { url = \"http://127.0.0.1:2/v1\" }\n";

static const char acme[] =
	"{\"name\":\"acme\",\"connections\":[{\"app_id\":\"A1\","
	"\"workspace_id\":\"T1\",\"bot_user_id\":\"U1\",\"bot_id\":\"B1\","
	"\"app_token\":\"xapp-1\",\"bot_token\":\"xoxb-1\"}],"
	"\"agent\":{\"name\":\"Mara\"}}";

static char dir[] = "/tmp/fuzz_command.XXXXXX";
static struct keyring *keyring;
static struct journal_db *db;
static struct conf conf;

static void must(int ok, const struct err *e)
{
	if (ok)
		return;
	fprintf(stderr, "%s\n", e ? e->msg : "?");
	abort();
}

static void clean_up(void)
{
	static const char *const names[] = { "key", "k.db", "k.db-wal",
					     "k.db-shm", "k.db-lock" };
	char path[64];
	size_t i;

	if (db)
		db->ops->close(db);
	keyring_free(keyring);
	conf_release(&conf);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(dir);
}

static int write_it(struct store *s, void *arg, struct err *e)
{
	return api_run(arg, s, e);
}

/* What it says is JSON, and what went wrong has a status and a reason. */
static void check(struct api_call *c, int rc, struct err *e)
{
	struct err bad = { 0 };
	struct json *j;

	if (rc < 0) {
		must(e->kind != ERR_NONE && e->msg[0] != '\0', e);
		must(c->status >= 400 || api_status(e) >= 400, e);
		api_error(&c->out, e);
	}
	j = json_parse(c->out.data ? c->out.data : "", c->out.len, c->out.cap,
		       &bad);
	must(j != NULL, &bad);
	json_free(j);
}

static void run(const char *method, const char *path, const char *body,
		size_t len, bool keep)
{
	struct journal_req r = { .write = write_it };
	struct err e = { 0 };
	struct api_call c;
	size_t bad = 0;
	int rc;

	rc = api_begin(&c, &conf, method, path, body, len, &e);
	c.keyring = keyring;
	trail_by(c.by, 0, true);
	if (rc < 0 || api_lacks_ids(&c)) {
		must(!keep, &e);
		if (rc < 0)
			check(&c, rc, &e);
	} else if (api_writes(&c)) {
		r.arg = &c;
		must(db->ops->begin(db, &e) == 0, &e);
		rc = db->ops->write(db, &r, &e) == 1 ? 0 : -1;
		check(&c, rc, &e);
		must(!keep || db->ops->commit(db, &bad, &e) == 0, &e);
		db->ops->rollback(db);
	} else {
		rc = api_run(&c, db->ops->store(db), &e);
		check(&c, rc, &e);
	}
	api_end(&c);
}

static void set_up(void)
{
	char url[64], key[64];
	struct err e = { 0 };

	log_set_level(LOG_LEVEL_ERROR);
	must(mkdtemp(dir) != NULL, NULL);
	(void)snprintf(key, sizeof(key), "%s/key", dir);
	(void)snprintf(url, sizeof(url), "sqlite:%s/k.db", dir);
	must(conf_parse(&conf, "f", settings, strlen(settings), &e) == 0, &e);
	keyring = keyring_open(key, true, &e);
	must(keyring && keyring_keep(keyring, &e) == 0, &e);
	db = journal_sqlite.open(url, keyring, NULL, &e);
	must(db && keys_settle(db->ops->store(db), keyring, true, &e) == 0, &e);
	(void)atexit(clean_up);
	run("POST", "/v1/tenants", acme, strlen(acme), true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char none[] = "";
	const char *body = none;
	char *text, *path, *end;

	if (!db)
		set_up();
	text = malloc(size + 1);
	must(text != NULL, NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	end = memchr(text, '\n', size);
	if (end) {
		*end = '\0';
		body = end + 1;
	}
	path = strchr(text, ' ');
	if (path) {
		*path++ = '\0';
		run(text, path, body, end ? size - (size_t)(body - text) : 0,
		    false);
	}
	free(text);
	return 0;
}
