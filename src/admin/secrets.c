/* SPDX-License-Identifier: ISC */
#include "admin/secrets.h"

#include <stdlib.h>
#include <string.h>

#include "admin/api.h"
#include "admin/apply.h"
#include "base/err.h"
#include "base/json.h"
#include "base/secret.h"
#include "store/keys.h"
#include "store/store.h"

static bool printable(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	}
	return true;
}

int secrets_parse(struct api_call *c, const char *body, size_t len,
		  struct err *e)
{
	struct json *j = json_parse(body, len, len, e);
	const char *value = json_str(j, "value");
	int rc = -1;

	if (!j)
		return -1;
	if (!value || !*value || strlen(value) > SECRET_MAX ||
	    !printable(value)) {
		err_set(e, ERR_INPUT, "value: missing, too long or no text");
		goto out;
	}
	c->value = strdup(value);
	if (!c->value)
		err_set(e, ERR_RETRY, "no memory");
	else
		rc = 0;
out:
	json_wipe(j);
	return rc;
}

static int add_name(const char *name, void *arg)
{
	jw_str(arg, NULL, name);
	return 0;
}

int secrets_list(struct api_call *c, struct store *s, struct err *e)
{
	struct jwrite w;

	jw_init(&w, &c->out);
	jw_object(&w, NULL);
	jw_array(&w, "secrets");
	if (s->ops->keys->names(s, add_name, &w, e) < 0)
		return -1;
	jw_array_end(&w);
	jw_object_end(&w);
	return 0;
}

static int done(struct api_call *c)
{
	struct jwrite w;

	jw_init(&w, &c->out);
	jw_object(&w, NULL);
	jw_str(&w, "secret", c->tenant);
	jw_object_end(&w);
	return 0;
}

int secrets_set(struct api_call *c, struct store *s, struct err *e)
{
	if (!apply_name_valid(c->tenant))
		return err_set(e, ERR_INPUT, "'%.60s' is no name for a secret",
			       c->tenant);
	if (s->ops->keys->put(s, c->tenant, c->value, e) < 0)
		return -1;
	return done(c);
}

int secrets_remove(struct api_call *c, struct store *s, struct err *e)
{
	int rc = s->ops->keys->remove(s, c->tenant, e);

	if (rc < 0)
		return -1;
	if (rc > 0)
		return done(c);
	c->status = 404;
	return err_set(e, ERR_INPUT, "no secret '%.60s'", c->tenant);
}
