/* SPDX-License-Identifier: ISC */
#include "store/leases.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"

struct leases {
	atomic_llong until_ms;
	atomic_llong epoch[LEASE_PARTS]; /* 0: another's */
	atomic_llong ready[LEASE_PARTS]; /* epoch, or 0 */
};

unsigned int lease_part(const char *app_id)
{
	unsigned char d[DIGEST_SIZE];

	digest(app_id, strlen(app_id), d);
	return d[0] % LEASE_PARTS;
}

struct leases *leases_create(void)
{
	return calloc(1, sizeof(struct leases));
}

void leases_free(struct leases *l)
{
	free(l);
}

enum lease lease_check(const struct leases *l, unsigned int part, int64_t epoch)
{
	if (!l)
		return LEASE_HELD;
	if (epoch == 0 || lease_epoch(l, part) != epoch)
		return LEASE_LOST;
	return leases_sure(l) ? LEASE_HELD : LEASE_UNSURE;
}

int64_t lease_ready(const struct leases *l, unsigned int part)
{
	assert(part < LEASE_PARTS);
	return leases_sure(l) ? atomic_load(&l->ready[part]) : 0;
}

int64_t lease_epoch(const struct leases *l, unsigned int part)
{
	assert(part < LEASE_PARTS);
	return atomic_load(&l->epoch[part]);
}

bool lease_is_ours(const struct leases *l, const char *app_id)
{
	unsigned int part = lease_part(app_id);

	if (!l)
		return true;
	return lease_check(l, part, lease_epoch(l, part)) == LEASE_HELD;
}

void lease_set(struct leases *l, unsigned int part, int64_t epoch)
{
	assert(part < LEASE_PARTS);
	atomic_store(&l->ready[part], 0);
	atomic_store(&l->epoch[part], epoch);
}

void lease_set_ready(struct leases *l, unsigned int part, bool ready)
{
	assert(part < LEASE_PARTS);
	atomic_store(&l->ready[part], ready ? atomic_load(&l->epoch[part]) : 0);
}

void leases_hold(struct leases *l, int64_t until_ms)
{
	atomic_store(&l->until_ms, until_ms);
}

bool leases_sure(const struct leases *l)
{
	return clock_ms() < atomic_load(&l->until_ms);
}
