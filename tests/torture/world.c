/* SPDX-License-Identifier: ISC */
#include "torture/world.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "sim/act.h"

#define WORLD_MAX (1 << 20)

bool world_streams(int k)
{
	return k % 2 == 1;
}

struct cast world_cast(int tenants)
{
	return (struct cast){
		.outcast = tenants > 3 ? tenants - 1 : -1,
		.broke = tenants > 4 ? tenants - 2 : -1,
		.leaver = tenants > 5 ? tenants - 3 : -1,
		.rotator = tenants > 1 ? 1 : -1,
		.purged = tenants > 2 ? 0 : -1,
	};
}

bool cast_is_troubled(const struct cast *c, int k)
{
	return k == c->outcast || k == c->leaver;
}

static const char *yes(bool b)
{
	return b ? "true" : "false";
}

/* One that expires looks like it. */
static void bot_token(const struct cast *c, int k, char out[40])
{
	snprintf(out, 40, "%s-sim-%05d",
		 k == c->rotator ? "xoxe.xoxb-1" : "xoxb", k);
}

static void add_tenant(struct buf *b, const struct cast *c, int k)
{
	char token[40], budget[64] = "";

	bot_token(c, k, token);
	if (k == c->broke)
		snprintf(budget, sizeof(budget),
			 "\"budget\":\"person/requests/month=%d\",",
			 WORLD_BUDGET);
	(void)buf_addf(b,
		       "{\"name\":\"tenant-%05d\",\"app_id\":\"A%05d\","
		       "\"app_token\":\"xapp-sim-%05d\","
		       "\"workspace_id\":\"T%05d\","
		       "\"bot_token\":\"%s\",%s"
		       "\"bot_user_id\":\"U%05dB\",\"bot_id\":\"B%05d\","
		       "\"streaming\":%s,\"agent_sessions\":%s,"
		       "\"agent\":{\"name\":\"Sim\",\"role\":\"answers\","
		       "\"persona\":\"Sim is patient.\"}}",
		       k, k, k, k, token, budget, k, k, yes(world_streams(k)),
		       yes(k % 3 == 1));
}

static void add_channels(struct buf *b, const struct cast *c, int k)
{
	(void)c;
	(void)buf_addf(b,
		       "{\"id\":\"C%05d\",\"team\":\"T%05d\","
		       "\"name\":\"general\",\"type\":\"channel\","
		       "\"members\":[\"U%05dB\",\"U%05dP\"]},"
		       "{\"id\":\"D%05d\",\"team\":\"T%05d\",\"type\":\"im\","
		       "\"members\":[\"U%05dB\",\"U%05dP\"]}",
		       k, k, k, k, k, k, k, k);
}

static void add_person(struct buf *b, const struct cast *c, int k)
{
	(void)c;
	(void)buf_addf(b,
		       "{\"id\":\"U%05dP\",\"team\":\"T%05d\","
		       "\"name\":\"U%05dP\"}",
		       k, k, k);
}

static void add_each(struct buf *b, const char *key, int tenants,
		     void (*add)(struct buf *b, const struct cast *c, int k))
{
	const struct cast c = world_cast(tenants);
	int k;

	(void)buf_addf(b, "\"%s\":[", key);
	for (k = 0; k < tenants; k++) {
		if (k > 0)
			(void)buf_addc(b, ',');
		add(b, &c, k);
	}
	(void)buf_addc(b, ']');
}

/* The token that it has expires as well. */
static int make_rotate(struct sim *s, const struct cast *c)
{
	const struct sim_rotation r = { .client_id = "1.2",
					.client_secret = "cafe",
					.refresh_token = "xoxe-1-first" };
	struct sim_settings set;
	char token[40];

	if (c->rotator < 0)
		return 0;
	sim_settings(s, &set);
	set.token_ms = WORLD_TOKEN_MS;
	sim_set(s, &set);
	bot_token(c, c->rotator, token);
	return sim_rotate_token(s, token, &r);
}

int world_make(struct sim *s, int tenants, struct err *e)
{
	const struct cast c = world_cast(tenants);
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
	if (rc == 0 && make_rotate(s, &c) < 0)
		rc = err_set(e, ERR_FATAL, "no token that expires");
	buf_release(&b);
	return rc;
}
