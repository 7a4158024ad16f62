/* SPDX-License-Identifier: ISC */
#include "store/keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/secret.h"
#include "store/backend.h"
#include "store/store.h"

static int place_of(char out[PLACE_SIZE], const struct sealed *row)
{
	if (strcmp(row->kind, "app") == 0)
		return place_app(out, row->a);
	if (strcmp(row->kind, "secret") == 0)
		return place_secret(out, row->a);
	if (strcmp(row->kind, "client") == 0)
		return place_client(out, row->a);
	if (strcmp(row->kind, "grant") == 0)
		return place_grant(out, row->a, row->b, row->c);
	return place_connection(out, row->a, row->b, row->c);
}

int sealed_renew(const struct sealed *row, const struct keyring *k,
		 const char *key, struct buf *out, struct err *e)
{
	char place[PLACE_SIZE];
	char *plain;
	int rc;

	if (place_of(place, row) < 0)
		return err_set(e, ERR_FATAL, "ids of a secret are too long");
	plain = keyring_unseal(k, place, row->value, e);
	if (!plain)
		return -1;
	rc = keyring_seal(k, key, place, plain, out, e);
	secret_free(plain);
	return rc;
}

struct check {
	const struct keyring *keyring;
	struct err *e;
};

static int check_key(const char *id, int64_t n, void *arg)
{
	const struct check *c = arg;

	if (keyring_has(c->keyring, id))
		return 0;
	return err_set(c->e, ERR_INPUT,
		       "%" PRId64 " secrets in the store are sealed under key"
		       " %.20s, which is not in key file '%s'",
		       n, id, keyring_path(c->keyring));
}

int keys_check(struct store *s, const struct keyring *k, struct err *e)
{
	struct check c = { k, e };
	char id[KEY_ID_SIZE];

	if (s->ops->keys->count(s, check_key, &c, e) < 0 ||
	    s->ops->keys->sealing(s, id, e) < 0)
		return -1;
	if (id[0] == '\0' || keyring_has(k, id))
		return 0;
	return err_set(e, ERR_INPUT,
		       "the store seals under key %s, which is not in key file"
		       " '%s'",
		       id, keyring_path(k));
}

int keys_settle(struct store *s, struct keyring *k, bool may_make,
		struct err *e)
{
	if (keys_check(s, k, e) < 0)
		return -1;
	if (keyring_is_new(k) && !may_make)
		return err_set(e, ERR_INPUT, "there is no key file '%s'",
			       keyring_path(k));
	return keyring_keep(k, e);
}
