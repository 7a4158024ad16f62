/* SPDX-License-Identifier: ISC */
#include "torture/world.h"

#include "base/buf.h"
#include "base/err.h"

#define WORLD_MAX (1 << 20)

bool world_streams(int k)
{
	return k % 2 == 1;
}

static const char *yes(bool b)
{
	return b ? "true" : "false";
}

static void add_tenant(struct buf *b, int k)
{
	(void)buf_addf(b,
		       "{\"name\":\"tenant-%05d\",\"app_id\":\"A%05d\","
		       "\"app_token\":\"xapp-sim-%05d\","
		       "\"workspace_id\":\"T%05d\","
		       "\"bot_token\":\"xoxb-sim-%05d\","
		       "\"bot_user_id\":\"U%05dB\",\"bot_id\":\"B%05d\","
		       "\"streaming\":%s,\"agent_sessions\":%s,"
		       "\"agent\":{\"name\":\"Sim\",\"role\":\"answers\","
		       "\"persona\":\"Sim is patient.\"}}",
		       k, k, k, k, k, k, k, yes(world_streams(k)),
		       yes(k % 3 == 1));
}

static void add_channels(struct buf *b, int k)
{
	(void)buf_addf(b,
		       "{\"id\":\"C%05d\",\"team\":\"T%05d\","
		       "\"name\":\"general\",\"type\":\"channel\","
		       "\"members\":[\"U%05dB\",\"U%05dP\"]},"
		       "{\"id\":\"D%05d\",\"team\":\"T%05d\",\"type\":\"im\","
		       "\"members\":[\"U%05dB\",\"U%05dP\"]}",
		       k, k, k, k, k, k, k, k);
}

static void add_person(struct buf *b, int k)
{
	(void)buf_addf(b,
		       "{\"id\":\"U%05dP\",\"team\":\"T%05d\","
		       "\"name\":\"U%05dP\"}",
		       k, k, k);
}

static void add_each(struct buf *b, const char *key, int tenants,
		     void (*add)(struct buf *b, int k))
{
	int k;

	(void)buf_addf(b, "\"%s\":[", key);
	for (k = 0; k < tenants; k++) {
		if (k > 0)
			(void)buf_addc(b, ',');
		add(b, k);
	}
	(void)buf_addc(b, ']');
}

int world_make(struct sim *s, int tenants, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, WORLD_MAX);
	(void)buf_addc(&b, '{');
	add_each(&b, "tenants", tenants, add_tenant);
	(void)buf_addc(&b, ',');
	add_each(&b, "users", tenants, add_person);
	(void)buf_addc(&b, ',');
	add_each(&b, "channels", tenants, add_channels);
	(void)buf_addc(&b, '}');
	rc = b.failed ? err_set(e, ERR_FATAL, "too many tenants")
		      : sim_load(s, b.data, b.len, e);
	buf_release(&b);
	return rc;
}
