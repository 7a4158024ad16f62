/* SPDX-License-Identifier: ISC */
#include "admin/rotate.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "admin/api.h"
#include "base/err.h"
#include "base/json.h"
#include "base/keyring.h"
#include "base/killpoint.h"
#include "base/log.h"
#include "store/keys.h"
#include "store/store.h"

/* With PostgreSQL two round trips each, which all others wait for. */
#define BATCH 50

#define NAMES_SIZE 120

/* The keys under which there is something. */
struct count {
	const char *id;
	int64_t under, others;
};

static int add_count(const char *id, int64_t n, void *arg)
{
	struct count *c = arg;

	if (strcmp(id, c->id) == 0)
		c->under += n;
	else
		c->others += n;
	return 0;
}

static int count(struct store *s, const char *id, struct count *out,
		 struct err *e)
{
	*out = (struct count){ .id = id };
	return s->ops->keys->count(s, add_count, out, e);
}

static int make_key(struct api_call *c, struct err *e)
{
	struct err why = { 0 };

	if (keyring_add(c->keyring, c->key, &why) < 0)
		return err_set(e, ERR_INPUT,
			       "%.140s; put a new key into it with"
			       " 'konstructctl key add', then once more",
			       why.msg);
	log_info(LOG_FIELDS({ "key", c->key },
			    { "file", keyring_path(c->keyring) }),
		 "made a new key");
	killpoint("key_made");
	return 0;
}

/* Which key it is to be: one that was put into the file, or a new one. */
static int choose(struct api_call *c, struct store *s, struct err *e)
{
	struct count n;

	if (keyring_reload(c->keyring, e) < 0)
		return -1;
	keyring_newest(c->keyring, c->key);
	if (count(s, c->key, &n, e) < 0)
		return -1;
	return n.under > 0 && n.others == 0 ? make_key(c, e) : 0;
}

static int add_name(const char *node, void *arg)
{
	char *out = arg;
	size_t n = strlen(out);

	(void)snprintf(out + n, NAMES_SIZE - n, "%s%s", n > 0 ? ", " : "",
		       node);
	return 0;
}

static int check_nodes(const struct api_call *c, struct store *s, struct err *e)
{
	char names[NAMES_SIZE] = "";

	if (!s->ops->keys->lacking)
		return 0;
	if (s->ops->keys->lacking(s, c->key, add_name, names, e) < 0)
		return -1;
	if (names[0] == '\0')
		return 0;
	return err_set(e, ERR_INPUT,
		       "key %s isn't on %s: copy '%.60s' there, and once more",
		       c->key, names, keyring_path(c->keyring));
}

/* From now on it seals what is written anew. */
static int use(const struct api_call *c, struct store *s, struct err *e)
{
	char seals[KEY_ID_SIZE];

	if (s->ops->keys->sealing(s, seals, e) < 0)
		return -1;
	if (strcmp(seals, c->key) == 0)
		return 0;
	if (check_nodes(c, s, e) < 0)
		return -1;
	return s->ops->keys->use(s, c->key, e);
}

static int answer(struct api_call *c, struct store *s, struct err *e)
{
	struct count n;
	struct jwrite w;

	if (count(s, c->key, &n, e) < 0)
		return -1;
	jw_init(&w, &c->out);
	jw_object(&w, NULL);
	jw_str(&w, "key", c->key);
	jw_int(&w, "secrets", n.under);
	jw_object_end(&w);
	return 0;
}

int rotate_run(struct api_call *c, struct store *s, struct err *e)
{
	int n;

	if (c->key[0] == '\0' && choose(c, s, e) < 0)
		return -1;
	if (use(c, s, e) < 0)
		return -1;
	n = s->ops->keys->reseal(s, BATCH, e);
	if (n < 0)
		return -1;
	killpoint("resealing");
	c->again = n == BATCH;
	return c->again ? 0 : answer(c, s, e);
}

struct list {
	struct jwrite *w;
	const struct keyring *keyring; /* NULL: not known */
	char seals[KEY_ID_SIZE];
	char rest[KEY_IDS_SIZE]; /* of the keyring, not yet shown */
};

static void add_key(struct list *l, const char *id, int64_t n)
{
	jw_object(l->w, NULL);
	jw_str(l->w, "id", id);
	jw_bool(l->w, "seals", strcmp(id, l->seals) == 0);
	jw_int(l->w, "secrets", n);
	if (l->keyring)
		jw_bool(l->w, "here", keyring_has(l->keyring, id));
	jw_object_end(l->w);
}

static int add_used(const char *id, int64_t n, void *arg)
{
	struct list *l = arg;
	char *at = strstr(l->rest, id);

	if (at && *id)
		memset(at, ' ', strlen(id));
	add_key(l, id, n);
	return 0;
}

/* Keys of the file that nothing is under. */
static void add_unused(struct list *l)
{
	char *save;
	char *id;

	for (id = strtok_r(l->rest, " ", &save); id;
	     id = strtok_r(NULL, " ", &save))
		add_key(l, id, 0);
}

int rotate_list(struct api_call *c, struct store *s, struct err *e)
{
	struct jwrite w;
	struct list l = { .w = &w, .keyring = c->keyring };

	if (keyring_reload(c->keyring, e) < 0 ||
	    s->ops->keys->sealing(s, l.seals, e) < 0)
		return -1;
	keyring_file_ids(c->keyring, l.rest);
	jw_init(&w, &c->out);
	jw_object(&w, NULL);
	jw_str(&w, "file", keyring_path(c->keyring));
	jw_array(&w, "keys");
	if (s->ops->keys->count(s, add_used, &l, e) < 0)
		return -1;
	add_unused(&l);
	jw_array_end(&w);
	jw_object_end(&w);
	return 0;
}

void rotate_status(struct jwrite *w, struct store *s)
{
	struct list l = { .w = w };
	struct err e = { 0 };

	jw_array(w, "keys");
	if (s && s->ops->keys->sealing(s, l.seals, &e) == 0)
		(void)s->ops->keys->count(s, add_used, &l, &e);
	jw_array_end(w);
}
